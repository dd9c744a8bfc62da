"""`python -m loadtest relevance`: how good the order of the first ten is, by people's judgments.

Our list is what the product itself answers: the products that match all words, then the list of relaxed
matches that it adds when these are few. It runs in memory; no server is needed. tantivy never gets synonyms.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.search.merchandise import PLAIN, Merchandise
from actors.search.query import DEPTH_MAX, PAGE_SIZE_MAX, SearchPage, SearchQuery
from actors.search.search import search
from actors.search.synonyms import SynonymBook
from loadtest.engine import BRANCH, build_index, schema_of
from loadtest.engine_catalogue import read_catalogue
from loadtest.relevance_measures import (
    LEVEL,
    MEASURES,
    RESAMPLES,
    Bootstrap,
    Figures,
    bootstrap,
    measure,
    read_judgments,
)
from loadtest.relevance_tantivy import TantivyRanking
from node.client.synonym_files import read_synonyms
from node.client.text_file import TextFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest relevance`."""
    parser.add_argument("--catalog", type=Path, required=True, help="a product feed")
    parser.add_argument("--mapping", type=Path, required=True, help="its mapping")
    parser.add_argument(
        "--judgments", type=Path, required=True, help="CSV with query, docid and rating"
    )
    parser.add_argument("--synonyms", help="a list as `saluhall synonyms import` takes it")
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap")
    parser.add_argument("--language", default="en", help="of queries and products")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Search every judged query on both sides, print the measures, write the file."""
    judgments = read_judgments(arguments.judgments)
    if not judgments:
        print(f"{arguments.judgments}: no query has a positive rating")
        return 1
    products = read_catalogue(arguments.catalog, arguments.mapping)
    language = arguments.language
    view = open_branch(build_index(iter(products), language), BRANCH)
    merchandise = PLAIN if arguments.synonyms is None else _with_synonyms(arguments.synonyms)
    lists = {query: list_of(view, query, language, merchandise) for query in judgments}
    ours = measure(lists, judgments)
    tantivy = TantivyRanking(products)
    rivals = {
        name: measure(
            {query: tantivy.list(query, all_words=name == "and") for query in judgments}, judgments
        )
        for name in ("or", "and")
    }
    ranges = bootstrap(ours, list(rivals.values()), seed=arguments.seed)
    _show(ours, rivals, ranges)
    if arguments.json is not None:
        figures = _figures(ours, rivals, ranges)
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def list_of(
    view: BranchView, text: str, language: str, merchandise: Merchandise = PLAIN
) -> list[str]:
    """Product ids in the order shown: the main list to its end, then the relaxed one."""
    schema = schema_of(language)
    pages = list(_pages(view, text, schema, merchandise))
    hits = [hit for page in pages for hit in page.hits]
    return [hit.product_id.decode() for hit in (*hits, *pages[0].relaxed_hits)]


def _with_synonyms(path: str) -> Merchandise:
    entries = read_synonyms(TextFile.open(path))
    return Merchandise(synonyms=SynonymBook.of_messages(entry.synonym for entry in entries))


def _pages(
    view: BranchView, text: str, schema: Schema, merchandise: Merchandise
) -> Iterator[SearchPage]:
    token = ""
    for _ in range(0, DEPTH_MAX, PAGE_SIZE_MAX):
        query = SearchQuery(
            text, page_size=PAGE_SIZE_MAX, page_token=token, relaxed_size=PAGE_SIZE_MAX
        )
        page = search(view, query, schema, merchandise)
        yield page
        token = page.next_page_token
        if not token:
            return


def _figures(ours: Figures, rivals: dict[str, Figures], ranges: Bootstrap) -> dict[str, Any]:
    return {
        "queries": len(ours.values),
        **ours.means(),
        "tantivy": {name: rival.means() for name, rival in rivals.items()},
        "bootstrap": {
            "level": LEVEL,
            "resamples": RESAMPLES,
            **{name: list(ends) for name, ends in ranges.intervals.items()},
            "difference_low": dict(ranges.difference_low),
        },
    }


def _show(ours: Figures, rivals: dict[str, Figures], ranges: Bootstrap) -> None:
    means = ours.means()
    print(f"{len(ours.values)} queries; intervals at {LEVEL:.0%}, paired bootstrap")
    print(f"{'':<14}{'ours':>7}  {'interval':<14}{'tantivy or':>11}{'tantivy and':>13}  lead")
    for name in MEASURES:
        low, high = ranges.intervals[name]
        lead = ranges.difference_low.get(name)
        print(
            f"{name:<14}{means[name]:7.3f}  {f'{low:.3f}-{high:.3f}':<14}"
            f"{rivals['or'].means()[name]:11.3f}{rivals['and'].means()[name]:13.3f}"
            f"{'' if lead is None else f'  at least {lead:+.3f}'}"
        )
