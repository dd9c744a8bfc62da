"""Reads from a sample of values how they are written: separators, decimals, dates, minor units,
kinds.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from node.client.feeds.records import ValueRefusedError
from node.client.feeds.rules import AttributeKind
from node.client.feeds.values import to_number, to_time

_CATEGORY_SEPARATORS: Final = (">", "»", "::", "|", "/", "\\")
_LIST_SEPARATORS: Final = ("|", ";", ",")
_DATE_FORMATS: Final = (
    "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y-%m-%d %H:%M",
    "%d %b %Y", "unix", "unix_ms",
)  # fmt: skip
_MOST: Final = 0.8
"""The share of a sample that counts as most of it."""

_WHOLE_UNIT_CURRENCIES: Final = frozenset({"SEK", "NOK", "DKK", "ISK", "JPY", "KRW", "HUF", "CZK"})
_MINOR_UNITS_MEDIAN_MIN: Final = 1_000


def texts_in(values: Iterable[object]) -> list[str]:
    """The texts among values and in lists among them."""
    return [
        each
        for value in values
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, str) and each
    ]


def category_separator(values: Sequence[object]) -> str:
    """What stands between the parts of category paths; ">" when nothing does."""
    texts = texts_in(values)
    for separator in _CATEGORY_SEPARATORS:
        if sum(separator in text for text in texts) * 5 > len(texts):
            return separator
    return ">"


def are_category_levels(values: Sequence[object]) -> bool:
    """Whether lists of categories are one path each: then nearly every category has one parent
    only.
    """
    parents: dict[str, Counter[str]] = {}
    for value in values:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            for parent, child in pairwise(value):
                parents.setdefault(child, Counter())[parent] += 1
    if not parents or category_separator(values) in "".join(texts_in(values)):
        return False
    steps = sum(counter.total() for counter in parents.values())
    return sum(max(counter.values()) for counter in parents.values()) >= _MOST * steps


def list_separator(values: Sequence[object], part: str) -> str:
    """What stands between the values of a list in one text; each matches the pattern `part`."""
    texts = texts_in(values)
    for separator in _LIST_SEPARATORS:
        pattern = re.compile(f"{part}(?:\\s*{re.escape(separator)}\\s*{part})+")
        if any(pattern.fullmatch(text) for text in texts):
            return separator
    return ""


def decimal_separator(values: Sequence[object]) -> str:
    """Before the decimals of prices written as texts."""
    texts = texts_in(values)
    commas = sum(bool(re.search(r",\d{1,2}(?!\d)", text)) for text in texts)
    points = sum(bool(re.search(r"\.\d{1,2}(?!\d)", text)) for text in texts)
    return "," if commas > points else "."


def date_formats(values: Sequence[object]) -> tuple[str, ...] | None:
    """The format that reads all of them; () for ISO 8601, None when none does."""
    texts = [str(value) for value in values]
    for formats in ((), *((each,) for each in _DATE_FORMATS)):
        try:
            for text in texts:
                seconds, _ = to_time(text, formats)
                # A year out of all reason means that another format was meant (20250331 as
                # seconds).
                if formats and not 0 < seconds < 4_102_444_800:
                    raise ValueRefusedError(text)
        except ValueRefusedError:
            continue
        return formats
    return None


def price_scale(values: Sequence[object], currency: str) -> int:
    """100 where whole numbers look like cents: large, and mostly ending as prices end."""
    if currency in _WHOLE_UNIT_CURRENCIES or not values:
        return 1
    if not all(type(value) is int for value in values):
        return 1
    amounts = [value for value in values if isinstance(value, int)]
    typical = sum(amount % 100 in {0, 49, 50, 90, 95, 99} for amount in amounts)
    is_large = median(amounts) >= _MINOR_UNITS_MEDIAN_MIN
    return 100 if is_large and typical >= _MOST * len(amounts) else 1


def kind_of(values: Sequence[object]) -> AttributeKind:
    """The one kind that fits all values; texts where they differ."""
    elements = [
        each for value in values for each in (value if isinstance(value, list) else [value])
    ]
    if all(isinstance(each, bool) for each in elements):
        return AttributeKind.BOOLEAN
    if all(isinstance(each, str) and each.lower() in {"true", "false"} for each in elements):
        return AttributeKind.BOOLEAN
    try:
        for each in elements:
            to_number(each)
    except ValueRefusedError:
        return AttributeKind.TEXT
    # "0451" is a code: as a number it would lose its zero.
    is_code = any(isinstance(each, str) and re.match(r"0\d", each) for each in elements)
    return AttributeKind.TEXT if is_code else AttributeKind.NUMBER
