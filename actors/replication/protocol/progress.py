"""What a primary knows of each other copy of its group."""

from dataclasses import dataclass, field
from typing import Final

from actors.replication.protocol.limits import Limits
from node.ids import StoreId

UNKNOWN: Final = -1


@dataclass(slots=True)
class Progress:
    """Of one copy, in this reign. Times are this process's."""

    store_id: StoreId
    incarnation: int
    """Answers of any other one belong to an earlier or later life of the store."""

    cursor: int
    """The position after which the next entries are sent."""

    heard_ms: int
    """When it last answered an append; a primary's own pause is no silence of others."""

    match: int = UNKNOWN
    """It has told in this reign that its log is durable and ours up to here."""

    sent_ms: int | None = None
    """When an append was sent that is not answered yet."""

    confirmed_round: int = 0
    is_member: bool = False
    is_leaving: bool = False
    """Its disk is full, or it needs a full copy."""

    is_flapping: bool = False
    trouble_ms: int | None = None
    """When it was last silent or full."""

    removals_ms: list[int] = field(default_factory=list)

    def begin_life(self, incarnation: int, *, cursor: int, now_ms: int) -> None:
        """The store was opened again: what it said before does not count."""
        self.incarnation = incarnation
        self.cursor = cursor
        self.heard_ms = now_ms
        self.match = UNKNOWN
        self.sent_ms = None
        self.confirmed_round = 0
        self.is_leaving = False

    def is_silent(self, now_ms: int, limits: Limits) -> bool:
        """Whether it has not answered for too long."""
        return now_ms - self.heard_ms > limits.silence_ms_max

    def note_membership(self, is_member: bool, now_ms: int, limits: Limits) -> None:  # noqa: FBT001
        """Remember when it left `in_sync`: twice within the window, and it has to be quiet first."""
        if self.is_member and not is_member:
            self.removals_ms = [t for t in self.removals_ms if now_ms - t <= limits.flap_window_ms]
            self.removals_ms.append(now_ms)
            self.trouble_ms = now_ms
        self.is_flapping = not is_member and len(self.removals_ms) >= 2
        self.is_member = is_member

    def may_join(self, now_ms: int, limits: Limits) -> bool:
        """Whether it answers, and has been quiet long enough if it flaps."""
        if self.is_leaving or self.is_silent(now_ms, limits):
            return False
        is_quiet = self.trouble_ms is None or now_ms - self.trouble_ms >= limits.quiet_ms
        return is_quiet or not self.is_flapping
