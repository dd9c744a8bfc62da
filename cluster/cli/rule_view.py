"""A rule in the words of a table: when it acts, and what it does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from cluster.cli.quantities import time_text
from protos.v1.merchandising_pb2 import BoostAction, HideAction, PinAction, Rule, RuleCondition

_IDS_SHOWN: Final = 3


def state_text(rule: Rule) -> str:
    """As "live", which a rule also is that never said."""
    return "live" if rule.state == Rule.STATE_UNSPECIFIED else Rule.State.Name(rule.state).lower()


def conditions_text(rule: Rule) -> str:
    """One line for each condition, of which any suffices, and one for the window of time."""
    lines = [_condition_text(condition) for condition in rule.conditions] or ["always"]
    if rule.HasField("start_time"):
        lines.append(f"from {time_text(rule.start_time)}")
    if rule.HasField("end_time"):
        lines.append(f"until {time_text(rule.end_time)}")
    return "\n".join(lines)


def actions_text(rule: Rule) -> str:
    """One line for each action."""
    lines = []
    for action in rule.actions:
        kind = action.WhichOneof("action")
        if kind is not None:
            lines.append(_ACTION_TEXTS[kind](getattr(action, kind)))
    return "\n".join(lines)


def _condition_text(condition: RuleCondition) -> str:
    parts = []
    if condition.query_is:
        parts.append(f'query is "{condition.query_is}"')
    if condition.query_contains:
        parts.append(f'query contains "{condition.query_contains}"')
    if condition.category:
        parts.append(f"in {condition.category}")
    if condition.markets:
        parts.append(f"market {' or '.join(condition.markets)}")
    if condition.language_codes:
        parts.append(f"language {' or '.join(condition.language_codes)}")
    return ", ".join(parts) or "always"


def _pin_text(pin: PinAction) -> str:
    return f"pin {_ids_text(pin.product_ids)} from place {pin.place}"


def _hide_text(hide: HideAction) -> str:
    what = [_ids_text(hide.product_ids)] if hide.product_ids else []
    return f"hide {' and '.join([*what, hide.filter] if hide.filter else what)}"


def _factor_text(verb: str) -> Callable[[BoostAction], str]:
    return lambda boost: f"{verb} {boost.factor:g} times: {boost.filter}"


def _ids_text(ids: Any) -> str:
    more = f" and {len(ids) - _IDS_SHOWN:,} more" if len(ids) > _IDS_SHOWN else ""
    return ", ".join(ids[:_IDS_SHOWN]) + more


_ACTION_TEXTS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "pin": _pin_text,
        "hide": _hide_text,
        "boost": _factor_text("boost"),
        "bury": _factor_text("bury"),
        "filter": lambda action: f"only {action.filter}",
        "replace": lambda action: (
            f'read "{action.words}" as "{action.replacement}"'
            if action.replacement
            else f'leave "{action.words}" out'
        ),
        "redirect": lambda action: f"redirect to {action.url}",
        "banner": lambda action: f"show banner {action.id or action.title}",
    }
)
