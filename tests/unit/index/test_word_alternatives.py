"""A word that several terms answer: matches, scores and corrections equal brute force over live products."""

import math
import random
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from index_oracle import BRANCH, SCHEMA, Found, Oracle, index_matches, make_product

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search import matching, word_postings
from actors.search.alternatives import CLASS_FACTORS, Alternative, MatchClass, QueryWord, exact_word
from actors.search.matching import match_all, top_any
from actors.search.query import SearchQuery
from actors.search.search import search
from actors.search.spelling import edits_allowed
from actors.search.vocabulary_search import words_meant, words_that_begin
from actors.text.analyzer import analyzer_of
from actors.text.forms import FORM_MARK

WORDS = [
    "jacket", "jackets", "jackte", "racket", "rackets", "jaket", "packets", "pocket", "pockets",
    "keyboards", "keyboard", "keybaord", "kyeborad", "skeyboard", "running", "runs", "run", "x100",
]  # fmt: skip
TERMS = ["jacket", "racket", "jaket", "pocket", "keyboard", "run", "x100", "none", "red", "usb"]

catalogues = st.lists(
    st.builds(
        make_product,
        st.integers(0, 30).map("p{}".format),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
        description=st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
    ),
    max_size=30,
    unique_by=lambda item: item.product.id,
)
alternatives = st.builds(
    Alternative, st.sampled_from(TERMS), st.sampled_from(MatchClass), st.integers(0, 2)
)
query_words = st.builds(
    lambda term, more: exact_word(term, term).extended(more),
    st.sampled_from(TERMS),
    st.lists(alternatives, max_size=4),
)
queries = st.lists(query_words, max_size=3, unique_by=lambda word: word.term)


def cut(products: list[IndexedProduct], chance: random.Random) -> BranchView:
    """The products in segments of any size, with dead ones among them."""
    arrays = MemoryArrays()
    rest = [*products]
    chance.shuffle(rest)
    for item in rest[: len(rest) // 2]:
        late = make_product(item.product.id, chance.choice(WORDS))
        update_index(arrays, BRANCH, IndexUpdate([late]), SCHEMA)
    update_index(arrays, BRANCH, IndexUpdate([make_product("gone", "jackte runing")]), SCHEMA)
    while rest:  # ends: every round takes some
        size = chance.randint(1, 9)
        update_index(arrays, BRANCH, IndexUpdate(rest[:size]), SCHEMA)
        rest = rest[size:]
    update_index(arrays, BRANCH, IndexUpdate([], [b"gone"]), SCHEMA)
    return open_branch(arrays, BRANCH)


def oracle_of(products: list[IndexedProduct]) -> Oracle:
    oracle = Oracle()
    oracle.apply(IndexUpdate(products))
    return oracle


def word_codes(oracle: Oracle, word: QueryWord) -> tuple[np.float32, dict[str, int]]:
    """The weight of a word and the best code of each product that holds it, from the definition."""
    codes = oracle.codes()
    counts = {
        one.term: sum(one.term in held for held in codes.values()) for one in word.alternatives
    }
    live = [one for one in word.alternatives if counts[one.term]]
    if not live:
        return np.float32(0), {}
    idf = {
        term: math.log(1 + (len(codes) - count + 0.5) / (count + 0.5))
        for term, count in counts.items()
    }
    weights = {
        one: CLASS_FACTORS[one.match_class] ** max(one.edits, 1)
        * min(idf[other.term] for other in live if other.match_class.value <= one.match_class.value)
        for one in live
    }
    most = max(weights.values())
    best: dict[str, int] = {}
    for key, held in codes.items():
        scaled = [
            max(1, int(np.rint(held[one.term] * (weights[one] / most))))
            for one in live
            if one.term in held
        ]
        if scaled:
            best[key] = max(scaled)
    return np.float32(most / 255), best


def brute_force(oracle: Oracle, words: list[QueryWord], *, all_words: bool) -> Found:
    of_words = [word_codes(oracle, word) for word in words]
    found = []
    for key in oracle.products:
        held = [key in codes for _, codes in of_words]
        if held and (all(held) if all_words else any(held)):
            score = np.float32(0)
            for weight, codes in of_words:
                score += np.float32(codes.get(key, 0)) * weight
            found.append((key, float(score)))
    return sorted(found, key=lambda pair: (-pair[1], pair[0].encode()))


@settings(max_examples=150, deadline=None)
@given(catalogues, queries, st.randoms(use_true_random=False), st.integers(1, 10))
def test_alternatives_match_and_score_as_brute_force_does(products, words, chance, k):
    view, oracle = cut(products, chance), oracle_of(products)

    expected = brute_force(oracle, words, all_words=True)
    assert index_matches(view, words) == expected
    some = brute_force(oracle, words, all_words=False)
    assert pairs(top_any(view, words, k)) == some[:k]
    with (  # as in large segments
        patch.object(matching, "_SMALL_SEGMENT_MAX", 0),
        patch.object(word_postings, "_DENSE_SHARE", 0),
    ):
        assert index_matches(view, words) == expected
        assert pairs(top_any(view, words, k)) == some[:k]


@settings(max_examples=60, deadline=None)
@given(catalogues, st.lists(st.sampled_from(TERMS), max_size=3), st.randoms(use_true_random=False))
def test_a_word_of_one_alternative_is_its_term(products, terms, chance):
    view = cut(products, chance)
    words = [exact_word(term, term) for term in terms]

    assert index_matches(view, words) == index_matches(view, terms)
    assert top_any(view, words, 5) == top_any(view, terms, 5)
    for one, other in zip(match_all(view, words), match_all(view, terms), strict=True):
        assert one.scores.tobytes() == other.scores.tobytes()


def typing_errors_of(typed: str, meant: str) -> int:
    """Optimal string alignment, from its definition; an error in the first letter is one more."""
    table = [
        [i + j if i * j == 0 else 0 for j in range(len(meant) + 1)] for i in range(len(typed) + 1)
    ]
    for i in range(1, len(typed) + 1):
        for j in range(1, len(meant) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (typed[i - 1] != meant[j - 1]),
            )
            if i > 1 and j > 1 and typed[i - 2 : i] == meant[j - 2 : j][::-1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1] + (typed[0] != meant[0])


def live_terms(oracle: Oracle) -> set[str]:
    return {term for held in oracle.codes().values() for term in held}


@settings(max_examples=150, deadline=None)
@given(catalogues, st.sampled_from(WORDS), st.randoms(use_true_random=False))
def test_words_meant_are_all_live_words_within_reach(products, word, chance):
    oracle, typed = oracle_of(products), mistyped(word, chance)
    analyzer = analyzer_of("en")

    found = words_meant(cut(products, chance), typed, analyzer)

    expected: dict[str, int] = {}
    terms = live_terms(oracle)
    for term in terms if typed.isalpha() and len(typed) >= 4 else ():
        meant = term.removeprefix(FORM_MARK)
        errors = typing_errors_of(typed, meant) if meant.isalpha() else 9
        if 0 < errors <= edits_allowed(len(meant)):
            stem = analyzer.term_of(meant) if meant != term else term
            expected[stem] = min(expected.get(stem, 9), errors)
    assert {one.alternative.term: one.alternative.edits for one in found} == expected


def mistyped(word: str, chance: random.Random) -> str:
    for _ in range(chance.randint(0, 2)):
        at = chance.randrange(len(word))
        word = chance.choice(
            [
                word[:at] + chance.choice("aejkx") + word[at:],
                word[:at] + word[at + 1 :] or word,
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )
    return word


@settings(max_examples=100, deadline=None)
@given(
    catalogues,
    st.sampled_from(WORDS),
    st.integers(1, 9),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_words_that_begin_so_are_the_most_frequent_live_ones(products, word, length, most, chance):
    oracle, beginning = oracle_of(products), word[:length]

    with patch("actors.search.vocabulary_search.PREFIX_WORDS_MAX", most):
        found = words_that_begin(cut(products, chance), beginning, analyzer_of("en"))
        again = words_that_begin(cut(products, chance), beginning, analyzer_of("en"))

    held = [
        term
        for codes in oracle.codes().values()
        for term in codes
        if term.removeprefix(FORM_MARK).startswith(beginning) and len(beginning) > 1
    ]
    counts = sorted((held.count(term) for term in set(held)), reverse=True)
    assert found == again
    assert len(found) == min(most, len(counts))
    marked = [one.word if one.word in held else FORM_MARK + one.word for one in found]
    assert [held.count(term) for term in marked] == counts[: len(found)]


@settings(max_examples=80, deadline=None)
@given(
    catalogues,
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
    st.randoms(use_true_random=False),
)
def test_corrected_answers_do_not_depend_on_how_products_are_cut(products, words, chance):
    text = " ".join([mistyped(words[0], chance), *words[1:]])
    one, two = (search(cut(products, chance), SearchQuery(text), SCHEMA) for _ in range(2))

    assert pairs(one.hits) == pairs(two.hits)
    assert pairs(one.relaxed_hits) == pairs(two.relaxed_hits)
    assert (one.total, one.corrected_query) == (two.total, two.corrected_query)
    assert set(one.terms) == set(two.terms)


def pairs(hits) -> Found:
    return [(hit.product_id.decode(), hit.score) for hit in hits]
