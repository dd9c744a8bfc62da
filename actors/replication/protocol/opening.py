"""Opening a store: whether it keeps its place, and how both sides remember that it was opened.

An incarnation names a store, not a process. `opening = n+1` goes into the store, the registry moves from
n to n+1, `open = n+1` goes into the store: a crash at any point leaves `open` or `opening` equal to the
registry's number. Together with `opening`, `open = n` is written, since a second crash would otherwise
leave neither equal: `open` of a store that crashed before its last step still names the opening before.
A number is ours only when its compare-and-set was answered; otherwise the next number is tried.
"""

from collections.abc import Callable

from actors.replication.protocol.effects import End, Transaction
from actors.replication.protocol.group import StoreRecord, opened, opened_stale
from actors.replication.protocol.state import ReplicaState
from actors.replication.protocol.talk import Fate, Talk


class Opening:
    """One opening of the store, up to the moment when it may take part in the group."""

    def __init__(self, state: ReplicaState, talk: Talk, done: Callable[[], None]) -> None:
        self._state = state
        self._talk = talk
        self._done = done
        self.is_refused = False
        """The store is stale and the only one in sync: the newest copy has to be put back."""

    def start(self) -> None:
        """Ask the registry how often the store was opened."""
        self._talk.read(self._decide)

    def tick(self) -> None:
        """Look again whether another store has come in sync meanwhile."""
        if self.is_refused and not self._talk.is_busy:
            self._talk.read(self._decide)

    def keeps_place(self, record: StoreRecord) -> bool:
        """Whether the store is the one that was opened last, with everything it had."""
        durable = self._state.durable
        return (
            record.incarnation in {durable.open, durable.opening}
            and durable.position >= record.low_water
        )

    def _decide(self, _: Fate) -> None:
        record = self._talk.group.store(self._state.store_id)
        self.is_refused = False
        if record is None:
            self._state.end(End.UNKNOWN_STORE)
        elif self._talk.group.is_deleted:
            self._state.end(End.DELETED)
        elif self.keeps_place(record):
            self._begin(record.incarnation)
        else:
            self._look_again()

    def _begin(self, incarnation: int) -> None:
        transaction = Transaction(
            fence=self._state.fence,
            epoch=self._state.durable.promised,
            open=incarnation,
            opening=incarnation + 1,
        )
        self._state.persist(transaction, self._claim)

    def _claim(self) -> None:
        wanted = opened(self._talk.group, self._state.store_id)
        self._talk.compare_and_set(wanted, self._claimed)

    def _look_again(self) -> None:
        """Read the store once more before it is called stale.

        A process that still had it when this one read it may have opened it since, then the fence fails,
        or written to it, then it may reach the low-water position after all.
        """
        transaction = Transaction(fence=self._state.fence, epoch=self._state.durable.promised)
        self._state.persist(transaction, self._looked_again)

    def _looked_again(self) -> None:
        record = self._talk.group.store(self._state.store_id)
        if record is not None and self.keeps_place(record):
            self._begin(record.incarnation)
        else:
            self._open_stale()

    def _open_stale(self) -> None:
        """Leave `in_sync` in the same step; before that nothing in the store may look like the newest."""
        in_sync = self._talk.group.in_sync
        self.is_refused = in_sync == (self._state.store_id,)
        if not self.is_refused:
            wanted = opened_stale(self._talk.group, self._state.store_id)
            self._talk.compare_and_set(wanted, self._claimed)

    def _claimed(self, fate: Fate) -> None:
        if fate is not Fate.DONE:
            self._decide(fate)
            return
        # The registry's epoch is at least every epoch that this store ever promised, so a copy that was
        # put back has its promise again before it speaks.
        group = self._talk.group
        incarnation = group.incarnation(self._state.store_id)
        promised = max(self._state.durable.promised, group.epoch)
        transaction = Transaction(
            fence=self._state.fence,
            epoch=promised,
            promised=promised,
            opening=incarnation,
            open=incarnation,
        )
        self._state.persist(transaction, self._opened)

    def _opened(self) -> None:
        self._state.incarnation = self._state.durable.open
        # A copy that an earlier process asked for must not fit.
        self._state.copy_ticket = self._state.incarnation << 32
        self._done()
