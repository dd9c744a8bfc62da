"""When another spelling is offered beside results."""

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.did_you_mean import MORE_TIMES
from actors.search.query import SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

FIELD = FieldSetting(1.0, facetable=False, filterable=True, sortable=True)
SCHEMA = Schema(("en",), {"title": FIELD}, {}, weights_version=1)


def branch(*titles: str, **content: str) -> BranchView:
    arrays = MemoryArrays()
    items = [
        IndexedProduct(Product(id=str(number), title=title, **content), InventoryRecord())
        for number, title in enumerate(titles)
    ]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def meant(view: BranchView, text: str, **options) -> str:
    return search(view, SearchQuery(text, **options), SCHEMA).did_you_mean


SHORTS = ["Shorts"] * MORE_TIMES


def test_a_rare_word_beside_a_frequent_one_is_questioned() -> None:
    view = branch("Big shots", *SHORTS)

    page = search(view, SearchQuery("Big Shots"), SCHEMA)

    assert (page.hits[0].product_id, page.corrected_query) == (b"0", "")
    assert meant(view, "shots") == "shorts"
    assert meant(view, "big shots") == ""  # no big shorts


def test_the_rest_of_the_text_is_kept_as_it_was_typed() -> None:
    view = branch("Red shots", *["Red shorts"] * MORE_TIMES)

    assert meant(view, "RED  Shots!") == "RED  shorts!"


def test_one_product_less_than_ten_times_as_many_is_not_enough() -> None:
    assert meant(branch("Shots", *SHORTS[1:]), "shots") == ""
    assert meant(branch("Shots", "Shots", *SHORTS), "shots") == ""


def test_nothing_is_offered_where_the_text_was_corrected_or_is_to_be_taken_as_typed() -> None:
    view = branch("Big shots", *SHORTS)

    assert meant(view, "shorst") == ""
    assert meant(view, "shots", as_typed=True) == ""


def test_an_identifier_is_what_it_is_meant_to_be() -> None:
    arrays = MemoryArrays()
    products = [Product(id="logitec", title="Logitec tripod")]
    products += [Product(id=str(n), title="Logitech") for n in range(MORE_TIMES)]
    items = [IndexedProduct(product, InventoryRecord()) for product in products]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)

    assert meant(open_branch(arrays, 1), "logitec") == ""


def test_enough_results_are_not_questioned() -> None:
    assert meant(branch(*["Shots"] * 8, *["Shorts"] * 80), "shots") == ""
