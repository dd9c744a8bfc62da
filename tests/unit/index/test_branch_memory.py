"""What is kept of a branch from view to view never outlives what it was found out from."""

import numpy as np
from index_oracle import BRANCH, SCHEMA, make_product

from actors.index.branch_memory import BranchMemory
from actors.index.document import IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.segments import BranchView, open_branch
from actors.index.term_table import term_hash
from actors.index.update import update_index
from actors.search.alternatives import QueryWord
from actors.search.reading import read_text
from actors.search.vocabulary_search import words_that_begin
from actors.text.analyzer import analyzer_of
from protos.internal.records_pb2 import InventoryRecord

SWEDISH = analyzer_of("sv")


class Fact:
    """Something found out."""


def put(arrays: MemoryArrays, **titles: str) -> None:
    items = [make_product(product_id, title) for product_id, title in titles.items()]
    update_index(arrays, BRANCH, IndexUpdate(items), SCHEMA)


def read(view: BranchView, text: str) -> tuple[QueryWord, ...]:
    return read_text(view, text, SWEDISH).words


def test_facts_of_products_stay_while_only_prices_and_stock_change() -> None:
    arrays, memory = MemoryArrays(), BranchMemory()
    put(arrays, a="jacka")
    fact = open_branch(arrays, BRANCH, memory).kept.of(Fact)
    update_index(arrays, BRANCH, IndexUpdate((), (), {b"a": InventoryRecord()}), SCHEMA)

    assert open_branch(arrays, BRANCH, memory).kept.of(Fact) is fact


def test_facts_of_products_go_with_any_of_them_and_those_of_a_segment_with_the_segment() -> None:
    arrays, memory = MemoryArrays(), BranchMemory()
    put(arrays, **{f"p{number}": "jacka" for number in range(40)})
    before = open_branch(arrays, BRANCH, memory)
    of_products, of_segment = before.kept.of(Fact), before.segments[0].kept.of(Fact)
    update_index(arrays, BRANCH, IndexUpdate((), [b"p1"]), SCHEMA)

    after = open_branch(arrays, BRANCH, memory)

    assert after.kept.of(Fact) is not of_products
    assert after.segments[0].kept.of(Fact) is of_segment
    assert before.kept.of(Fact) is of_products


def test_words_are_read_alike_with_and_without_a_memory_of_earlier_views() -> None:
    arrays, memory = MemoryArrays(), BranchMemory()
    for titles in (
        {"a": "vinterjacka"},
        {"b": "vinter", "c": "jacka"},
        {"b": "sommar"},
        {"d": "jackor"},
    ):
        put(arrays, **titles)
        kept = open_branch(arrays, BRANCH, memory)
        fresh = open_branch(arrays, BRANCH)

        for word in ("jacka", "vinter", "vinterjacka", "jackor"):
            assert read(kept, word) == read(fresh, word)
        assert words_that_begin(kept, "ja", SWEDISH) == words_that_begin(fresh, "ja", SWEDISH)


def test_terms_found_together_are_those_found_one_by_one() -> None:
    arrays = MemoryArrays()
    put(arrays, a="red usb hub", b="blue hub")
    terms = open_branch(arrays, BRANCH).segments[0].terms
    hashes = [term_hash(term) for term in ("usb", "none", "hub", "red", "0", "hub")]

    together = terms.find_all(np.array(hashes, np.uint64))

    one_by_one = [terms.find(hashed) for hashed in hashes]
    assert [one and one.ordinals.tolist() for one in together] == [
        one and one.ordinals.tolist() for one in one_by_one
    ]
    assert [terms.has(hashed) for hashed in hashes] == [one is not None for one in one_by_one]


def test_the_vocabulary_knows_how_long_its_words_are() -> None:
    arrays = MemoryArrays()
    put(arrays, a="hub laptops keyboard tv")
    vocabulary = open_branch(arrays, BRANCH).segments[0].vocabulary
    words = [vocabulary.term(place).decode() for place in range(vocabulary.term_count)]

    lengths = vocabulary.lengths(np.arange(len(words), dtype=np.uint32))

    by_word = dict(zip(words, lengths.tolist(), strict=True))
    assert by_word["keyboard"] == 8
    assert by_word["hub"] == by_word["tv"] == 4
