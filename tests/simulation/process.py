"""The shell around one `Replica`: persists, sends, compares and sets, tells time, answers clients.

What a real replica's shell does with LMDB, connections and a clock, with virtual ones. A process may be
paused, and lose its store to another process meanwhile; then it goes on as a zombie until it is fenced.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from actors.replication.protocol.effects import (
    Abandon,
    Answer,
    CompareAndSet,
    Decline,
    Ended,
    Opened,
    Persist,
    ReadGroup,
    Refusal,
    Refuse,
    RefuseReads,
    Send,
    SendCopy,
    ServeReads,
    SteppedDown,
    Transaction,
)
from actors.replication.protocol.events import (
    Event,
    FenceBroken,
    GroupRead,
    GroupSet,
    HandOver,
    Persisted,
    PersistFailed,
    Promote,
    Propose,
    ReadStrong,
    Received,
    Start,
    Tick,
)
from actors.replication.protocol.log import Entry
from actors.replication.protocol.messages import Appended, Message
from actors.replication.protocol.state import Role
from node.ids import StoreId
from tests.simulation.disk import Store, make_entry

if TYPE_CHECKING:
    from tests.simulation.clients import Call, Client
    from tests.simulation.world import World

TICK_US = 100_000
QUEUE_LENGTH_MAX = 32
BATCH_LENGTH_MAX = 6


@dataclass(slots=True)
class Clock:
    """A process's own clock: it starts anywhere, runs fast or slow, and may jump."""

    offset_ms: int
    rate: float

    def now_ms(self, now_us: int) -> int:
        return self.offset_ms + int(now_us * self.rate) // 1_000


class Process:
    """One process on one store."""

    def __init__(self, world: "World", store: Store, number: int) -> None:
        random = world.random
        self.world = world
        self.store = store
        self.number = number
        self.clock = Clock(random.randrange(1_000_000), random.uniform(0.9, 1.1))
        self.is_alive = True
        self.is_paused = False
        self._backlog: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._queue: list[tuple[Client, Call]] = []
        self._batch: list[tuple[Entry, list[tuple[Client, Call]]]] = []
        self._reads: dict[int, tuple[Client, Call]] = {}
        self._read_count = 0
        self._transaction: Transaction | None = None
        self.replica = world.mutant.replica_class(
            store.id, limits=world.limits, log=store, durable=store.durable
        )
        self._effects: dict[type[Any], Callable[[Any], None]] = {
            Persist: self._persist,
            Send: self._send,
            SendCopy: self._send_copy,
            ReadGroup: self._read_group,
            CompareAndSet: self._compare_and_set,
            Answer: self._answer,
            Abandon: self._abandon,
            Refuse: self._refuse,
            Decline: self._decline,
            ServeReads: self._serve_reads,
            RefuseReads: self._refuse_reads,
            Opened: self._opened,
            SteppedDown: self._stepped_down,
            Ended: self._ended,
        }
        self._step(Start(self._now_ms))
        world.schedule(random.randrange(TICK_US), self._tick)

    @property
    def _now_ms(self) -> int:
        return self.clock.now_ms(self.world.now_us)

    @property
    def name(self) -> str:
        return f"{self.store.id}{self.number}"

    # What happens to the process.

    def crash(self) -> None:
        """Gone; a transaction in flight was done just before, or not at all."""
        if not self.is_alive:
            return
        if (
            self._transaction is not None
            and not self.is_paused
            and self.world.random.random() < 0.5
        ):
            self.store.execute(self._transaction)
        self.is_alive = False

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        """Go on with everything that arrived meanwhile."""
        self.is_paused = False
        backlog, self._backlog = self._backlog, []
        for call, arguments in backlog:
            call(*arguments)

    def received(self, sender: StoreId, message: Message) -> None:
        if self._is_ready(self.received, sender, message):
            self._step(Received(self._now_ms, sender, message))

    def registry_answered(self, answer: GroupRead | GroupSet) -> None:
        if self._is_ready(self.registry_answered, answer):
            self._step(replace(answer, now_ms=self._now_ms))

    def promote(self) -> None:
        if self._is_ready(self.promote):
            self._step(Promote(self._now_ms))

    def hand_over(self, to: StoreId) -> None:
        if self._is_ready(self.hand_over, to):
            self._step(HandOver(self._now_ms, to))

    def asked(self, client: "Client", call: "Call") -> None:
        """A client's call arrived."""
        if not self._is_ready(self.asked, client, call):
            return
        if call.is_write:
            self._write(client, call)
        elif call.is_strong:
            self._read_count += 1
            self._reads[self._read_count] = (client, call)
            self._step(ReadStrong(self._now_ms, self._read_count))
        else:
            self._read_session(client, call)

    def _is_ready(self, call: Callable[..., None], *arguments: Any) -> bool:
        if not self.is_alive:
            return False
        if self.is_paused:
            if len(self._backlog) < 200:
                self._backlog.append((call, arguments))
            return False
        return True

    def _tick(self) -> None:
        if self._is_ready(self._tick):
            self.world.schedule(TICK_US + self.world.random.randrange(10_000), self._tick)
            self._step(Tick(self._now_ms))

    def _step(self, event: Event) -> None:
        if self.world.trace is not None:
            self.world.note(f"{self.name} <- {event}")
        for effect in self.replica.step(event):
            if not self.is_alive:
                break
            if self.world.trace is not None:
                self.world.note(f"{self.name} -> {effect}")
            self._effects[type(effect)](effect)
        if self._queue and not self._batch:
            self._propose()

    # The store.

    def _persist(self, effect: Persist) -> None:
        self._transaction = effect.transaction
        self.world.schedule(self.world.disk_delay_us(), self._execute, effect.transaction)

    def _execute(self, transaction: Transaction) -> None:
        if not self._is_ready(self._execute, transaction):
            return
        self._transaction = None
        failure = self.store.execute(transaction)
        if failure is None:
            self._step(Persisted(self._now_ms, self.store.durable))
        else:
            self._step(PersistFailed(self._now_ms, failure))

    # Other replicas and the registry.

    def _send(self, effect: Send) -> None:
        if effect.fence is not None and not self.store.holds(effect.fence):
            self._step(FenceBroken(self._now_ms))
            return
        world = self.world
        if isinstance(effect.message, Appended):
            world.last_answers[self.store.id] = effect
        world.network.send(
            self.store.id, effect.to, world.deliver, self.store.id, effect.to, effect.message
        )

    def _send_copy(self, effect: SendCopy) -> None:
        copy = self.store.full_copy(epoch=effect.epoch, copy_ticket=effect.copy_ticket)
        self._send(Send(effect.to, copy))

    def _read_group(self, effect: ReadGroup) -> None:
        self.world.registry.read(self, effect)

    def _compare_and_set(self, effect: CompareAndSet) -> None:
        self.world.registry.compare_and_set(self, effect)

    def _opened(self, effect: Opened) -> None:
        self.world.checker.opened(self, effect.epoch)

    def _stepped_down(self, _: SteppedDown) -> None:
        self._refuse_queue()

    def _decline(self, _: Decline) -> None:
        self.world.declined += 1

    def _ended(self, _: Ended) -> None:
        self.is_alive = False
        self.world.ended(self)

    # Clients.

    def _write(self, client: "Client", call: "Call") -> None:
        if self.replica.write_refusal is not None or len(self._queue) >= QUEUE_LENGTH_MAX:
            self.world.reply(self, client, call, None)
            return
        known = self.store.state.requests.get(call.request)
        if known is not None:
            self._reply_remembered(client, call, known)
            return
        self._queue.append((client, call))
        if not self._batch:
            self._propose()

    def _reply_remembered(self, client: "Client", call: "Call", position: int) -> None:
        self.world.checker.answered(self, call, position)
        self.world.reply(self, client, call, position)

    def _propose(self) -> None:
        """Resolve what waits against the applied state, where the protocol says that it belongs."""
        slot = self.replica.proposal_slot
        if slot is None:
            if self.replica.write_refusal is not None:
                self._refuse_queue()
            return
        waiting, self._queue = self._queue[:BATCH_LENGTH_MAX], self._queue[BATCH_LENGTH_MAX:]
        position, previous_hash = slot.previous_position, slot.previous_hash
        callers: dict[str, list[tuple[Client, Call]]] = {}
        for client, call in waiting:
            known = self.store.state.requests.get(call.request)
            if known is not None:
                self._reply_remembered(client, call, known)
            else:
                callers.setdefault(call.request, []).append((client, call))
        for request, calls in callers.items():
            position += 1
            entry = make_entry(
                epoch=slot.epoch,
                position=position,
                previous_hash=previous_hash,
                request=request,
                key=calls[0][1].key,
                value=request,
            )
            previous_hash = entry.hash
            self._batch.append((entry, calls))
        if self._batch:
            self._step(Propose(self._now_ms, tuple(entry for entry, _ in self._batch)))

    def _answer(self, effect: Answer) -> None:
        batch, self._batch = self._batch, []
        assert [entry.position for entry, _ in batch] == [*range(effect.first, effect.last + 1)]
        self.world.checker.durable_copies(self, effect)
        for entry, calls in batch:
            for client, call in calls:
                self.world.checker.answered(self, call, entry.position)
                self.world.reply(self, client, call, entry.position)

    def _abandon(self, _: Abandon) -> None:
        self._refuse(Refuse(Refusal.NOT_PRIMARY))

    def _refuse(self, _effect: Refuse) -> None:
        batch, self._batch = self._batch, []
        for _, calls in batch:
            for client, call in calls:
                self.world.reply(self, client, call, None)

    def _refuse_queue(self) -> None:
        queue, self._queue = self._queue, []
        for client, call in queue:
            self.world.reply(self, client, call, None)

    def _serve_reads(self, effect: ServeReads) -> None:
        for read in effect.reads:
            client, call = self._reads.pop(read)
            if not self.store.holds(effect.fence):
                self._step(FenceBroken(self._now_ms))
                return
            self.world.checker.strong_read(self, call, self.store)
            self.world.reply(self, client, call, self.store.durable.commit)

    def _refuse_reads(self, effect: RefuseReads) -> None:
        for read in effect.reads:
            client, call = self._reads.pop(read)
            self.world.reply(self, client, call, None)

    def _read_session(self, client: "Client", call: "Call") -> None:
        is_open = self.replica.role not in {Role.OPENING, Role.ENDED}
        if not is_open or self.replica.applied_position < call.position_min:
            self.world.reply(self, client, call, None)
            return
        self.world.checker.session_read(self, call, self.store)
        self.world.reply(self, client, call, self.store.durable.commit)
