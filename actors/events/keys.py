"""Keys of the tables that hold events."""

from typing import Final

DAY_MS: Final = 86_400_000
HASH_SIZE: Final = 16


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
