"""When a search looks beyond the words as they are typed, and what it then finds."""

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.query import SearchPage, SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

TITLE = FieldSetting(1.0, facetable=False, filterable=True, sortable=True)
SCHEMA = Schema(("en",), {"title": TITLE}, {}, weights_version=1)


def branch(*titles: str, **content: str) -> BranchView:
    """A product for each title; ids are their numbers."""
    arrays = MemoryArrays()
    items = [
        IndexedProduct(Product(id=str(number), title=title, **content), InventoryRecord())
        for number, title in enumerate(titles)
    ]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def ask(view: BranchView, text: str, **options) -> SearchPage:
    return search(view, SearchQuery(text, **options), SCHEMA)


def ids(page: SearchPage) -> list[str]:
    return [hit.product_id.decode() for hit in page.hits]


def test_a_mistyped_word_finds_what_is_meant_and_the_answer_says_so() -> None:
    page = ask(branch("Leather laptop bag", "Laptop stand"), "Lether Laptop")

    assert ids(page) == ["0"]
    assert page.corrected_query == "leather Laptop"


def test_two_errors_are_forgiven_in_long_words_only() -> None:
    view = branch("Wireless headphones", "Leather jacket")

    assert ids(ask(view, "haedfones")) == []
    assert ids(ask(view, "haedphnoes")) == ["0"]
    assert ids(ask(view, "jakcte")) == []


def test_an_inflected_word_is_corrected_as_it_is_written() -> None:
    """`runing` is three errors from the stem `run`, and one from what shoppers write."""
    page = ask(branch("Running shoes", "He runs"), "runnign")

    assert sorted(ids(page)) == ["0", "1"]
    assert page.corrected_query == "running"


def test_words_that_match_as_typed_come_before_those_that_are_meant() -> None:
    page = ask(branch("House paint", "Mouse pad", "Blouse", "Mouse"), "mouse")

    assert ids(page) == ["3", "1"]
    page = ask(branch("Wiring", "Wirings wiring box", "Wining wiling wiring", "Wining"), "wining")
    assert ids(page)[:2] == ["3", "2"]
    assert page.corrected_query == ""


def test_a_full_page_of_matches_is_left_alone() -> None:
    full = branch(*["Garden house"] * 24, "Garden hoose")
    short = branch(*["Garden house"] * 23, "Garden hoose")

    assert ask(full, "house").total == 24
    assert ask(short, "house").total == 24
    assert ids(ask(short, "house", show_duplicates=True))[-1] == "23"


def test_a_word_of_the_catalogue_is_no_beginning_of_another_unless_that_is_far_more_frequent() -> (
    None
):
    few = branch("Fin", *[f"Finger {number}" for number in range(15)])
    many = branch("Fin", *[f"Finger {number}" for number in range(16)])

    assert ids(ask(few, "fin")) == ["0"]
    assert ask(many, "fin").total == 17
    assert ids(ask(many, "fin"))[0] == "0"


def test_a_word_of_the_catalogue_is_no_slip_of_another_unless_one_is_far_more_frequent() -> None:
    few = branch("Trail", *[f"Trial {number}" for number in range(15)])
    many = branch("Trail", *[f"Trial {number}" for number in range(16)])

    assert ids(ask(few, "trail")) == ["0"]
    assert ask(few, "trial").total == 15
    assert ask(many, "trail").total == 17
    assert ask(many, "trial").total == 17


def test_a_word_of_the_catalogue_is_corrected_where_it_leads_to_nothing() -> None:
    page = ask(branch("Trial shoe", "Trail mix"), "trail shoe")

    assert ids(page) == ["0"]
    assert page.corrected_query == "trial shoe"


def test_under_another_order_only_what_matches_nothing_is_read_more_widely() -> None:
    view = branch("Garden house", "Garden hoose")

    assert ids(ask(view, "house", order_by="title")) == ["0"]
    assert ids(ask(view, "haouse", order_by="title")) == ["0"]
    assert ids(ask(view, "garde", order_by="title")) == ["1", "0"]


def test_numbers_and_codes_are_not_corrected() -> None:
    view = branch("Sony WH1000XM4", "Part 123456")

    assert ids(ask(view, "wh1000xm3")) == []
    assert ids(ask(view, "123457")) == []


def test_an_identifier_is_what_it_is_meant_to_be() -> None:
    view = branch("Tripod", mpn="logite")
    other = branch("Tripod logita")

    assert ids(ask(view, "LOGITE")) == ["0"]
    assert ids(ask(other, "logite")) == ["0"]


def test_the_last_word_is_read_as_a_beginning_until_a_space_ends_it() -> None:
    view = branch("Wireless headphones", "Headband", "Sony WH-1000XM4")

    assert ids(ask(view, "wireless headph")) == ["0"]
    assert ids(ask(view, "wireless headph ")) == []
    assert ids(ask(view, "headph wireless")) == []
    assert ids(ask(view, "wh-1000")) == ["2"]
    assert ids(ask(view, "10")) == []
    assert ask(view, "headph").corrected_query == ""


def test_words_as_typed_are_taken_so_on_request() -> None:
    view = branch("Leather bag", "Leather")

    page = ask(view, "lether bag", as_typed=True)

    assert (ids(page), page.corrected_query) == ([], "")


def test_a_filter_does_not_change_what_a_text_means() -> None:
    view = branch(*["Garden house"] * 24, "Garden hoose")

    assert ids(ask(view, "house", filter='title = "Garden hoose"')) == []


def test_pages_go_on_through_corrected_results() -> None:
    view = branch(*["Leather jacket"] * 30)
    first = ask(view, "lether", page_size=20)

    second = ask(view, "lether", page_size=20, page_token=first.next_page_token)

    assert (first.total, len(first.hits), len(second.hits)) == (30, 20, 10)
    assert first.corrected_query == second.corrected_query == "leather"


def test_corrected_words_are_highlighted() -> None:
    assert "leather" in ask(branch("Leather bag"), "lether").terms


def test_a_product_in_another_language_is_found_by_its_written_words() -> None:
    view = branch("Vinterjackor herr", language_code="sv")

    assert ids(ask(view, "vinterjakcor")) == ["0"]
