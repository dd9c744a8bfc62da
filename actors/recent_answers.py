"""Answers that were given a moment ago, for the same request to be answered with again.

What shoppers search is much the same: a few hundred requests are most of a shop's traffic. An answer is
the same bytes as long as what it was made from is, so it is kept for that long and no longer: the view
(which lives a second at the most, and sees one moment's prices and rules) and what reads it.
"""

from typing import Final

from node.config import KIB, MIB

COUNT_MAX: Final = 2_048
SIZE_BYTES_MAX: Final = 8 * MIB
ANSWER_SIZE_BYTES_MAX: Final = 64 * KIB
"""A larger answer is an export and not a page that others ask for too."""

_ENTRY_SIZE_BYTES: Final = 200
"""What an entry takes beside request and answer."""


class RecentAnswers:
    """Serialised answers by request."""

    __slots__ = ("_answers", "_basis", "_size_bytes")

    def __init__(self) -> None:
        self._basis: tuple[object, ...] = ()
        self._answers: dict[tuple[int, bytes], bytes] = {}
        self._size_bytes = 0

    def follow(self, *basis: object) -> None:
        """Forget every answer that was made from other objects than these very ones."""
        known = self._basis
        if len(known) != len(basis) or any(
            old is not new for old, new in zip(known, basis, strict=True)
        ):
            self.clear()
            self._basis = basis

    def get(self, role: int, request: bytes) -> bytes | None:
        """The answer to these bytes of a caller with this role."""
        return self._answers.get((role, request))

    def keep(self, role: int, request: bytes, answer: bytes) -> None:
        """Remember an answer; when there is no room, it and those to come replace all before."""
        size_bytes = len(request) + len(answer) + _ENTRY_SIZE_BYTES
        if size_bytes > ANSWER_SIZE_BYTES_MAX:
            return
        if len(self._answers) >= COUNT_MAX or self._size_bytes + size_bytes > SIZE_BYTES_MAX:
            self._forget()
        self._answers[role, request] = answer
        self._size_bytes += size_bytes

    def clear(self) -> None:
        """Forget everything, what it was made from too."""
        self._basis = ()
        self._forget()

    def _forget(self) -> None:
        self._answers.clear()
        self._size_bytes = 0
