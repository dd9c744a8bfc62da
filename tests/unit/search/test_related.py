"""What is shown when nothing matches at all."""

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.query import SearchPage, SearchQuery
from actors.search.related import RELATED_MAX
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.product_pb2 import Product

FIELD = FieldSetting(1.0, facetable=True, filterable=True, sortable=True)
SCHEMA = Schema(
    ("sv",), dict.fromkeys(("title", "categories", "brand"), FIELD), {}, weights_version=1
)


def product(
    title: str, category: str, *, brand: str = "", popularity: float = 0, stock: int = 1
) -> IndexedProduct:
    """Its title is its id."""
    content = Product(
        id=title, title=title, categories=[category], brand=brand, popularity=popularity
    )
    return IndexedProduct(content, InventoryRecord(product=StockRecord(stock_quantity=stock)))


def branch(*items: IndexedProduct) -> BranchView:
    arrays = MemoryArrays()
    for item in items:
        update_index(arrays, 1, IndexUpdate([item]), SCHEMA)
    return open_branch(arrays, 1)


def ask(view: BranchView, text: str, **options) -> SearchPage:
    return search(view, SearchQuery(text, **options), SCHEMA)


def related(page: SearchPage) -> list[str]:
    return [hit.product_id.decode() for hit in page.related_hits]


SHOP = (
    product("Kaffe", "Mat > Dryck", popularity=9),
    product("Ripan", "Kläder > Jackor"),
    product("Falken", "Kläder > Jackor", popularity=5),
    product("Örnen", "Kläder > Jackor", popularity=7, stock=0),
    product("Lommen", "Kläder > Byxor", brand="Fjallraven"),
)


def test_products_of_the_closest_category_come_first_in_the_order_of_a_listing_page() -> None:
    page = ask(branch(*SHOP), "snowboardjacka")

    assert (page.total, page.relaxed_total) == (0, 0)
    assert related(page) == ["Falken", "Ripan", "Örnen", "Kaffe", "Lommen"]


def test_a_brand_that_is_written_alike_is_close() -> None:
    assert related(ask(branch(*SHOP), "fjelrivan"))[0] == "Lommen"


def test_there_is_always_something_that_passes_the_filter() -> None:
    view = branch(*SHOP)

    assert related(ask(view, "xyzzy")) == ["Kaffe", "Falken", "Lommen", "Ripan", "Örnen"]
    page = ask(view, "snowboardjacka", filter='categories = "Mat"')
    assert related(page) == ["Kaffe"]
    assert related(ask(view, "xyzzy", filter='brand = "ingen"')) == []


def test_nothing_is_related_to_what_was_found() -> None:
    view = branch(*SHOP)

    assert related(ask(view, "falken")) == []
    assert related(ask(view, "falken xyzzy")) == []
    assert related(ask(view, "")) == []


def test_related_products_are_few_and_none_when_nothing_is_wanted_beside_the_results() -> None:
    view = branch(*(product(f"Jacka {n}", "Kläder") for n in range(RELATED_MAX + 3)))

    assert len(related(ask(view, "xyzzy"))) == RELATED_MAX
    assert len(related(ask(view, "xyzzy", relaxed_size=4))) == 4
    assert related(ask(view, "xyzzy", relaxed_size=0)) == []


def test_names_of_dead_products_lead_nowhere() -> None:
    arrays = MemoryArrays()
    for item in SHOP:
        update_index(arrays, 1, IndexUpdate([item]), SCHEMA)
    gone = [title.encode() for title in ("Ripan", "Falken", "Örnen")]
    update_index(arrays, 1, IndexUpdate(deletes=gone), SCHEMA)

    assert related(ask(open_branch(arrays, 1), "snowboardjacka")) == ["Kaffe", "Lommen"]
