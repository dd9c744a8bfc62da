"""A group of replicas on a bench: messages arrive at once and in order, unless a store is cut off."""

from collections import Counter, deque
from dataclasses import replace

from actors.replication.protocol.effects import (
    Answer,
    CompareAndSet,
    Decline,
    Effect,
    Persist,
    ReadGroup,
    Refuse,
    Send,
    SendCopy,
    ServeReads,
    Transaction,
)
from actors.replication.protocol.events import (
    Event,
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
from actors.replication.protocol.group import Group, StoreRecord
from actors.replication.protocol.log import Entry
from actors.replication.protocol.replica import Replica
from node.ids import StoreId
from tests.simulation.disk import Store, make_entry
from tests.simulation.world import LIMITS

TICK_MS = 100


class _NothingChecked:
    def before_transaction(self, store: Store, transaction: Transaction) -> None:
        pass

    def after_transaction(self, store: Store, transaction: Transaction) -> None:
        pass

    def applied(self, store: Store, entry: Entry) -> None:
        pass


class Bench:
    """Stores `a` (primary), `b`, ..., their replicas, and the registry's record."""

    def __init__(self, *, copies: int, min_copies: int = 1) -> None:
        self.now_ms = 1_000
        self.ids = tuple(StoreId(name) for name in "abcd"[:copies])
        self.stores = {i: Store(i, _NothingChecked(), entries_kept=100) for i in self.ids}
        self.group = Group(
            1, self.ids[0], self.ids, tuple(StoreRecord(i, 0, 0) for i in self.ids), min_copies
        )
        self.revision = 1
        self.cut_off: set[str] = set()
        self.is_registry_up = True
        self.effects: list[Effect] = []
        self.sent: Counter[str] = Counter()
        self.replicas: dict[str, Replica] = {}
        self._events: deque[tuple[Replica, Event]] = deque()
        self._request = 0
        for store_id in self.ids:
            self.start(store_id)
        self.advance(5 * TICK_MS)
        self.effects = []

    def start(self, store_id: str) -> None:
        """Open a store in a new process; one before it is gone."""
        store = self.stores[StoreId(store_id)]
        replica = Replica(store.id, limits=LIMITS, log=store, durable=store.durable)
        self.replicas[store_id] = replica
        self.step(store_id, Start(self.now_ms))

    def step(self, store_id: str, event: Event) -> None:
        """Let something happen at one replica, and everything that follows from it."""
        self._events.append((self.replicas[store_id], event))
        while self._events:
            replica, next_event = self._events.popleft()
            if replica in self.replicas.values():
                for effect in replica.step(next_event):
                    self.effects.append(effect)
                    self._do(replica, effect)

    def advance(self, duration_ms: int) -> None:
        """Let time pass."""
        for _ in range(duration_ms // TICK_MS):
            self.now_ms += TICK_MS
            for store_id in list(self.replicas):
                self.step(store_id, Tick(self.now_ms))

    def write(self, store_id: str = "a") -> None:
        """Propose one entry; a refusal or an answer is among the effects."""
        replica = self.replicas[store_id]
        slot = replica.proposal_slot
        if slot is None:
            self.effects.append(Refuse(replica.write_refusal))
            return
        self._request += 1
        entry = make_entry(
            epoch=slot.epoch,
            position=slot.previous_position + 1,
            previous_hash=slot.previous_hash,
            request=f"request-{self._request}",
            key="kettle",
            value=str(self._request),
        )
        self.step(store_id, Propose(self.now_ms, (entry,)))

    def read(self, number: int, store_id: str = "a") -> None:
        self.step(store_id, ReadStrong(self.now_ms, number))

    def promote(self, store_id: str) -> None:
        self.step(store_id, Promote(self.now_ms))

    def hand_over(self, source: str, target: str) -> None:
        self.step(source, HandOver(self.now_ms, StoreId(target)))

    def crash(self, store_id: str) -> None:
        del self.replicas[store_id]

    def taken(self, kind: type) -> list[Effect]:
        """Effects of a kind since the last time someone looked."""
        found = [effect for effect in self.effects if isinstance(effect, kind)]
        self.effects = []
        return found

    @property
    def answers(self) -> list[Answer]:
        return self.taken(Answer)

    @property
    def served(self) -> list[ServeReads]:
        return self.taken(ServeReads)

    @property
    def declined(self) -> list[Decline]:
        return self.taken(Decline)

    def _do(self, replica: Replica, effect: Effect) -> None:
        store_id = next(name for name, other in self.replicas.items() if other is replica)
        store = self.stores[StoreId(store_id)]
        match effect:
            case Persist(transaction):
                failure = store.execute(transaction)
                event = (
                    Persisted(self.now_ms, store.durable)
                    if failure is None
                    else PersistFailed(self.now_ms, failure)
                )
                self._events.append((replica, event))
            case Send(to, message):
                self.sent[type(message).__name__] += 1
                if to in self.replicas and not self.cut_off & {store_id, to}:
                    self._events.append(
                        (self.replicas[to], Received(self.now_ms, store.id, message))
                    )
            case SendCopy(to, epoch, ticket):
                copy = store.full_copy(epoch=epoch, copy_ticket=ticket)
                self._do(replica, Send(to, copy))
            case ReadGroup(token) if self.is_registry_up:
                self._events.append(
                    (replica, GroupRead(self.now_ms, token, self.revision, self.group))
                )
            case CompareAndSet(token, expected_revision, group) if self.is_registry_up:
                self._set(replica, token, expected_revision, group)

    def _set(self, replica: Replica, token: int, expected_revision: int, group: Group) -> None:
        revision = None
        if expected_revision == self.revision:
            self.revision += 1
            self.group, revision = group, self.revision
        self._events.append((replica, GroupSet(self.now_ms, token, revision)))

    def raise_incarnation(self, store_id: str) -> None:
        """As if the store had been opened once more elsewhere."""
        stores = tuple(
            replace(r, incarnation=r.incarnation + 1) if r.store_id == store_id else r
            for r in self.group.stores
        )
        self.group = replace(self.group, stores=stores)
        self.revision += 1
