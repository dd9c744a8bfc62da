"""Random decisions of rules, and what they do to an answer in plain Python."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from random_catalogue import random_filter
from ranking_oracle import ranked_ids
from search_oracle import Catalogue, Found, find, listed_ids, passing_rows, terms_of

from actors.model.storefront import GENERAL
from actors.search.merchandise import (
    Boost,
    Hiding,
    Merchandise,
    Pin,
    Ranking,
    Required,
    RulePlan,
    RuleRequest,
)


@dataclass(frozen=True)
class FixedRules:
    """Rules that decide the same about every request."""

    plan: RulePlan

    def decide(self, request: RuleRequest) -> RulePlan:
        """The plan, with the text as it is."""
        plan = self.plan
        return RulePlan(
            request.text,
            required=plan.required,
            hidden=plan.hidden,
            boosts=plan.boosts,
            pins=plan.pins,
        )


@dataclass(frozen=True)
class Ruled:
    """What rules make of an answer."""

    ids: list[str]
    found: list[Found]
    pinned: list[str]
    """In the order in which they stand."""
    dropped: dict[str, str]
    """Reasons by product id."""


def random_ranking(rng: random.Random) -> Ranking:
    """Settings of every kind."""
    weights = [rng.choice((0.0, 0.5, 1.0)) for _ in range(3)]
    return Ranking(
        rng.choice((1, 3, 100, 1_000)), *weights, collapses_duplicates=rng.random() < 0.7
    )


def random_rules(rng: random.Random) -> tuple[Merchandise, RulePlan]:
    """Rules, and what they decide."""
    ids = [f"p{number:02d}".encode() for number in range(42)]
    places = rng.sample((1, 2, 3, 5, 8, 12, 30, 900), k=rng.randint(0, 5))
    pins = tuple(
        Pin(product_id, place, "pin")
        for product_id, place in zip(rng.sample(ids, k=len(places)), sorted(places), strict=True)
    )
    kept = frozenset(pin.product_id for pin in pins if rng.random() < 0.5)
    hidden = [
        Hiding(
            frozenset(rng.sample(ids, k=2)) - kept,
            rng.choice(("", random_filter(rng))),
            "hide",
            kept_ids=kept,
        )
        for _ in range(rng.choice((0, 0, 1, 2)))
    ]
    boosts = [
        Boost(random_filter(rng), rng.choice((0.25, 1.5, 8.0)), "boost")
        for _ in range(rng.choice((0, 1, 2)))
    ]
    required = [Required(random_filter(rng), "filter")] if rng.random() < 0.2 else []
    plan = RulePlan(
        "",
        required=tuple(required),
        hidden=tuple(hidden),
        boosts=tuple(boosts),
        pins=pins,
    )
    return Merchandise(rules=FixedRules(plan), ranking=random_ranking(rng)), plan


def ruled(
    catalogue: Catalogue,
    scores: Mapping[str, float],
    filter_text: str,
    plan: RulePlan,
    ranking: Ranking,
    *,
    has_words: bool,
) -> Ruled:
    """The whole main list. `scores`: of all products that the words find."""
    allowed = _passing(
        catalogue, sorted(catalogue), [filter_text, *(r.filter for r in plan.required)]
    )
    hidden = _hidden(catalogue, plan)
    standing, dropped = [], {}
    for pin in plan.pins:
        product_id = pin.product_id.decode()
        if product_id not in catalogue:
            dropped[product_id] = "NOT_FOUND"
        elif product_id in hidden:
            dropped[product_id] = "HIDDEN"
        elif product_id not in allowed:
            dropped[product_id] = "FILTERED"
        elif not _is_to_be_had(allowed[product_id]):
            dropped[product_id] = "OUT_OF_STOCK"
        else:
            standing.append(pin)
    pinned = [pin.product_id.decode() for pin in standing]
    others = {
        i: one for i, one in allowed.items() if i in scores and i not in hidden and i not in pinned
    }
    factors = {i: _factor(one, plan.boosts) for i, one in others.items()}
    if has_words:
        ids, _ = ranked_ids(
            list(others.values()),
            scores,
            ranking,
            factors=factors,
            pinned=[allowed[one] for one in pinned],
        )
    else:
        listed = listed_ids(list(others.values()))
        ids = sorted(listed, key=lambda i: -factors[i])
    for pin in standing:
        ids.insert(pin.place - 1, pin.product_id.decode())
    found = [*others.values(), *(allowed[one] for one in pinned)]
    return Ruled(ids, found, pinned, dropped)


def _passing(catalogue: Catalogue, ids: Sequence[str], filters: Sequence[str]) -> dict[str, Found]:
    text = " AND ".join(f"({one})" for one in filters if one)
    return {one.product_id: one for one in find(catalogue, ids, text, GENERAL)}


def _hidden(catalogue: Catalogue, plan: RulePlan) -> set[str]:
    hidden: set[str] = set()
    for hiding in plan.hidden:
        hidden |= {product_id.decode() for product_id in hiding.product_ids}
        if hiding.filter:
            kept = {product_id.decode() for product_id in hiding.kept_ids}
            hidden |= _passing(catalogue, sorted(catalogue), [hiding.filter]).keys() - kept
    return hidden


def _is_to_be_had(found: Found) -> bool:
    return any(row["availability"] != ["OUT_OF_STOCK"] for row in found.rows)


def _factor(found: Found, boosts: Sequence[Boost]) -> float:
    factor = 1.0
    for boost in boosts:
        terms = terms_of(boost.filter)
        if passing_rows(list(enumerate(found.rows)), terms)[0]:
            factor *= boost.factor
    return factor
