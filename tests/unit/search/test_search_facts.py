"""What a search promises, one fact at a time."""

from dataclasses import replace

import pytest
from random_catalogue import CORE

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_WEIGHTS, FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.highlight import highlight
from actors.search.query import FacetRequest, FacetValue, Interval, SearchPage, SearchQuery
from actors.search.search import search
from actors.text.analyzer import analyzer_of
from node.errors import InvalidArgumentError
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.common_pb2 import AttributeValue, Availability
from protos.v1.product_pb2 import Price, Product, Variant

ATTRIBUTES = ("colour", "size", "weight")


def setting(key: str) -> FieldSetting:
    weight = DEFAULT_WEIGHTS.get(key, 0.0)
    return FieldSetting(weight, facetable=True, filterable=True, sortable=True)


SCHEMA = Schema(
    language_codes=("sv",),
    fields={key: setting(key) for key in (*CORE, *(f"attributes.{key}" for key in ATTRIBUTES))},
    average_lengths={},
    weights_version=1,
)


def branch(*products: IndexedProduct) -> BranchView:
    arrays = MemoryArrays()
    for item in products:
        update_index(arrays, 1, IndexUpdate([item]), SCHEMA)
    return open_branch(arrays, 1)


def item(
    product_id: str,
    *,
    price: float | None = None,
    stock: int | None = None,
    variants: tuple[tuple[Variant, float | None], ...] = (),
    **content,
) -> IndexedProduct:
    attributes = content.pop("attributes", {})
    product = Product(id=product_id, title=content.pop("title", product_id), **content)
    for key, value in attributes.items():
        product.attributes[key].CopyFrom(AttributeValue(texts=[value]))
    product.variants.extend(variant for variant, _ in variants)
    record = InventoryRecord(product=stock_of(price, stock))
    record.variants.extend(stock_of(amount, None) for _, amount in variants)
    return IndexedProduct(product, record)


def stock_of(price: float | None, stock: int | None) -> StockRecord:
    record = StockRecord()
    if price is not None:
        record.prices.append(Price(selling_micros=round(price * 1_000_000)))
    if stock is not None:
        record.stock_quantity = stock
    return record


def sku(variant_id: str, *, colour: str = "", size: float | None = None) -> Variant:
    variant = Variant(id=variant_id)
    if colour:
        variant.attributes["colour"].texts.append(colour)
    if size is not None:
        variant.attributes["size"].numbers.append(size)
    return variant


def ids(page: SearchPage) -> list[str]:
    return [hit.product_id.decode() for hit in page.hits]


def found(view: BranchView, filter_text: str) -> list[str]:
    return sorted(ids(search(view, SearchQuery(filter=filter_text), SCHEMA)))


SHIRTS = (
    item(
        "one",
        variants=((sku("1a", colour="red", size=42), 100), (sku("1b", colour="blue", size=44), 80)),
    ),
    item(
        "two",
        variants=((sku("2a", colour="red", size=44), 50), (sku("2b", colour="blue", size=42), 60)),
    ),
    item("three", price=70, attributes={"colour": "red"}),
)


def test_conditions_on_variants_hold_within_one_sku() -> None:
    """Red and 42 is one SKU: a red one and another one of size 42 do not make it."""
    assert found(branch(*SHIRTS), "attributes.colour = red AND attributes.size = 42") == ["one"]


def test_the_price_is_that_of_the_cheapest_variant_that_passes_the_other_conditions() -> None:
    """The red variant of one costs 100, though a blue one costs 80."""
    view = branch(*SHIRTS)

    assert found(view, "attributes.colour = red AND price < 90") == ["three", "two"]
    assert found(view, "attributes.colour = red AND price = 100") == ["one"]
    assert found(view, "price = 100") == []


def test_the_shown_variant_is_the_cheapest_that_passes() -> None:
    view = branch(*SHIRTS)

    page = search(view, SearchQuery(filter="attributes.colour = red", order_by="id"), SCHEMA)

    assert [(h.product_id, h.variant_index, h.matching_variant_count) for h in page.hits] == [
        (b"one", 0, 1),
        (b"three", -1, 0),
        (b"two", 0, 1),
    ]


def test_facets_count_products_and_not_variants() -> None:
    view = branch(*SHIRTS)
    facets = (FacetRequest("attributes.colour"), FacetRequest("price"))

    page = search(view, SearchQuery(facets=facets), SCHEMA)

    colours, prices = page.facets
    assert colours.values == (FacetValue("red", 3), FacetValue("blue", 2))
    assert prices.values == (FacetValue(50.0, 1), FacetValue(70.0, 1), FacetValue(80.0, 1))
    assert (prices.minimum, prices.maximum) == (50.0, 80.0)


def test_an_excluded_key_leaves_its_conditions_out_of_one_facet_only() -> None:
    view = branch(
        item("a", brand="Sony", tags=["x"]),
        item("b", brand="HP", tags=["x"]),
        item("c", brand="HP"),
    )
    facets = (
        FacetRequest("brand", excluded_filter_keys=("brand",)),
        FacetRequest("brand"),
        FacetRequest("tags", excluded_filter_keys=("brand",)),
    )

    page = search(view, SearchQuery(filter="brand = Sony AND tags = x", facets=facets), SCHEMA)

    assert page.total == 1
    assert page.facets[0].values == (FacetValue("HP", 1), FacetValue("Sony", 1))
    assert page.facets[1].values == (FacetValue("Sony", 1),)
    assert page.facets[2].values == (FacetValue("x", 2),)


def test_categories_count_the_children_of_a_parent() -> None:
    view = branch(
        item("a", categories=["Clothes > Jackets > Winter", "Clothes > Jackets"]),
        item("b", categories=["Clothes > Shoes"]),
        item("c", categories=["Toys"]),
    )

    def children(parent: str) -> list[tuple]:
        page = search(
            view, SearchQuery(facets=(FacetRequest("categories", parent=parent),)), SCHEMA
        )
        return [(value.value, value.count) for value in page.facets[0].values]

    assert children("") == [("Clothes", 2), ("Toys", 1)]
    assert children("Clothes") == [("Clothes > Jackets", 1), ("Clothes > Shoes", 1)]
    assert children("Clothes > Jackets") == [("Clothes > Jackets > Winter", 1)]
    assert children("Toys") == []
    assert found(view, 'categories = "clothes>jackets"') == ["a"]


def test_a_path_of_many_levels_is_kept_whole_on_the_last() -> None:
    path = " > ".join(f"level {number}" for number in range(40))

    assert found(branch(item("deep", categories=[path])), f'categories = "{path}"') == ["deep"]


def test_intervals_are_half_open_and_counted_in_the_order_asked() -> None:
    view = branch(item("a", price=10), item("b", price=20), item("c"))
    intervals = (Interval(20, None), Interval(None, 20), Interval(30, 40))

    page = search(view, SearchQuery(facets=(FacetRequest("price", intervals=intervals),)), SCHEMA)

    assert [(v.value, v.count) for v in page.facets[0].values] == list(
        zip(intervals, (1, 1, 0), strict=True)
    )


def test_text_is_compared_without_case_and_in_composed_form() -> None:
    view = branch(item("a", brand="Haglöfs"), item("b", brand="HAGLO\u0308FS"), item("c"))

    assert found(view, "brand = haglöfs") == ["a", "b"]
    assert found(view, "brand != haglöfs") == ["c"]
    assert found(view, "NOT brand:*") == ["c"]


def test_nordic_letters_stand_behind_z_in_their_order() -> None:
    view = branch(*(item(name, brand=name) for name in ("Zoo", "Öl", "Ärla", "Ål", "ada")))

    page = search(view, SearchQuery(order_by="brand"), SCHEMA)

    assert ids(page) == ["ada", "Zoo", "Ål", "Ärla", "Öl"]


def test_has_finds_words_side_by_side() -> None:
    view = branch(
        item("a", attributes={"colour": "Intel® Core™ 2 Duo"}),
        item("b", attributes={"colour": "Coreless"}),
        item("c", attributes={"colour": "SD,MMC,MS PRO"}),
    )

    assert found(view, "attributes.colour : intel") == ["a"]
    assert found(view, 'attributes.colour : "core™  2"') == ["a"]
    assert found(view, "attributes.colour : core") == ["a"]
    assert found(view, "attributes.colour : core*") == ["a", "b"]
    assert found(view, "attributes.colour : mmc") == ["c"]
    assert found(view, "attributes.colour = core*") == ["b"]


def test_a_market_without_a_price_of_its_own_has_the_general_one() -> None:
    product = item("a", price=100)
    product.inventory.product.prices.append(Price(market="no", selling_micros=120_000_000))
    product.inventory.product.prices.append(
        Price(market="se", price_list="vip", selling_micros=1_000_000)
    )
    view = branch(product)

    def price_in(market: str) -> float:
        facets = (FacetRequest("price"),)
        page = search(view, SearchQuery(market=market, facets=facets), SCHEMA)
        return page.facets[0].values[0].value

    assert [price_in(market) for market in ("", "no", "se")] == [100.0, 120.0, 100.0]


def test_a_variant_inherits_what_it_does_not_say() -> None:
    product = item("a", price=100, stock=0, variants=((sku("1"), None), (sku("2"), 90)))
    product.inventory.variants[1].availability = Availability.IN_STOCK
    view = branch(product)

    assert found(view, "variant_id = 1 AND price = 100 AND availability = OUT_OF_STOCK") == ["a"]
    assert found(view, "variant_id = 2 AND price = 90 AND availability = IN_STOCK") == ["a"]
    assert found(view, "variant_id = 2 AND stock_quantity = 0") == ["a"]


def test_a_product_with_one_variant_shows_it() -> None:
    """Even though its segment has as many rows as products."""
    view = branch(item("a", variants=((sku("only", colour="red"), 5),)))

    page = search(view, SearchQuery(text="a"), SCHEMA)

    assert [(h.variant_index, h.matching_variant_count) for h in page.hits] == [(0, 1)]
    assert found(view, "attributes.colour = red AND price = 5") == ["a"]


def test_words_find_and_the_relaxed_list_is_apart() -> None:
    view = branch(
        item("both", title="usb hub"), item("one", title="usb cable"), item("none", title="chair")
    )

    page = search(view, SearchQuery(text="usb hub"), SCHEMA)

    assert ids(page) == ["both"]
    assert [hit.product_id for hit in page.relaxed_hits] == [b"one"]
    assert (page.total, page.relaxed_total) == (1, 1)
    assert page.terms == ("usb", "hub")


def test_no_relaxed_list_when_enough_match_or_none_is_wanted_or_on_later_pages() -> None:
    titles = ["usb hub"] * 7 + ["usb cable"] * 2
    view = branch(*(item(f"p{n}", title=title) for n, title in enumerate(titles)))
    query = SearchQuery(text="usb hub", page_size=2)

    first = search(view, query, SCHEMA)
    later = search(view, replace(query, page_token=first.next_page_token), SCHEMA)
    full = branch(*(item(f"p{n}", title=title) for n, title in enumerate(["usb hub", *titles])))
    enough = search(full, query, SCHEMA)
    unwanted = search(view, replace(query, relaxed_size=0), SCHEMA)

    assert len(first.relaxed_hits) == 2
    assert later.relaxed_hits == enough.relaxed_hits == unwanted.relaxed_hits == ()


def test_words_that_are_none_find_nothing_and_spaces_are_a_listing_page() -> None:
    view = branch(item("a"))

    assert search(view, SearchQuery(text=" !? "), SCHEMA).total == 0
    assert search(view, SearchQuery(text="  "), SCHEMA).total == 1


def test_an_empty_branch_answers_with_nothing() -> None:
    view = open_branch(MemoryArrays(), 7)
    facets = (FacetRequest("brand"), FacetRequest("price"), FacetRequest("attributes.size"))

    for query in (SearchQuery(), SearchQuery(text="usb"), SearchQuery(order_by="price")):
        page = search(view, replace(query, facets=facets, filter="price < 5"), SCHEMA)

        assert (page.hits, page.total, page.relaxed_total) == ((), 0, 0)
        assert all(facet.values == () for facet in page.facets)


def test_pages_end_at_the_thousandth_product() -> None:
    arrays = MemoryArrays()
    update_index(arrays, 1, IndexUpdate([item(f"p{n:04d}") for n in range(1_100)]), SCHEMA)
    view = open_branch(arrays, 1)
    query = SearchQuery(page_size=500)

    seen, token = [], ""
    while True:
        page = search(view, replace(query, page_token=token), SCHEMA)
        assert len(page.hits) <= 120
        seen += ids(page)
        token = page.next_page_token
        if not token:
            break

    assert page.total == 1_100
    assert seen == [f"p{n:04d}" for n in range(1_000)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (SearchQuery(text="word " * 10_000), "query"),
        (SearchQuery(text="w " * 65), "query"),
        (SearchQuery(text="ö" * 513), "query"),
        (SearchQuery(facets=(FacetRequest("brand"),) * 1_000), "facets"),
        (SearchQuery(page_size=-1), "page_size"),
        (SearchQuery(relaxed_size=-1), "relaxed_size"),
        (SearchQuery(facets=(FacetRequest("brand", limit=-1),)), "facets[0].limit"),
        (SearchQuery(facets=(FacetRequest("bland"),)), "facets[0].key"),
        (SearchQuery(facets=(FacetRequest("brand", parent="x"),)), "facets[0].parent"),
        (
            SearchQuery(facets=(FacetRequest("brand", intervals=(Interval(1, 2),)),)),
            "facets[0].intervals",
        ),
        (
            SearchQuery(facets=(FacetRequest("price", intervals=(Interval(1, 2),) * 41),)),
            "facets[0].intervals",
        ),
        (
            SearchQuery(facets=(FacetRequest("brand", excluded_filter_keys=("bland",)),)),
            "facets[0].excluded_filter_keys[0]",
        ),
        (SearchQuery(order_by="price,brand,title,id"), "order_by"),
        (SearchQuery(order_by="price up"), "order_by"),
        (SearchQuery(order_by="bland"), "order_by"),
        (SearchQuery(order_by="price,"), "order_by"),
        (SearchQuery(order_by="relevance, price"), "order_by"),
        (SearchQuery(filter="bland = 1"), "filter"),
        (SearchQuery(page_token="nonsense"), "page_token"),
    ],
)
def test_what_can_never_be_answered_is_refused_with_the_field(
    query: SearchQuery, field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        search(branch(item("a")), query, SCHEMA)

    assert [violation.field for violation in refused.value.violations] == [field]


def test_sixty_four_words_and_a_hundred_facets_are_answered() -> None:
    query = SearchQuery(text="w " * 64, facets=(FacetRequest("brand"),) * 100, page_size=1_000)

    assert len(search(branch(item("a")), query, SCHEMA).facets) == 100


def test_matched_words_are_marked_and_all_else_is_escaped() -> None:
    assert (
        highlight('Jackor & <b>jackan</b> "x"', ("jacka",), analyzer_of("sv"))
        == "<em>Jackor</em> &amp; &lt;b&gt;<em>jackan</em>&lt;/b&gt; &quot;x&quot;"
    )
    assert highlight("a < b", (), analyzer_of("sv")) == "a &lt; b"


def test_marks_do_not_overlap() -> None:
    """A code is found whole and by its parts."""
    marked = highlight("Ear WH-1000XM4 pad", ("wh1000xm4", "wh", "ear"), analyzer_of("en"))

    assert marked == "<em>Ear</em> <em>WH-1000XM4</em> pad"
