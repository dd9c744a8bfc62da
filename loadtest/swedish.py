"""`python -m loadtest swedish`: whether Swedish forms find each other, and words that only look alike do not.

A pair of a query and a product's words matches when a search for the query, over an index of the taxonomy's
categories and the products of all pairs, finds that product by its own id in the main list. `as_they_stand` says
the same without the beginnings of words and the typing errors that search adds where a query finds less than a
page: what the analysis of the words alone does.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actors.index.document import IndexedProduct
from actors.index.merge import publish_merge, rebuild_segments
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import PRODUCTS_PER_SEGMENT_MAX, BranchView, open_branch
from actors.search.widening import match_text
from actors.text.analyzer import analyzer_of
from loadtest.swedish_pairs import Pair, make_pairs, read_categories
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

_LANGUAGE: Final = "sv"
_BRANCH: Final = 1
_TRUE_SHARE_MIN: Final = 0.95
_FALSE_SHARE_MAX: Final = 0.02
_SHOWN_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class PairIndex:
    """A catalogue in which the pairs' products stand, and the id of each by its words."""

    view: BranchView
    ids: Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest swedish`."""
    parser.add_argument(
        "--taxonomy",
        type=Path,
        default=Path("../shared/data/taxonomy/sv-SE.txt"),
        help="the Swedish product taxonomy",
    )
    parser.add_argument(
        "--half",
        choices=("tuning", "reporting"),
        default="reporting",
        help="whose failures to list",
    )
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, write the file; 1 when the reporting half misses a bar."""
    categories = read_categories(arguments.taxonomy)
    pairs = make_pairs(categories)
    index = index_pairs(categories, pairs)
    matched = matched_pairs(index, pairs, is_widened=True)
    as_they_stand = matched_pairs(index, pairs, is_widened=False)
    halves = {
        "reporting": [pair for pair in pairs if pair.is_reported],
        "tuning": [pair for pair in pairs if not pair.is_reported],
    }
    figures = {
        half: {**shares(of_half, matched), "as_they_stand": shares(of_half, as_they_stand)}
        for half, of_half in halves.items()
    }
    for half, of_half in figures.items():
        print(half, json.dumps(of_half, ensure_ascii=False))
    is_reporting = arguments.half == "reporting"
    failed = [
        pair
        for pair in pairs
        if pair.is_reported == is_reporting and (pair in matched) != pair.is_true
    ]
    for pair in sorted(failed, key=lambda pair: pair.is_true)[:_SHOWN_MAX]:
        print(
            f"{pair.kind}: {pair.query!r} {'misses' if pair.is_true else 'finds'} {pair.product!r}"
        )
    if arguments.json is not None:
        text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
        arguments.json.write_text(text, encoding="utf-8")
    reported = figures["reporting"]
    met = reported["true_share"] >= _TRUE_SHARE_MIN and reported["false_share"] <= _FALSE_SHARE_MAX
    return 0 if met else 1


def index_pairs(categories: Iterable[Sequence[str]], pairs: Sequence[Pair]) -> PairIndex:
    """The taxonomy's categories and the products of all pairs, as one catalogue."""
    titles = sorted({path[-1].lower() for path in categories} | {pair.product for pair in pairs})
    ids = {title: f"{number:05d}" for number, title in enumerate(titles)}
    return PairIndex(_index(titles, ids), ids)


def matched_pairs(index: PairIndex, pairs: Sequence[Pair], *, is_widened: bool) -> set[Pair]:
    """The pairs whose query finds their product.

    Args:
        index: of the pairs' products.
        pairs: to try.
        is_widened: whether a query that finds less than a page is also read as the beginning of words, and
            for typing errors.
    """
    found: dict[str, set[bytes]] = {}
    for query in {pair.query for pair in pairs}:
        # A space behind the last word says that it is complete.
        text = query if is_widened else query + " "
        matches = match_text(
            index.view, text, analyzer_of(_LANGUAGE), by_relevance=True, corrects=is_widened
        ).matches
        found[query] = {
            product_id
            for match in matches
            for product_id in match.segment.product_ids(match.ordinals)
        }
    return {pair for pair in pairs if index.ids[pair.product].encode() in found[pair.query]}


def shares(pairs: Sequence[Pair], matched: set[Pair]) -> dict[str, Any]:
    """How many pairs there are of each sort, and which share of them matches."""
    of_kinds = {
        f"{kind} ({'true' if is_true else 'false'})": _share(
            [pair for pair in pairs if (pair.kind, pair.is_true) == (kind, is_true)], matched
        )
        for kind, is_true in sorted({(pair.kind, pair.is_true) for pair in pairs})
    }
    true = [pair for pair in pairs if pair.is_true]
    false = [pair for pair in pairs if not pair.is_true]
    return {
        "true_pairs": len(true),
        "true_share": _share(true, matched),
        "false_pairs": len(false),
        "false_share": _share(false, matched),
        "kinds": of_kinds,
    }


def _share(pairs: Sequence[Pair], matched: set[Pair]) -> float:
    return round(sum(pair in matched for pair in pairs) / len(pairs), 4) if pairs else 0.0


def _index(titles: Sequence[str], ids: dict[str, str]) -> BranchView:
    schema = Schema((_LANGUAGE,), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)
    documents = (
        IndexedProduct(
            Product(id=ids[title], title=title, language_code=_LANGUAGE), InventoryRecord()
        )
        for title in titles
    )
    arrays = MemoryArrays()
    key = b""
    for key, value in rebuild_segments(
        arrays, _BRANCH, documents, schema, products_per_segment=PRODUCTS_PER_SEGMENT_MAX
    ):
        arrays.put_array(key, value)
    publish_merge(arrays, _BRANCH, key, lambda _: None)
    return open_branch(arrays, _BRANCH)
