"""Filters, facets, totals and order equal a search in plain Python, however products came in."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_catalogue import WORDS, inventory, product, random_filter, schema, storefront
from ranking_oracle import ranked_ids
from rules_oracle import random_ranking, random_rules, ruled
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
from actors.model.storefront import GENERAL, Storefront
from actors.search.filter_grammar import And, parse_filter
from actors.search.merchandise import PLAIN, Merchandise
from actors.search.query import (
    RELAXED_BELOW,
    FacetRequest,
    FacetResult,
    Hit,
    Interval,
    SearchPage,
    SearchQuery,
)
from actors.search.search import search
from actors.search.widening import match_text
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


def asked(where: Storefront) -> dict[str, str]:
    """The parts of a query that say where it is asked."""
    return {"market": where.market, "price_list": where.price_list, "store": where.store}


def ids_of(page: SearchPage) -> list[str]:
    return [hit.product_id.decode() for hit in page.hits]


@given(SEEDS)
@settings(max_examples=120, deadline=None)
def test_a_listing_page_holds_exactly_what_passes_the_filter(seed: int) -> None:
    """In stock, popular and new first; each hit with its cheapest variant that passes."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    for _ in range(6):
        text, where = random_filter(rng), storefront(rng)
        query = SearchQuery(filter=text, page_size=120, **asked(where))

        page = search(view, query, SCHEMA, now_ms=where.now_ms)

        found = find(catalogue, sorted(catalogue), text, where)
        assert ids_of(page) == listed_ids(found), text
        assert page.total == len(found)
        variants = {one.product_id: (one.variant_index, one.variant_count) for one in found}
        for hit in page.hits:
            shown = (hit.variant_index, hit.matching_variant_count)
            assert shown == variants[hit.product_id.decode()], text


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_sort_keys_order_products_with_missing_values_last(seed: int) -> None:
    """In both directions, across segments, and with ties broken by product id."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    for order_by in rng.sample(ORDERS, k=6):
        text, where = rng.choice(("", random_filter(rng))), storefront(rng)
        query = SearchQuery(filter=text, order_by=order_by, page_size=120, **asked(where))

        page = search(view, query, SCHEMA, now_ms=where.now_ms)

        found = find(catalogue, sorted(catalogue), text, where)
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
@settings(max_examples=120, deadline=None)
def test_facets_count_products_that_pass(seed: int) -> None:
    """With the conditions on excluded fields left out, for words and for listing pages."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    for _ in range(3):
        filter_text, where = rng.choice(("", random_filter(rng))), storefront(rng)
        words = rng.choice(("", "", " ".join(rng.sample(WORDS, k=2)), "blue"))
        requests = [random_facet(rng) for _ in range(4)]
        query = SearchQuery(
            text=words,
            filter=filter_text,
            facets=tuple(requests),
            page_size=120,
            **asked(where),
        )

        page = search(view, query, SCHEMA, now_ms=where.now_ms)

        ids = matching_ids(view, words) if words else sorted(catalogue)
        node = parse_filter(filter_text)
        terms = [] if node is None else list(node.parts) if isinstance(node, And) else [node]
        found = find_terms(catalogue, ids, terms, where)
        assert page.total == len(found)
        assert sorted(ids_of(page)) == sorted(one.product_id for one in found)
        for request, result in zip(requests, page.facets, strict=True):
            excluded = set(request.excluded_filter_keys)
            kept = [term for term in terms if not fields(term) <= excluded]
            check_facet(request, result, find_terms(catalogue, ids, kept, where))


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_order_of_relevance_is_by_step_business_score_and_id(seed: int) -> None:
    """Copies of one title stand behind all others, with and without a filter, whatever the settings."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    words, text = rng.choice(WORDS), rng.choice(("", random_filter(rng)))
    ranking = random_ranking(rng)
    now_ms = rng.choice((0, 1_650_000_000_000))
    query = SearchQuery(text=words, filter=text, page_size=120)

    page = search(view, query, SCHEMA, Merchandise(ranking=ranking), now_ms=now_ms)

    scores = matching_ids(view, words)
    found = find(catalogue, sorted(scores), text, Storefront(now_ms=now_ms))
    expected, copies = ranked_ids(found, scores, ranking, now_ms=now_ms)
    assert ids_of(page) == expected
    assert [hit.duplicate_count for hit in page.hits] == [copies[one] for one in expected]


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_boosts_hides_filters_and_pins_equal_the_oracle(seed: int) -> None:
    """Order, total and facets, on any page, with words and without."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    words = rng.choice(("", *WORDS))
    merchandise, plan = random_rules(rng)
    text = rng.choice(("", random_filter(rng)))
    query = SearchQuery(text=words, filter=text, facets=(FacetRequest("brand"),), page_size=7)

    pages = list(pages_of(view, query, merchandise))

    scores = matching_ids(view, words) if words else dict.fromkeys(catalogue, 0.0)
    expected = ruled(catalogue, scores, text, plan, merchandise.ranking, has_words=bool(words))
    assert [one for page in pages for one in ids_of(page)] == expected.ids
    assert {page.total for page in pages} == {len(expected.ids)}
    check_facet(query.facets[0], pages[0].facets[0], expected.found)
    pinned = [h.product_id.decode() for page in pages for h in page.hits if h.is_pinned]
    assert pinned == expected.pinned
    dropped = {one.pin.product_id.decode(): one.reason.value for one in pages[0].dropped_pins}
    assert dropped == expected.dropped


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_relaxed_list_passes_the_filter_and_repeats_nothing(seed: int) -> None:
    """It has all products, and these only, that hold the words which none of its products misses."""
    rng = random.Random(seed)
    view, catalogue = random_branch(rng)
    words = rng.sample(WORDS, k=3)
    text = rng.choice(("", random_filter(rng)))
    # Finished words as they are spelled: what they may mean besides depends on all three.
    query = SearchQuery(f"{' '.join(words)} ", filter=text, relaxed_size=120, as_typed=True)

    page = search(view, query, SCHEMA)

    holders = {
        word: {hit.product_id.decode() for hit in find_as_typed(view, f"{word} ")} for word in words
    }
    passing = {one.product_id: one for one in find(catalogue, list(catalogue), text, GENERAL)}
    outside = passing.keys() - set.intersection(*holders.values())
    dropped = {word for hit in page.relaxed_hits for word in hit.missing_words}
    expected = outside.intersection(*(holders[word] for word in words if word not in dropped))
    if page.total >= RELAXED_BELOW or outside.isdisjoint(set.union(*holders.values())):
        expected = set()
    relaxed = [hit.product_id.decode() for hit in page.relaxed_hits]
    assert sorted(relaxed) == sorted(expected)
    assert page.relaxed_total == len(expected)
    for hit in page.relaxed_hits:
        product_id = hit.product_id.decode()
        held = [word for word in words if product_id in holders[word]]
        assert held
        assert list(hit.missing_words) == [word for word in words if word not in held]
        assert hit.variant_index == passing[product_id].variant_index
        assert hit.matching_variant_count == passing[product_id].variant_count


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
            explain=True,
        )
        merchandise = rng.choice((PLAIN, random_rules(rng)[0]))

        first, second = (search(one, query, SCHEMA, merchandise) for one in (view, fresh))

        assert [without_places(hit) for hit in first.hits] == [
            without_places(hit) for hit in second.hits
        ]
        assert first.facets == second.facets
        assert first.next_page_token == second.next_page_token
        assert first.dropped_pins == second.dropped_pins


def without_places(hit: Hit) -> Hit:
    """What of a hit does not say where in the index it is."""
    return hit._replace(segment_index=0, ordinal=0)


def pages_of(
    view: BranchView, query: SearchQuery, merchandise: Merchandise = PLAIN
) -> Iterator[SearchPage]:
    """All pages of an answer."""
    token = ""
    while True:  # Ends: the list does, at DEPTH_MAX at the latest.
        page = search(view, replace(query, page_token=token), SCHEMA, merchandise)
        yield page
        token = page.next_page_token
        if not token:
            return


def find_as_typed(view: BranchView, words: str) -> tuple[Hit, ...]:
    """All hits of words that are taken as they are spelled."""
    return search(view, SearchQuery(words, as_typed=True, page_size=120), SCHEMA).hits


def matching_ids(view: BranchView, words: str) -> dict[str, float]:
    """The products that the words find, with their scores: what filters and facets start from."""
    text = match_text(view, words, analyzer_of("en"), by_relevance=True, corrects=True)
    return {
        match.segment.product_id(ordinal).decode(): score
        for match in text.matches
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
