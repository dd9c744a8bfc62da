"""How the products of a segment and their SKUs are numbered: ordinals and rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Products have ordinals 0 to P-1; their SKUs are rows 0 to R-1, one product's side by side."""

    product_count: int
    row_count: int
    row_product: Int32Array | None
    """int32[R], ascending: the ordinal of each row. None when every product is one row."""

    @classmethod
    def of_counts(cls, row_counts: Sequence[int] | npt.NDArray[np.int64]) -> "RowLayout":
        """The layout of products with so many rows each (at least 1)."""
        counts = np.asarray(row_counts, np.int64)
        product_count = len(counts)
        row_count = int(counts.sum())
        if row_count == product_count:
            return cls(product_count, row_count, None)
        ordinals = np.arange(product_count, dtype=np.int32)
        return cls(product_count, row_count, np.repeat(ordinals, counts))

    def first_rows(self) -> Int32Array:
        """int32[P + 1]: the first row of each product, and at the end the number of rows."""
        if self.row_product is None:
            return np.arange(self.product_count + 1, dtype=np.int32)
        ordinals = np.arange(self.product_count + 1, dtype=np.int32)
        firsts: Int32Array = np.searchsorted(self.row_product, ordinals).astype(np.int32)
        return firsts

    def first_rows_of(self, ordinals: Int32Array) -> Int32Array:
        """The first row of each of the `ordinals`."""
        if self.row_product is None:
            return ordinals
        return np.searchsorted(self.row_product, ordinals).astype(np.int32)

    def rows_of(self, ordinals: Int32Array) -> Int32Array:
        """The rows of sorted `ordinals`, ascending."""
        if self.row_product is None:
            return ordinals
        starts = np.searchsorted(self.row_product, ordinals).astype(np.int32)
        stops = np.searchsorted(self.row_product, ordinals, side="right").astype(np.int32)
        return expand_ranges(starts, stops)


def expand_ranges(starts: npt.NDArray[np.integer], stops: npt.NDArray[np.integer]) -> Int32Array:
    """All numbers of the half-open ranges, one range after the other."""
    counts = stops - starts
    total = int(counts.sum())
    ends = np.cumsum(counts)
    offsets = np.repeat(starts - (ends - counts), counts)
    numbers: Int32Array = (np.arange(total, dtype=np.int64) + offsets).astype(np.int32)
    return numbers
