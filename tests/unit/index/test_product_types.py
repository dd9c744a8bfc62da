"""What a product is called and what it is for, read from its own words."""

from pathlib import Path

import pytest
from index_oracle import make_product

from actors.index.document import IndexedProduct
from actors.index.product_types import ProductType, infer_type
from actors.index.segments import open_branch
from actors.search.matching import match_all, top_matches
from loadtest.engine import BRANCH, build_index
from loadtest.engine_catalogue import read_catalogue
from loadtest.relevance import list_of
from protos.v1.product_pb2 import Product

_PROJECT = Path(__file__).resolve().parents[3]
_CATALOGUE = _PROJECT / "../shared/data/ecommerce/products.jsonl.gz"


def type_of(title: str, language: str = "en", **fields: object) -> ProductType:
    item: IndexedProduct = make_product("p", title, **fields)
    return infer_type(item.product, item.attributes.own.texts, language)


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Leather notebook sleeve", {"sleeve"}),
        ('15.6" Laptop backpack', {"backpack"}),
        ("Optical mouse 1000 dpi with cable", {"mouse"}),
        ("Screen protector for tablets", {"protector"}),
        ("Lamp for desks - Floor stand", {"lamp", "stand"}),
        ("Keyboard and mouse", {"keyboard", "mouse"}),
        ("Keyboard/mouse support", {"support"}),
        ("Phone 7 32GB", {"phone"}),
        ("Fan, 3 speeds, remote control", {"fan"}),
    ],
)
def test_an_english_phrase_is_named_by_its_last_noun(title: str, names: set[str]) -> None:
    assert type_of(title).names == names


def test_what_follows_for_is_a_target_until_the_next_phrase() -> None:
    kind = type_of("Case for Acme Phone 7 - Red")
    assert kind.targets == {"acme", "phone"}
    assert kind.names == {"case", "red"}


def test_a_property_or_the_brand_names_nothing_unless_nothing_else_is_left() -> None:
    colour = {"colour": ["Red"]}
    assert type_of("Acme wool cap red", brand="Acme", attributes=colour).names == {"cap"}
    assert type_of("Red", attributes=colour).names == {"red"}


def test_a_property_is_taken_out_as_a_whole_word_only() -> None:
    assert type_of("Scarred", attributes={"colour": ["Red"]}).names == {"scarred"}


def test_the_last_step_of_a_category_and_a_type_attribute_name_the_product() -> None:
    assert type_of("X1", categories=["Bags > Cases & Clips, Straps"]).names == {
        "cases",
        "clips",
        "straps",
    }
    assert type_of("X1", attributes={"product_type": ["Ink cartridge"]}).names == {"cartridge"}


def test_swedish_titles_go_on_after_the_noun() -> None:
    kind = type_of("Kaffebryggare Vintern 2 svart", "sv", attributes={"färg": ["svart"]})
    assert kind.names == {"kaffebryggare", "vintern"}
    assert type_of("Skal till mobil", "sv").targets == {"mobil"}


def test_of_an_unknown_language_only_the_type_attribute_is_believed() -> None:
    kind = type_of("Coque pour tasse", "", attributes={"product_type": ["Coque"]})
    assert kind == ProductType(frozenset({"coque"}), frozenset())


def test_what_a_product_is_beats_what_it_mentions_and_that_what_it_is_for() -> None:
    products = [
        Product(id="for", title="Cover for phone"),
        Product(id="is", title="Black small phone"),
        Product(id="says", title="Small phone cover"),
    ]
    view = open_branch(build_index(iter(products), "en"), BRANCH)
    hits = top_matches(match_all(view, ["phone"]), 3)
    assert [hit.product_id for hit in hits] == [b"is", b"says", b"for"]
    assert hits[1].score / hits[0].score == pytest.approx(0.7, rel=0.01)
    assert hits[2].score / hits[0].score == pytest.approx(0.55, rel=0.01)


def is_device(product: Product) -> bool:
    """By the shop's own categories: its accessories all stand below a step that says so."""
    return not any("Accessories" in path or "Add-Ons" in path for path in product.categories)


@pytest.mark.skipif(not _CATALOGUE.exists(), reason="needs ../shared/data/ecommerce")
def test_devices_come_before_their_accessories_in_a_phone_shop() -> None:
    products = read_catalogue(_CATALOGUE, _PROJECT / "examples/ecommerce.toml")
    by_id = {product.id: product for product in products}
    view = open_branch(build_index(iter(products), "en"), BRANCH)
    for query in ("iphone", "phone", "smartwatch"):
        found = [by_id[key] for key in list_of(view, query, "en")]
        expected = min(8, sum(map(is_device, found)))
        assert sum(map(is_device, found[:10])) >= expected, query
