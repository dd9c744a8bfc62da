"""What a valid product is, and its split into content and inventory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.fields import FieldBook, core_fields
from actors.model.masks import apply_update, check_read_mask, check_update_mask, keep_only
from actors.model.names import parse_branch, parse_product_name
from actors.model.pages import decode_page_token, encode_page_token
from actors.model.prices import price_in_market
from actors.model.products import check_product, has_inventory, join, split
from node.errors import InvalidArgumentError, PermissionDeniedError
from protos.v1.common_pb2 import IN_STOCK, AttributeValue
from protos.v1.product_pb2 import Price, Product, Variant


def violations(product: Product) -> list[str]:
    check = check_product(product, currency_code="SEK", path="products[0]")
    return [violation.field for violation in check.violations]


def kinds(product: Product) -> list[tuple[str, int]]:
    return check_product(product, currency_code="SEK", path="products[0]").kinds


def kettle(**changes: object) -> Product:
    product = Product(id="kettle", title="Kettle")
    for name, value in changes.items():
        if isinstance(value, list):
            getattr(product, name).extend(value)
        else:
            setattr(product, name, value)
    return product


def test_a_product_needs_only_an_id_and_a_title() -> None:
    assert violations(kettle()) == []
    assert violations(Product()) == ["products[0].id", "products[0].title"]


@pytest.mark.parametrize("bad", ["", "x" * 129, "line\nbreak", "å" * 65])
def test_an_id_has_1_to_128_bytes_and_no_control_character(bad: str) -> None:
    assert violations(Product(id=bad, title="t")) == ["products[0].id"]


def test_a_negative_price_is_refused_with_its_path() -> None:
    product = kettle(prices=[Price(selling_micros=-1)])

    assert violations(product) == ["products[0].prices[0].selling_micros"]


def test_a_price_without_a_market_is_in_the_tenants_currency() -> None:
    """An absent currency is filled in; another one is refused, unless the price names a market."""
    filled = kettle(prices=[Price(selling_micros=5)])

    assert violations(filled) == []
    assert filled.prices[0].currency_code == "SEK"
    assert violations(kettle(prices=[Price(selling_micros=5, currency_code="EUR")])) == [
        "products[0].prices[0].currency_code"
    ]
    in_finland = Price(selling_micros=5, currency_code="EUR", market="fi")
    assert violations(kettle(prices=[in_finland])) == []


def test_two_prices_for_one_market_are_refused() -> None:
    assert violations(kettle(prices=[Price(), Price()])) == ["products[0].prices[1]"]


def test_a_product_of_2_mb_is_refused_before_anything_else_is_looked_at() -> None:
    assert violations(kettle(description="x" * 2_000_000)) == ["products[0]"]


def test_an_attribute_holds_exactly_one_kind_of_value() -> None:
    product = kettle()
    product.attributes["colour"].texts.append("red")
    product.attributes["both"].CopyFrom(AttributeValue(texts=["a"], numbers=[1]))
    product.attributes["none"].CopyFrom(AttributeValue())
    product.attributes["huge"].numbers.append(float("inf"))

    assert sorted(violations(product)) == [
        "products[0].attributes.both",
        "products[0].attributes.huge",
        "products[0].attributes.none",
    ]


def test_an_attribute_key_has_a_plain_form() -> None:
    product = kettle()
    product.attributes["1st key!"].texts.append("x")

    assert violations(product) == ["products[0].attributes"]


def test_a_sku_stands_once_in_its_product() -> None:
    product = kettle(variants=[Variant(id="s"), Variant(id="s")])

    assert violations(product) == ["products[0].variants[1].id"]


AMOUNTS = st.integers(0, 10**12)
PRICES = st.builds(Price, selling_micros=AMOUNTS, list_micros=AMOUNTS, market=st.sampled_from("ab"))
STOCK = st.fixed_dictionaries(
    {"prices": st.lists(PRICES, max_size=2), "availability": st.sampled_from([0, IN_STOCK])},
    optional={"stock_quantity": st.integers(0, 99)},
)


@given(STOCK, st.lists(STOCK, max_size=3))
def test_split_and_join_are_each_others_inverse(stock: dict, variant_stocks: list[dict]) -> None:
    variants = [Variant(id=f"v{number}", **one) for number, one in enumerate(variant_stocks)]
    product = Product(id="p", title="t", variants=variants, **stock)
    whole = product.SerializeToString(deterministic=True)

    content, inventory = split(product, time_ms=7)

    assert join(content, inventory).SerializeToString(deterministic=True) == whole
    assert not has_inventory(Product.FromString(content))


def test_equal_products_have_equal_content_whatever_the_order_of_their_attributes() -> None:
    one, other = kettle(), kettle()
    for product, keys in ((one, "ab"), (other, "ba")):
        for key in keys:
            product.attributes[key].texts.append(key)

    assert split(one, time_ms=1)[0] == split(other, time_ms=2)[0]


def test_a_market_sees_its_own_price_else_the_one_of_all_markets() -> None:
    everywhere, finland = Price(selling_micros=1), Price(selling_micros=2, market="fi")
    club = Price(selling_micros=0, market="fi", price_list="club")

    assert price_in_market([club, everywhere, finland], "fi") == finland
    assert price_in_market([club, everywhere, finland], "se") == everywhere
    assert price_in_market([club], "fi") is None


def test_an_update_changes_what_its_mask_names_and_nothing_else() -> None:
    stored = kettle(brand="Old", tags=["a"])
    stored.attributes["colour"].texts.append("red")
    stored.attributes["size"].numbers.append(1)
    change = Product(brand="New")
    change.attributes["colour"].texts.append("blue")

    apply_update(stored, change, ["brand", "attributes.colour", "attributes.size"])

    assert (stored.brand, list(stored.tags), stored.title) == ("New", ["a"], "Kettle")
    assert list(stored.attributes["colour"].texts) == ["blue"]
    assert "size" not in stored.attributes


def test_masks_refuse_what_does_not_exist() -> None:
    for path in ("id", "name", "colour"):
        with pytest.raises(InvalidArgumentError, match="cannot be updated"):
            check_update_mask([path])
    with pytest.raises(InvalidArgumentError, match="no field of a product"):
        check_read_mask(["colour"])


def test_a_read_mask_keeps_the_id() -> None:
    product = kettle(brand="b")

    keep_only(product, ["title"])

    assert (product.id, product.title, product.brand) == ("kettle", "Kettle", "")


def test_a_resource_name_of_another_tenant_is_refused() -> None:
    name = "tenants/-/branches/-/products/a/b"

    assert parse_product_name(name, tenant_id="shop").product_id == "a/b"
    with pytest.raises(PermissionDeniedError):
        parse_product_name("tenants/other/branches/1/products/a", tenant_id="shop")
    with pytest.raises(InvalidArgumentError):
        parse_product_name("products/a", tenant_id="shop")
    with pytest.raises(InvalidArgumentError):
        parse_branch("0x1")


@given(st.binary(max_size=40), st.text(max_size=40))
def test_a_page_token_is_bound_to_its_list(key: bytes, noise: str) -> None:
    token = encode_page_token(key, scope="fields")

    assert decode_page_token(token, scope="fields") == key
    for wrong, scope in ((token, "other"), (noise + "!", "fields")):
        with pytest.raises(InvalidArgumentError):
            decode_page_token(wrong, scope=scope)


def test_a_new_attribute_key_is_learnt_once_and_an_edited_one_keeps_its_weight() -> None:
    book = FieldBook(core_fields())
    product = kettle()
    product.attributes["colour"].texts.append("red")

    first = book.learn(kinds(product))
    again = book.learn(kinds(product))
    edited = book.records["attributes.colour"]
    edited.inferred = False
    edited.search_weight = 7
    product.attributes["colour"].CopyFrom(AttributeValue(numbers=[3]))
    widened = book.learn(kinds(product))

    assert [record.key for record in first] == ["attributes.colour"]
    assert again == []
    assert widened[0].has_texts
    assert widened[0].has_numbers
    assert widened[0].search_weight == 7
