"""Each visitor counts once: marks of what a visitor was already counted for.

A mark is a hash under the visitor's own key, so it tells nothing to whoever does not hold that key, and nothing to
anyone when it is destroyed. A mark stands under the day until which it is needed; the care of the tenant drops it soon
after.
"""

from typing import Final, Protocol

from actors.learning.rows import TableReader
from actors.storage.tables import MARKS
from protos.internal.records_pb2 import Change

DAY_MS: Final = 86_400_000
PERIOD_DAYS: Final = 32
"""The visitors of a query are different ones within a period: longer marks would have to be kept for longer."""
MARKS_MAX: Final = 20_000_000
"""Beyond these visitors are no longer told apart, and count as if they were tied to nobody."""


class MarkingKey(Protocol):
    """The key of one visitor: see `actors.storage.keyring`."""

    def mark(self, what: bytes, /) -> bytes:
        """16 bytes that only this key makes of `what`."""
        ...


class Marks:
    """The marks that a batch looks at and sets."""

    def __init__(self, view: TableReader, now_ms: int) -> None:
        self._view = view
        self._today = now_ms // DAY_MS
        self._new: dict[bytes, None] = {}
        self._room = MARKS_MAX - view.count(MARKS)

    @property
    def are_full(self) -> bool:
        """Whether no more can be set."""
        return len(self._new) >= self._room

    def is_first_of_day(self, visitor: MarkingKey, what: bytes, day: int) -> bool:
        """Whether the visitor is to be counted for this on a day; sets the mark.

        An event that comes days late is marked under yesterday, since older marks may be gone: it may count once more
        on each later day on which it is sent again under other ids.
        """
        mark = visitor.mark(what + day.to_bytes(4, "big"))
        return self._set(max(day, self._today - 1), mark)

    def is_first_of_period(self, visitor: MarkingKey, what: bytes, period: int) -> bool:
        """The same of a period of `PERIOD_DAYS`; False when it is over."""
        last_day = (period + 1) * PERIOD_DAYS - 1
        if last_day < self._today - 1:
            return False
        return self._set(last_day, visitor.mark(what + b"/" + period.to_bytes(4, "big")))

    def changes(self) -> list[Change]:
        """A change for each mark that was set."""
        return [Change(table=MARKS.number, key=key, value=b"") for key in self._new]

    def _set(self, day: int, mark: bytes) -> bool:
        key = day.to_bytes(2, "big") + mark
        if key in self._new or self._view.get(MARKS, key) is not None:
            return False
        self._new[key] = None
        return True
