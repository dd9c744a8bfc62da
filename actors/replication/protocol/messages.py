"""What replicas of a group say to each other. Each message carries an epoch, each answer an incarnation."""

from dataclasses import dataclass

from actors.replication.protocol.log import Entry


@dataclass(frozen=True, slots=True)
class Append:
    """From the primary: entries after `previous_position`; without entries, a heartbeat."""

    epoch: int
    incarnation: int
    """Of the receiver, as the primary knows it."""

    reign_start: int
    """The end of the primary's log when its reign began: later entries of other epochs are not its."""

    previous_position: int
    previous_hash: bytes
    entries: tuple[Entry, ...]
    commit: int
    is_member: bool
    """Whether the primary counts the receiver as in sync."""


@dataclass(frozen=True, slots=True)
class Appended:
    """The sender's log is durable, and the primary's, up to `position`; `epoch` is promised."""

    epoch: int
    incarnation: int
    position: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The sender's log does not hold what the append follows; it tells where the two may agree."""

    epoch: int
    incarnation: int
    position: int
    hash: bytes
    commit: int
    commit_hash: bytes
    copy_ticket: int
    """A full copy sent in answer must show this; it is good until anything was appended."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """The sender has promised `epoch`, which is higher than that of the message it answers."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """The sender's disk is full: it asks to be removed from `in_sync`, so that it blocks nobody."""

    epoch: int
    incarnation: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """From the primary: has a higher epoch been promised? One round serves all waiting reads."""

    epoch: int
    round: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The sender had promised no epoch above `epoch` when it got the question."""

    epoch: int
    incarnation: int
    round: int


@dataclass(frozen=True, slots=True)
class FullCopy:
    """The applied state at a position, for a learner that is too far behind for the log."""

    epoch: int
    copy_ticket: int
    position: int
    hash: bytes
    """Of the entry at the position."""

    state: object
    """Opaque to the protocol: whatever the two shells agree on."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """From the old primary: the registry names the receiver as primary of `epoch`."""

    epoch: int


Message = (
    Append | Appended | Mismatch | Fenced | Leaving | Confirm | Confirmed | FullCopy | HandedOver
)
