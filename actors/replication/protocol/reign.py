"""A primary's reign: it takes over, replicates one batch at a time, commits, and ends.

A reign begins with the promise of its epoch, durable in the own store. Then every in-sync copy promises
it too and takes over this log's end: what the log holds may have been acknowledged, so all of it is
committed before the first write. Whoever does not answer is removed from `in_sync` first.
"""

from functools import partial

from actors.replication.protocol.effects import (
    Abandon,
    Answer,
    Decline,
    Opened,
    Refusal,
    Refuse,
    RefuseReads,
    SteppedDown,
    Transaction,
)
from actors.replication.protocol.log import Entry
from actors.replication.protocol.membership import Membership
from actors.replication.protocol.messages import Appended, Confirmed, Leaving, Mismatch
from actors.replication.protocol.roster import Roster
from actors.replication.protocol.state import ReplicaState
from actors.replication.protocol.strong_reads import StrongReads
from actors.replication.protocol.talk import Talk
from node.errors import InvariantError
from node.ids import StoreId


class Reign:
    """One epoch of one primary, from the durable promise to its end."""

    membership_class = Membership
    strong_reads_class = StrongReads
    roster_class = Roster

    def __init__(self, state: ReplicaState, talk: Talk, epoch: int) -> None:
        self._state = state
        self._talk = talk
        self.epoch = epoch
        self.is_open = False
        self.roster = self.roster_class(state, talk, epoch, state.durable.position)
        self._reads = self.strong_reads_class(state, self.roster)
        self._membership = self.membership_class(state, talk, self.roster)
        self._is_committing = False
        self._is_ended = False
        self._ticked_ms = state.now_ms

    def begin(self) -> None:
        """Tell the others, and open at once if there are none."""
        self.roster.follow_group()
        self.roster.send_due()
        self.advance()

    def tick(self) -> None:
        """Send again, remove who is silent, admit who has caught up."""
        state = self._state
        if not 0 <= state.now_ms - self._ticked_ms <= state.limits.pause_ms:
            for copy in self.roster.copies.values():
                copy.heard_ms = state.now_ms
        self._ticked_ms = state.now_ms
        for copy in self.roster.copies.values():
            if copy.is_silent(state.now_ms, state.limits):
                copy.trouble_ms = state.now_ms
        self.roster.send_due()
        self._reads.ask_again()
        self.advance()

    def refusal(self) -> Refusal | None:
        """Why nothing can be proposed now; None if it can."""
        if not self.is_open:
            return Refusal.TAKING_OVER
        if self._state.is_waiting_for_space:
            return Refusal.DISK_FULL
        if self._membership.is_draining:
            return Refusal.HANDING_OVER
        if self.has_too_few_copies():
            return Refusal.TOO_FEW_COPIES
        if self.roster.batch or self._state.is_busy:
            return Refusal.BATCH_IN_FLIGHT
        return None

    def has_too_few_copies(self) -> bool:
        """Whether an answer would be known to fewer copies than the tenant asked for."""
        return len(self._talk.group.in_sync) < self._talk.group.min_copies

    def propose(self, entries: tuple[Entry, ...]) -> None:
        """Make a batch durable everywhere, then commit and answer it."""
        refusal = self.refusal()
        if refusal is not None:
            self._state.effects.append(Refuse(refusal))
            return
        self._check_chain(entries)
        self.roster.batch = entries
        is_alone = not self.roster.copies
        transaction = Transaction(
            fence=self._state.fence,
            epoch=self.epoch,
            entries=entries,
            commit=entries[-1].position if is_alone else None,
        )
        # Alone, nobody else has heard of the batch: it can be given up. Otherwise a copy may have it, and
        # another entry must never stand at its place in this epoch.
        give_up = self._give_up if is_alone else None
        self._state.persist(
            transaction, self._committed_alone if is_alone else _nothing, full=give_up
        )
        self.roster.send_batch()

    def read(self, read: int) -> None:
        """Serve a strong read when its round is confirmed."""
        if self.is_open:
            self._reads.add(read)
        else:
            self._state.effects.append(RefuseReads((read,), Refusal.TAKING_OVER))

    def hand_over(self, to: StoreId) -> None:
        """Make another member primary."""
        if self.is_open:
            self._membership.hand_over(to)
        else:
            self._state.effects.append(Decline(Refusal.TAKING_OVER))

    def answered(self, sender: StoreId, message: Appended | Mismatch | Leaving | Confirmed) -> None:
        """A copy has answered; what is not of this reign and of its present life does not count."""
        copy = self.roster.accept(sender, message.epoch, message.incarnation)
        if copy is None:
            return
        match message:
            case Appended():
                self.roster.appended(copy, message.position)
            case Mismatch():
                self.roster.mismatched(copy, message)
            case Leaving():
                copy.is_leaving = True
                copy.trouble_ms = self._state.now_ms
            case Confirmed():
                self._reads.confirmed(copy, message.round)
        self.advance()

    def advance(self) -> None:
        """Commit what everyone has, serve reads, and see whether the group should change."""
        target = self.roster.start
        if self.is_open:
            target = self.roster.batch[-1].position if self.roster.batch else 0
        if target or not self.is_open:
            self._commit(target)
        if self.is_open:
            self._reads.check()
        self._membership.decide()

    def end(self) -> None:
        """Another primary was named: nothing is known of what is in flight."""
        self._is_ended = True
        self._state.give_up_waiting()
        self._state.effects.append(SteppedDown(self.epoch))
        if self.roster.batch:
            self.roster.batch = ()
            self._state.effects.append(Abandon())
        self._reads.refuse_all(Refusal.NOT_PRIMARY)

    def may_commit(self, target: int) -> bool:
        """Whether everything up to a position is durable here and in every copy that counts."""
        if self._state.durable.position < target or not self.roster.have(target):
            return False
        # The tail that a new primary found may have been answered by an earlier one, so it is committed
        # whoever is left; only new answers need so many copies.
        return not self.is_open or not self.has_too_few_copies()

    def _commit(self, target: int) -> None:
        state = self._state
        if self._is_committing or state.is_busy or not self.may_commit(target):
            return
        durable_copies = len(self._talk.group.in_sync)
        if target == state.durable.commit:
            self._committed(durable_copies)
            return
        self._is_committing = True
        transaction = Transaction(fence=state.fence, epoch=self.epoch, commit=target)
        state.persist(transaction, partial(self._committed, durable_copies))

    def _committed(self, durable_copies: int) -> None:
        self._is_committing = False
        if self._is_ended:
            return
        if not self.is_open:
            self.is_open = True
            self._state.effects.append(Opened(self.epoch))
        elif self.roster.batch:
            first, last = self.roster.batch[0].position, self.roster.batch[-1].position
            self.roster.batch = ()
            self._state.effects.append(Answer(first, last, durable_copies))

    def _committed_alone(self) -> None:
        self._committed(1)

    def _give_up(self) -> None:
        self.roster.batch = ()
        self._state.effects.append(Refuse(Refusal.DISK_FULL))

    def _check_chain(self, entries: tuple[Entry, ...]) -> None:
        position, previous_hash = self._state.durable.position, self._state.durable.hash
        for entry in entries:
            position += 1
            if (entry.epoch, entry.position, entry.previous_hash) != (
                self.epoch,
                position,
                previous_hash,
            ):
                raise InvariantError(
                    f"entry {entry.position} of epoch {entry.epoch} was proposed for position "
                    f"{position} of epoch {self.epoch}, or has another previous hash"
                )
            previous_hash = entry.hash


def _nothing() -> None:
    """What follows from a durable batch is seen wherever the reign advances."""
