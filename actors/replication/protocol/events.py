"""What may happen to a replica. Each event brings the time, since the protocol has no clock."""

from dataclasses import dataclass
from enum import Enum

from actors.replication.protocol.group import Group
from actors.replication.protocol.log import Durable, Entry
from actors.replication.protocol.messages import Message
from node.ids import StoreId


class Failure(Enum):
    """Why a transaction changed nothing."""

    FULL = "full"
    """The disk or the store's map is full."""

    FENCED = "fenced"
    """The store holds another promise or opening than this process knows: it has a new owner."""


@dataclass(frozen=True, slots=True)
class Start:
    """The process owns the store; the first event."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Received:
    """A message arrived from another replica."""

    now_ms: int
    sender: StoreId
    message: Message


@dataclass(frozen=True, slots=True)
class Persisted:
    """The transaction in flight is durable."""

    now_ms: int
    durable: Durable
    """What the store holds now, read in the transaction: before the opening's first one, another owner
    may still have written."""


@dataclass(frozen=True, slots=True)
class PersistFailed:
    """The transaction in flight changed nothing."""

    now_ms: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class FenceBroken:
    """The fence of a message or read did not hold, so that was not done: the store has a new owner."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class GroupRead:
    """The registry's answer to `ReadGroup`."""

    now_ms: int
    token: int
    revision: int
    group: Group


@dataclass(frozen=True, slots=True)
class GroupSet:
    """The registry's answer to `CompareAndSet`; no revision: someone else was faster."""

    now_ms: int
    token: int
    revision: int | None


@dataclass(frozen=True, slots=True)
class Propose:
    """The next batch, made for `Replica.proposal_slot`."""

    now_ms: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ReadStrong:
    """A read that must see everything acknowledged before it."""

    now_ms: int
    read: int
    """The shell's number for it."""


@dataclass(frozen=True, slots=True)
class Promote:
    """A supervisor asks this replica to become primary."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """A supervisor asks this primary to make another member the primary."""

    now_ms: int
    to: StoreId


Event = (
    Start
    | Tick
    | Received
    | Persisted
    | PersistFailed
    | FenceBroken
    | GroupRead
    | GroupSet
    | Propose
    | ReadStrong
    | Promote
    | HandOver
)
