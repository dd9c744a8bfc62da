"""What a tenant's rules do to one search, with their filters planned.

A rule's filter that no longer fits the fields, since they were changed after it was written, has no effect: a
shopper's search never fails for it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from actors.index.schema import Schema
from actors.search.filter_grammar import And, Comparator, Condition, parse_filter
from actors.search.filter_plan import (
    NO_FILTER,
    FilterPlan,
    FilterPlanner,
    Term,
)
from actors.search.merchandise import Boost, Hiding, RulePlan, RuleRequest, Rules
from actors.search.query import SearchQuery
from node.errors import InvalidArgumentError

PLANNER: Final = FilterPlanner()

_CATEGORIES: Final = "categories"
_FILTERS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class PlannedBoost:
    """A boost with its filter ready to be evaluated."""

    plan: FilterPlan
    boost: Boost


@dataclass(frozen=True, slots=True)
class PlannedHiding:
    """A hiding with its filter ready to be evaluated; None: it has none."""

    plan: FilterPlan | None
    hiding: Hiding


@dataclass(frozen=True, slots=True)
class Ruling:
    """What rules do to a search."""

    plan: RulePlan
    required: tuple[Term, ...] = ()
    """Beside those of the request's own filter."""
    hidings: tuple[PlannedHiding, ...] = ()
    boosts: tuple[PlannedBoost, ...] = ()

    @property
    def has_pins(self) -> bool:
        """Whether any rule pins anything, in vain or not."""
        plan = self.plan
        return bool(plan.pins or plan.taken_pins or plan.hidden_pins)


def rule_on(query: SearchQuery, schema: Schema, rules: Rules, *, now_ms: int) -> Ruling:
    """What the rules do to a query whose filter is in order."""
    if query.without_rules:
        return Ruling(RulePlan(query.text))
    request = RuleRequest(
        text=query.text,
        language_code=query.language_code or schema.language_codes[0],
        market=query.market,
        categories=categories_asked(query.filter) if query.filter else (),
        now_ms=now_ms,
        preview_ids=query.preview_rules,
    )
    plan = rules.decide(request)
    if not (plan.required or plan.hidden or plan.boosts):
        return Ruling(plan)
    return Ruling(
        plan,
        required=tuple(
            term
            for required in plan.required
            for term in (_planned(required.filter, schema) or NO_FILTER).terms
        ),
        hidings=tuple(
            PlannedHiding(_planned(hiding.filter, schema), hiding) for hiding in plan.hidden
        ),
        boosts=tuple(
            PlannedBoost(planned, boost)
            for boost in plan.boosts
            if (planned := _planned(boost.filter, schema)) is not None
        ),
    )


@lru_cache(_FILTERS_MAX)
def categories_asked(text: str) -> tuple[str, ...]:
    """The category paths, as they are written, that every product must be in to pass a filter.

    Raises:
        InvalidArgumentError: it is no filter.
    """
    node = parse_filter(text)
    parts = node.parts if isinstance(node, And) else (node,)
    return tuple(
        part.value.text
        for part in parts
        if isinstance(part, Condition)
        and part.field == _CATEGORIES
        and part.comparator in {Comparator.EQUALS, Comparator.HAS}
        and not (part.value.is_any or part.value.is_open)
    )


def _planned(text: str, schema: Schema) -> FilterPlan | None:
    """The plan of a rule's filter; None when it is empty or no longer fits the fields."""
    try:
        plan = PLANNER.plan(text, schema)
    except InvalidArgumentError:
        return None
    return None if plan is NO_FILTER else plan
