"""What must hold at every step. Each is checked when anything changes that it speaks about.

I1  For each epoch there is at most one primary ever, and epochs in the registry only grow.
I2  An acknowledged entry is in the log (or, if trimmed, in the state) of every member of `in_sync`, then
    and for ever; a store whose directory was put back does not count until it has left and come again.
I3  Committed logs agree: what is committed at a position is the same at every store, is never dropped,
    and no store's commit position goes back.
I4  A store that has promised an epoch is not changed by entries, truncations or copies of a lower one.
I5  Strong reads and writes are linearizable (in the order of the log, which must not contradict the order in
    which calls ended and began); a session reads its own writes and never goes back; nobody reads what is
    not committed.
I6  A request id has one entry and one answer, however often it is tried and by whomever it is answered.
I7  No strong read is served by a primary after a later primary had answered a write when the read began.
I9  A store's state hash at a position is that of replaying the log up to there, whether it applied entries
    or got a full copy.
I10 When all faults are healed, a write and a strong read succeed and every copy comes in sync, within bounds
    of virtual time. (Liveness; checked at the end of a seed by `World`.)

Also: a store that nobody put back keeps its place when it is opened; an answer is given only while at least
`min_copies` are in sync, and never names more durable copies than there are. I8 (tenants) and I11 (upgrades)
are not the protocol's.
"""

from typing import TYPE_CHECKING

from actors.replication.protocol.effects import Answer, Transaction
from actors.replication.protocol.group import Group
from actors.replication.protocol.log import Entry
from tests.simulation.disk import State, Store

if TYPE_CHECKING:
    from tests.simulation.clients import Call
    from tests.simulation.process import Process
    from tests.simulation.world import World


class Violation(Exception):  # noqa: N818 - it is what the simulator looks for
    """An invariant does not hold."""


class Checker:
    """Knows what was committed and acknowledged, and compares everything that happens with it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.acknowledged = 0
        """The highest position of an answered write."""

        self.read_strongly = 0
        """The highest position of a strong read whose client has the answer."""

        self._state = State()
        self._hashes: list[tuple[bytes, int]] = [(b"", 0)]
        """Of the committed entry and of the state after it, by position."""

        self._history: dict[str, list[tuple[int, str]]] = {}
        self._positions: dict[str, int] = {}
        self._primaries: dict[int, Process] = {}
        self._epoch_acknowledged = 0
        self.happened: dict[str, int] = {}
        """What the report counts, seen from the registry."""

    @property
    def committed(self) -> int:
        """The highest position that is committed anywhere."""
        return len(self._hashes) - 1

    @property
    def state_hash(self) -> int:
        """Of everything committed: two runs of a seed must agree in it."""
        return self._state.hash

    def opened(self, process: "Process", epoch: int) -> None:
        """A process says that it is primary of an epoch."""
        first = self._primaries.setdefault(epoch, process)
        _demand(first is process, f"I1: {first.name} and {process.name} open epoch {epoch}")

    def registry_changed(self, before: Group, after: Group, revision: int) -> None:
        """The registry's record was changed."""
        world = self._world
        world.note(f"registry {revision}: {after}")
        self._count(before, after)
        _demand(after.epoch >= before.epoch, f"I1: epoch {before.epoch} became {after.epoch}")
        is_new_primary = after.primary != before.primary and after.primary is not None
        _demand(
            not is_new_primary or after.epoch > before.epoch,
            f"I1: epoch {after.epoch} has two primaries in the registry",
        )
        _demand(bool(after.in_sync), "I2: nobody is in sync")
        for record in after.stores:
            store = world.stores[record.store_id]
            _demand(
                record.incarnation >= before.incarnation(record.store_id),
                f"I1: {store.id} was opened less often than before",
            )
            if store.damaged_at is None and record.incarnation > before.incarnation(store.id):
                _demand(
                    store.id in after.in_sync or store.id not in before.in_sync,
                    f"{store.id} is whole and lost its place when it was opened",
                )
            if store.damaged_at is not None and record.incarnation > store.damaged_at:
                is_member = store.id in after.in_sync
                _demand(not is_member, f"I2: {store.id} was put back and still counts as in sync")
                store.damaged_at = None
        self.check_acknowledged()

    def _count(self, before: Group, after: Group) -> None:
        happened = []
        if after.primary is not None and after.primary != before.primary:
            is_failover = before.primary is None or before.primary not in after.in_sync
            happened.append("failover" if is_failover else "hand-over done")
        elif after.epoch > before.epoch:
            happened.append("primary restarted")
        if any(member not in before.in_sync for member in after.in_sync):
            happened.append("learner admitted")
        if after.epoch == before.epoch and len(after.in_sync) < len(before.in_sync):
            happened.append("member removed")
        for name in happened:
            self.happened[name] = self.happened.get(name, 0) + 1

    def before_transaction(self, store: Store, transaction: Transaction) -> None:
        """A store is about to be changed."""
        promised = store.durable.promised
        is_change = (
            transaction.entries or transaction.copy or transaction.truncate_after is not None
        )
        if is_change:
            _demand(
                transaction.epoch >= promised,
                f"I4: {store.id} promised {promised}, changed by epoch {transaction.epoch}",
            )
        if transaction.truncate_after is not None:
            _demand(
                transaction.truncate_after >= store.durable.commit,
                f"I3: {store.id} drops entries after {transaction.truncate_after}, committed are "
                f"{store.durable.commit}",
            )
        for name in ("commit", "promised", "opening", "open"):
            new, old = getattr(transaction, name), getattr(store.durable, name)
            _demand(new is None or new >= old, f"I3: {store.id}: {name} goes from {old} to {new}")

    def after_transaction(self, store: Store, transaction: Transaction) -> None:
        """A store was changed."""
        durable = store.durable
        _demand(durable.commit <= durable.position, f"I3: {store.id} applied more than it has")
        if transaction.commit is not None or transaction.copy is not None:
            _demand(durable.commit <= self.committed, f"I3: {store.id} commits what nobody has")
            expected_hash, expected_state = self._hashes[durable.commit]
            found = store.hash_at(durable.commit)
            _demand(found == expected_hash, f"I3: {store.id} differs at {durable.commit}")
            _demand(
                store.state.hash == expected_state,
                f"I9: {store.id} has another state at {durable.commit}",
            )
        if transaction.truncate_after is not None or transaction.copy is not None:
            self.check_acknowledged()

    def applied(self, store: Store, entry: Entry) -> None:
        """A store has applied an entry; the first to do so says what is committed there."""
        if entry.position <= self.committed:
            expected = self._hashes[entry.position][0]
            _demand(entry.hash == expected, f"I3: {store.id} applies another {entry.position}")
            return
        _demand(entry.position == self.committed + 1, f"I3: a gap before {entry.position}")
        self._state.apply(entry)
        self._hashes.append((entry.hash, self._state.hash))
        request, key, value = entry.stored.decode().split(" ")[3:]
        _demand(request not in self._positions, f"I6: {request} has a second entry")
        self._positions[request] = entry.position
        self._history.setdefault(key, []).append((entry.position, value))

    def check_acknowledged(self) -> None:
        """I2, by the hash of the last acknowledged entry: the chain stands for all before it."""
        position = self.acknowledged
        if position == 0:
            return
        expected = self._hashes[position][0]
        for member in self._world.registry.group.in_sync:
            store = self._world.stores[member]
            if store.damaged_at is None and store.durable.commit < position:
                _demand(
                    store.hash_at(position) == expected,
                    f"I2: {member} is in sync and lacks the acknowledged {position}",
                )

    def durable_copies(self, process: "Process", answer: Answer) -> None:
        """A batch is about to be answered."""
        world = self._world
        _demand(
            answer.durable_copies >= world.registry.group.min_copies,
            f"{process.name} answers with {answer.durable_copies} copies",
        )
        holding = [
            store
            for store in world.stores.values()
            if store.was_put_back or store.durable.position >= answer.last
        ]
        _demand(
            len(holding) >= answer.durable_copies,
            f"{process.name} claims {answer.durable_copies} copies of {answer.last}",
        )

    def answered(self, process: "Process", call: "Call", position: int) -> None:
        """A write is answered."""
        _demand(
            self._positions.get(call.request) == position,
            f"I6: {process.name} answers {call.request} with {position}",
        )
        _demand(
            position > call.acknowledged_before,
            f"I5: {call.request} at {position}, {call.acknowledged_before} was there before it began",
        )
        if position > self.acknowledged:
            self.acknowledged = position
            self._epoch_acknowledged = max(self._epoch_acknowledged, process.replica.epoch)
            self.check_acknowledged()

    @property
    def epoch_acknowledged(self) -> int:
        """The highest epoch in which a write was answered."""
        return self._epoch_acknowledged

    def strong_read(self, process: "Process", call: "Call", store: Store) -> None:
        """A strong read is served."""
        position = store.durable.commit
        _demand(
            position >= call.acknowledged_before,
            f"I5: {process.name} reads at {position}, {call.acknowledged_before} was acknowledged before",
        )
        _demand(
            process.replica.epoch >= call.epoch_before,
            f"I7: {process.name} of epoch {process.replica.epoch} reads after {call.epoch_before}",
        )
        self._read(process, call, store)

    def session_read(self, process: "Process", call: "Call", store: Store) -> None:
        """A session's read is served."""
        position = store.durable.commit
        _demand(
            position >= call.position_min,
            f"I5: {process.name} reads at {position}, the session has seen {call.position_min}",
        )
        self._read(process, call, store)

    def _read(self, process: "Process", call: "Call", store: Store) -> None:
        position = store.durable.commit
        _demand(position <= self.committed, f"I5: {process.name} reads what is not committed")
        history = self._history.get(call.key, [])
        expected = next((value for at, value in reversed(history) if at <= position), None)
        found = store.state.values.get(call.key)
        _demand(
            found == expected, f"I5: {process.name} reads {found} at {position}, not {expected}"
        )


def _demand(is_so: bool, message: str) -> None:  # noqa: FBT001
    if not is_so:
        raise Violation(message)
