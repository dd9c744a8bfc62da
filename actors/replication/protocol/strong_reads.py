"""Strong reads: answered when every other in-sync copy has said that it promised no higher epoch.

It has to say so after the read arrived: then no successor had acknowledged anything by then, and this
primary's applied state holds all that was acknowledged. One round serves all reads that wait; those that
arrive meanwhile wait for the next. No lease and no clock. Alone in sync, nobody else can be promoted.
"""

from actors.replication.protocol.effects import Refusal, RefuseReads, ServeReads
from actors.replication.protocol.messages import Confirm
from actors.replication.protocol.progress import Progress
from actors.replication.protocol.roster import Roster
from actors.replication.protocol.state import ReplicaState


class StrongReads:
    """The waiting reads of one reign."""

    def __init__(self, state: ReplicaState, roster: Roster) -> None:
        self._state = state
        self._roster = roster
        self._round = 0
        self._asked: tuple[int, ...] = ()
        self._waiting: list[int] = []

    def add(self, read: int) -> None:
        """Serve a read as soon as a round that begins now or later is confirmed."""
        if len(self._waiting) >= self._state.limits.reads_waiting_max:
            self._state.effects.append(RefuseReads((read,), Refusal.TOO_MANY_READS))
            return
        self._waiting.append(read)
        self._begin_round()

    def confirmed(self, copy: Progress, round_: int) -> None:
        """A copy has promised no higher epoch since the round began."""
        copy.confirmed_round = max(copy.confirmed_round, round_)
        self.check()

    def check(self) -> None:
        """Serve the round's reads if nobody's confirmation is missing any more."""
        while (
            self._asked and self.is_confirmed()
        ):  # Ends: each turn begins the next round, or none.
            self._state.effects.append(ServeReads(self._asked, self._state.fence))
            self._asked = ()
            self._begin_round(is_checked=False)

    def is_confirmed(self) -> bool:
        """Whether every copy that could have been promoted has confirmed this round."""
        return all(copy.confirmed_round >= self._round for copy in self._roster.required())

    def ask_again(self) -> None:
        """Ask those whose confirmation of the round is missing."""
        if self._asked:
            for copy in self._roster.required():
                if copy.confirmed_round < self._round:
                    self._ask(copy)

    def refuse_all(self, refusal: Refusal) -> None:
        """The reign is over."""
        reads = (*self._asked, *self._waiting)
        self._asked, self._waiting = (), []
        if reads:
            self._state.effects.append(RefuseReads(reads, refusal))

    def _begin_round(self, *, is_checked: bool = True) -> None:
        if self._asked or not self._waiting:
            return
        self._round += 1
        self._asked, self._waiting = tuple(self._waiting), []
        for copy in self._roster.required():
            self._ask(copy)
        if is_checked:
            self.check()

    def _ask(self, copy: Progress) -> None:
        self._state.send(copy.store_id, Confirm(self._roster.epoch, self._round))
