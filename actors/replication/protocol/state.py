"""What all parts of a replica share: what its store holds, and the one transaction in flight."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from actors.replication.protocol.effects import (
    Effect,
    End,
    Ended,
    Fence,
    Persist,
    Send,
    Transaction,
)
from actors.replication.protocol.events import Failure
from actors.replication.protocol.limits import Limits
from actors.replication.protocol.log import Durable, LogView
from actors.replication.protocol.messages import Message
from node.ids import StoreId


class Role(Enum):
    """What a replica is at the moment."""

    OPENING = "opening"
    """It answers nobody yet."""

    LEARNER = "learner"
    """It catches up and counts for nothing."""

    BACKUP = "backup"
    """It holds every acknowledged entry and may be promoted."""

    PRIMARY = "primary"
    """It takes writes, or is about to."""

    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class _InFlight:
    transaction: Transaction
    done: Callable[[], None]
    full: Callable[[], None] | None


@dataclass(slots=True)
class ReplicaState:
    """The replica's own view; `durable` is what the store held after the last finished transaction."""

    store_id: StoreId
    limits: Limits
    log: LogView
    durable: Durable
    now_ms: int = 0
    role: Role = Role.OPENING
    incarnation: int = 0
    """Of this opening; 0 until it is recorded in the registry and in the store."""

    primary: StoreId | None = None
    """Who leads as far as this replica knows: the hint for clients."""

    effects: list[Effect] = field(default_factory=list)
    deferred: deque[tuple[StoreId, Message]] = field(default_factory=deque)
    copy_ticket: int = 0
    _in_flight: _InFlight | None = None
    _is_waiting_for_space: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether a transaction is in flight."""
        return self._in_flight is not None

    @property
    def is_waiting_for_space(self) -> bool:
        """Whether the transaction in flight found the disk full and is tried again."""
        return self._is_waiting_for_space

    @property
    def fence(self) -> Fence:
        """What the store must still hold for this process to act on it."""
        return Fence(self.durable.promised, self.durable.opening, self.durable.open)

    def send(self, to: StoreId, message: Message) -> None:
        """Send a message, which may never arrive."""
        self.effects.append(Send(to, message))

    def vouch(self, to: StoreId, message: Message) -> None:
        """Send what no transaction of this message's has just shown to be so in the store."""
        self.effects.append(Send(to, message, self.fence))

    def defer(self, sender: StoreId, message: Message) -> None:
        """Keep a message until the transaction in flight is done, if there is room."""
        if len(self.deferred) < self.limits.deferred_messages_max:
            self.deferred.append((sender, message))

    def persist(
        self,
        transaction: Transaction,
        done: Callable[[], None],
        *,
        full: Callable[[], None] | None = None,
    ) -> None:
        """Write; then call `done`. On a full disk call `full`, or without one try again at each tick."""
        self._in_flight = _InFlight(transaction, done, full)
        self._is_waiting_for_space = False
        self.effects.append(Persist(transaction))

    def persisted(self, durable: Durable) -> None:
        """The transaction in flight is durable, and the store holds this now."""
        in_flight = self._in_flight
        if in_flight is None:
            return
        self._in_flight = None
        self.durable = durable
        in_flight.done()

    def persist_failed(self, failure: Failure) -> None:
        """The transaction in flight changed nothing."""
        in_flight = self._in_flight
        if in_flight is None:
            return
        if failure is Failure.FENCED:
            self.end(End.FENCED)
        elif in_flight.full is not None:
            self._in_flight = None
            in_flight.full()
        else:
            self._is_waiting_for_space = True

    def try_again(self) -> None:
        """Give a transaction that found the disk full another chance."""
        if self._in_flight is not None and self._is_waiting_for_space:
            self._is_waiting_for_space = False
            self.effects.append(Persist(self._in_flight.transaction))

    def give_up_waiting(self) -> None:
        """Forget a transaction that found the disk full; it changed nothing."""
        if self._is_waiting_for_space:
            self._in_flight = None
            self._is_waiting_for_space = False

    def end(self, end: End) -> None:
        """This process is of no more use."""
        if self.role is not Role.ENDED:
            self.role = Role.ENDED
            self.effects.append(Ended(end))
