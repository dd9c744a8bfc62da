"""Keys of the tables that hold events, and the hashes that stand for the ids that shops send."""

import re
from typing import Final

DAY_MS: Final = 86_400_000
HASH_SIZE: Final = 16

_SHOWN: Final = "saluhall:"
_SHOWN_FORM: Final = re.compile(_SHOWN + "[0-9a-f]{32}")


def day_of(time_ms: int) -> int:
    """Days since 1970 (UTC)."""
    return time_ms // DAY_MS


def event_key(day: int, event_hash: bytes) -> bytes:
    """The key in `events`: it is what makes an event known again."""
    return day.to_bytes(2, "big") + event_hash


def visitor_event_key(storage_id: bytes, day: int, sequence: int) -> bytes:
    """The key in `visitor_events`: a visitor's events by day, and within one as they were written."""
    return storage_id + day.to_bytes(2, "big") + sequence.to_bytes(4, "big")


def day_in(key: bytes | memoryview) -> int:
    """The day in a key that begins with one: of `events`, `marks` and `figures`."""
    return int.from_bytes(key[:2], "big")


def event_key_of(visitor_event: bytes | memoryview, event_hash: bytes | memoryview) -> bytes:
    """The key in `events` of a row of `visitor_events`."""
    return bytes(visitor_event[16:18]) + bytes(event_hash)


def shown_hash(hexadecimal: str) -> str:
    """How the hash of an id stands in an export; nothing for no hash."""
    return _SHOWN + hexadecimal if hexadecimal else ""


def hash_in(text: str) -> bytes | None:
    """The hash that an id from an export is; None for any other id, which is still to be hashed.

    So what was exported can be written again, and is known again. Whoever sends ids of this form chooses what
    stands for them: sixteen bytes that nobody but the same visitor's sessions and orders are compared with.
    """
    if text.startswith(_SHOWN) and _SHOWN_FORM.fullmatch(text):
        return bytes.fromhex(text[len(_SHOWN) :])
    return None
