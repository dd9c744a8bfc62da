"""The shop's own figures, as they are kept: by day, and within a day in total, by query, by list and by strategy.

Rows of queries have the query's keyed hash for a name; its words stand in `queries` alone, when enough visitors have
searched them. Lists have the name that the shop gives them.
"""

from enum import IntEnum
from typing import Final

import xxhash

from actors.learning.rows import Rows, TableReader
from actors.storage.tables import FIGURES
from protos.internal.records_pb2 import Change, FiguresRecord

QUERY_ROWS_MAX: Final = 20_000
LIST_ROWS_MAX: Final = 200
"""Of one day. What finds no room stands in the day's total only."""
ROWS_MAX: Final = 8_000_000


class FigureKind(IntEnum):
    """What a row is about."""

    TOTAL = 0
    QUERY = 1
    LIST = 2
    STRATEGY = 3


class Figures:
    """The rows that a batch of events changes."""

    def __init__(self, view: TableReader) -> None:
        self._rows = Rows(view, FIGURES, FiguresRecord, count_max=ROWS_MAX)
        self._totals: dict[int, FiguresRecord] = {}
        self._named: dict[tuple[int, FigureKind, str], FiguresRecord | None] = {}

    def total(self, day: int) -> FiguresRecord:
        """Of all that happened on a day."""
        row = self._totals.get(day)
        if row is None:
            row = self._rows.take(figures_key(day, FigureKind.TOTAL, bytes(16))) or FiguresRecord()
            self._totals[day] = row
        return row

    def of_query(self, day: int, query: bytes) -> FiguresRecord | None:
        """Of a query, given by its keyed hash; None when the day has no room for another."""
        key = figures_key(day, FigureKind.QUERY, query)
        if self._rows.get(key) is None:
            total = self.total(day)
            if total.query_row_count >= QUERY_ROWS_MAX:
                return None
            total.query_row_count += 1
        return self._rows.take(key)

    def of_name(self, day: int, kind: FigureKind, name: str) -> FiguresRecord | None:
        """Of a list or strategy; None when the day has no room for another."""
        known = (day, kind, name)
        if known not in self._named:
            self._named[known] = self._take_named(day, kind, name)
        return self._named[known]

    def changes(self) -> list[Change]:
        """One change for each row."""
        return self._rows.changes()

    def _take_named(self, day: int, kind: FigureKind, name: str) -> FiguresRecord | None:
        key = figures_key(day, kind, xxhash.xxh3_128_digest(name.encode()))
        if self._rows.get(key) is None and kind is FigureKind.LIST:
            total = self.total(day)
            if total.list_row_count >= LIST_ROWS_MAX:
                return None
            total.list_row_count += 1
        row = self._rows.take(key)
        if row is not None:
            row.name = name
        return row


def figures_key(day: int, kind: FigureKind, name: bytes) -> bytes:
    """The key of a row; `name`: 16 bytes."""
    return day.to_bytes(2, "big") + bytes((kind,)) + name
