"""`python -m loadtest engine`: our index against tantivy, the same queries in one process on one thread."""

import argparse
import gc
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.index.document import IndexedProduct
from actors.index.merge import publish_merge, rebuild_segments
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import PRODUCTS_PER_SEGMENT_MAX, BranchView, open_branch
from actors.index.terms import searched_values
from actors.model.products import split
from actors.model.storefront import GENERAL
from actors.search.facets import FacetPlan, count_facet, plan_facets
from actors.search.filter_plan import NO_FILTER
from actors.search.found import Found
from actors.search.matching import MatchHit, match_all, top_any, top_matches
from actors.search.query import FacetRequest, FacetResult
from actors.text.analyzer import analyzer_of
from loadtest.engine_catalogue import copies_of, read_catalogue, sample_queries
from loadtest.engine_pipeline import make_shop, measure_pipeline, stocked
from loadtest.engine_tantivy import TantivyIndex
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

_PAGE_SIZE: Final = 24
_FACET_VALUES: Final = 10
BRANCH: Final = 1
_JUDGMENTS_NAME: Final = "judgments.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest engine`."""
    parser.add_argument("--catalog", type=Path, required=True, help="a product feed")
    parser.add_argument("--mapping", type=Path, required=True, help="its mapping")
    parser.add_argument("--copies", type=int, default=20, help="times the catalogue is indexed")
    parser.add_argument("--queries", type=int, default=1_000, help="queries drawn from titles")
    parser.add_argument("--rounds", type=int, default=5, help="times each query is measured")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", default="en", help="of the feed's products")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Build both indexes, compare, print, write the file; 1 when the two disagree."""
    products = read_catalogue(arguments.catalog, arguments.mapping)
    queries = sample_queries(
        products,
        arguments.catalog.with_name(_JUDGMENTS_NAME),
        count=arguments.queries,
        seed=arguments.seed,
    )
    language = arguments.language
    other = TantivyIndex()
    copies = copies_of(products, arguments.copies, seed=arguments.seed)
    started = time.perf_counter()
    offered = stocked(copies, seed=arguments.seed)
    arrays = build_index(_fed(offered, other, language), language)
    built = time.perf_counter()
    segment_count = other.finish()
    view = open_branch(arrays, BRANCH)
    print(
        f"{view.live_count:,} products, ours {len(view.segments)} segment(s), tantivy {segment_count}; "
        f"ours and tantivy's tokens in {built - started:.0f} s"
    )
    analyzer = analyzer_of(language)
    asked = [terms for query in queries if (terms := analyzer.analyze_query(query).terms)]
    disagreeing = _disagreements(view, other, asked)
    for query, ours, theirs in disagreeing[:10]:
        print(f"disagree on {' '.join(query)}: ours {ours}, tantivy {theirs}")
    figures = compare(view, other, asked, rounds=arguments.rounds)
    shop = make_shop(products, queries, schema_of(language), seed=arguments.seed)
    figures["full_pipeline"] = measure_pipeline(arrays, BRANCH, shop, rounds=arguments.rounds)
    for name in ("any_words", "all_words_facet", "full_pipeline"):
        print(name, json.dumps(figures[name]))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if disagreeing else 0


def schema_of(language: str) -> Schema:
    """The settings of a new tenant in this language."""
    return Schema((language,), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)


def build_index(products: Iterator[Product], language: str) -> MemoryArrays:
    """The products as one segment (up to a million), in memory as tantivy's."""
    schema = schema_of(language)
    arrays = MemoryArrays()
    key = b""
    documents = map(_document, products)
    for key, value in rebuild_segments(
        arrays, BRANCH, documents, schema, products_per_segment=PRODUCTS_PER_SEGMENT_MAX
    ):
        arrays.put_array(key, value)
    publish_merge(arrays, BRANCH, key, lambda _: None)
    return arrays


def _document(product: Product) -> IndexedProduct:
    offered = Product()
    offered.CopyFrom(product)  # which `split` empties
    content, inventory = split(offered, time_ms=0)
    return IndexedProduct(Product.FromString(content), inventory)


def _fed(products: Iterator[Product], other: TantivyIndex, language: str) -> Iterator[Product]:
    """The products, each given to tantivy as it passes."""
    analyzer = analyzer_of(language)
    for product in products:
        tokens: list[str] = []
        for _, _, text in searched_values(IndexedProduct(product, InventoryRecord())):
            tokens += analyzer.index_terms(text)
        other.add(tokens, product.brand)
        yield product


def all_words_facet(
    view: BranchView, brands: FacetPlan, terms: Sequence[str]
) -> tuple[list[MatchHit], int, FacetResult]:
    """The page, the number of matches, and the brands of all of them."""
    matches = match_all(view, terms)
    found = Found(view, GENERAL, matches)
    total = found.count(NO_FILTER)
    return top_matches(matches, _PAGE_SIZE), total, count_facet(brands, found.passing(NO_FILTER))


def _disagreements(
    view: BranchView, other: TantivyIndex, asked: Sequence[Sequence[str]]
) -> list[tuple[Sequence[str], int, int]]:
    found = []
    for terms in asked:
        ours = sum(len(match.ordinals) for match in match_all(view, terms))
        theirs = other.count_all(terms)
        if ours != theirs:
            found.append((terms, ours, theirs))
    return found


def compare(
    view: BranchView, other: TantivyIndex, asked: Sequence[Sequence[str]], *, rounds: int
) -> dict[str, Any]:
    """The figures of both sides, measured query by query in turn so that both meet the same machine."""
    (brands,) = plan_facets([FacetRequest("brand", limit=_FACET_VALUES)], schema_of(""))
    sides: dict[str, tuple[Callable[[Sequence[str]], Any], Callable[[Sequence[str]], Any]]] = {
        "any_words": (
            lambda terms: top_any(view, terms, _PAGE_SIZE),
            lambda terms: other.any_words(terms, _PAGE_SIZE),
        ),
        "all_words_facet": (
            lambda terms: all_words_facet(view, brands, terms),
            lambda terms: other.all_words_facet(terms, _PAGE_SIZE),
        ),
    }
    figures: dict[str, Any] = {"products": view.live_count, "queries": len(asked), "rounds": rounds}
    for name, (ours, theirs) in sides.items():
        figures[name] = _figures(*_measure(ours, theirs, asked, rounds))
    return figures


def _measure(
    ours: Callable[[Sequence[str]], Any],
    theirs: Callable[[Sequence[str]], Any],
    asked: Sequence[Sequence[str]],
    rounds: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds of every call, after one round that warms both up; the sides take turns in rounds."""
    for terms in asked:
        ours(terms)
        theirs(terms)
    gc.collect()
    gc.freeze()
    times = (np.empty((rounds, len(asked))), np.empty((rounds, len(asked))))
    for number in range(rounds):
        for side, call in enumerate((ours, theirs)):
            for index, terms in enumerate(asked):
                started = time.perf_counter()
                call(terms)
                times[side][number, index] = time.perf_counter() - started
    gc.unfreeze()
    return times


def _figures(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, float]:
    """Queries per second of the median round, and percentiles over all calls in milliseconds."""
    ours_qps = ours.shape[1] / float(np.median(ours.sum(axis=1)))
    theirs_qps = theirs.shape[1] / float(np.median(theirs.sum(axis=1)))
    figures = {
        "ours_qps": ours_qps,
        "tantivy_qps": theirs_qps,
        "ratio": ours_qps / theirs_qps,
        "ours_p50_ms": 1_000 * float(np.percentile(ours, 50)),
        "ours_p99_ms": 1_000 * float(np.percentile(ours, 99)),
        "tantivy_p50_ms": 1_000 * float(np.percentile(theirs, 50)),
        "tantivy_p99_ms": 1_000 * float(np.percentile(theirs, 99)),
    }
    return {name: _rounded(value) for name, value in figures.items()}


def _rounded(value: float) -> float:
    """Four significant digits."""
    return round(value, 3 - math.floor(math.log10(value))) if value > 0 else 0.0
