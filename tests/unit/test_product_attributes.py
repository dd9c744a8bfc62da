"""Attributes as plain values, and what is kept of them within a write."""

from actors.model import attributes as module
from actors.model.attributes import (
    Attributes,
    ReadProduct,
    keep_read,
    read_attributes,
    read_content,
    read_product_attributes,
)
from protos.v1.common_pb2 import AttributeValue
from protos.v1.product_pb2 import Product, Variant


def kettle(number: int = 0) -> Product:
    attributes = {
        "colour": AttributeValue(texts=["red", "blue"]),
        "watts": AttributeValue(numbers=[2_000 + number]),
        "cordless": AttributeValue(boolean=False),
    }
    variant = Variant(id="s", attributes={"size": AttributeValue(texts=["S"])})
    return Product(id=f"k{number}", title="Kettle", attributes=attributes, variants=[variant])


def test_each_value_stands_beside_its_key() -> None:
    read = read_product_attributes(kettle())

    assert read.own == Attributes(
        [("colour", "red"), ("colour", "blue")], [("watts", 2_000.0)], [("cordless", False)]
    )
    assert read.variants == [Attributes([("size", "S")])]


def test_a_value_of_no_kind_or_of_several_is_unclear() -> None:
    several = AttributeValue(texts=["a"], boolean=True)
    product = Product(attributes={"none": AttributeValue(), "both": several})

    read = read_attributes(product)

    assert sorted(read.unclear) == ["both", "none"]
    assert read.texts == read.numbers == read.booleans == []


def test_what_was_kept_is_given_once_and_is_what_the_content_says() -> None:
    product = kettle()
    content = product.SerializeToString(deterministic=True)
    kept = ReadProduct(product, read_product_attributes(product))

    keep_read(content, kept)
    first, second = read_content(content), read_content(content)

    assert first is kept
    assert second is not kept
    assert second == first


def test_what_nobody_asks_for_does_not_pile_up(monkeypatch) -> None:
    """A transaction that fails leaves behind what its writes had read."""
    monkeypatch.setattr(module, "_KEPT_MAX", 3)
    monkeypatch.setattr(module, "_kept", module._Kept())
    products = [kettle(number) for number in range(10)]
    contents = [product.SerializeToString(deterministic=True) for product in products]

    reads = [ReadProduct(product, read_product_attributes(product)) for product in products]
    for content, read in zip(contents, reads, strict=True):
        keep_read(content, read)

    found = map(read_content, contents)
    kept = [one is read for one, read in zip(found, reads, strict=True)]
    assert 1 <= sum(kept) <= 3
    assert kept[-1]
