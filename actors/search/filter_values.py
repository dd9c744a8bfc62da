"""Values of a filter read as numbers and times, and comparisons with them as ranges."""

import math
import re
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Final

import numpy as np

from actors.search.filter_grammar import Comparator, Condition, filter_error

INT64_MAX: Final = (1 << 63) - 1

_NUMBER: Final = re.compile(
    r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII
)


def number_of(condition: Condition) -> Decimal:
    """The number that a field is compared with.

    Raises:
        InvalidArgumentError: the value is none.
    """
    field = condition.field
    number = read_number(condition.value.text)
    if number is None:
        raise filter_error(
            condition.value.position,
            f'{field} is a number, and "{condition.value.text[:80]}" is none; '
            f"write for example {field} < 500 or {field} = 49.95",
        )
    return number


def read_number(text: str) -> Decimal | None:
    """The number that a value is, or None; those that no double can hold are none."""
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if math.isfinite(float(number)) else None


def float_range(comparator: Comparator, number: float) -> tuple[float, float]:
    """The doubles that stand in this relation to `number`: from the first to the second."""
    match comparator:
        case Comparator.LESS:
            return -math.inf, float(np.nextafter(number, -math.inf))
        case Comparator.AT_MOST:
            return -math.inf, number
        case Comparator.GREATER:
            return float(np.nextafter(number, math.inf)), math.inf
        case Comparator.AT_LEAST:
            return number, math.inf
        case _:
            return number, number


def integer_range(comparator: Comparator, number: Decimal) -> tuple[int, int]:
    """The whole numbers that stand in this relation to `number`, which need not be whole."""
    floor = int(number.to_integral_value(ROUND_FLOOR))
    ceiling = int(number.to_integral_value(ROUND_CEILING))
    low, high = {
        Comparator.LESS: (-INT64_MAX, ceiling - 1),
        Comparator.AT_MOST: (-INT64_MAX, floor),
        Comparator.GREATER: (floor + 1, INT64_MAX),
        Comparator.AT_LEAST: (ceiling, INT64_MAX),
    }.get(comparator, (ceiling, floor))
    return _clamped(low), _clamped(high)


def _clamped(number: int) -> int:
    return max(-INT64_MAX, min(INT64_MAX, number))


_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_of(condition: Condition) -> float:
    """Seconds since 1970 of an RFC 3339 time or date; without an offset it is UTC."""
    value = condition.value
    match = _TIME.fullmatch(value.text)
    if match is not None:
        date, time, offset = match.groups()
        offset = "+00:00" if offset in {None, "Z", "z"} else offset
        try:
            moment = datetime.fromisoformat(f"{date}T{time or '00:00'}{offset}")
            return (moment - _EPOCH).total_seconds()
        except (ValueError, OverflowError):
            pass
    raise filter_error(
        value.position,
        f'{condition.field} is a time, and "{value.text[:80]}" is none; '
        "write for example 2024-05-01 or 2024-05-01T12:00:00Z",
    )


def is_encodable(text: str) -> bool:
    """Whether a text can stand in a product at all: lone surrogates cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
