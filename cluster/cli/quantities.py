"""Sizes, counts and times as a person reads them."""

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from node.config import KIB
from node.errors import InvalidArgumentError

_SIZE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def size_text(size_bytes: int) -> str:
    """As 12.3 MiB."""
    size = float(size_bytes)
    for unit in _SIZE_UNITS:
        if size < KIB or unit == _SIZE_UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= KIB
    raise AssertionError


def count_text(count: int) -> str:
    """As 19,406."""
    return f"{count:,}"


def time_text(timestamp: Timestamp) -> str:
    """In this machine's time zone, to the minute."""
    moment = datetime.fromtimestamp(timestamp.seconds).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M")


def read_duration_s(text: str, *, option: str) -> int:
    """Seconds of a text as 90d, 12h or 30m. Raises InvalidArgumentError."""
    number, unit = text[:-1], text[-1:]
    if not number.isascii() or not number.isdecimal() or unit not in _SECONDS or int(number) == 0:
        raise InvalidArgumentError.of(option, f"{text!r} is not a duration such as 90d, 12h or 30m")
    return int(number) * _SECONDS[unit]


def read_time(text: str, *, option: str) -> datetime:
    """A time in ISO 8601; without a zone it is this machine's. Raises InvalidArgumentError."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise InvalidArgumentError.of(
            option, f"{text!r} is not a time such as 2026-12-01T08:00 or 2026-12-01T08:00+01:00"
        ) from None
