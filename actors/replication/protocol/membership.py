"""What a primary wants changed in the registry's record: one thing at a time, the most urgent first.

Every change is a compare-and-set on the record that was last seen. While its fate is unknown, the primary
behaves so that both outcomes are safe: it waits for a member that it wants removed, and for a learner that
it wants admitted.
"""

from dataclasses import dataclass

from actors.replication.protocol.effects import Decline, Refusal
from actors.replication.protocol.group import handed_over, joined, with_low_water, without
from actors.replication.protocol.messages import HandedOver
from actors.replication.protocol.progress import Progress
from actors.replication.protocol.roster import Joining, Roster
from actors.replication.protocol.state import ReplicaState
from actors.replication.protocol.talk import Fate, Talk
from node.ids import StoreId


@dataclass(frozen=True, slots=True)
class _Drain:
    to: StoreId
    since_ms: int
    is_full: bool
    """This store's disk is full: the batch in flight is left to the successor's log."""


class Membership:
    """Decides and asks for changes of the group in one reign."""

    def __init__(self, state: ReplicaState, talk: Talk, roster: Roster) -> None:
        self._state = state
        self._talk = talk
        self._roster = roster
        self._drain: _Drain | None = None
        self._low_water_ms = state.now_ms

    @property
    def is_draining(self) -> bool:
        """Whether writes wait for a hand-over."""
        return self._drain is not None

    def hand_over(self, to: StoreId) -> None:
        """Make another member primary as soon as nothing is in flight."""
        if to not in self._talk.group.in_sync or to == self._state.store_id:
            self._state.effects.append(Decline(Refusal.NOT_A_MEMBER))
        elif self._drain is None:
            self._drain = _Drain(to, self._state.now_ms, is_full=False)
            self.decide()

    def decide(self) -> None:
        """Ask for the most urgent change, if none is being asked for."""
        if self._talk.is_busy:
            return
        self._leave_if_full()
        if self._hand_over() or self._remove() or self._settle() or self._join():
            return
        self._refresh_low_water()

    def _leave_if_full(self) -> None:
        """A primary that cannot write makes the member primary that has most; others must not wait."""
        state = self._state
        if not state.is_waiting_for_space or self._drain is not None:
            return
        members = [c for c in self._answering() if c.store_id in self._talk.group.in_sync]
        if members:
            best = max(members, key=lambda copy: copy.match)
            self._drain = _Drain(best.store_id, state.now_ms, is_full=True)

    def _hand_over(self) -> bool:
        drain, state = self._drain, self._state
        if drain is None:
            return False
        is_late = not 0 <= state.now_ms - drain.since_ms <= state.limits.drain_ms_max
        has_space_again = drain.is_full and not state.is_waiting_for_space
        if is_late or has_space_again or drain.to not in self._talk.group.in_sync:
            self._drain = None
            return False
        if not drain.is_full and not self._is_drained(drain.to):
            return False
        wanted = handed_over(self._talk.group, drain.to)
        self._talk.compare_and_set(wanted, self._asked)
        return True

    def _is_drained(self, to: StoreId) -> bool:
        is_idle = not self._roster.batch and not self._state.is_busy
        return is_idle and self._roster.copies[to].match == self._state.durable.position

    def _remove(self) -> bool:
        """Members that are silent or full leave before anything is answered without them."""
        silent = tuple(
            copy.store_id
            for member in self._talk.group.in_sync
            if (copy := self._roster.copies.get(member)) is not None
            and (copy.is_leaving or copy.is_silent(self._state.now_ms, self._state.limits))
        )
        if not silent:
            return False
        self._talk.compare_and_set(without(self._talk.group, silent), self._asked)
        return True

    def _settle(self) -> bool:
        """Any change of the record decides the fate of an admission that nobody answered."""
        joining = self._roster.joining
        if joining is None:
            return False
        self._write_low_water()
        return True

    def _join(self) -> bool:
        if self._state.is_busy:
            # Its outcome may answer a batch, decided before the learner counted.
            return False
        for copy in self._roster.copies.values():
            if copy.store_id not in self._talk.group.in_sync and self.is_ready(copy):
                self._roster.joining = Joining(copy.store_id, self._talk.revision)
                wanted = joined(
                    self._talk.group, copy.store_id, low_water=self._state.durable.commit
                )
                self._talk.compare_and_set(wanted, self._asked)
                return True
        return False

    def is_ready(self, copy: Progress) -> bool:
        """Whether a learner has everything that was ever answered; from now on answers wait for it."""
        state = self._state
        is_caught_up = copy.match >= state.durable.commit and copy.match >= self._roster.start
        return is_caught_up and copy.may_join(state.now_ms, state.limits)

    def _refresh_low_water(self) -> None:
        since_ms = self._state.now_ms - self._low_water_ms
        if 0 <= since_ms < self._state.limits.low_water_period_ms:
            return
        self._low_water_ms = self._state.now_ms
        self._write_low_water()

    def _write_low_water(self) -> None:
        """Every member has what is committed; the others are not promised to have anything."""
        group = self._talk.group
        wanted = with_low_water(group, group.in_sync, self._state.durable.commit)
        self._talk.compare_and_set(wanted, self._asked)

    def _answering(self) -> list[Progress]:
        state = self._state
        return [
            copy
            for copy in self._roster.copies.values()
            if not copy.is_leaving and not copy.is_silent(state.now_ms, state.limits)
        ]

    def _asked(self, fate: Fate) -> None:
        """What changed is followed wherever it is learnt; only a successor hears of it at once."""
        drain, group = self._drain, self._talk.group
        if fate is Fate.DONE and drain is not None and group.primary == drain.to:
            self._state.send(drain.to, HandedOver(group.epoch))
