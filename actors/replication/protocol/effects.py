"""What a replica wants done. Effects are done in the order in which they are returned."""

from dataclasses import dataclass
from enum import Enum

from actors.replication.protocol.group import Group
from actors.replication.protocol.log import Entry
from actors.replication.protocol.messages import FullCopy, Message
from node.ids import StoreId


@dataclass(frozen=True, slots=True)
class Fence:
    """What the store must still hold: a newer promise or opening belongs to another owner."""

    promised: int
    opening: int
    open: int
    """Two processes that open at the same time try the same number; the one that got it has written this."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """Changes of a store, all or none, in the order of the fields; None leaves a value as it is."""

    fence: Fence
    epoch: int
    """Under whose authority entries are added or dropped."""

    promised: int | None = None
    opening: int | None = None
    open: int | None = None
    copy: FullCopy | None = None
    """Replaces log and state."""

    truncate_after: int | None = None
    entries: tuple[Entry, ...] = ()
    commit: int | None = None
    """Entries up to here are applied in this transaction."""


@dataclass(frozen=True, slots=True)
class Persist:
    """Do the transaction; there is never a second one in flight."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to another replica of the group."""

    to: StoreId
    message: Message
    fence: Fence | None = None
    """If given: compare it with the store first. What is told from memory must still be so on disk."""


@dataclass(frozen=True, slots=True)
class SendCopy:
    """Send a `FullCopy` of the applied state, with this epoch and ticket."""

    to: StoreId
    epoch: int
    copy_ticket: int


@dataclass(frozen=True, slots=True)
class ReadGroup:
    """Read the registry's record."""

    token: int


@dataclass(frozen=True, slots=True)
class CompareAndSet:
    """Write the registry's record if it is still at the revision."""

    token: int
    expected_revision: int
    group: Group


@dataclass(frozen=True, slots=True)
class Answer:
    """Proposed entries are durable in all in-sync copies, and applied here: tell their clients."""

    first: int
    last: int
    durable_copies: int


@dataclass(frozen=True, slots=True)
class Abandon:
    """It is unknown what becomes of the proposed entries: clients try again with the same request id."""


class Refusal(Enum):
    """Why a proposal or read was not taken up; nothing of it was done."""

    NOT_PRIMARY = "not_primary"
    TAKING_OVER = "taking_over"
    BATCH_IN_FLIGHT = "batch_in_flight"
    HANDING_OVER = "handing_over"
    TOO_FEW_COPIES = "too_few_copies"
    DISK_FULL = "disk_full"
    TOO_MANY_READS = "too_many_reads"
    NOT_A_MEMBER = "not_a_member"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing of the proposal was done."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Decline:
    """The promotion or hand-over was not taken up."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class ServeReads:
    """Answer these strong reads from the applied state; compare the fence in the read transaction."""

    reads: tuple[int, ...]
    fence: Fence


@dataclass(frozen=True, slots=True)
class RefuseReads:
    """Tell these strong reads to try elsewhere."""

    reads: tuple[int, ...]
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Opened:
    """This replica takes writes and strong reads as primary of the epoch."""

    epoch: int


@dataclass(frozen=True, slots=True)
class SteppedDown:
    """This replica is primary no more."""

    epoch: int


class End(Enum):
    """Why a process is of no more use."""

    FENCED = "fenced"
    """The store has a new owner."""

    UNKNOWN_STORE = "unknown_store"
    """The registry does not know the store: set it aside, do not destroy it."""

    DELETED = "deleted"
    """The tenant was deleted."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Close the store and end the process."""

    end: End


Effect = (
    Persist
    | Send
    | SendCopy
    | ReadGroup
    | CompareAndSet
    | Answer
    | Abandon
    | Refuse
    | Decline
    | ServeReads
    | RefuseReads
    | Opened
    | SteppedDown
    | Ended
)
