"""`python -m loadtest suggest`: what suggestions cost, letter by letter, on one thread."""

import argparse
import gc
import json
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from actors.index.branch_memory import BranchMemory
from actors.index.ports import MemoryArrays
from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.search.suggest import SuggestQuery, suggest
from loadtest.engine import BRANCH, build_index, schema_of
from loadtest.engine_catalogue import copies_of, read_catalogue, sample_queries

_JUDGMENTS_NAME: Final = "judgments.csv"
_MISTYPED_SHARE: Final = 0.2
_WORD: Final = re.compile(r"[a-z]{5,}", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest suggest`."""
    parser.add_argument("--catalog", type=Path, required=True, help="a product feed")
    parser.add_argument("--mapping", type=Path, required=True, help="its mapping")
    parser.add_argument("--copies", type=int, default=20, help="times the catalogue is indexed")
    parser.add_argument("--queries", type=int, default=200, help="queries typed letter by letter")
    parser.add_argument("--rounds", type=int, default=3, help="times each is typed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", default="en", help="of the feed's products")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Index the catalogue, type, print, write the file; returns 0."""
    products = read_catalogue(arguments.catalog, arguments.mapping)
    queries = sample_queries(
        products,
        arguments.catalog.with_name(_JUDGMENTS_NAME),
        count=arguments.queries,
        seed=arguments.seed,
    )
    copies = copies_of(products, arguments.copies, seed=arguments.seed)
    arrays = build_index(copies, arguments.language)
    typed = typed_texts(queries, seed=arguments.seed)
    figures = measure(arrays, schema_of(arguments.language), typed, rounds=arguments.rounds)
    print(json.dumps(figures))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def typed_texts(queries: Sequence[str], *, seed: int) -> list[str]:
    """What stands in the field after each letter of each query; in one query of five two letters are swapped."""
    chance = random.Random(seed)
    texts: list[str] = []
    for query in queries:
        text = _mistyped(query, chance) if chance.random() < _MISTYPED_SHARE else query
        texts += (text[:length] for length in range(1, len(text) + 1))
    return texts


def _mistyped(query: str, chance: random.Random) -> str:
    """The query with two neighbours swapped in one of its longer words, but not in its first letter."""
    words = list(_WORD.finditer(query))
    if not words:
        return query
    word = chance.choice(words)
    place = chance.randrange(word.start() + 1, word.end() - 1)
    return query[:place] + query[place + 1] + query[place] + query[place + 2 :]


def measure(
    arrays: MemoryArrays, schema: Schema, typed: Sequence[str], *, rounds: int
) -> dict[str, float]:
    """Percentiles over all calls in milliseconds.

    Each round opens a view that knows nothing, as after a commit that changed products. `again` are the same
    calls in a view that follows it, as after a commit that changed prices or stock. What is the process's own (a
    module's first use) is left to a round before.
    """
    _seconds(open_branch(arrays, BRANCH), schema, typed)
    gc.collect()
    gc.freeze()
    first, again = [], []
    for _ in range(rounds):
        memory = BranchMemory()
        first += _seconds(open_branch(arrays, BRANCH, memory), schema, typed)
        again += _seconds(open_branch(arrays, BRANCH, memory), schema, typed)
    gc.unfreeze()
    figures: dict[str, float] = {
        "products": open_branch(arrays, BRANCH).live_count,
        "letters": len(typed),
        "rounds": rounds,
    }
    for name, seconds in (("", first), ("again_", again)):
        for share in (50, 99):
            percentile = 1_000 * float(np.percentile(seconds, share))
            figures[f"{name}p{share}_ms"] = round(percentile, 3)
    return figures


def _seconds(view: BranchView, schema: Schema, typed: Sequence[str]) -> list[float]:
    taken = []
    for text in typed:
        started = time.perf_counter()
        suggest(view, SuggestQuery(text), schema)
        taken.append(time.perf_counter() - started)
    return taken
