"""What is found out about a branch, kept from one view of it to the next.

A view lives a second at most, but the words of a catalogue stay: what only depends on a segment, which never
changes, is kept as long as the segment is part of the branch; what depends on all live products, as long as
these are the same. Prices and stock may change meanwhile.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

_T = TypeVar("_T")


class Record(Protocol):
    """What tells segments and their live products apart: see `segments.SegmentRecord`."""

    @property
    def segment_id(self) -> int:
        """Never used twice within a branch."""
        ...

    @property
    def live_count(self) -> int:
        """Products only ever die, so an equal number means the same ones."""
        ...


class Kept:
    """One object of each type, made when it is first asked for.

    Such objects hold text, numbers and arrays of their own: whatever points into the store ends with its view.
    """

    __slots__ = ("_by_type",)

    def __init__(self) -> None:
        self._by_type: dict[type[object], object] = {}

    def of(self, kind: type[_T]) -> _T:
        """The object of a type that is made without arguments."""
        found = self._by_type.get(kind)
        if found is None:
            found = self._by_type[kind] = kind()
        return cast("_T", found)


class BranchMemory:
    """Belongs to whoever opens the views of one branch."""

    def __init__(self) -> None:
        self._products: tuple[tuple[int, int], ...] = ()
        self._of_products = Kept()
        self._of_segments: dict[int, Kept] = {}

    def begin(self, records: Sequence[Record]) -> tuple[Kept, tuple[Kept, ...]]:
        """What is kept for the live products of these segments, and for each segment alone."""
        products = tuple((record.segment_id, record.live_count) for record in records)
        if products != self._products:
            # Not emptied: an earlier view may still be in use.
            self._products, self._of_products = products, Kept()
        self._of_segments = {
            record.segment_id: self._of_segments.get(record.segment_id) or Kept()
            for record in records
        }
        return self._of_products, tuple(self._of_segments.values())
