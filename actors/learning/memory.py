"""What searches hold of the counts in memory: a picture of them, taken anew in the background.

Counts change with every event, so searches do not look at them: they take a picture that is at most
`PERIOD_S_MAX` old plus the time that taking it needs. A table of any size is read a little at a time, in
transactions of their own: nobody waits for more than a millisecond or two. What nothing has changed is not read.
"""

import threading
from array import array
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from actors.index.branch_memory import BranchMemory
from actors.index.products import id_hash
from actors.index.segments import open_branch
from actors.learning.decay import LASTING_MS
from actors.search.learned import LearnedPopularity
from actors.search.popular_queries import PopularQueries
from actors.storage.environment import ReadView
from actors.storage.tables import (
    BRANCHES,
    POPULAR_QUERIES,
    PRODUCT_COUNTS,
    QUERIES,
    Table,
)
from node.clock import Clock
from protos.internal.records_pb2 import ProductCountsRecord, QueryRecord

PERIOD_S_MAX: Final = 60
PERIOD_S_MIN: Final = 5
_SHARE: Final = 20
"""Of the time, taking pictures may take one part in so many: small shops see what they learn sooner."""

_ROWS_AT_ONCE: Final = 250
_PAUSE_S: Final = 0.004


class Views(Protocol):
    """Where views come from: see `actors.reader.Views`."""

    def open_view(self) -> tuple[ReadView, Callable[[], None]]:
        """A view of the last commit, that lives until the returned function is called."""
        ...


class LearnedMemory:
    """The pictures that searches use. Called on the event loop; pictures are taken in a thread."""

    def __init__(self, views: Views, clock: Clock) -> None:
        self.popularity: LearnedPopularity | None = None
        """None: nothing is counted, or not read yet."""
        self.popular = PopularQueries([])
        self._views = views
        self._clock = clock
        self._due_ms = clock.monotonic_ms()
        self._seen = -1
        """The commit that the pictures are of."""
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()

    def refresh_if_due(self) -> None:
        """Begin to take new pictures when the last ones have served their time."""
        if self._clock.monotonic_ms() < self._due_ms or self._ends.is_set():
            return
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self.refresh, name="learned", daemon=True)
            self._thread.start()

    def refresh(self) -> None:
        """Take new pictures, if anything was committed since the last ones."""
        started_ms = self._clock.monotonic_ms()
        try:
            self._take_pictures()
        finally:
            self._set_due(started_ms)

    def _take_pictures(self) -> None:
        seen = self._last_commit()
        if seen == self._seen:
            return
        popularity = self._read_popularity()
        popular = self._read_popular()
        if not self._ends.is_set():
            self._align(popularity)
            self.popularity, self.popular, self._seen = popularity, popular, seen

    def _set_due(self, started_ms: int) -> None:
        now_ms = self._clock.monotonic_ms()
        wait_ms = min(
            max((now_ms - started_ms) * _SHARE, PERIOD_S_MIN * 1_000), PERIOD_S_MAX * 1_000
        )
        self._due_ms = now_ms + wait_ms

    def close(self) -> None:
        """Stop reading: the file is about to be closed."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join()

    def _last_commit(self) -> int:
        view, end = self._views.open_view()
        try:
            return view.transaction_id
        finally:
            end()

    def _read_popularity(self) -> LearnedPopularity | None:
        # Hashed row by row: all at once in one call would keep every other thread waiting.
        hashes, counts, times = array("Q"), array("d"), array("q")

        def read(_view: ReadView, key: bytes, value: memoryview) -> None:
            row = ProductCountsRecord.FromString(bytes(value))
            hashes.append(id_hash(key))
            counts.append(row.lasting)
            times.append(row.time_ms)

        self._each(PRODUCT_COUNTS, read)
        if not hashes:
            return None
        return LearnedPopularity(np.array(hashes), _at_one_time(counts, times))

    def _read_popular(self) -> PopularQueries:
        words: list[str] = []
        searches, times = array("d"), array("q")

        def read(view: ReadView, key: bytes, value: memoryview) -> None:
            stored = view.get(QUERIES, bytes(value))
            row = QueryRecord.FromString(b"" if stored is None else bytes(stored))
            words.append(key.decode())
            searches.append(row.searches)
            times.append(row.time_ms)

        self._each(POPULAR_QUERIES, read)
        weights = _at_one_time(searches, times).tolist() if words else []
        return PopularQueries(list(zip(words, weights, strict=True)))

    def _align(self, popularity: LearnedPopularity | None) -> None:
        """Lay the picture beside the segments that there are, so that searches need not."""
        if popularity is None:
            return
        view, end = self._views.open_view()
        try:
            for key, _ in view.range(BRANCHES):
                branch = open_branch(view, int.from_bytes(key, "big"), BranchMemory())
                for segment in branch.segments:
                    if self._ends.is_set():
                        return
                    popularity.of(segment)
        finally:
            end()

    def _each(self, table: Table, read: Callable[[ReadView, bytes, memoryview], None]) -> None:
        """Read every row of a table, in short transactions with pauses between them."""
        start = b""
        while not self._ends.is_set():  # Ends at the last row: every round reads on.
            view, end = self._views.open_view()
            try:
                count = 0
                for key, value in _rows(view, table, start):
                    read(view, key, value)
                    start, count = key + b"\0", count + 1
                    if count == _ROWS_AT_ONCE:
                        break
            finally:
                end()
            if count < _ROWS_AT_ONCE:
                return
            self._ends.wait(_PAUSE_S)


def _rows(view: ReadView, table: Table, start: bytes) -> Iterator[tuple[bytes, memoryview]]:
    for key, value in view.range(table, start=start or None):
        yield bytes(key), value


def _at_one_time(counts: "array[float]", times: "array[int]") -> npt.NDArray[np.float64]:
    """float64[n]: counts of different times, as they are at the latest of these."""
    moments = np.array(times)
    passed_ms = (moments.max() - moments).astype(np.float64)
    faded: npt.NDArray[np.float64] = np.array(counts) * np.exp2(-passed_ms / LASTING_MS)
    return faded
