"""`python -m loadtest bought-together`: the product missing from a basket, ours against plain counts.

Everything is learnt from baskets before the split. One product of each later basket with at least two is
hidden, and asked for twice: from the rest of the basket, and from one product of the rest. Plain co-occurrence
adds up in how many baskets a product was together with each of those shown; popularity counts baskets.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from actors.recommend.co_purchase import BasketParameters, CoPurchaseIndex
from loadtest.baskets import CLEANING, Basket, milliseconds, read_baskets

_HITS: Final = 10
_BASKETS_MAX: Final = 1_000_000
_BASKET_PRODUCTS_MAX: Final = 1_000

Ranking = Callable[[Sequence[bytes], int], Sequence[bytes]]
"""From the products shown and the time in ms to the best products that are not among them."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A later basket with one product taken out."""

    rest: tuple[bytes, ...]
    one: bytes  # of the rest
    wanted: bytes
    time_ms: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest bought-together`."""
    parser.add_argument("--baskets", type=Path, required=True, help="invoices, CSV or CSV.gz")
    parser.add_argument("--split", required=True, help="date from which baskets are later ones")
    parser.add_argument("--seed", type=int, default=1, help="chooses the hidden products")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Learn, hide, ask, print, write the file; 1 if either side of the split is empty."""
    console = Console()
    baskets = read_baskets(arguments.baskets)
    split_ms = milliseconds(arguments.split)
    before = [basket for basket in baskets if basket.time_ms < split_ms]
    after = [basket for basket in baskets if basket.time_ms >= split_ms]
    hidden = hide(after, seed=arguments.seed)
    console.print(
        f"{len(before):,} baskets to learn from, {len(hidden):,} of {len(after):,} later ones asked"
    )
    console.print(CLEANING, highlight=False)
    if not before or not hidden:
        console.print(f"{arguments.split} leaves nothing to learn from or to ask")
        return 1
    rankings = {
        "ours": _ours(before),
        "cooccurrence": _cooccurrence(before),
        "popularity": _popularity(before),
    }
    figures = {
        context: {
            name: _measure(ranking, hidden, context, console) for name, ranking in rankings.items()
        }
        for context in ("basket", "one_product")
    }
    console.print(_table(figures))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def hide(baskets: Sequence[Basket], *, seed: int) -> list[Hidden]:
    """One product of each basket that has two or more."""
    chance = random.Random(seed)
    hidden = []
    for basket in baskets:
        if len(basket.products) > 1:
            wanted = chance.choice(basket.products)
            rest = tuple(product for product in basket.products if product != wanted)
            hidden.append(Hidden(rest, chance.choice(rest), wanted, basket.time_ms))
    return hidden


def _ours(baskets: Sequence[Basket]) -> Ranking:
    index = CoPurchaseIndex(baskets_max=_BASKETS_MAX, basket_products_max=_BASKET_PRODUCTS_MAX)
    for basket in baskets:
        index.add(basket.key, basket.products, basket.time_ms)
    parameters = BasketParameters()

    def ranking(shown: Sequence[bytes], time_ms: int) -> list[bytes]:
        scored = index.bought_with(shown, now_ms=time_ms, parameters=parameters, count_max=_HITS)
        return [one.product for one in scored]

    return ranking


def _cooccurrence(baskets: Sequence[Basket]) -> Ranking:
    products = sorted({product for basket in baskets for product in basket.products})
    numbers = {product: number for number, product in enumerate(products)}
    holding: dict[bytes, list[NDArray[np.intp]]] = {product: [] for product in products}
    for basket in baskets:
        held = np.array([numbers[product] for product in basket.products])
        for product in basket.products:
            holding[product].append(held)

    @cache
    def together(product: bytes) -> NDArray[np.intp]:
        return np.bincount(np.concatenate(holding[product]), minlength=len(products))

    def ranking(shown: Sequence[bytes], _: int) -> list[bytes]:
        counts = np.zeros(len(products), np.intp)
        for product in shown:
            if product in numbers:
                counts += together(product)
        return _most(counts, products, shown)

    return ranking


def _popularity(baskets: Sequence[Basket]) -> Ranking:
    by_product = Counter(product for basket in baskets for product in basket.products)
    products = sorted(by_product)
    counts = np.array([by_product[product] for product in products])
    return lambda shown, _: _most(counts, products, shown)


def _most(
    counts: NDArray[np.intp], products: Sequence[bytes], shown: Sequence[bytes]
) -> list[bytes]:
    """The most frequent products that are not shown, equal ones by id; `products` ascend."""
    ranked = np.argsort(-counts, kind="stable")[: _HITS + len(shown)].tolist()
    taken = set(shown)
    best = [
        products[number] for number in ranked if counts[number] and products[number] not in taken
    ]
    return best[:_HITS]


def _measure(
    ranking: Ranking, hidden: Sequence[Hidden], context: str, console: Console
) -> dict[str, float]:
    hits = ranks = 0.0
    for one in track(hidden, f"asking by {context}", console=console, transient=True):
        ranked = ranking(one.rest if context == "basket" else (one.one,), one.time_ms)
        if one.wanted in ranked:
            hits += 1
            ranks += 1 / (1 + ranked.index(one.wanted))
    return {"hr10": hits / len(hidden), "mrr10": ranks / len(hidden)}


def _table(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    table = Table("shown", "answer", "HR@10", "MRR@10", "ours is ahead by")
    for context, of_context in figures.items():
        ours = of_context["ours"]["hr10"]
        for name, values in of_context.items():
            ahead = f"{ours / values['hr10'] - 1:+.0%}" if values["hr10"] else "-"
            table.add_row(
                context.replace("_", " "),
                name,
                f"{values['hr10']:.4f}",
                f"{values['mrr10']:.4f}",
                "" if name == "ours" else ahead,
            )
    return table
