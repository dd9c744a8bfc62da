"""Filters, facets, totals and order equal a search in plain Python, however products came in."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_catalogue import MARKETS, WORDS, inventory, product, random_filter, schema
from search_oracle import (
    Catalogue,
    Found,
    count_values,
    fields,
    find,
    find_terms,
    form,
    listed_ids,
    sorted_ids,
    values_of,
)

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.filter_grammar import And, parse_filter
from actors.search.matching import match_all
from actors.search.query import FacetRequest, FacetResult, Interval, SearchPage, SearchQuery
from actors.search.search import search
from actors.text.analyzer import analyzer_of

SCHEMA = schema()
SEEDS = st.integers(0, 2**32)
ORDERS = (
    "price",
    "price desc",
    "brand",
    "brand desc, price",
    "title desc",
    "attributes.colour",
    "attributes.colour desc",
    "attributes.size desc",
    "attributes.mixed",
    "attributes.mixed desc, popularity desc, id desc",
    "stock_quantity",
    "stock_quantity desc",
    "availability, release_time desc",
    "release_time",
    "popularity",
    "gtins desc",
    "categories desc, brand",
)


def random_branch(rng: random.Random) -> tuple[BranchView, Catalogue]:
    """A branch after a few random writes, and what it holds."""
    catalogue: dict = {}
    arrays = MemoryArrays()
    for _ in range(rng.randint(1, 7)):
        ids = {f"p{rng.randrange(40):02d}" for _ in range(rng.randint(1, 14))}
        upserts = {product_id: product(rng, product_id) for product_id in sorted(ids)}
        deletes = {f"p{rng.randrange(40):02d}" for _ in range(2)} - ids
        patches = {
            product_id: inventory(rng, len(catalogue[product_id][0].variants))
            for product_id in sorted(catalogue.keys() - ids - deletes)
            if rng.random() < 0.3
        }
        update_index(
            arrays,
            1,
            IndexUpdate(
                [IndexedProduct(*item) for item in upserts.values()],
                [product_id.encode() for product_id in deletes],
                {product_id.encode(): record for product_id, record in patches.items()},
            ),
            SCHEMA,
        )
        catalogue.update(upserts)
        for product_id in deletes:
            catalogue.pop(product_id, None)
        for product_id, record in patches.items():
            catalogue[product_id] = (catalogue[product_id][0], record)
    return open_branch(arrays, 1), catalogue


def ids_of(page: SearchPage) -> list[str]:
    return [hit.product_id.decode() for hit in page.hits]


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_listing_page_holds_exactly_what_passes_the_filter(seed: int) -> None:
    """In stock, popular and new first; each hit with its cheapest variant that passes."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    for _ in range(6):
        text, market = random_filter(rng), rng.choice(MARKETS)

        page = search(view, SearchQuery(filter=text, market=market, page_size=120), SCHEMA)

        found = find(catalogue, sorted(catalogue), text, market)
        assert ids_of(page) == listed_ids(found), text
        assert page.total == len(found)
        variants = {one.product_id: (one.variant_index, one.variant_count) for one in found}
        for hit in page.hits:
            shown = (hit.variant_index, hit.matching_variant_count)
            assert shown == variants[hit.product_id.decode()], text


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_sort_keys_order_products_with_missing_values_last(seed: int) -> None:
    """In both directions, across segments, and with ties broken by product id."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    for order_by in rng.sample(ORDERS, k=6):
        text, market = rng.choice(("", random_filter(rng))), rng.choice(MARKETS)
        query = SearchQuery(filter=text, market=market, order_by=order_by, page_size=120)

        page = search(view, query, SCHEMA)

        found = find(catalogue, sorted(catalogue), text, market)
        assert ids_of(page) == sorted_ids(found, order_by), (order_by, text)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_pages_together_are_the_whole_answer(seed: int) -> None:
    rng = random.Random(seed)
    view, _ = random_branch(rng)
    query = SearchQuery(
        text=rng.choice(("", rng.choice(WORDS))),
        order_by=rng.choice(("", *ORDERS)),
        page_size=120,
    )
    whole = search(view, query, SCHEMA)

    pages, token = [], ""
    while True:
        page = search(view, replace(query, page_size=3, page_token=token), SCHEMA)
        pages += ids_of(page)
        token = page.next_page_token
        if not token:
            break

    assert pages == ids_of(whole)
    assert len(pages) == whole.total


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_facets_count_products_that_pass(seed: int) -> None:
    """With the conditions on excluded fields left out, for words and for listing pages."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    for _ in range(3):
        filter_text, market = rng.choice(("", random_filter(rng))), rng.choice(MARKETS)
        words = rng.choice(("", "", " ".join(rng.sample(WORDS, k=2)), "blue"))
        requests = [random_facet(rng) for _ in range(4)]
        query = SearchQuery(
            text=words, filter=filter_text, market=market, facets=tuple(requests), page_size=120
        )

        page = search(view, query, SCHEMA)

        ids = matching_ids(view, words) if words else sorted(catalogue)
        node = parse_filter(filter_text)
        terms = [] if node is None else list(node.parts) if isinstance(node, And) else [node]
        found = find_terms(catalogue, ids, terms, market)
        assert page.total == len(found)
        assert sorted(ids_of(page)) == sorted(one.product_id for one in found)
        for request, result in zip(requests, page.facets, strict=True):
            excluded = set(request.excluded_filter_keys)
            kept = [term for term in terms if not fields(term) <= excluded]
            check_facet(request, result, find_terms(catalogue, ids, kept, market))


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_words_and_filter_keep_the_order_of_the_scores(seed: int) -> None:
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    words, text = rng.choice(WORDS), random_filter(rng)

    page = search(view, SearchQuery(text=words, filter=text, page_size=120), SCHEMA)

    scores = matching_ids(view, words)
    found = [one.product_id for one in find(catalogue, sorted(scores), text, "")]
    assert ids_of(page) == sorted(found, key=lambda i: (-scores[i], i.encode()))


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_relaxed_list_passes_the_filter_and_repeats_nothing(seed: int) -> None:
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    words = rng.sample(WORDS, k=3)
    text = rng.choice(("", random_filter(rng)))

    page = search(view, SearchQuery(text=" ".join(words), filter=text, relaxed_size=120), SCHEMA)

    some = set().union(*(matching_ids(view, word) for word in words))
    some -= matching_ids(view, " ".join(words)).keys()
    expected = {one.product_id: one for one in find(catalogue, sorted(some), text, "")}
    relaxed = [hit.product_id.decode() for hit in page.relaxed_hits]
    assert sorted(relaxed) == sorted(expected)
    assert page.relaxed_total == len(expected)
    for hit in page.relaxed_hits:
        one = expected[hit.product_id.decode()]
        assert hit.variant_index == one.variant_index
        assert hit.matching_variant_count == one.variant_count


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_depends_on_live_products_only(seed: int) -> None:
    """Whatever was written, deleted and patched before: a fresh index answers the same."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    arrays = MemoryArrays()
    products = [IndexedProduct(*item) for item in catalogue.values()]
    update_index(arrays, 1, IndexUpdate(products), SCHEMA)
    fresh = open_branch(arrays, 1)
    for _ in range(20):
        query = SearchQuery(
            text=rng.choice(("", *WORDS)),
            filter=rng.choice(("", random_filter(rng))),
            facets=tuple(random_facet(rng) for _ in range(3)),
            order_by=rng.choice(("", *ORDERS)),
        )

        first, second = search(view, query, SCHEMA), search(fresh, query, SCHEMA)

        assert [(h.product_id, h.score) for h in first.hits] == [
            (h.product_id, h.score) for h in second.hits
        ]
        assert first.facets == second.facets
        assert first.next_page_token == second.next_page_token


def matching_ids(view: BranchView, words: str) -> dict[str, float]:
    """The products that hold all words, with their scores: what filters and facets start from."""
    terms = analyzer_of("en").analyze_query(words)
    return {
        match.segment.product_id(ordinal).decode(): score
        for match in match_all(view, terms.terms, identifier=terms.identifier)
        for ordinal, score in zip(match.ordinals.tolist(), match.scores.tolist(), strict=True)
    }


def random_facet(rng: random.Random) -> FacetRequest:
    key = rng.choice(
        (
            "brand",
            "attributes.colour",
            "attributes.size",
            "attributes.mixed",
            "attributes.waterproof",
            "gtins",
            "tags",
            "availability",
            "price",
            "stock_quantity",
            "popularity",
            "categories",
            "variant_id",
        )
    )
    intervals: tuple[Interval, ...] = ()
    if key in {"price", "attributes.size", "attributes.mixed"} and rng.random() < 0.5:
        intervals = (Interval(None, 42), Interval(42, 100), Interval(0, None), Interval(None, None))
    return FacetRequest(
        key,
        limit=rng.choice((0, 1, 3, 300)),
        intervals=intervals,
        excluded_filter_keys=tuple(rng.sample((key, "brand", "price"), k=rng.randint(0, 2))),
        parent=rng.choice(("", "Clothes", "clothes > JACKETS")) if key == "categories" else "",
    )


PARENTS = {"": "", "Clothes": "Clothes", "clothes > JACKETS": "Clothes > Jackets"}


def check_facet(request: FacetRequest, result: FacetResult, found: list[Found]) -> None:
    """The facet holds the oracle's counts: the most frequent values, or the intervals."""
    numbers = [[v for v in plain_values(one, request.key) if type(v) is float] for one in found]
    every = [number for of_product in numbers for number in of_product]
    assert result.minimum == (min(every) if every else None)
    assert result.maximum == (max(every) if every else None)
    if request.intervals:
        assert [value.count for value in result.values] == [
            sum(any(inside(interval, n) for n in of_product) for of_product in numbers)
            for interval in request.intervals
        ]
        return
    counts = count_values(found, request.key, PARENTS[request.parent])
    expected = sorted((-count, place(value)) for (_, value), count in counts.items())
    limit = min(request.limit or 10, 300)
    assert [(-v.count, place(v.value)) for v in result.values] == expected[:limit]


def plain_values(one: Found, key: str) -> list:
    return [value for _, value in values_of(one, key)]


def place(value: object) -> tuple:
    """Values with equal counts: texts, then numbers, then booleans, each in their order."""
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, float | int):
        return (1, value)
    folded = form(value)
    return (0, folded.encode(), b"" if folded == value else value.encode())


def inside(interval: Interval, number: float) -> bool:
    low = interval.minimum is None or interval.minimum <= number
    return low and (interval.maximum is None or number < interval.maximum)
