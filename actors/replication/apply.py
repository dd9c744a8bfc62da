"""Applying entries: a pure function of state and entry, the same at every copy of a tenant.

No clock, no randomness, no keys. Logical tables change entry by entry; what is derived from them
(cards and index) is brought up to date once at the end of a transaction, from the keys that changed.
"""

from dataclasses import dataclass, field
from typing import Final

import xxhash

from actors.storage.environment import WriteBatch
from actors.storage.log import append_entry
from actors.storage.tables import (
    BRANCHES,
    BY_NUMBER,
    FIELDS,
    INVENTORIES,
    PRODUCTS,
    REQUEST_TIMES,
    REQUESTS,
    SETTINGS,
    UNSEARCHED,
    TableClass,
    branch_of,
)
from node.errors import InvariantError
from protos.internal.records_pb2 import LogEntry, RequestRecord

REQUEST_MEMORY_MS: Final = 24 * 3_600 * 1_000
"""How long a request id is remembered, in the log's own time."""

_FORGOTTEN_PER_ENTRY_MAX: Final = 100


@dataclass(slots=True)
class Changed:
    """Keys that a transaction's entries have touched, by branch number."""

    products: dict[int, dict[bytes, None]] = field(default_factory=dict)
    inventories: dict[int, dict[bytes, None]] = field(default_factory=dict)
    branches: set[int] = field(default_factory=set)
    index_position: int = 0
    """Of the last entry that changed anything that searches see; 0: none did."""
    settings_position: int = 0
    """Of the last entry that changed settings or fields; 0: none did."""

    @property
    def settings(self) -> bool:
        """Whether settings or fields have changed."""
        return self.settings_position > 0

    def note(self, table: int, key: bytes, *, position: int) -> None:
        """Remember one change, of the entry at `position`."""
        if table in UNSEARCHED:
            return
        self.index_position = position
        if table == PRODUCTS.number:
            self.products.setdefault(branch_of(key), {})[key[4:]] = None
        elif table == INVENTORIES.number:
            self.inventories.setdefault(branch_of(key), {})[key[4:]] = None
        elif table == BRANCHES.number:
            self.branches.add(int.from_bytes(key, "big"))
        elif table in {SETTINGS.number, FIELDS.number}:
            self.settings_position = position


def apply_entry(batch: WriteBatch, entry: LogEntry, stored: bytes, changed: Changed) -> None:
    """Append the next entry to the log and make its changes.

    Args:
        stored: the entry as serialised by its primary; every copy stores these very bytes.
        changed: collects what the index has to follow.
    """
    append_entry(batch, entry, stored)
    for change in entry.changes:
        table = BY_NUMBER.get(change.table)
        if table is None or table.table_class is not TableClass.LOGICAL:
            raise InvariantError(f"entry {entry.position} changes table {change.table}")
        if change.HasField("value"):
            batch.put(table, change.key, change.value)
        else:
            batch.delete(table, change.key)
        changed.note(change.table, change.key, position=entry.position)
    if entry.request_id:
        _remember(batch, entry)
    _forget(batch, entry.time_ms - REQUEST_MEMORY_MS)


def request_key(request_id: str) -> bytes:
    """The key of a client's request id in the table `requests`: ids may be long or personal."""
    return xxhash.xxh3_128_digest(request_id.encode())


def _remember(batch: WriteBatch, entry: LogEntry) -> None:
    record = RequestRecord(
        request_hash=entry.request_hash,
        position=entry.position,
        time_ms=entry.time_ms,
        answer=entry.answer,
    )
    batch.put(REQUESTS, entry.request_id, record.SerializeToString(deterministic=True))
    batch.put(REQUEST_TIMES, entry.time_ms.to_bytes(8, "big") + entry.request_id, b"")


def _forget(batch: WriteBatch, before_ms: int) -> None:
    """Drop a bounded number of request ids that are older than the log's memory."""
    expired = []
    for key, _ in batch.range(REQUEST_TIMES):
        if int.from_bytes(key[:8], "big") >= before_ms:
            break
        expired.append(bytes(key))
        if len(expired) == _FORGOTTEN_PER_ENTRY_MAX:
            break
    for time_key in expired:
        batch.delete(REQUEST_TIMES, time_key)
        batch.delete(REQUESTS, time_key[8:])
