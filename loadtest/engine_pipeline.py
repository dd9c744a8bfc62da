"""The engine benchmark's whole pipeline: the product's own `search`, with all that a shop has switched on.

Queries are drawn from titles as for the plain comparison. Some hold a typing error, some are not finished, some
have a filter; each counts three facets, under a book of fifty rules. A view is replaced after
`QUERIES_PER_VIEW`, as in a shop that is asked that often in the second that a view lives.

What is warm is what a process has that runs for long: the analyzer's chunks, plans of filters, compiled rules.
What is kept of words from view to view is thrown away at the start of every round, so that the first time of
each word counts, as after a write of products. Nothing is asked twice in a round but what was drawn twice.
"""

import gc
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from actors.index.branch_memory import BranchMemory
from actors.index.ports import ArrayReader
from actors.index.schema import ATTRIBUTES, DEFAULT_WEIGHTS, FieldSetting, Schema
from actors.index.segments import open_branch
from actors.search.merchandise import Merchandise
from actors.search.query import FacetRequest, Interval, SearchQuery
from actors.search.rules import RuleBook
from actors.search.search import search
from loadtest.damage import damage
from protos.v1.common_pb2 import Availability
from protos.v1.merchandising_pb2 import (
    BoostAction,
    FilterAction,
    HideAction,
    PinAction,
    ReplaceAction,
    Rule,
    RuleAction,
    RuleCondition,
)
from protos.v1.product_pb2 import Product

QUERIES_PER_VIEW: Final = 100
RULES_COUNT: Final = 50

_DAMAGED_SHARE: Final = 0.15
_UNFINISHED_SHARE: Final = 0.15
_FILTERED_SHARE: Final = 0.25
_DAMAGED_LENGTH_MIN: Final = 5
_BEGINNING_LENGTH_MIN: Final = 3
_IN_STOCK_SHARE: Final = 0.85
_WORDS_RULED_OVER: Final = 400
_PINNED_COUNT: Final = 3
_PRICE_STEPS: Final = (0.2, 0.4, 0.6, 0.8)
_NOW_MS: Final = 1_750_000_000_000
_MICROS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Shop:
    """What the queries of a catalogue are asked with."""

    schema: Schema
    merchandise: Merchandise
    facets: tuple[FacetRequest, ...]
    queries: tuple[tuple[str, SearchQuery], ...]
    """Each with its kind."""


def stocked(products: Iterator[Product], *, seed: int) -> Iterator[Product]:
    """The products with a stock, a popularity, and prices that differ from copy to copy."""
    chance = random.Random(f"{seed}/stock")
    for product in products:
        offered = Product()
        offered.CopyFrom(product)
        quantity = chance.randint(1, 60) if chance.random() < _IN_STOCK_SHARE else 0
        offered.stock_quantity = quantity
        offered.availability = Availability.IN_STOCK if quantity else Availability.OUT_OF_STOCK
        offered.popularity = round(chance.lognormvariate(3, 1.2), 1)
        for price in offered.prices:
            price.selling_micros = price.selling_micros * chance.randint(70, 130) // 100
        yield offered


def make_shop(
    products: Sequence[Product], texts: Sequence[str], schema: Schema, *, seed: int
) -> Shop:
    """A seeded shop of a catalogue, asked these texts.

    Its facets are the brand, the categories or else the attribute that most products have, and five price ranges.
    """
    chance = random.Random(f"{seed}/pipeline")
    prices = sorted(price.selling_micros / _MICROS for one in products for price in one.prices[:1])
    bounds = [round(prices[int(len(prices) * share)]) for share in _PRICE_STEPS] if prices else []
    kinds = _kinds_facet(products)
    facets = [FacetRequest("brand", excluded_filter_keys=("brand",)), kinds]
    if bounds:
        ends = [None, *bounds, None]
        intervals = tuple(Interval(low, high) for low, high in pairwise(ends))
        facets.append(FacetRequest("price", intervals=intervals))
    queries = []
    for text in texts:
        kind, asked = _changed(text, chance)
        wanted = ""
        if chance.random() < _FILTERED_SHARE:
            # As shoppers do, by what stands in the facets: the brand of a product that they find.
            brand = next((one.brand for one in products if text in one.title), "")
            some = ["stock_quantity > 0", *(f"price < {bound}" for bound in bounds[1:2])]
            wanted = chance.choice([*some, f'brand = "{_quoted(brand)}"'] if brand else some)
        queries.append((kind, SearchQuery(asked, filter=wanted, facets=tuple(facets))))
    if kinds.key.startswith(ATTRIBUTES):
        setting = FieldSetting(DEFAULT_WEIGHTS[ATTRIBUTES], True, True, False)
        schema = replace(schema, fields={**schema.fields, kinds.key: setting})
    book = RuleBook.of_messages(rules(products, seed=seed))
    return Shop(schema, Merchandise(rules=book), tuple(facets), tuple(queries))


def _kinds_facet(products: Sequence[Product]) -> FacetRequest:
    if any(product.categories for product in products):
        return FacetRequest("categories")
    keys = Counter(
        key
        for product in products
        for key, value in sorted(product.attributes.items())
        if value.texts
    )
    return FacetRequest(f"{ATTRIBUTES}.{keys.most_common(1)[0][0]}" if keys else "tags")


def _changed(text: str, chance: random.Random) -> tuple[str, str]:
    """A text as it is, with a typing error, or without its end; and which of these."""
    words = text.split()
    kind = chance.random()
    able = [
        i for i, word in enumerate(words) if len(word) >= _DAMAGED_LENGTH_MIN and word.isalpha()
    ]
    if kind < _DAMAGED_SHARE and able:
        at = chance.choice(able)
        words[at] = damage(words[at].lower(), 1, chance)
        return "damaged", " ".join(words)
    if kind > 1 - _UNFINISHED_SHARE and len(words[-1]) > _BEGINNING_LENGTH_MIN:
        words[-1] = words[-1][: chance.randint(_BEGINNING_LENGTH_MIN, len(words[-1]) - 1)]
        return "unfinished", " ".join(words)
    return "complete", text


def rules(products: Sequence[Product], *, seed: int) -> list[Rule]:
    """A seeded rule book: a boost for all queries, the others for those with a frequent word."""
    chance = random.Random(f"{seed}/rules")
    counts = Counter(word for one in products for word in set(one.title.lower().split()))
    words = [word for word, _ in counts.most_common(_WORDS_RULED_OVER) if word.isalpha()]
    brands = [brand for brand, _ in Counter(one.brand for one in products).most_common(50) if brand]
    ids = [product.id for product in products]
    made: list[Rule] = []
    while len(made) < RULES_COUNT:  # ends: every round makes one
        action = _action(len(made), chance, words, brands, ids)
        condition = RuleCondition(query_contains=chance.choice(words))
        made.append(Rule(id=f"rule-{len(made)}", conditions=[condition], actions=[action]))
    made[0].ClearField("conditions")
    return made


def _action(
    number: int,
    chance: random.Random,
    words: Sequence[str],
    brands: Sequence[str],
    ids: Sequence[str],
) -> RuleAction:
    """Of ten rules four boost a brand, three pin, and one each buries, hides and reads a word as another.

    One in twenty-five filters instead.
    """
    of_brand = f'brand = "{_quoted(chance.choice(brands))}"' if brands else "price > 0"
    some = chance.sample(ids, min(_PINNED_COUNT, len(ids)))
    if number % 25 == 24:
        return RuleAction(filter=FilterAction(filter="price > 0"))
    match number % 10:
        case 2 | 5 | 8:
            return RuleAction(pin=PinAction(product_ids=some, place=chance.randint(1, 4)))
        case 3:
            return RuleAction(bury=BoostAction(filter=of_brand, factor=2))
        case 6:
            return RuleAction(hide=HideAction(product_ids=some))
        case 9:
            return RuleAction(
                replace=ReplaceAction(words=chance.choice(words), replacement=chance.choice(words))
            )
        case _:
            return RuleAction(boost=BoostAction(filter=of_brand, factor=1.5))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def measure_pipeline(
    arrays: ArrayReader, branch: int, shop: Shop, *, rounds: int
) -> dict[str, Any]:
    """Percentiles over all calls in milliseconds, of all queries and of each kind; the first round warms up."""
    times = np.empty((rounds + 1, len(shop.queries)))
    for number in range(rounds + 1):
        gc.collect()
        gc.freeze()
        times[number] = list(_round(arrays, branch, shop))
        gc.unfreeze()
    kinds = np.array([kind for kind, _ in shop.queries])
    figures: dict[str, Any] = {
        "queries": len(shop.queries),
        "rounds": rounds,
        "rules": RULES_COUNT,
        "facets": [facet.key for facet in shop.facets],
        "queries_per_view": QUERIES_PER_VIEW,
        **_percentiles(times[1:]),
    }
    figures["kinds"] = {
        str(kind): {"queries": int(np.count_nonzero(kinds == kind))}
        | _percentiles(times[1:, kinds == kind])
        for kind in np.unique(kinds)
    }
    return figures


def _round(arrays: ArrayReader, branch: int, shop: Shop) -> Iterator[float]:
    """Seconds of every query. Opening a view is part of its first query."""
    memory = BranchMemory()
    view = None
    for number, (_, query) in enumerate(shop.queries):
        started = time.perf_counter()
        if view is None or number % QUERIES_PER_VIEW == 0:
            view = open_branch(arrays, branch, memory)
        search(view, query, shop.schema, shop.merchandise, now_ms=_NOW_MS)
        yield time.perf_counter() - started


def _percentiles(seconds: np.typing.NDArray[np.float64]) -> dict[str, float]:
    return {
        f"p{percent}_ms": round(1_000 * float(np.percentile(seconds, percent)), 4)
        for percent in (50, 90, 99)
    }
