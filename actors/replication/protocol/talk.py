"""The conversation with the registry: one question at a time, and an unanswered one is unknown.

A compare-and-set that nobody answered may have happened, and may still happen later. So nobody acts on
it before the record was read again; and while the record is still at the revision it was meant for, it
may yet come true. `Talk.is_settled` says when it cannot any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from actors.replication.protocol.effects import CompareAndSet, ReadGroup
from actors.replication.protocol.events import GroupRead, GroupSet
from actors.replication.protocol.group import Group
from actors.replication.protocol.state import ReplicaState


class Fate(Enum):
    """What is known of a question to the registry."""

    DONE = "done"
    OPEN = "open"
    """The change was not made, or nobody said so: the record was read again, decide by it."""


Then = Callable[[Fate], None]
"""Called when the group is up to date."""


@dataclass(slots=True)
class _Question:
    token: int
    asked_ms: int
    wanted: Group | None
    """None: a read."""

    then: Then


class Talk:
    """Asks the registry for this replica, and keeps the newest record it has seen."""

    def __init__(self, state: ReplicaState, on_group: Callable[[], None]) -> None:
        self._state = state
        self._on_group = on_group
        self._token = 0
        self._question: _Question | None = None
        self.known: Group | None = None
        self.revision = -1

    @property
    def is_busy(self) -> bool:
        """Whether a question is unanswered."""
        return self._question is not None

    @property
    def group(self) -> Group:
        """The newest record seen; there is one once the opening has begun."""
        assert self.known is not None
        return self.known

    def read(self, then: Then) -> None:
        """Read the record, unless a question is already open: then its answer will do."""
        if self._question is None:
            self._ask(None, then)

    def compare_and_set(self, wanted: Group, then: Then) -> None:
        """Change the record that was last seen. Must not be called while a question is open."""
        assert self._question is None
        self._ask(wanted, then)

    def is_settled(self, expected_revision: int) -> bool:
        """Whether nothing that was meant for this revision can happen any more."""
        return self.revision > expected_revision

    def answered_read(self, event: GroupRead) -> None:
        """The record as it is."""
        question = self._question
        if question is None or question.token != event.token:
            return
        self._question = None
        self._learn(event.group, event.revision)
        question.then(Fate.DONE if question.wanted is None else Fate.OPEN)

    def answered_set(self, event: GroupSet) -> None:
        """Done, or someone else was faster: then read before deciding anew."""
        question = self._question
        if question is None or question.token != event.token or question.wanted is None:
            return
        if event.revision is None:
            self._read_again(question)
            return
        self._question = None
        self._learn(question.wanted, event.revision)
        question.then(Fate.DONE)

    def tick(self) -> None:
        """Ask again what is unanswered for too long: it is unknown, so it is read, never repeated."""
        question = self._question
        if question is None:
            return
        if abs(self._state.now_ms - question.asked_ms) > self._state.limits.registry_wait_ms_max:
            self._unanswered(question)

    def _unanswered(self, question: _Question) -> None:
        self._read_again(question)

    def _ask(self, wanted: Group | None, then: Then) -> None:
        self._token += 1
        self._question = _Question(self._token, self._state.now_ms, wanted, then)
        if wanted is None:
            self._state.effects.append(ReadGroup(self._token))
        else:
            self._state.effects.append(CompareAndSet(self._token, self.revision, wanted))

    def _read_again(self, question: _Question) -> None:
        """Keep what was wanted, so that `then` hears that it is not known to have been done."""
        self._token += 1
        question.token = self._token
        question.asked_ms = self._state.now_ms
        self._state.effects.append(ReadGroup(self._token))

    def _learn(self, group: Group, revision: int) -> None:
        if revision > self.revision:
            self.known, self.revision = group, revision
            self._on_group()


def ignore(_: Fate) -> None:
    """For whoever needs no more than that the group is up to date: it is followed wherever it is learnt."""
