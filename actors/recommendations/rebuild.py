"""Reading the memory back from the store when a tenant opens: in the background, a little at a time.

Events are sealed under their visitors' keys, so they are read visitor by visitor. Of a tenant with more events than
are read, the days before the newest so many are left out: sessions that old say little, and would not fit. A thread
opens what is sealed, in read transactions of a few milliseconds; the event loop learns it, between two answers.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from actors.events.keys import day_in
from actors.events.learnt import LearntEvent
from actors.recommendations.history import read_events
from actors.recommendations.memory import RecommendMemory
from actors.storage.environment import ReadView
from actors.storage.keyring import FIRST_VISITOR_SLOT, KeyringDamagedError
from actors.storage.store import Store
from actors.storage.tables import EVENTS, PRODUCT_COUNTS, VISITOR_EVENTS, VISITORS
from protos.internal.records_pb2 import ProductCountsRecord, VisitorRecord

EVENTS_READ_MAX: Final = 500_000
_COUNTS_PER_STEP: Final = 2_000
_KEYS_PER_STEP: Final = 20_000
_SLOTS_PER_STEP: Final = 64
_EVENTS_PER_STEP: Final = 250
_TRIES: Final = 3
_REST_SHARE: Final = 0.5
"""How long to pause after each step, of the time that it took: answers come first."""

_T = TypeVar("_T")


class Rebuild:
    """Fills the memory of one tenant, once."""

    def __init__(self, store: Store, memory: RecommendMemory) -> None:
        self._store = store
        self._memory = memory
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recommendations")

    async def run(self) -> None:
        """Read everything, then let the memory be ready."""
        try:
            await self._read_counts()
            await self._read_visitors(await self._first_day())
            self._memory.ready()
        finally:
            self._thread.shutdown(wait=True)

    async def _step(self, job: Callable[[], _T]) -> _T:
        started_s = time.monotonic()
        result = await asyncio.get_running_loop().run_in_executor(self._thread, job)
        await asyncio.sleep((time.monotonic() - started_s) * _REST_SHARE)
        return result

    async def _read_counts(self) -> None:
        start = b""
        while True:  # Ends with the table.
            rows = await self._step(partial(self._counts_from, start))
            self._memory.counts.load(rows)
            if len(rows) < _COUNTS_PER_STEP:
                return
            start = rows[-1][0] + b"\0"

    def _counts_from(self, start: bytes) -> list[tuple[bytes, ProductCountsRecord]]:
        with self._store.read() as view:
            return [
                (bytes(key), ProductCountsRecord.FromString(bytes(value)))
                for key, value in islice(view.range(PRODUCT_COUNTS, b"", start), _COUNTS_PER_STEP)
            ]

    async def _first_day(self) -> int:
        """The first day whose events are read: those since are not more than may be, unless all are of one day."""
        by_day: dict[int, int] = {}
        start: bytes | None = b""
        while start is not None:  # Ends with the table.
            start = await self._step(partial(self._count_days, start, by_day))
        total = 0
        first = 0
        for day in sorted(by_day, reverse=True):
            if total + by_day[day] > EVENTS_READ_MAX and total:
                break
            total += by_day[day]
            first = day
        return first

    def _count_days(self, start: bytes, by_day: dict[int, int]) -> bytes | None:
        """Count some keys; the one to go on with."""
        with self._store.read() as view:
            if not start and view.count(EVENTS) <= EVENTS_READ_MAX:
                return None
            key: memoryview | bytes = b""
            count = 0
            for key, value in islice(view.range(EVENTS, b"", start), _KEYS_PER_STEP):
                count += 1
                if value:
                    day = day_in(key)
                    by_day[day] = by_day.get(day, 0) + 1
            return bytes(key) + b"\0" if count == _KEYS_PER_STEP else None

    async def _read_visitors(self, first_day: int) -> None:
        slot = FIRST_VISITOR_SLOT
        while True:  # Ends with the keyring.
            visitors = await self._step(partial(self._visitors_from, slot))
            if visitors is None:
                return
            slot += _SLOTS_PER_STEP
            for tag, storage_id in visitors:
                await self._read_visitor(tag, storage_id, first_day)

    def _visitors_from(self, slot: int) -> list[tuple[bytes, bytes]] | None:
        """Tags and storage ids of some slots. A slot that is being destroyed this moment is read again."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(KeyringDamagedError):
                return self._store.keyring.storage_ids(slot, _SLOTS_PER_STEP)
        return self._store.keyring.storage_ids(slot, _SLOTS_PER_STEP)

    async def _read_visitor(self, tag: bytes, storage_id: bytes, first_day: int) -> None:
        start: bytes | None = storage_id + first_day.to_bytes(2, "big")
        while start is not None:  # Ends with the visitor's rows.
            events, start = await self._step(partial(self._events_from, tag, storage_id, start))
            self._memory.learn_stored(events)

    def _events_from(
        self, tag: bytes, storage_id: bytes, start: bytes
    ) -> tuple[list[LearntEvent], bytes | None]:
        """Some events of a visitor, and the row to go on with."""
        visitor = self._store.keyring.visitor(tag)
        if visitor is None or visitor.storage_id != storage_id:
            return [], None
        with self._store.read() as view:
            if not _may_be_used(view, storage_id):
                return [], None
            rows = [
                (bytes(key), bytes(value))
                for key, value in islice(
                    view.range(VISITOR_EVENTS, storage_id, start), _EVENTS_PER_STEP
                )
            ]
            events: Iterator[LearntEvent] = read_events(view, visitor, rows)
            following = rows[-1][0] + b"\0" if len(rows) == _EVENTS_PER_STEP else None
            return list(events), following


def _may_be_used(view: ReadView, storage_id: bytes) -> bool:
    value = view.get(VISITORS, storage_id)
    if value is None:
        return False
    record = VisitorRecord.FromString(bytes(value))
    return not (record.restrict_time_ms or record.object_time_ms)
