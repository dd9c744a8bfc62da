"""What a shop's own lists change: exceptions, words that are whole, stop words."""

from dataclasses import replace

import pytest

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.merge import publish_merge, rebuild_segments
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import open_branch
from actors.index.update import update_index
from actors.search.highlight import highlight
from actors.search.query import SearchQuery
from actors.search.search import search
from actors.text.analyzer import analyzer_of
from actors.text.lists import NO_LISTS, TextLists
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

BRANCH = 1
PLAIN = Schema(("en", "sv", "fr"), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)


def schema(**lists: TextLists) -> Schema:
    return replace(PLAIN, texts=lists)


def products(*titles: str, language: str = "en") -> list[IndexedProduct]:
    return [
        IndexedProduct(Product(id=title, title=title, language_code=language), InventoryRecord())
        for title in titles
    ]


def indexed(items: list[IndexedProduct], read_as: Schema) -> MemoryArrays:
    arrays = MemoryArrays()
    update_index(arrays, BRANCH, IndexUpdate(upserts=items), read_as)
    return arrays


def found(arrays: MemoryArrays, text: str, read_as: Schema, language: str = "en") -> set[str]:
    """What holds all words of a text, none of them corrected or begun."""
    query = SearchQuery(text + " ", language_code=language, as_typed=True)
    hits = search(open_branch(arrays, BRANCH), query, read_as).hits
    return {hit.product_id.decode() for hit in hits}


def test_an_exception_brings_forms_together_that_the_stemmer_parts() -> None:
    items = products("laptop stand", "lapdesk")
    with_lists = schema(en=TextLists(lemmas={"lapdesks": "lapdesk", "Lapdesk": "laptop"}))

    assert found(indexed(items, PLAIN), "laptops", PLAIN) == {"laptop stand"}
    arrays = indexed(items, with_lists)
    assert found(arrays, "laptops", with_lists) == {"laptop stand", "lapdesk"}
    assert found(arrays, "lapdesks", with_lists) == {"laptop stand", "lapdesk"}


def test_a_word_that_is_its_own_exception_is_parted_from_what_it_is_stemmed_like() -> None:
    items = products("wine glass", "reading glasses")
    with_lists = schema(en=TextLists(lemmas={"glasses": "glasses"}))

    assert found(indexed(items, PLAIN), "glass", PLAIN) == {"wine glass", "reading glasses"}
    arrays = indexed(items, with_lists)
    assert found(arrays, "glass", with_lists) == {"wine glass"}
    assert found(arrays, "glasses", with_lists) == {"reading glasses"}


def test_an_exception_holds_in_its_own_language_and_for_languages_without_a_stemmer() -> None:
    items = [*products("chevaux", "cheval", language="fr"), *products("cheval statue")]
    with_lists = schema(fr=TextLists(lemmas={"chevaux": "cheval"}))

    arrays = indexed(items, with_lists)

    assert found(arrays, "chevaux", with_lists, "fr-CA") == {"chevaux", "cheval", "cheval statue"}
    assert found(arrays, "chevaux", with_lists, "en") <= {"chevaux"}


def test_an_exception_is_highlighted_by() -> None:
    analyzer = analyzer_of("en", TextLists(lemmas={"lapdesk": "laptop"}))

    assert highlight("A lapdesk", ("laptop",), analyzer) == "A <em>lapdesk</em>"


def test_a_word_that_is_never_split_is_found_by_none_of_its_parts() -> None:
    items = products("vinterjacka", "vinter", "jacka", language="sv")
    with_lists = schema(sv=TextLists(never_split=frozenset({"Vinterjackor"})))
    arrays = indexed(items, PLAIN)

    assert found(arrays, "jackor", PLAIN, "sv") == {"vinterjacka", "jacka"}
    assert found(arrays, "jackor", with_lists, "sv") == {"jacka"}
    assert found(arrays, "vinter", with_lists, "sv") == {"vinter"}
    assert found(arrays, "vinterjackor", with_lists, "sv") == {"vinterjacka"}


def test_stop_words_need_not_match_unless_there_is_nothing_else() -> None:
    items = products("the hub", "hub", "the who")
    with_lists = schema(en=TextLists(stop_words=frozenset({"The", "who"})))
    arrays = indexed(items, PLAIN)

    assert found(arrays, "the hub", PLAIN) == {"the hub"}
    assert found(arrays, "the hub", with_lists) == {"the hub", "hub"}
    assert found(arrays, "the who", with_lists) == {"the who"}


def test_a_rebuild_with_other_exceptions_answers_as_a_fresh_import_with_them() -> None:
    items = products("glass", "glasses case", "glasses", "case of glass")
    changed = replace(schema(en=TextLists(lemmas={"glasses": "glasses"})), weights_version=2)
    arrays, fresh = indexed(items, PLAIN), indexed(items, changed)

    key = b""
    for key, value in rebuild_segments(arrays, BRANCH, items, changed, products_per_segment=100):
        arrays.put_array(key, value)
    assert publish_merge(arrays, BRANCH, key, lambda _: None)

    for text in ("glass", "glasses", "cases", "glasses case"):
        assert found(arrays, text, changed) == found(fresh, text, changed) != set()
    assert found(arrays, "glass", changed) == {"glass", "case of glass"}


def test_equal_lists_share_one_analyzer() -> None:
    lists = [
        TextLists(lemmas={"a": "b", "c": "d"}, stop_words=frozenset({"x"})),
        TextLists(lemmas={"c": "d", "a": "b"}, stop_words=frozenset({"x"})),
        TextLists(lemmas={"a": "b", "c": "d"}, never_split=frozenset({"x"})),
    ]

    same, again, other = (analyzer_of("sv", one) for one in lists)

    assert same is again
    assert same is not other
    assert analyzer_of("sv", TextLists()) is analyzer_of("sv-SE", NO_LISTS) is analyzer_of("sv")


@pytest.mark.parametrize("code", ["sv", "sv-SE", "SV-fi"])
def test_lists_hold_whatever_the_region(code: str) -> None:
    with_lists = schema(sv=TextLists(lemmas={"mobb": "mobil"}))

    assert with_lists.analyzer(code).term_of("mobb") == "mobil"
    assert with_lists.analyzer("").term_of("mobb") == "mobb"
