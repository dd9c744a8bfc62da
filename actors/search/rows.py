"""Products of one segment and their rows, as a query narrows them down."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from actors.index.columns import Columns, expand_ranges

Ordinals = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Slots = npt.NDArray[np.int64]

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some products of a segment, and some of their rows (at least one of each product)."""

    columns: Columns
    ordinals: Ordinals | None
    """int32[n], ascending; None: all products."""
    rows: Ordinals | None
    """int32[m], ascending; None: all rows, or, where each product is one row, those of `ordinals`."""
    slots: Slots | None
    """int64[m]: the index of each row's product in `ordinals`; None: each product is one row."""

    @classmethod
    def of(cls, columns: Columns, ordinals: Ordinals | None) -> "Rows":
        """All rows of products (None: of all)."""
        row_product = columns.layout.row_product
        if row_product is None:
            return cls(columns, ordinals, None, None)
        if ordinals is None:
            return cls(columns, None, None, row_product.astype(np.int64))
        starts = np.searchsorted(row_product, ordinals)
        stops = np.searchsorted(row_product, ordinals, side="right")
        rows = expand_ranges(starts, stops)
        return cls(columns, ordinals, rows, np.repeat(np.arange(len(ordinals)), stops - starts))

    @property
    def product_count(self) -> int:
        """N."""
        if self.ordinals is None:
            return self.columns.layout.product_count
        return len(self.ordinals)

    @property
    def row_count(self) -> int:
        """M."""
        return self.product_count if self.slots is None else len(self.slots)

    @property
    def at_rows(self) -> Ordinals | None:
        """The rows' numbers in columns that are stored by row; None: all."""
        return self.ordinals if self.slots is None else self.rows

    def only(self, mask: Mask) -> "Rows":
        """The rows of a mask (bool[m]), and the products that have one among them."""
        if mask.all():
            return self
        kept = np.flatnonzero(mask)
        if self.slots is None:
            ordinals = _taken(self.ordinals, kept)
            return Rows(self.columns, ordinals, None, None)
        slots = self.slots.take(kept)
        first = np.ones(len(slots), np.bool_)
        first[1:] = slots[1:] != slots[:-1]
        return Rows(
            self.columns,
            _taken(self.ordinals, slots[first]),
            _taken(self.rows, kept),
            np.cumsum(first) - 1,
        )

    def select(self, indices: Slots) -> "Rows":
        """All of the rows of some of the products, given by their ascending indices in `ordinals`."""
        ordinals = _taken(self.ordinals, indices)
        if self.slots is None:
            return Rows(self.columns, ordinals, None, None)
        starts = np.searchsorted(self.slots, indices)
        stops = np.searchsorted(self.slots, indices, side="right")
        slots = np.repeat(np.arange(len(indices)), stops - starts)
        kept = expand_ranges(starts, stops).astype(np.int64)
        return Rows(self.columns, ordinals, _taken(self.rows, kept), slots)

    def spread(self, values: npt.NDArray[Value]) -> npt.NDArray[Value]:
        """Values of products (any[n]) as values of their rows (any[m])."""
        return values if self.slots is None else values.take(self.slots)

    def fold_min(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The smallest value (int64[n]) of each product's rows (int64[m])."""
        if self.slots is None or not len(values):
            return values
        folded: npt.NDArray[np.int64] = np.minimum.reduceat(values, self.first_rows())
        return folded

    def first_rows(self) -> Slots:
        """int64[n]: the index of each product's first row among the rows."""
        if self.slots is None:
            return np.arange(self.product_count)
        return np.searchsorted(self.slots, np.arange(self.product_count))


def _taken(numbers: Ordinals | None, indices: Slots) -> Ordinals:
    return indices.astype(np.int32) if numbers is None else numbers.take(indices)
