"""The other copies as a primary sees them: who must have an entry, who must confirm a read."""

from dataclasses import dataclass, field

from actors.replication.protocol.effects import SendCopy
from actors.replication.protocol.log import Entry
from actors.replication.protocol.messages import Append, Mismatch
from actors.replication.protocol.progress import Progress
from actors.replication.protocol.state import ReplicaState
from actors.replication.protocol.talk import Talk, ignore
from node.ids import StoreId


@dataclass(frozen=True, slots=True)
class Joining:
    """A learner whose admission was asked for: from then on it counts, whatever was answered."""

    store_id: StoreId
    expected_revision: int


@dataclass(slots=True)
class Roster:
    """Progress of every other copy in one reign, and the sending of entries to it."""

    state: ReplicaState
    talk: Talk
    epoch: int
    start: int
    """The end of the log when the reign began."""

    copies: dict[StoreId, Progress] = field(default_factory=dict)
    joining: Joining | None = None
    batch: tuple[Entry, ...] = ()
    """In flight: proposed and not committed yet. Its entries may not be in the own log yet."""

    def follow_group(self) -> None:
        """Take up what the registry's record says about stores and their lives."""
        for record in self.talk.group.stores:
            if record.store_id == self.state.store_id:
                continue
            copy = self.copies.get(record.store_id)
            if copy is None:
                copy = Progress(record.store_id, record.incarnation, self.start, self.state.now_ms)
                self.copies[record.store_id] = copy
            elif copy.incarnation != record.incarnation:
                copy.begin_life(
                    record.incarnation,
                    cursor=self.state.durable.position,
                    now_ms=self.state.now_ms,
                )
            copy.note_membership(
                record.store_id in self.talk.group.in_sync, self.state.now_ms, self.state.limits
            )
        for gone in [s for s in self.copies if self.talk.group.store(s) is None]:
            del self.copies[gone]
        joining = self.joining
        if joining is not None and self.is_decided(joining):
            self.joining = None

    def is_decided(self, joining: Joining) -> bool:
        """Whether an admission cannot come true any more without this replica's knowing."""
        return self.talk.is_settled(joining.expected_revision)

    def required(self) -> list[Progress]:
        """The copies without which nothing is answered: the others in sync, or perhaps in sync."""
        required = [
            self.copies[member]
            for member in self.talk.group.in_sync
            if member != self.state.store_id
        ]
        joining = self.joining
        if joining is not None and joining.store_id not in self.talk.group.in_sync:
            required.append(self.copies[joining.store_id])
        return required

    def is_required(self, copy: Progress) -> bool:
        """Whether answers wait for this copy."""
        return copy in self.required()

    def have(self, position: int) -> bool:
        """Whether every required copy has told that its log is durable up to a position."""
        return all(copy.match >= position for copy in self.required())

    def accept(self, sender: StoreId, epoch: int, incarnation: int) -> Progress | None:
        """Whose answer this is; None if it is not for this reign or from another life of the store."""
        copy = self.copies.get(sender)
        if copy is None or epoch != self.epoch:
            return None
        if incarnation != copy.incarnation:
            if incarnation > copy.incarnation:
                self.talk.read(ignore)
            return None
        return copy

    def send(self, copy: Progress) -> None:
        """Send what comes after a copy's cursor, or a heartbeat if nothing does."""
        state = self.state
        entries: tuple[Entry, ...] | None = ()
        if self.batch and copy.cursor == self.batch[0].position - 1:
            entries = self.batch
        elif copy.cursor < state.durable.position:
            entries = state.log.entries(
                after=copy.cursor, count_max=state.limits.entries_per_message_max
            )
        previous = self._hash_at(copy.cursor)
        if entries is None or previous is None:
            # Dropped from the log since: what it answers to a heartbeat says so.
            entries, previous = (), state.durable.hash
            copy.cursor = state.durable.position
        copy.sent_ms = state.now_ms
        state.send(
            copy.store_id,
            Append(
                self.epoch,
                copy.incarnation,
                self.start,
                copy.cursor,
                previous,
                entries,
                state.durable.commit,
                self.is_required(copy),
            ),
        )

    def send_batch(self) -> None:
        """Send the batch to whoever has everything before it; the others catch up first."""
        for copy in self.copies.values():
            if copy.match == self.batch[0].position - 1:
                copy.cursor = copy.match
                self.send(copy)

    def send_due(self) -> None:
        """Heartbeats, and again what was not answered in time."""
        now_ms, resend_ms = self.state.now_ms, self.state.limits.resend_ms
        for copy in self.copies.values():
            if copy.sent_ms is None or not 0 <= now_ms - copy.sent_ms < resend_ms:
                self.send(copy)

    def appended(self, copy: Progress, position: int) -> None:
        """A copy has entries up to a position; send it the next ones."""
        copy.match = copy.cursor = max(copy.match, position)
        copy.heard_ms = self.state.now_ms
        copy.sent_ms = None
        copy.is_leaving = False
        end = self.batch[-1].position if self.batch else self.state.durable.position
        if copy.cursor < end:
            self.send(copy)

    def mismatched(self, copy: Progress, message: Mismatch) -> None:
        """Continue where the two logs agree, or send a full copy where they agree too far back."""
        copy.heard_ms = self.state.now_ms
        copy.sent_ms = None
        agreed = self._agreed(message)
        if agreed is not None:
            copy.cursor = agreed
            self.send(copy)
        elif self.is_required(copy):
            copy.is_leaving = True
        else:
            self.state.effects.append(SendCopy(copy.store_id, self.epoch, message.copy_ticket))

    def _agreed(self, message: Mismatch) -> int | None:
        """A position up to which both logs are equal and from which this one still has entries."""
        log = self.state.log
        for position, hash_there in (
            (message.position, message.hash),
            (message.commit, message.commit_hash),
        ):
            if position > self.state.durable.position or log.hash_at(position) != hash_there:
                continue
            if log.entries(after=position, count_max=1) is not None:
                return position
        return None

    def _hash_at(self, position: int) -> bytes | None:
        if self.batch and position >= self.batch[0].position:
            return self.batch[position - self.batch[0].position].hash
        return self.state.log.hash_at(position)
