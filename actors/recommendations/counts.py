"""The counts of products in memory, and what they come to for every product of a view at once.

A count halves with time, all of one kind alike. So its logarithm plus the half-lives that have passed since 1970 at
its time is a number that never changes, and compares products whose counts were written at different times. Read
from the table when the tenant opens, and kept in step by every write.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np

from actors.index.products import id_hashes
from actors.learning.decay import LASTING_MS, RECENT_MS
from actors.recommendations.catalogue import NOWHERE, Catalogue, Floats
from protos.internal.records_pb2 import ProductCountsRecord

_CHANGES_MAX: Final = 4_096
_NEVER: Final = -math.inf
_MEAN_LIFE: Final = math.log(2)

TREND_MIN: Final = 1.0
"""Below it what a product has gained in a day is what chance may bring: square roots of what was to be expected."""


class ProductCounts:
    """Of one tenant. Changed on the event loop."""

    def __init__(self) -> None:
        self.version = 0
        self.newest_ms = 0
        """The time of the latest count: what "now" is to them, so that equal states give equal answers."""

        self._rows: dict[bytes, tuple[float, float]] = {}
        self._changed: deque[bytes] = deque(maxlen=_CHANGES_MAX)

    @property
    def count(self) -> int:
        """How many products have any."""
        return len(self._rows)

    def load(self, rows: Iterable[tuple[bytes, ProductCountsRecord]]) -> None:
        """Take rows that were read from the table; those that were written since stay."""
        for product_id, row in rows:
            if product_id not in self._rows:
                self._put(product_id, row)

    def write(self, product_id: bytes, row: ProductCountsRecord | None) -> None:
        """A row was written; None: it was deleted."""
        if row is None:
            self._rows.pop(product_id, None)
            self._note(product_id)
        else:
            self._put(product_id, row)

    def row(self, product_id: bytes) -> tuple[float, float]:
        """The logarithms of the lasting and the recent count, each as of 1970."""
        return self._rows.get(product_id, (_NEVER, _NEVER))

    def lasting(self, number: float) -> float:
        """What a lasting logarithm is worth now."""
        return math.exp2(number - self.newest_ms / LASTING_MS) if number > _NEVER else 0.0

    def changed_since(self, version: int) -> list[bytes] | None:
        """The products whose rows have changed since a version; None: too many to tell."""
        behind = self.version - version
        if behind > len(self._changed):
            return None
        return list(self._changed)[len(self._changed) - behind :]

    def rows(self) -> tuple[list[bytes], Floats]:
        """All products, and float64[n, 2] of their rows."""
        values = np.array(list(self._rows.values()), np.float64).reshape(-1, 2)
        return list(self._rows), values

    def _put(self, product_id: bytes, row: ProductCountsRecord) -> None:
        self._rows[product_id] = (
            _logarithm(row.lasting, row.time_ms / LASTING_MS),
            _logarithm(row.recent, row.time_ms / RECENT_MS),
        )
        self.newest_ms = max(self.newest_ms, row.time_ms)
        self._note(product_id)

    def _note(self, product_id: bytes) -> None:
        self._changed.append(product_id)
        self.version += 1


class _Aligned:
    """What is kept as long as the live products are the same: counts beside their numbers."""

    def __init__(self) -> None:
        self.version = -1
        self.rows: Floats | None = None
        self.popularity: tuple[int, Floats] | None = None
        self.trends: tuple[int, Floats] | None = None


class CountedProducts:
    """The counts of a view's products."""

    def __init__(self, catalogue: Catalogue, counts: ProductCounts) -> None:
        self._catalogue = catalogue
        self._counts = counts
        self._aligned = catalogue.view.kept.of(_Aligned)

    @property
    def popularity(self) -> Floats:
        """float64[D]: above 0 for what visitors or the shop speak of; each as a share of the most popular one's."""
        counts, known = self._counts, self._aligned.popularity
        if known is None or known[0] != counts.version:
            scores = self._catalogue.shop_popularity
            if counts.count:
                lasting = np.exp2(self._rows()[:, 0] - counts.newest_ms / LASTING_MS)
                counted = np.log1p(lasting) * self._catalogue.alive
                most = float(counted.max(initial=0.0))
                scores = scores + counted / most if most > 0 else scores
            known = self._aligned.popularity = (counts.version, scores)
        return known[1]

    @property
    def trends(self) -> Floats:
        """float64[D]: how much more a product was looked at of late than was to be expected; 0 below `TREND_MIN`.

        The recent count, less what it would be if all that the lasting one holds had come evenly, in square roots of
        that: a product that is always popular is no trend, nor is one that two visitors have found.
        """
        counts, known = self._counts, self._aligned.trends
        if known is None or known[0] != counts.version:
            scores = np.zeros(self._catalogue.count)
            if counts.count:
                rows = self._rows()
                recent = np.exp2(rows[:, 1] - counts.newest_ms / RECENT_MS)
                lasting = np.exp2(rows[:, 0] - counts.newest_ms / LASTING_MS)
                expected = lasting * (RECENT_MS / LASTING_MS)
                scores = (recent - expected) / np.sqrt(expected + 1.0)
                scores[scores < TREND_MIN] = 0.0
            known = self._aligned.trends = (counts.version, scores)
        return known[1]

    def growth(self, number: int) -> float:
        """How many times as much as usual a product is looked at."""
        recent, lasting = self._rows()[number, 1], self._rows()[number, 0]
        counts = self._counts
        usual = math.exp2(lasting - counts.newest_ms / LASTING_MS) * (RECENT_MS / LASTING_MS)
        return math.exp2(recent - counts.newest_ms / RECENT_MS) / usual if usual > 0 else 0.0

    def is_counted(self, number: int) -> bool:
        """Whether visitors have done anything with a product."""
        return bool(self._counts.count) and bool(self._rows()[number, 0] > _NEVER)

    def _rows(self) -> Floats:
        """float64[D, 2]"""
        aligned, counts = self._aligned, self._counts
        if aligned.rows is None or aligned.version != counts.version:
            changed = None if aligned.rows is None else counts.changed_since(aligned.version)
            if aligned.rows is None or changed is None:
                aligned.rows = self._align()
            else:
                changed = list(dict.fromkeys(changed))
                numbers = self._catalogue.numbers_of(changed)
                for product_id, number in zip(changed, numbers, strict=True):
                    if number != NOWHERE:
                        aligned.rows[number] = counts.row(product_id)
            aligned.version = counts.version
        return aligned.rows

    def _align(self) -> Floats:
        rows = np.full((self._catalogue.count, 2), _NEVER)
        product_ids, values = self._counts.rows()
        if not product_ids:
            return rows
        counted = id_hashes(product_ids)
        order = np.argsort(counted)
        counted, values = counted[order], values[order]
        # A product's tie-breaker is the hash of its id.
        ties = self._catalogue.ties
        places = np.minimum(counted.searchsorted(ties), len(counted) - 1)
        known = counted.take(places) == ties
        rows[known] = values[places[known]]
        return rows


def _logarithm(count: float, half_lives: float) -> float:
    return math.log2(count) + half_lives if count > 0 else _NEVER
