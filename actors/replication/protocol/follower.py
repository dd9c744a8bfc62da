"""Backup and learner: they follow the primary's log, promise epochs, and confirm that they have not.

The primary's log wins. Entries that it lacks cannot have been acknowledged, since that takes every
in-sync copy and the primary was one; they are dropped. What is committed is never dropped.
"""

from functools import partial

from actors.replication.protocol.effects import Transaction
from actors.replication.protocol.messages import (
    Append,
    Appended,
    Confirm,
    Confirmed,
    Fenced,
    FullCopy,
    HandedOver,
    Leaving,
    Mismatch,
)
from actors.replication.protocol.state import ReplicaState, Role
from actors.replication.protocol.talk import Talk, ignore
from node.errors import InvariantError
from node.ids import StoreId


class Follower:
    """What a replica does with messages of a primary."""

    def __init__(self, state: ReplicaState, talk: Talk) -> None:
        self._state = state
        self._talk = talk

    def is_fenced(self, epoch: int) -> bool:
        """Whether a message comes from a reign that has ended."""
        return epoch < self._state.durable.promised

    def append(self, sender: StoreId, message: Append) -> None:
        """Take entries, or say why not."""
        state = self._state
        if self.is_fenced(message.epoch):
            state.send(sender, Fenced(state.durable.promised))
            return
        if message.incarnation > state.incarnation:
            # The registry says that the store was opened since: see whether this process is the past.
            self._talk.read(ignore)
            return
        state.primary = sender
        state.role = Role.BACKUP if message.is_member else Role.LEARNER
        if self.follows(message):
            self._take(sender, message)
        elif message.epoch > state.durable.promised:
            then = partial(self._send_mismatch, sender, message.epoch)
            self._promise(sender, message.epoch, then)
        else:
            self._send_mismatch(sender, message.epoch)

    def confirm(self, sender: StoreId, message: Confirm) -> None:
        """Say that no higher epoch is promised; a lower promise is raised by the next append."""
        state = self._state
        if self.is_fenced(message.epoch):
            state.send(sender, Fenced(state.durable.promised))
        elif message.epoch == state.durable.promised:
            state.vouch(sender, Confirmed(message.epoch, state.incarnation, message.round))

    def copy(self, sender: StoreId, message: FullCopy) -> None:
        """Replace log and state, if this very copy was asked for and nothing was appended since."""
        state = self._state
        if self.is_fenced(message.epoch):
            state.send(sender, Fenced(state.durable.promised))
            return
        if not self.is_awaited(message):
            return
        state.copy_ticket += 1
        transaction = Transaction(
            fence=state.fence, epoch=message.epoch, promised=message.epoch, copy=message
        )
        answer = Appended(message.epoch, state.incarnation, message.position)
        done = partial(state.send, sender, answer)
        state.persist(transaction, done, full=partial(self._leave, sender, message.epoch))

    def handed_over(self, message: HandedOver) -> None:
        """The old primary says that the registry names this replica; look."""
        if message.epoch > self._state.durable.promised:
            self._talk.read(ignore)

    def follows(self, message: Append) -> bool:
        """Whether the log holds the entry that the append follows."""
        return self._state.log.hash_at(message.previous_position) == message.previous_hash

    def truncation(self, message: Append) -> int | None:
        """The position after which the log is not the primary's; None if nothing shows that it is not."""
        log, last = self._state.log, self._state.durable.position
        for entry in message.entries:
            if entry.position > last:
                break
            if log.hash_at(entry.position) != entry.hash:
                return entry.position - 1
        start = message.reign_start
        if last > start >= message.previous_position:
            epoch = log.epoch_at(start + 1)
            return start if epoch is not None and epoch < message.epoch else None
        return None

    def known_commit(self, message: Append, match: int) -> int:
        """Up to where entries are committed that are known to be the primary's."""
        return min(message.commit, match)

    def is_awaited(self, message: FullCopy) -> bool:
        """Whether this very copy was asked for, and nothing was appended since."""
        is_newest = message.copy_ticket == self._state.copy_ticket
        return is_newest and message.position >= self._state.durable.commit

    def checked_truncation(self, truncate_after: int | None) -> int | None:
        """Refuse to drop what is committed.

        Raises:
            InvariantError: a committed entry is not in the log of a later primary.
        """
        if truncate_after is not None and truncate_after < self._state.durable.commit:
            raise InvariantError(
                f"{self._state.store_id}: a primary's log ends at {truncate_after}, entries up to "
                f"{self._state.durable.commit} are committed here"
            )
        return truncate_after

    def _take(self, sender: StoreId, message: Append) -> None:
        state = self._state
        state.copy_ticket += 1
        truncate_after = self.checked_truncation(self.truncation(message))
        end = state.durable.position if truncate_after is None else truncate_after
        entries = tuple(entry for entry in message.entries if entry.position > end)
        match = message.previous_position + len(message.entries)
        commit = self.known_commit(message, match)
        transaction = Transaction(
            fence=state.fence,
            epoch=message.epoch,
            promised=message.epoch if message.epoch > state.durable.promised else None,
            truncate_after=truncate_after,
            entries=entries,
            commit=commit if commit > state.durable.commit else None,
        )
        answer = Appended(message.epoch, state.incarnation, match)
        if truncate_after is None and not entries and transaction.promised is None:
            state.vouch(sender, answer)
            if transaction.commit is None:
                return
            done = _nothing
        else:
            done = partial(state.send, sender, answer)
        state.persist(transaction, done, full=partial(self._leave, sender, message.epoch))

    def _promise(self, sender: StoreId, epoch: int, then: partial[None]) -> None:
        state = self._state
        transaction = Transaction(fence=state.fence, epoch=epoch, promised=epoch)
        state.persist(transaction, then, full=partial(self._leave, sender, epoch))

    def _send_mismatch(self, sender: StoreId, epoch: int) -> None:
        state = self._state
        durable = state.durable
        state.send(
            sender,
            Mismatch(
                epoch,
                state.incarnation,
                durable.position,
                durable.hash,
                durable.commit,
                state.log.hash_at(durable.commit) or b"",
                state.copy_ticket,
            ),
        )

    def _leave(self, sender: StoreId, epoch: int) -> None:
        self._state.send(sender, Leaving(epoch, self._state.incarnation))


def _nothing() -> None:
    """Nobody waits for this transaction."""
