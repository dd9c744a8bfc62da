"""How long events are kept, and what is due to be deleted: by entries of the log, a bounded number of rows at a time.

The primary decides by its clock; every copy deletes the same. Rows are found by their day, which stands first in
their keys, so looking for what is due costs next to nothing when nothing is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from actors.events.keys import (
    DAY_MS,
    day_in,
    day_of,
    event_key_of,
    visitor_event_key,
)
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import (
    ERASURES,
    EVENTS,
    FIGURES,
    MARKS,
    RETENTION,
    VISITOR_EVENTS,
    VISITORS,
    Table,
)
from protos.internal.records_pb2 import (
    Change,
    ErasureRecord,
    EventRecord,
    RetentionProgressRecord,
    RetentionRecord,
    VisitorRecord,
)
from protos.v1.event_pb2 import WriteEventsResponse

EVENTS_DAYS_DEFAULT: Final = 395
SEARCHES_DAYS_DEFAULT: Final = 90
DAYS_MAX: Final = 400
MARKS_DAYS: Final = 2
"""A mark stands under the day until which it is needed."""

FIGURES_DAYS: Final = 400
RETENTION_KEY: Final = b"tenant"
_PROGRESS_KEY: Final = b"progress"

DELETIONS_MAX: Final = 1_000
"""Rows that one entry deletes of each kind: about 15 ms of the writer's time."""

WORDS_LOOKED_AT_MAX: Final = 5_000
ERASURES_LOOKED_AT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class RetentionDays:
    """How many days each kind of data is kept."""

    events: int
    searches: int

    def oldest_event_ms(self, now_ms: int) -> int:
        """Events of this time and later are kept."""
        return (day_of(now_ms) - self.events) * DAY_MS

    def oldest_words_ms(self, now_ms: int) -> int:
        """Words of searches of this time and later are kept."""
        return (day_of(now_ms) - self.searches) * DAY_MS


def read_retention(view: ReadView) -> RetentionDays:
    """What the tenant has set, or the defaults."""
    value = view.get(RETENTION, RETENTION_KEY)
    record = RetentionRecord.FromString(b"" if value is None else bytes(value))
    return RetentionDays(
        record.events_days or EVENTS_DAYS_DEFAULT, record.searches_days or SEARCHES_DAYS_DEFAULT
    )


def is_due(view: ReadView, now_ms: int) -> bool:
    """Whether `resolve_retention` would find anything."""
    return bool(_due_changes(view, now_ms))


def resolve_retention(context: WriteContext) -> Resolution:
    """Delete some of what is older than it may be."""
    resolution = Resolution(WriteEventsResponse())
    resolution.changes = _due_changes(context.view, context.now_ms)
    return resolution


def resolve_erased_rows(receipt_ids: list[bytes], context: WriteContext) -> Resolution:
    """Delete some of the rows of erased visitors: nobody can read them, so this only frees their room."""
    resolution = Resolution(WriteEventsResponse())
    for receipt_id in receipt_ids:
        value = context.view.get(ERASURES, receipt_id)
        if value is None:
            continue
        storage_id = ErasureRecord.FromString(bytes(value)).storage_id
        room = DELETIONS_MAX - len(resolution.changes) // 2
        for key, event_hash in islice(context.view.range(VISITOR_EVENTS, storage_id), room):
            # The event stays known, so that sending it again does not bring the visitor back.
            resolution.changes += [
                Change(table=EVENTS.number, key=event_key_of(key, event_hash), value=b""),
                Change(table=VISITOR_EVENTS.number, key=bytes(key)),
            ]
    return resolution


def erased_with_rows(view: ReadView, start: bytes) -> tuple[list[bytes], bytes | None]:
    """Receipts from `start` on whose visitors still have rows; where to go on, None: all were looked at."""
    found: list[bytes] = []
    for count, (key, value) in enumerate(view.range(ERASURES, b"", start)):
        if count == ERASURES_LOOKED_AT_MAX:
            return found, bytes(key)
        storage_id = ErasureRecord.FromString(bytes(value)).storage_id
        if next(view.range(VISITOR_EVENTS, storage_id), None) is not None:
            found.append(bytes(key))
    return found, None


def _due_changes(view: ReadView, now_ms: int) -> list[Change]:
    today = day_of(now_ms)
    days = read_retention(view)
    return [
        *_old_events(view, today - days.events),
        *_old_words(view, max(today - days.events, 0), max(today - days.searches, 0)),
        *_old_rows(view, MARKS, today - MARKS_DAYS),
        *_old_rows(view, FIGURES, today - FIGURES_DAYS),
    ]


def _old_rows(view: ReadView, table: Table, first_day: int) -> Iterator[Change]:
    for key, _ in islice(view.range(table), DELETIONS_MAX):
        if day_in(key) >= first_day:
            return
        yield Change(table=table.number, key=bytes(key))


def _old_events(view: ReadView, first_day: int) -> list[Change]:
    """Events of days before the first one kept, and visitors who have none left and decided nothing."""
    changes = []
    deleted: dict[bytes, set[bytes]] = {}
    for key, value in islice(view.range(EVENTS), DELETIONS_MAX):
        day = day_in(key)
        if day >= first_day:
            break
        changes.append(Change(table=EVENTS.number, key=bytes(key)))
        if len(value):
            record = EventRecord.FromString(bytes(value))
            row = visitor_event_key(record.storage_id, day, record.sequence)
            changes.append(Change(table=VISITOR_EVENTS.number, key=row))
            deleted.setdefault(record.storage_id, set()).add(row)
    for storage_id, rows in deleted.items():
        if _is_forgotten(view, storage_id, rows):
            changes.append(Change(table=VISITORS.number, key=storage_id))
    return changes


def _is_forgotten(view: ReadView, storage_id: bytes, deleted: set[bytes]) -> bool:
    """Whether nothing but a count is left of a visitor when these rows are gone."""
    if any(bytes(key) not in deleted for key, _ in view.range(VISITOR_EVENTS, storage_id)):
        return False
    value = view.get(VISITORS, storage_id)
    if value is None:
        return False
    record = VisitorRecord.FromString(bytes(value))
    return not record.restrict_time_ms and not record.object_time_ms


def _old_words(view: ReadView, first_day: int, end_day: int) -> list[Change]:
    """Events whose words are due, without them; how far the search for such events has come is kept.

    Args:
        view: the state.
        first_day: of events that are kept at all; those before are deleted whole.
        end_day: the first whose words are kept.
    """
    end = end_day.to_bytes(2, "big")
    value = view.get(RETENTION, _PROGRESS_KEY)
    stored = RetentionProgressRecord.FromString(b"" if value is None else bytes(value)).words_key
    # Beyond the end: words are kept longer than before, and days that were passed may get some again.
    reached = min(max(stored, first_day.to_bytes(2, "big")), end)
    changes: list[Change] = []
    looked_at = 0
    for key, row in view.range(EVENTS, b"", reached):
        if bytes(key[:2]) >= end:
            reached = end
            break
        if looked_at == WORDS_LOOKED_AT_MAX or len(changes) == DELETIONS_MAX:
            reached = bytes(key)
            break
        looked_at += 1
        # The next key in byte order: this one is done.
        reached = bytes(key) + b"\0"
        if not len(row):
            continue
        record = EventRecord.FromString(bytes(row))
        if record.sealed_words:
            record.ClearField("sealed_words")
            content = record.SerializeToString(deterministic=True)
            changes.append(Change(table=EVENTS.number, key=bytes(key), value=content))
    if not looked_at and stored <= end:
        return []
    progress = RetentionProgressRecord(words_key=reached).SerializeToString()
    return [*changes, Change(table=RETENTION.number, key=_PROGRESS_KEY, value=progress)]
