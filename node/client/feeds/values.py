"""Turns the values of a feed (JSON values or texts) into those of a product; pure, and every
refusal says why.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from node.client.feeds.records import ValueRefusedError, shown
from protos.v1.common_pb2 import Availability

MICROS_PER_UNIT: Final = 1_000_000
_INT64_MAX: Final = 2**63 - 1
_WHOLE_MAX: Final = 1 << 1_000

_TRUE_WORDS: Final = frozenset({"true", "yes", "y", "1", "ja"})
_FALSE_WORDS: Final = frozenset({"false", "no", "n", "0", "nej"})

_AVAILABILITIES: Final = {
    Availability.IN_STOCK: (
        "instock", "available", "yes", "true", "1", "ilager", "limitedavailability",
    ),
    Availability.OUT_OF_STOCK: (
        "outofstock", "unavailable", "soldout", "no", "false", "0", "discontinued", "slutsåld",
        "ejilager", "slut",
    ),
    Availability.PREORDER: ("preorder", "presale", "förhandsbokning"),
    Availability.BACKORDER: ("backorder", "onbackorder", "restnoterad", "beställningsvara"),
}  # fmt: skip
_AVAILABILITY_OF_WORD: Final = {
    word: availability for availability, words in _AVAILABILITIES.items() for word in words
}


def is_empty(value: object) -> bool:
    """Whether the feed says nothing: null, an empty text or an empty list."""
    return value is None or value in ("", [], {})


def to_text(value: object) -> str:
    """One text without spaces around it; numbers as a person writes them ("12", not "12.0")."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, list) and len(value) <= 1:
        return to_text(value[0]) if value else ""
    raise ValueRefusedError(f"{shown(value)} is not one text")


def to_texts(value: object, *, separator: str = "") -> Iterator[str]:
    """Every text of a list, or of a text that lists them with `separator`; none is empty."""
    if isinstance(value, list):
        for element in value:
            yield from to_texts(element, separator="")
        return
    text = to_text(value)
    for part in text.split(separator) if separator else (text,):
        if stripped := part.strip():
            yield stripped


def to_number(value: object, *, decimal_separator: str = ".") -> float:
    """A finite number; in texts thousands may be grouped by spaces or by the other separator."""
    number = math.nan
    if isinstance(value, str):
        number = float(_decimal_of(value, decimal_separator))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # JSON knows whole numbers that no double holds.
        number = float(value) if isinstance(value, float) or abs(value) < _WHOLE_MAX else math.inf
    if math.isfinite(number):
        return number
    raise ValueRefusedError(f"{shown(value)} is not a number")


def to_boolean(value: object) -> bool:
    """True or false, also as 0, 1, yes, no, ja, nej."""
    if isinstance(value, bool):
        return value
    word = to_text(value).lower()
    if word in _TRUE_WORDS:
        return True
    if word in _FALSE_WORDS:
        return False
    raise ValueRefusedError(f"{shown(value)} is neither true nor false")


def to_whole_number(value: object, *, decimal_separator: str = ".") -> int:
    """A whole number; "12.0" is one, "12.5" is not."""
    number = to_number(value, decimal_separator=decimal_separator)
    if not number.is_integer():
        raise ValueRefusedError(f"{shown(value)} is not a whole number")
    return int(number)


_AMOUNT_TEXT: Final = re.compile(
    r"(?P<before>[A-Za-z]{3}(?![A-Za-z])|[^\W\d_]{0,3}\.?[€£$¥]?)\s*"
    r"(?P<amount>[-\u2212+]?\s*\d[\d.,\s'\u2019]*?)"
    r"(?:,-|:-|,\u2013)?\s*(?P<after>[A-Za-z]{3}|[€£$¥]|kr\.?|:-)?"
)
_CURRENCY_OF_SIGN: Final = {"€": "EUR", "£": "GBP"}  # "$" and "kr" are of several


def to_amount(value: object, *, price_scale: int, decimal_separator: str = ".") -> tuple[int, str]:
    """Micros of the currency's unit, and the currency's code where a text names one (else "").

    `price_scale` is how many of the feed's units make one of the currency's: 100 where 4995 means
    49.95.
    """
    if isinstance(value, bool):
        raise ValueRefusedError(f"{shown(value)} is not an amount")
    if isinstance(value, int):
        # In whole numbers: exact beyond 2**53, and there is none too large for it.
        micros, currency = _rounded_share(value * MICROS_PER_UNIT, price_scale), ""
    elif isinstance(value, float):
        scaled = value * MICROS_PER_UNIT / price_scale
        if math.isnan(scaled):
            raise ValueRefusedError(f"{shown(value)} is not an amount")
        if math.isinf(scaled):
            raise ValueRefusedError(f"{shown(value)} is larger than any price can be")
        micros, currency = round(scaled), ""
    else:
        amount, currency = _amount_of_text(to_text(value), decimal_separator)
        micros = round(amount * MICROS_PER_UNIT / price_scale)
    if micros < 0:
        raise ValueRefusedError(f"{shown(value)} is negative, which a price cannot be")
    if micros > _INT64_MAX:
        raise ValueRefusedError(f"{shown(value)} is larger than any price can be")
    return micros, currency


def _rounded_share(number: int, count: int) -> int:
    return (2 * number + count) // (2 * count)


@lru_cache(maxsize=65_536)
def _amount_of_text(text: str, decimal_separator: str) -> tuple[Decimal, str]:
    match = _AMOUNT_TEXT.fullmatch(text)
    if match is None:
        raise ValueRefusedError(
            f'{shown(text)} is not an amount such as "1299.00" or "1299.00 SEK"'
        )
    currency = ""
    for sign in (match["before"], match["after"] or ""):
        if len(sign) == 3 and sign.isascii() and sign.isalpha():
            currency = sign.upper()
        else:
            currency = _CURRENCY_OF_SIGN.get(sign, currency)
    return _decimal_of(match["amount"], decimal_separator), currency


_GROUPED: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?"),
}


def _decimal_of(text: str, decimal_separator: str) -> Decimal:
    """Refuses what could be meant two ways, rather than guess: "1,299" where the point is decimal
    is 1299, but "1,29" is refused.
    """
    compact = re.sub(r"[\s'\u2019]", "", text).replace("\u2212", "-")
    other = "," if decimal_separator == "." else "."
    if other in compact:
        if not _GROUPED[decimal_separator].fullmatch(compact):
            raise ValueRefusedError(
                f"{shown(text)} is not a number with {decimal_separator!r} before its decimals "
                f"(decimal_separator in the mapping)"
            )
        compact = compact.replace(other, "")
    try:
        number = Decimal(compact.replace(decimal_separator, "."))
    except InvalidOperation:
        raise ValueRefusedError(f"{shown(text)} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise ValueRefusedError(f"{shown(text)} is not a number")
    return number


def to_availability(value: object) -> Availability.ValueType:
    """What Google, schema.org and common shop systems call being in stock or not."""
    word = to_text(value).rpartition("/")[2].lower()
    availability = _AVAILABILITY_OF_WORD.get(re.sub(r"[\W_]", "", word))
    if availability is None:
        raise ValueRefusedError(
            f"{shown(value)} is none of in_stock, out_of_stock, preorder, backorder"
        )
    return availability


@lru_cache(maxsize=65_536)
def to_time(text: str, formats: tuple[str, ...]) -> tuple[int, int]:
    """Seconds since 1970 and nanoseconds, of a text in one of `formats` (of strptime) or else in
    ISO 8601.

    "unix" and "unix_ms" are formats too: seconds and milliseconds since 1970. A time without a zone
    is in UTC.
    """
    for pattern in formats:
        time = _time_in(text, pattern)
        if time is not None:
            return time
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        expected = ", ".join(formats) if formats else "2025-03-31 or 2025-03-31T12:00:00Z"
        raise ValueRefusedError(f"{shown(text)} is not a date ({expected})") from None
    return _seconds_of(moment)


def _time_in(text: str, pattern: str) -> tuple[int, int] | None:
    try:
        if pattern in {"unix", "unix_ms"}:
            per_second = 1 if pattern == "unix" else 1_000
            moment = datetime.fromtimestamp(float(text) / per_second, UTC)
        else:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - a zone is given below
    except (ValueError, OverflowError, OSError):
        return None
    return _seconds_of(moment)


def _seconds_of(moment: datetime) -> tuple[int, int]:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return math.floor(aware.replace(microsecond=0).timestamp()), aware.microsecond * 1_000


def to_categories(
    values: Sequence[object], *, are_levels: bool, part_separator: str, list_separator: str
) -> Iterator[str]:
    """Category paths with their parts joined by " > ".

    With `are_levels` all the values together are one path, from the top down; otherwise each is a
    path whose parts stand between `part_separator`.
    """
    if are_levels:
        levels = [text for value in values for text in to_texts(value)]
        if levels:
            yield " > ".join(levels)
        return
    seen = set()
    for value in values:
        for text in to_texts(value, separator=list_separator):
            parts = text.split(part_separator) if part_separator else (text,)
            path = " > ".join(stripped for part in parts if (stripped := part.strip()))
            if path and path not in seen:
                seen.add(path)
                yield path


def to_images(value: object, *, separator: str) -> Iterator[tuple[str, str]]:
    """The address and the alternative text of every picture: texts, or objects with `url` and
    `alt_text`.
    """
    elements: Iterable[Any] = value if isinstance(value, list) else (value,)
    for element in elements:
        if isinstance(element, Mapping):
            address = element.get("url") or element.get("src") or element.get("href")
            if not is_empty(address):
                yield to_text(address), to_text(element.get("alt_text") or element.get("alt"))
        else:
            for address in to_texts(element, separator=separator):
                yield address, ""
