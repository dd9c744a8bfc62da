"""The index gives what brute force over the live products gives, whatever its history."""

import random
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from index_oracle import BRANCH, SCHEMA, Oracle, index_matches, make_product

from actors.index import term_table
from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.merge import (
    collect_garbage,
    merge_segments,
    publish_merge,
    rebuild_segments,
)
from actors.index.ports import MemoryArrays
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search import matching
from actors.search.matching import match_all, top_any, top_matches
from actors.text.analyzer import analyzer_of

WORDS = ["red", "blue", "jacket", "jackets", "usb", "hub", "usb-hub", "16gb", "x1", "shoe", "the"]
IDS = [f"p{number}" for number in range(14)]

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
products = st.builds(
    make_product,
    st.sampled_from(IDS),
    texts,
    st.integers(1, 100),
    description=texts,
    brand=st.sampled_from(["", "Acme", "Red"]),
    mpn=st.sampled_from(["", "X-1", "AB 2"]),
    categories=st.lists(texts, max_size=2),
    tags=st.lists(st.sampled_from(WORDS), max_size=2),
    attributes=st.dictionaries(
        st.sampled_from(["colour", "size"]), st.lists(texts, max_size=2), max_size=2
    ),
    variants=st.lists(texts, max_size=2),
)


def unique(items: list[IndexedProduct]) -> list[IndexedProduct]:
    return list({item.product.id: item for item in items}.values())


updates = st.builds(
    lambda upserts, deletes: IndexUpdate(
        unique(upserts),
        [key.encode() for key in deletes if key not in {item.product.id for item in upserts}],
    ),
    st.lists(products, max_size=4),
    st.lists(st.sampled_from(IDS), max_size=2),
)
queries = st.lists(st.sampled_from(["red", "blue", "jacket", "usb", "hub", "16gb", "x1", "no"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(updates, max_size=14), queries, st.integers(1, 8))
def test_matches_and_scores_equal_brute_force(history, terms, k):
    arrays, oracle = indexed(history)

    view = open_branch(arrays, BRANCH)

    assert view.live_count == len(oracle.products)
    assert index_matches(view, terms) == oracle.score(terms, all_words=True)
    assert index_matches(view, terms, "x1") == oracle.score(terms, all_words=True, identifier="x1")
    best = oracle.score(terms, all_words=False)[:k]
    assert pairs(top_any(view, terms, k)) == best
    with patch.object(matching, "_SMALL_SEGMENT_MAX", 0):  # as in large segments
        assert pairs(top_any(view, terms, k)) == best


@settings(max_examples=100, deadline=None)
@given(st.lists(updates, max_size=14), queries, st.randoms(use_true_random=False))
def test_answers_do_not_depend_on_how_products_are_cut_into_segments(history, terms, chance):
    """Replicas with different merge histories answer alike, to the last bit of every score."""
    arrays, oracle = indexed(history)
    other = MemoryArrays()
    rest = list(oracle.products.values())
    chance.shuffle(rest)
    while rest:  # ends: every round takes some
        size = chance.randint(1, 5)
        update_index(other, BRANCH, IndexUpdate(rest[:size]), SCHEMA)
        rest = rest[size:]
    merge_some(other, chance)

    one, two = open_branch(arrays, BRANCH), open_branch(other, BRANCH)

    assert index_matches(one, terms) == index_matches(two, terms)
    assert pairs(top_any(one, terms, 5)) == pairs(top_any(two, terms, 5))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(updates, min_size=1, max_size=8),
    st.lists(updates, max_size=8),
    queries,
    st.booleans(),
)
def test_what_happens_during_a_merge_is_not_lost(before, during, terms, rebuild):
    arrays, oracle = indexed(before)
    view = open_branch(arrays, BRANCH)
    entries = (
        rebuild_segments(
            arrays, BRANCH, list(oracle.products.values()), SCHEMA, products_per_segment=3
        )
        if rebuild
        else merge_segments(arrays, BRANCH, [segment.id for segment in view.segments])
    )
    if not view.segments:
        return
    scratch = list(entries)
    for update in during:
        update_index(arrays, BRANCH, update, SCHEMA)
        oracle.apply(update)
    for key, value in scratch:
        arrays.put_array(key, value)

    publish_merge(arrays, BRANCH, scratch[-1][0], oracle_inventory(oracle))

    view = open_branch(arrays, BRANCH)
    assert view.live_count == len(oracle.products)
    assert index_matches(view, terms) == oracle.score(terms, all_words=True)
    assert pairs(top_any(view, terms, 4)) == oracle.score(terms, all_words=False)[:4]
    while collect_garbage(arrays, BRANCH, keep=(), keys_max=10):
        pass
    assert index_matches(open_branch(arrays, BRANCH), terms) == index_matches(view, terms)


def test_a_large_segment_with_frequent_words_agrees_too():
    """Dense arrays, rounds and the bar that rises only work above some thousand products."""
    chance = random.Random(5)
    arrays, oracle = MemoryArrays(), Oracle()
    vocabulary = [f"w{number}" for number in range(60)]
    shares = [1 / (1 + number) for number in range(60)]
    items = [
        make_product(f"id{number}", " ".join(chance.choices(vocabulary, shares, k=5)))
        for number in range(9_000)
    ]
    oracle.apply(IndexUpdate(items))
    scratch = list(rebuild_segments(arrays, BRANCH, items, SCHEMA, products_per_segment=20_000))
    for key, value in scratch:
        arrays.put_array(key, value)
    publish_merge(arrays, BRANCH, scratch[-1][0], lambda _: None)
    gone = IndexUpdate(deletes=[f"id{number}".encode() for number in range(0, 9_000, 7)])
    update_index(arrays, BRANCH, gone, SCHEMA)
    oracle.apply(gone)

    view = open_branch(arrays, BRANCH)

    codes = oracle.codes()
    oracle.codes = lambda: codes
    for size in (1, 2, 3, 4):
        for _ in range(12):
            terms = chance.sample(vocabulary, size)
            found = oracle.score(terms, all_words=True)
            assert index_matches(view, terms) == found
            assert pairs(top_matches(matches(view, terms), 24)) == found[:24]
            best = oracle.score(terms, all_words=False)
            assert pairs(top_any(view, terms, 24)) == best[:24]


def test_indexing_goes_on_when_the_process_has_seen_too_many_terms():
    """The table of known terms is bounded; starting it anew changes no answer."""
    titles = ["red jackets", "blue usb-hub", "red shoe", "16gb usb hub", "blue jacket"]
    history = [IndexUpdate([make_product(f"p{n}", title)]) for n, title in enumerate(titles)]
    with patch.object(term_table, "_TERMS_MAX", 3), patch.object(term_table, "_VALUES_MAX", 1):
        arrays, oracle = indexed(history)

    view = open_branch(arrays, BRANCH)

    for query in (["red"], ["usb", "hub"], ["blue", "jacket"]):
        assert index_matches(view, query) == oracle.score(query, all_words=True)


def test_a_query_that_is_an_identifier_finds_its_product_first():
    arrays = MemoryArrays()
    items = [
        make_product("a", "wh1000xm4 wh1000xm4 wh1000xm4 case"),
        make_product("b", "headphones", mpn="WH-1000XM4"),
        make_product("c", "wh1000xm4"),
        make_product("d", "toner", gtins=["0095205603217"]),
    ]
    update_index(arrays, BRANCH, IndexUpdate(items), SCHEMA)
    view = open_branch(arrays, BRANCH)

    for text, first in (("wh 1000-xm4", "b"), ("WH1000XM4", "b"), ("95205603217", "d")):
        query = analyzer_of("en").analyze_query(text)
        assert index_matches(view, query.terms, query.identifier)[0][0] == first


def indexed(history: list[IndexUpdate]) -> tuple[MemoryArrays, Oracle]:
    arrays, oracle = MemoryArrays(), Oracle()
    for update in history:
        update_index(arrays, BRANCH, update, SCHEMA)
        oracle.apply(update)
    return arrays, oracle


def oracle_inventory(oracle: Oracle):
    return lambda product_id: oracle.products[product_id.decode()].inventory


def merge_some(arrays: MemoryArrays, chance: random.Random) -> None:
    ids = [segment.id for segment in open_branch(arrays, BRANCH).segments]
    chosen = [segment_id for segment_id in ids if chance.random() < 0.5]
    if chosen:
        scratch = list(merge_segments(arrays, BRANCH, chosen))
        for key, value in scratch:
            arrays.put_array(key, value)
        assert publish_merge(arrays, BRANCH, scratch[-1][0], lambda _: None)


def matches(view: BranchView, terms: list[str]):
    return match_all(view, terms)


def pairs(hits) -> list[tuple[str, float]]:
    return [(hit.product_id.decode(), hit.score) for hit in hits]
