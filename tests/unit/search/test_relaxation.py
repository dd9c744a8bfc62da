"""Which words are dropped when too few products hold all of them, and what the relaxed list then shows."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.query import SearchPage, SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

FIELD = FieldSetting(1.0, facetable=True, filterable=True, sortable=True)
SCHEMA = Schema(("sv",), {"title": FIELD, "brand": FIELD, "id": FIELD}, {}, weights_version=1)


def branch(*products: Product) -> BranchView:
    arrays = MemoryArrays()
    items = [IndexedProduct(product, InventoryRecord()) for product in products]
    update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def titled(*titles: str, category: str = "") -> list[Product]:
    """A product for each title, which is its id too."""
    categories = [category] if category else []
    return [Product(id=title, title=title, categories=categories) for title in titles]


def relaxed(page: SearchPage) -> list[tuple[str, tuple[str, ...]]]:
    return [(hit.product_id.decode(), hit.missing_words) for hit in page.relaxed_hits]


def ask(view: BranchView, text: str, **options) -> SearchPage:
    return search(view, SearchQuery(text, **options), SCHEMA)


JACKETS = titled(
    "Röd vinterjacka dam", "Blå vinterjacka dam", "Grön vinterjacka herr", category="Jackor"
)
CAPS = titled("Röd mössa", "Svart mössa", category="Mössor")


def test_what_products_are_called_by_their_category_is_kept_longest() -> None:
    """Half of the shop is winter jackets, and still a red cap is nothing for who asks for one."""
    page = ask(branch(*JACKETS, *CAPS), "gul vinterjacka herr storlek")

    assert page.total == 0
    assert relaxed(page)[0] == ("Grön vinterjacka herr", ("gul", "storlek"))
    assert all("vinterjacka" in title for title, _ in relaxed(page))


def test_products_that_miss_only_less_important_words_come_first() -> None:
    page = ask(branch(*JACKETS, *CAPS), "röd vinterjacka dam 42")

    assert relaxed(page) == [
        ("Röd vinterjacka dam", ("42",)),
        ("Blå vinterjacka dam", ("röd", "42")),
        ("Grön vinterjacka herr", ("röd", "dam", "42")),
    ]
    assert page.relaxed_total == 3


def test_a_quantity_is_given_up_before_a_word_of_the_same_rarity() -> None:
    view = branch(*titled("Tält grönt", "Sovsäck 42", "Kök"))

    assert relaxed(ask(view, "42 grönt")) == [("Tält grönt", ("42",))]


def test_words_that_only_join_others_are_given_up_first() -> None:
    """Though the catalogue says *för* only once."""
    view = branch(*titled("Väska för dator", "Väska telefon", "Fodral telefon", "Dator"))

    assert ("Väska telefon", ("för",)) in relaxed(ask(view, "väska för telefon"))


def test_a_word_that_nothing_holds_does_not_empty_the_list() -> None:
    page = ask(branch(*CAPS), "qwertyuiop röd mössa")

    assert relaxed(page)[0] == ("Röd mössa", ("qwertyuiop",))


def test_no_more_words_are_dropped_than_it_takes() -> None:
    """Eight products hold all but one word: those that hold fewer are not shown."""
    many = [Product(id=f"p{n}", title="Röd mössa ull") for n in range(8)]
    page = ask(branch(*many, *titled("Blå mössa")), "röd mössa ull barn")

    assert page.relaxed_total == 8
    assert {missing for _, missing in relaxed(page)} == {("barn",)}


def test_a_mistyped_or_unfinished_word_is_not_missing() -> None:
    view = branch(*titled("Blå vinterjacka", "Röd vinterjacka dam", "Mössa"))

    assert ("Blå vinterjacka", ("dam",)) in relaxed(ask(view, "blå dam vinterjakca"))
    assert ("Blå vinterjacka", ("dam",)) in relaxed(ask(view, "blå dam vinterj"))


def test_the_relaxed_list_obeys_the_filter_and_decides_by_it_what_can_be_found() -> None:
    """No jacket is a cap, so among caps the other word is what there is to go by."""
    page = ask(branch(*JACKETS, *CAPS), "svart vinterjacka", filter='title : "mössa"')

    assert relaxed(page) == [("Svart mössa", ("vinterjacka",))]


def test_under_another_order_the_list_is_relaxed_only_where_nothing_matches() -> None:
    view = branch(*JACKETS)

    assert relaxed(ask(view, "röd vinterjacka")) != []
    assert relaxed(ask(view, "röd vinterjacka", order_by="title")) == []
    assert relaxed(ask(view, "gul vinterjacka", order_by="title")) != []


def test_one_word_is_never_dropped() -> None:
    assert relaxed(ask(branch(*CAPS), "vinterjacka")) == []


def test_the_list_is_as_long_as_was_asked_and_its_total_is_of_all() -> None:
    view = branch(*(Product(id=f"p{n:02}", title="Röd mössa") for n in range(12)))

    page = ask(view, "röd mössa barn", relaxed_size=5)

    assert [product_id for product_id, _ in relaxed(page)] == [f"p{n:02}" for n in range(5)]
    assert page.relaxed_total == 12
    assert ask(view, "röd mössa barn", relaxed_size=0).relaxed_total == 0


WORDS = ("röd", "blå", "jacka", "vinterjacka", "mössa", "dam", "42", "för")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), min_size=1, max_size=12),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=5, unique=True),
    st.integers(1, 11),
)
def test_the_list_does_not_depend_on_how_products_are_cut(
    titles: list[list[str]], words: list[str], place: int
) -> None:
    products = [
        Product(id=f"p{n:02}", title=" ".join(title), categories=[title[-1]])
        for n, title in enumerate(titles)
    ]
    whole, cut = branch(*products), two_segments(products, place)

    one, two = (ask(view, " ".join(words)) for view in (whole, cut))

    assert relaxed(one) == relaxed(two)
    assert one.relaxed_total == two.relaxed_total


def two_segments(products: Sequence[Product], place: int) -> BranchView:
    """The products in two parts, the second of which has replaced another product of the first."""
    arrays = MemoryArrays()
    old = Product(id=products[-1].id, title="gammal sak", categories=["Jacka"])
    first = [*products[:place], old][: len(products)]
    for part in (first, products[place:] or products[-1:]):
        items = [IndexedProduct(product, InventoryRecord()) for product in part]
        update_index(arrays, 1, IndexUpdate(items), SCHEMA)
    return open_branch(arrays, 1)


def test_a_text_of_more_words_than_can_be_told_apart_is_relaxed_too() -> None:
    """64 words as typed may be more as the index takes them: commas part words too."""
    letters = "abdefghklm"
    text = "mössa " + ",".join(f"q{first}{last}x" for first in letters for last in letters)

    page = ask(branch(*CAPS), text)

    assert page.relaxed_total == 2
    assert len(page.relaxed_hits[0].missing_words) == 64
