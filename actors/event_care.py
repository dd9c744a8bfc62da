"""What a tenant does every second for its visitors' data: delete what is kept no longer, and keys of nobody.

A visitor's key without a row in `visitors` belongs to nobody: their last event has expired, or the transaction that
made the key never committed. All slots are looked at once a day, a few each second.
"""

from functools import partial
from typing import Final

from actors.events.keys import day_of
from actors.events.retention import (
    erased_with_rows,
    is_due,
    resolve_erased_rows,
    resolve_retention,
)
from actors.replication.resolution import WriteCommand
from actors.storage.environment import WriteBatch
from actors.storage.keyring import FIRST_VISITOR_SLOT
from actors.storage.store import Store
from actors.storage.tables import ERASURES, VISITORS
from actors.writer import Writer
from node.clock import Clock
from protos.v1.event_pb2 import WriteEventsResponse

ENTRIES_PER_TICK_MAX: Final = 10
SLOTS_PER_TICK: Final = 500
"""About 8 ms of the writer's thread; four million are looked at in two hours and a quarter."""


class EventCare:
    """The care of one tenant's events. `tick` is called on the event loop."""

    def __init__(self, store: Store, writer: Writer, clock: Clock) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._swept_day = -1
        self._next_slot = FIRST_VISITOR_SLOT
        self._erasures_done = 0
        """How many erasures there were when no rows of any were left."""

        self._next_erasure = b""

    async def tick(self) -> None:
        """Do a bounded amount of what is due. Raises SaluhallError when a write fails; the next tick goes on."""
        await self._delete_old()
        await self._delete_erased()
        if self._swept_day != day_of(self._clock.now_ms()):
            await self._writer.run(self._sweep_keys)

    async def _delete_old(self) -> None:
        for _ in range(ENTRIES_PER_TICK_MAX):
            with self._store.read() as view:
                if not is_due(view, self._clock.now_ms()):
                    return
            await self._writer.submit(
                WriteCommand("saluhall/retention", resolve_retention, WriteEventsResponse)
            )

    async def _delete_erased(self) -> None:
        with self._store.read() as view:
            count = view.count(ERASURES)
            if count == self._erasures_done:
                return
            receipt_ids, following = erased_with_rows(view, self._next_erasure)
        if receipt_ids:
            resolve = partial(resolve_erased_rows, receipt_ids)
            await self._writer.submit(WriteCommand("saluhall/erased", resolve, WriteEventsResponse))
        elif following is None:
            self._next_erasure, self._erasures_done = b"", count
        else:
            self._next_erasure = following

    def _sweep_keys(self, batch: WriteBatch) -> None:
        """Destroy keys of nobody. Between two transactions, so that no key waits for its first row."""
        keyring = self._store.keyring
        found = keyring.storage_ids(self._next_slot, SLOTS_PER_TICK)
        if found is None:
            self._next_slot = FIRST_VISITOR_SLOT
            self._swept_day = day_of(self._clock.now_ms())
            return
        self._next_slot += SLOTS_PER_TICK
        keyring.destroy_all(
            [
                (tag, storage_id)
                for tag, storage_id in found
                if batch.get(VISITORS, storage_id) is None
            ]
        )
