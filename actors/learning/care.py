"""Keeping what is learned within its bounds: rows that are used least go first.

Each tick looks at a stretch of one table that is nearly full and deletes, of that stretch, the part that is used least:
keys of queries are hashes, so a stretch is a fair sample. Products that no branch has any more lose their
counts. Queries in clear whose searches have faded lose their words' place among the suggestions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from actors.catalog.branches import read_branches
from actors.learning.decay import LASTING_MS, remaining
from actors.learning.product_counts import PRODUCTS_MAX
from actors.learning.queries import CLICKED_QUERIES_MAX, POPULAR_MAX, QUERIES_MAX, worth
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import (
    POPULAR_QUERIES,
    PRODUCT_COUNTS,
    PRODUCTS,
    QUERIES,
    QUERY_CLICKS,
    Table,
    product_key,
)
from protos.internal.records_pb2 import ProductCountsRecord, QueryClicksRecord, QueryRecord
from protos.v1.event_pb2 import WriteEventsResponse

STRETCH: Final = 1_000
"""Rows looked at in one tick; about 3 ms of the writer's thread."""
DROPPED_SHARE: Final = 8
"""One in so many of a stretch is dropped while its table is nearly full."""
FULL_SHARE: Final = 0.9
POPULAR_SEARCHES_MIN: Final = 1.0
"""Decayed searches below which a query is no longer suggested."""
_PERIOD_TICKS: Final = 10
"""Ticks between two looks."""

_Row = tuple[float, bytes]
"""How much a row is used now, and its key."""


@dataclass(frozen=True, slots=True)
class _Moment:
    view: ReadView
    now_ms: int
    branches: tuple[int, ...]

    def share_left(self, time_ms: int) -> float:
        """Of a count of that time."""
        return remaining(max(self.now_ms - time_ms, 0), LASTING_MS)


@dataclass(slots=True)
class _Stretch:
    table: Table
    count_max: int
    use: Callable[["_Moment", bytes, bytes], float]
    """Of a row, by key and value. Below 0: it goes in any case."""
    next_key: bytes = b""


class LearningCare:
    """Where the care of one tenant's tables stands. Called in the writer's thread or before it, never both."""

    def __init__(self) -> None:
        self._ticks = 0
        self._stretches = (
            _Stretch(PRODUCT_COUNTS, PRODUCTS_MAX, _product_use),
            _Stretch(QUERIES, QUERIES_MAX, _query_use),
            _Stretch(QUERY_CLICKS, CLICKED_QUERIES_MAX, _clicks_use),
            _Stretch(POPULAR_QUERIES, POPULAR_MAX, _popular_use),
        )

    def is_due(self, view: ReadView) -> bool:
        """Whether this tick is one in which to look, and there is anything to look at."""
        self._ticks += 1
        return self._ticks % _PERIOD_TICKS == 0 and any(
            view.count(stretch.table) for stretch in self._stretches
        )

    def resolve(self, context: WriteContext) -> Resolution:
        """Deletions of the next stretches; no change when all there is may stay."""
        resolution = Resolution(WriteEventsResponse())
        branches = tuple(branch.number for branch in read_branches(context.view))
        moment = _Moment(context.view, context.now_ms, branches)
        for stretch in self._stretches:
            for key in _dropped(stretch, moment):
                resolution.delete(stretch.table, key)
        return resolution


def _dropped(stretch: _Stretch, moment: _Moment) -> list[bytes]:
    view = moment.view
    rows: list[_Row] = []
    for key, value in _next_rows(view, stretch):
        rows.append((stretch.use(moment, key, value), key))
    stretch.next_key = rows[-1][1] + b"\0" if len(rows) == STRETCH else b""
    rows.sort()
    count = len([use for use, _ in rows if use < 0])
    if view.count(stretch.table) >= FULL_SHARE * stretch.count_max:
        count = max(count, len(rows) // DROPPED_SHARE)
    return [key for _, key in rows[:count]]


def _next_rows(view: ReadView, stretch: _Stretch) -> Iterator[tuple[bytes, bytes]]:
    rows = view.range(stretch.table, start=stretch.next_key or None)
    for _, (key, value) in zip(range(STRETCH), rows, strict=False):
        yield bytes(key), bytes(value)


def _product_use(moment: _Moment, key: bytes, value: bytes) -> float:
    view = moment.view
    if all(view.get(PRODUCTS, product_key(branch, key)) is None for branch in moment.branches):
        return -1.0
    row = ProductCountsRecord.FromString(value)
    return row.lasting * moment.share_left(row.time_ms)


def _query_use(moment: _Moment, _key: bytes, value: bytes) -> float:
    row = QueryRecord.FromString(value)
    return row.searches * moment.share_left(row.time_ms)


def _clicks_use(moment: _Moment, _key: bytes, value: bytes) -> float:
    row = QueryClicksRecord.FromString(value)
    return sum(map(worth, row.products)) * moment.share_left(row.time_ms)


def _popular_use(moment: _Moment, _key: bytes, value: bytes) -> float:
    stored = moment.view.get(QUERIES, value)
    if stored is None:
        return -1.0
    use = _query_use(moment, value, bytes(stored))
    return use if use >= POPULAR_SEARCHES_MIN else -1.0
