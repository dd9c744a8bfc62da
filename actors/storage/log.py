"""The log of a store: entries of changes and answers, chained by hash, bounded in size."""

from collections.abc import Iterator
from typing import Final

import xxhash

from actors.storage.environment import ReadView, WriteBatch
from actors.storage.store import number
from actors.storage.tables import LOCAL, LOG
from node.config import MIB
from node.errors import InvariantError
from protos.internal.records_pb2 import LogEntry

LOG_SIZE_BYTES_MAX: Final = 512 * MIB
"""Older entries are dropped beyond this; a copy that is further behind needs a full one."""

_TRIMMED_PER_ENTRY_MAX: Final = 4
_POSITION: Final = b"position"
_ENTRY_HASH: Final = b"entry_hash"
_FIRST: Final = b"log_first"
_BYTES: Final = b"log_bytes"


def last_position(view: ReadView) -> int:
    """The position of the last applied entry; 0 in an empty store."""
    return number(view, _POSITION)


def last_entry_hash(view: ReadView) -> bytes:
    """What the next entry must name as `previous_hash`; empty in an empty store."""
    value = view.get(LOCAL, _ENTRY_HASH)
    return b"" if value is None else bytes(value)


def append_entry(
    batch: WriteBatch, entry: LogEntry, stored: bytes, *, size_bytes_max: int = LOG_SIZE_BYTES_MAX
) -> None:
    """Add the next entry, given with its serialised form.

    Raises:
        InvariantError: it does not follow the last one: a gap, or another history.
    """
    position = last_position(batch)
    if entry.position != position + 1 or entry.previous_hash != last_entry_hash(batch):
        raise InvariantError(f"entry {entry.position} does not follow the log's end at {position}")
    batch.put(LOG, _key(entry.position), stored)
    batch.put(LOCAL, _POSITION, _key(entry.position))
    batch.put(LOCAL, _ENTRY_HASH, xxhash.xxh3_128_digest(stored))
    _trim(batch, added_bytes=len(stored), size_bytes_max=size_bytes_max)


def read_entries(view: ReadView, *, first: int = 1) -> Iterator[LogEntry]:
    """Entries from a position on, oldest first."""
    for _, value in view.range(LOG, b"", _key(first)):
        yield LogEntry.FromString(bytes(value))


def first_position(view: ReadView) -> int:
    """The position of the oldest entry kept."""
    return number(view, _FIRST) or 1


def _trim(batch: WriteBatch, *, added_bytes: int, size_bytes_max: int) -> None:
    """Drop at most a few of the oldest entries, so that no single write pays for many."""
    total = number(batch, _BYTES) + added_bytes
    first = first_position(batch)
    for _ in range(_TRIMMED_PER_ENTRY_MAX):
        if total <= size_bytes_max:
            break
        oldest = batch.get(LOG, _key(first))
        if oldest is None:
            break
        total -= len(oldest)
        batch.delete(LOG, _key(first))
        first += 1
    batch.put(LOCAL, _BYTES, total.to_bytes(8, "big"))
    batch.put(LOCAL, _FIRST, _key(first))


def _key(position: int) -> bytes:
    return position.to_bytes(8, "big")
