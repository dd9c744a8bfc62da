"""Deliberate bugs of the protocol, each of which the simulator must find: else a green run proves little.

Each is a subclass that is wrong in one place. None of this is in the product's code.
"""

# ruff: noqa: ARG002 - to be wrong is mostly to disregard something

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from actors.replication.protocol.effects import Transaction
from actors.replication.protocol.follower import Follower
from actors.replication.protocol.group import StoreRecord, opened
from actors.replication.protocol.membership import Membership
from actors.replication.protocol.messages import Append, FullCopy
from actors.replication.protocol.opening import Opening
from actors.replication.protocol.progress import Progress
from actors.replication.protocol.reign import Reign
from actors.replication.protocol.replica import Replica
from actors.replication.protocol.roster import Roster
from actors.replication.protocol.state import ReplicaState
from actors.replication.protocol.strong_reads import StrongReads
from actors.replication.protocol.talk import Fate, Talk, _Question
from node.ids import StoreId
from tests.simulation.disk import Store


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to be wrong."""

    name: str
    replica_class: type[Replica] = Replica
    checks_fence: bool = True
    """Whether stores compare the fence of transactions and reads."""

    def prepared(self, store: Store) -> Store:
        """A store as this mutant has it."""
        store.checks_fence = self.checks_fence
        return store


CORRECT: Final = Mutant("correct")


class _OneBackupIsEnough(Reign):
    def may_commit(self, target: int) -> bool:
        required = self.roster.required()
        have = [copy for copy in required if copy.match >= target]
        return self._state.durable.position >= target and (bool(have) or not required)


class _SilentAreNotWaitedFor(Roster):
    def required(self) -> list[Progress]:
        now_ms, limits = self.state.now_ms, self.state.limits
        return [copy for copy in super().required() if not copy.is_silent(now_ms, limits)]


class _AnyEpochAppends(Follower):
    def is_fenced(self, epoch: int) -> bool:
        return False


class _AnyoneIsPromoted(Replica):
    def may_be_promoted(self) -> bool:
        return self._is_this_opening()


class _NoTruncation(Follower):
    def truncation(self, message: Append) -> int | None:
        return None


class _TruncatesAtOldAppends(Follower):
    """Raft's classic: an append's end is taken for the log's end, even when the append is an old one."""

    def truncation(self, message: Append) -> int | None:
        end = message.previous_position + len(message.entries)
        if message.entries and self._state.durable.position > end:
            return end
        return super().truncation(message)

    def checked_truncation(self, truncate_after: int | None) -> int | None:
        return truncate_after


class _UnknownIsFailed(Talk):
    def _unanswered(self, question: _Question) -> None:
        if question.wanted is None:
            super()._unanswered(question)
        else:
            self._question = None
            question.then(Fate.OPEN)


class _UnknownAdmissionIsForgotten(Membership):
    def _asked(self, fate: Fate) -> None:
        if fate is Fate.OPEN:
            self._roster.joining = None
        super()._asked(fate)


class _AdmissionIsNotWaitedFor(Roster):
    def required(self) -> list[Progress]:
        in_sync = self.talk.group.in_sync
        return [copy for copy in super().required() if copy.store_id in in_sync]


class _ReadsUnconfirmed(StrongReads):
    def is_confirmed(self) -> bool:
        return True


class _LearnersCountEarly(Membership):
    def is_ready(self, copy: Progress) -> bool:
        return copy.may_join(self._state.now_ms, self._state.limits)


class _AnyIncarnation(Opening):
    def keeps_place(self, record: StoreRecord) -> bool:
        return self._state.durable.position >= record.low_water


class _NoLowWater(Opening):
    def keeps_place(self, record: StoreRecord) -> bool:
        return record.incarnation in {self._state.durable.open, self._state.durable.opening}


class _OpeningForgetsTheLast(Opening):
    """`opening = n+1` alone: two crashes in a row, and a good store seems stale."""

    def _begin(self, incarnation: int) -> None:
        transaction = Transaction(
            fence=self._state.fence,
            epoch=self._state.durable.promised,
            opening=incarnation + 1,
        )
        self._state.persist(transaction, self._claim)


class _StaleWritesBeforeLeaving(Opening):
    """The store looks like the newest before it has left `in_sync`: a crash in between hides the loss."""

    def _open_stale(self) -> None:
        record = self._talk.group.store(self._state.store_id)
        assert record is not None
        transaction = Transaction(
            fence=self._state.fence,
            epoch=self._state.durable.promised,
            open=record.incarnation,
            opening=record.incarnation + 1,
        )
        self._state.persist(transaction, super()._open_stale)


class _PrimaryRestartsInItsEpoch(Opening):
    def _claim(self) -> None:
        group = self._talk.group
        wanted = replace(opened(group, self._state.store_id), epoch=group.epoch)
        self._talk.compare_and_set(wanted, self._claimed)


class _NoPreviousHash(Follower):
    def follows(self, message: Append) -> bool:
        return message.previous_position <= self._state.durable.position


class _AnyFullCopy(Follower):
    def is_awaited(self, message: FullCopy) -> bool:
        return True


class _AnswersBeforeItIsDurable(ReplicaState):
    def persist(
        self,
        transaction: Transaction,
        done: Callable[[], None],
        *,
        full: Callable[[], None] | None = None,
    ) -> None:
        is_backup = bool(transaction.entries) and full is not None and self.incarnation > 0
        if is_backup:
            done()
        super().persist(transaction, (lambda: None) if is_backup else done, full=full)


class _AnyLifeAnswers(Roster):
    def accept(self, sender: StoreId, epoch: int, incarnation: int) -> Progress | None:
        copy = self.copies.get(sender)
        return copy if epoch == self.epoch else None


class _OpensBeforeTheTailIsSafe(Reign):
    def may_commit(self, target: int) -> bool:
        return super().may_commit(target) if self.is_open else True


class _FewCopiesAreFine(Reign):
    def has_too_few_copies(self) -> bool:
        return False


def _reign(roster: type[Roster]) -> type[Replica]:
    reign = type("_Reign", (Reign,), {"roster_class": roster})
    return type("_Replica", (Replica,), {"reign_class": reign})


def _member(membership: type[Membership]) -> type[Replica]:
    reign = type("_Reign", (Reign,), {"membership_class": membership})
    return type("_Replica", (Replica,), {"reign_class": reign})


def _with(**parts: type[object]) -> type[Replica]:
    return type("_Replica", (Replica,), parts)


MUTANTS: Final = (
    Mutant("one backup is enough for an answer", _with(reign_class=_OneBackupIsEnough)),
    Mutant("answers before a removal is known", _reign(_SilentAreNotWaitedFor)),
    Mutant("a backup answers before it is durable", _with(state_class=_AnswersBeforeItIsDurable)),
    Mutant("appends of any epoch are taken", _with(follower_class=_AnyEpochAppends)),
    Mutant("a non-member is promoted", _AnyoneIsPromoted),
    Mutant("a position is used again without truncation", _with(follower_class=_NoTruncation)),
    Mutant("old appends truncate what is committed", _with(follower_class=_TruncatesAtOldAppends)),
    Mutant("the previous hash is not compared", _with(follower_class=_NoPreviousHash)),
    Mutant(
        "an unanswered compare-and-set counts as failed",
        type(
            "_Replica", (_member(_UnknownAdmissionIsForgotten),), {"talk_class": _UnknownIsFailed}
        ),
    ),
    Mutant("an unknown admission is forgotten", _member(_UnknownAdmissionIsForgotten)),
    Mutant("an admission counts only when it is known", _reign(_AdmissionIsNotWaitedFor)),
    Mutant(
        "strong reads are not confirmed",
        _with(reign_class=type("_R", (Reign,), {"strong_reads_class": _ReadsUnconfirmed})),
    ),
    Mutant("transactions and reads are not fenced", checks_fence=False),
    Mutant("a learner is admitted before it is caught up", _member(_LearnersCountEarly)),
    Mutant("a stale incarnation keeps its place", _with(opening_class=_AnyIncarnation)),
    Mutant("the low-water position is ignored", _with(opening_class=_NoLowWater)),
    Mutant("an opening forgets the one before", _with(opening_class=_OpeningForgetsTheLast)),
    Mutant(
        "a stale store looks new before it has left", _with(opening_class=_StaleWritesBeforeLeaving)
    ),
    Mutant(
        "a restarted primary goes on in its epoch", _with(opening_class=_PrimaryRestartsInItsEpoch)
    ),
    Mutant("any full copy is installed", _with(follower_class=_AnyFullCopy)),
    Mutant("answers from another life of a store count", _reign(_AnyLifeAnswers)),
    Mutant(
        "a new primary opens before its tail is safe", _with(reign_class=_OpensBeforeTheTailIsSafe)
    ),
    Mutant("too few copies are fine", _with(reign_class=_FewCopiesAreFine)),
)
