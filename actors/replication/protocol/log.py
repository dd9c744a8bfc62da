"""Entries as the protocol sees them, and what it may ask of a store's log."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log. It keeps its epoch and its hash however often it is sent again."""

    epoch: int
    """Of the reign that made it, not of the one that sends it."""

    position: int
    previous_hash: bytes
    hash: bytes
    """Of `stored`, which names epoch, position and previous hash: equal hashes mean equal logs up to here."""

    stored: bytes
    """As its primary serialised it."""


class LogView(Protocol):
    """The durable log of a store, as its last finished transaction left it."""

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the entry there, also of the last one dropped; None when it is not known."""
        ...

    def epoch_at(self, position: int) -> int | None:
        """The epoch of an entry; None when it is not kept."""
        ...

    def entries(self, *, after: int, count_max: int) -> tuple[Entry, ...] | None:
        """Entries that follow a position; None when some of them are not kept any more."""
        ...


@dataclass(frozen=True, slots=True)
class Durable:
    """What a store holds beside log and state; all zero in an empty one."""

    promised: int = 0
    """The highest epoch promised: writers of lower ones are refused."""

    opening: int = 0
    """The incarnation that is being opened, or is open."""

    open: int = 0
    """The incarnation that was last known to have been recorded by the registry."""

    position: int = 0
    """Of the last entry of the log."""

    hash: bytes = b""
    """Of the last entry."""

    commit: int = 0
    """Entries up to here are committed and applied."""
