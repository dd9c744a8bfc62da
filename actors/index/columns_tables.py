"""The stored form of all keyword columns, or of all number columns, of one segment.

A catalogue has thousands of attribute keys, most of them on few products. One stored value per key and segment would
cost more than the data, so the columns of a segment lie side by side in *packs* of about `PACK_BYTES`, and a directory
says where each begins:

- column: all values of one field. Columns are sorted by name.
- stream: the values of one column by ordinal (stream 2c) or by row (stream 2c + 1). A stream is *dense* when each
  position has at most one value and at least half of them have one: then entry i belongs to position i, and a missing
  value is -1 or NaN. Otherwise it is *sparse*: sorted positions beside the entries.
- entry: a number (float64), or a code (int32): the index of a key in the column's dictionary.
- dictionary: the keys of `columns_text`, in byte order, each once.

The `Flat` form, on which building and merging work, has all entries of all streams in one array each.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.columns_layout import RowLayout
from actors.index.columns_pieces import AnyArray, encode_pieces

PACK_BYTES: Final = 1 << 18
"""A pack ends where it reaches this size; a column that is larger has one of its own."""

KEYWORDS: Final = b"ck"
NUMBERS: Final = b"cn"
"""The tables' key prefixes, relative to the segment's."""

VARIANT_IDS: Final = b"variant_id"
VARIANTS: Final = b"cv"
"""One byte stands here when any product of the segment has variants."""

DIRECTORY_DTYPES: Final = (np.uint8, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32)
KEYWORD_PACK_DTYPES: Final = (np.int32, np.int32, np.uint32, np.uint8)
NUMBER_PACK_DTYPES: Final = (np.float64, np.int32)

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flat:
    """All entries of a table, sorted by stream, position (and code), without repetition."""

    names: list[bytes]
    """Of the columns, sorted."""
    streams: Int64Array
    """int64[E]: 2 x column + (0 by ordinal, 1 by row)."""
    positions: npt.NDArray[np.int32]
    entries: npt.NDArray[np.int32] | npt.NDArray[np.float64]
    value_counts: Int64Array
    """int64[C]: how many dictionary keys each column has; zeros in a table of numbers."""
    keys: list[bytes]
    """The dictionaries, one column after the other."""


def directory_key(table: bytes) -> bytes:
    """Where a table's directory is stored."""
    return table + b"d"


def pack_key(table: bytes, number: int) -> bytes:
    """Where a pack is stored."""
    return table + b"p" + struct.pack(">I", number)


class TableEncoder:
    """Makes a table's stored values from stretches of its columns, given in the order of their names."""

    def __init__(self, table: bytes, layout: RowLayout) -> None:
        self._table = table
        self._layout = layout
        self._names: list[bytes] = []
        self._pack_count = 0
        self._stored: list[_Stored] = []
        self._pack_columns: list[int] = []

    def add(self, flat: Flat) -> Iterator[tuple[bytes, bytes]]:
        """The packs of some more columns."""
        if not flat.names:
            return
        stored = _stored(flat, self._layout)
        key_ends = np.cumsum(np.fromiter(map(len, flat.keys), np.int64, len(flat.keys)))
        blob_starts = _starts(key_ends, stored.value_starts)
        column_bytes = (
            stored.entries.itemsize * np.diff(stored.entry_starts[::2])
            + 4 * np.diff(stored.position_starts[::2])
            + 4 * np.diff(stored.value_starts)
            + np.diff(blob_starts)
        )
        for first, last in pairwise(_cut_packs(column_bytes)):
            arrays: list[AnyArray] = [
                _of_columns(stored.entries, stored.entry_starts, 2 * first, 2 * last),
                _of_columns(stored.positions, stored.position_starts, 2 * first, 2 * last),
            ]
            if self._table == KEYWORDS:
                low, high = int(stored.value_starts[first]), int(stored.value_starts[last])
                arrays.append((key_ends[low:high] - blob_starts[first]).astype(np.uint32))
                arrays.append(_bytes_array(b"".join(flat.keys[low:high])))
            self._pack_columns.append(len(self._names) + first)
            yield from encode_pieces(pack_key(self._table, self._pack_count), arrays)
            self._pack_count += 1
        self._names += flat.names
        self._stored.append(replace(stored, entries=_NOTHING, positions=_NOTHING))

    def finish(self) -> Iterator[tuple[bytes, bytes]]:
        """The directory; nothing when there are no columns."""
        if not self._names:
            return
        if VARIANT_IDS in self._names:
            yield VARIANTS, b"\1"
        name_ends = np.cumsum([len(name) for name in self._names])
        numbers = (
            name_ends,
            _joined_starts([stored.entry_starts for stored in self._stored]),
            _joined_starts([stored.position_starts for stored in self._stored]),
            _joined_starts([stored.value_starts for stored in self._stored]),
            np.array([*self._pack_columns, len(self._names)]),
        )
        yield from encode_pieces(
            directory_key(self._table),
            [_bytes_array(b"".join(self._names)), *(n.astype(np.uint32) for n in numbers)],
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    entries: AnyArray
    positions: npt.NDArray[np.int32]
    entry_starts: Int64Array
    position_starts: Int64Array
    value_starts: Int64Array


def _stored(flat: Flat, layout: RowLayout) -> _Stored:
    """The same entries with dense streams spread out."""
    stream_count = 2 * len(flat.names)
    counts = np.bincount(flat.streams, minlength=stream_count)
    firsts = _cumulated(counts)
    repeated = (flat.streams[1:] == flat.streams[:-1]) & (flat.positions[1:] == flat.positions[:-1])
    has_lists = np.bincount(flat.streams[1:][repeated], minlength=stream_count) > 0
    sizes = np.tile(np.array([layout.product_count, layout.row_count]), len(flat.names))
    dense = (counts * 2 >= sizes) & ~has_lists & (counts > 0)
    entry_starts = _cumulated(np.where(dense, sizes, counts))
    entry_is_dense = dense[flat.streams]
    within = np.where(
        entry_is_dense, flat.positions, np.arange(len(flat.streams)) - firsts[flat.streams]
    )
    missing: float = np.nan if flat.entries.dtype == np.float64 else -1
    entries: AnyArray = np.full(int(entry_starts[-1]), missing, flat.entries.dtype)
    entries[entry_starts[flat.streams] + within] = flat.entries
    return _Stored(
        entries=entries,
        positions=flat.positions[~entry_is_dense],
        entry_starts=entry_starts,
        position_starts=_cumulated(np.where(dense, 0, counts)),
        value_starts=_cumulated(flat.value_counts),
    )


def _cut_packs(column_bytes: Int64Array) -> list[int]:
    """The first column of each pack, and at the end the number of columns."""
    ends = np.cumsum(column_bytes)
    firsts = [0]
    while firsts[-1] < len(ends):  # ends: every round adds at least one column
        first = firsts[-1]
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + PACK_BYTES, side="right"))
        firsts.append(max(first + 1, last))
    return firsts


def _of_columns(array: AnyArray, starts: Int64Array, first: int, last: int) -> AnyArray:
    return array[starts[first] : starts[last]]


def _starts(ends: Int64Array, firsts: Int64Array) -> Int64Array:
    """Where groups of keys begin in the joined keys, given the end of each key."""
    return np.concatenate([np.zeros(1, np.int64), ends])[firsts]


def _joined_starts(parts: Sequence[Int64Array]) -> Int64Array:
    """The starts of stretches of columns, one stretch after the other."""
    joined, base = [np.zeros(1, np.int64)], 0
    for starts in parts:
        joined.append(starts[1:] + base)
        base += int(starts[-1])
    return np.concatenate(joined)


def _cumulated(counts: npt.NDArray[Any]) -> Int64Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _bytes_array(joined: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(joined, np.uint8) if joined else np.empty(0, np.uint8)


_NOTHING: Final = np.empty(0, np.int32)
