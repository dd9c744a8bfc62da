"""The columns of one segment as queries read them: lazily, and without copying what is large."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns_inventory import InventoryColumns
from actors.index.columns_layout import Int32Array, RowLayout
from actors.index.columns_pieces import AnyArray, PieceArray, open_pieces
from actors.index.columns_tables import (
    DIRECTORY_DTYPES,
    KEYWORD_PACK_DTYPES,
    KEYWORDS,
    NUMBER_PACK_DTYPES,
    NUMBERS,
    VARIANTS,
    directory_key,
    pack_key,
)
from actors.index.columns_text import key_text
from actors.index.ports import ArrayReader
from node.errors import InvariantError

Predicate = Callable[[AnyArray], npt.NDArray[np.bool_]]
"""Which entries are meant; false for the missing marker (-1 or NaN)."""

_SEARCH_SHARE: Final = 32
"""Entries are searched where fewer than one in so many positions are asked for: 41 us for 900 in 200,000, and
575 us for 16,000, where marking takes 380."""

_SCATTER_SHARE: Final = 8
"""Marking positions in an array of all beats searching them, unless they are fewer than one in so many."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The entries of one column by ordinal or by row."""

    entries: PieceArray
    """int32 codes or float64 numbers."""
    positions: PieceArray | None
    """int32, ascending, one for each entry; None: entry i belongs to position i (dense)."""
    size: int
    """How many positions there are: products or rows."""

    def mask(self, meant: Predicate, at: Int32Array | None) -> npt.NDArray[np.bool_]:
        """Which of the positions `at` (sorted; None: all) have an entry that is meant."""
        if self.positions is None:
            if at is not None:
                return meant(self.entries.take(at))
            return np.concatenate([meant(part) for _, part in self.entries.parts()])
        found = self.positions.whole()[meant(self.entries.whole())]
        if at is not None and len(found) * _SCATTER_SHARE < len(at):
            return _marked(found, at)
        marked = np.zeros(self.size, np.bool_)
        marked[found] = True
        return marked if at is None else marked.take(at)

    def entries_of(self, at: Int32Array | None) -> AnyArray:
        """Every entry of the positions `at` (sorted; None: all), by position."""
        if self.positions is None:
            entries = self.entries.whole() if at is None else self.entries.take(at)
            return entries[entries >= 0 if entries.dtype == np.int32 else ~np.isnan(entries)]
        if at is None:
            return self.entries.whole()
        positions = self.positions.whole()
        if len(at) * _SEARCH_SHARE < len(positions):
            return self.entries.whole().take(_searched(positions, at)[1])
        wanted = np.zeros(self.size, np.bool_)
        wanted[at] = True
        return self.entries.whole().take(wanted.take(positions).nonzero()[0])

    def pairs(self, at: Int32Array | None) -> tuple[npt.NDArray[np.int64], AnyArray]:
        """Every entry of the positions `at` (sorted; None: all), with its index in `at`, by that index."""
        if self.positions is None:
            entries = self.entries.whole() if at is None else self.entries.take(at)
            has = entries >= 0 if entries.dtype == np.int32 else ~np.isnan(entries)
            if has.all():
                return np.arange(len(entries)), entries
            return np.flatnonzero(has), entries[has]
        positions, entries = self.positions.whole(), self.entries.whole()
        if at is None:
            return positions.astype(np.int64), entries
        if len(at) * _SCATTER_SHARE < len(positions):
            slots, chosen = _searched(positions, at)
            return slots, entries.take(chosen)
        slots = np.full(self.size, -1, np.int32)
        slots[at] = np.arange(len(at), dtype=np.int32)
        slot = slots.take(positions)
        kept = slot >= 0
        return slot[kept].astype(np.int64), entries[kept]


class Dictionary:
    """The keys of one keyword column in byte order; a code is an index among them."""

    __slots__ = ("_blob", "_ends", "_origin", "_view")

    def __init__(self, ends: PieceArray, blob: PieceArray, *, first: int, stop: int) -> None:
        """The keys `first` to `stop` of a pack, whose keys end in `blob` at `ends`."""
        self._origin = int(ends.window(first - 1, first).whole()[0]) if first else 0
        self._ends: npt.NDArray[np.uint32] = ends.window(first, stop).whole()
        end = int(self._ends[-1]) if stop > first else self._origin
        self._blob = blob.window(self._origin, end)
        # A blob of several parts is never joined for the sake of a few keys.
        self._view = memoryview(self._blob.whole().data) if self._blob.is_one_part else None

    def __len__(self) -> int:
        return len(self._ends)

    def key(self, code: int) -> bytes:
        """The key with this code."""
        ends = self._ends
        start = (int(ends[code - 1]) if code else self._origin) - self._origin
        stop = int(ends[code]) - self._origin
        if self._view is not None:
            return bytes(self._view[start:stop])
        return self._blob.window(start, stop).whole().tobytes()

    def text(self, code: int) -> str:
        """The text with this code."""
        return key_text(self.key(code))

    def code_of(self, key: bytes) -> int:
        """The code of a key, or -1 when the column does not have it."""
        code = self.first_at_least(key)
        return code if code < len(self) and self.key(code) == key else -1

    def first_at_least(self, key: bytes) -> int:
        """The first code whose key is not below `key`."""
        return bisect_left(range(len(self)), key, key=self.key)

    def joined(self) -> tuple[bytes, npt.NDArray[np.int64]]:
        """All keys, one after the other, and the end of each."""
        return self._blob.whole().tobytes(), self._ends.astype(np.int64) - self._origin


@dataclass(frozen=True, slots=True)
class PackRead:
    """All that some columns of one pack hold, for merging."""

    streams: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    entries: AnyArray
    """Numbers; or indices among `keys`."""
    keys: list[bytes]
    key_columns: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """All values of one field in a segment."""

    by_product: Stream | None
    by_row: Stream | None
    dictionary: Dictionary | None
    """Of a keyword column."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Those that have entries."""
        return tuple(s for s in (self.by_product, self.by_row) if s is not None)


class Table:
    """The keyword columns or the number columns of a segment."""

    __slots__ = (
        "_entry_starts",
        "_key",
        "_layout",
        "_name_ends",
        "_names",
        "_packs",
        "_position_starts",
        "_reader",
        "_table",
        "_value_starts",
    )

    def __init__(self, reader: ArrayReader, prefix: bytes, table: bytes, layout: RowLayout) -> None:
        self._reader = reader
        self._key = prefix
        self._table = table
        self._layout = layout
        arrays = open_pieces(reader, prefix + directory_key(table), DIRECTORY_DTYPES)
        wholes = [a.whole() for a in arrays] if arrays else [np.zeros(0, np.uint8)] * 6
        self._names: bytes = wholes[0].tobytes()
        self._name_ends: AnyArray = wholes[1]
        self._entry_starts: AnyArray = wholes[2]
        self._position_starts: AnyArray = wholes[3]
        self._value_starts: AnyArray = wholes[4]
        self._packs: AnyArray = wholes[5]

    @property
    def column_count(self) -> int:
        """How many columns there are."""
        return len(self._name_ends)

    def name(self, index: int) -> bytes:
        """The name of a column; names are sorted."""
        ends = self._name_ends
        return self._names[int(ends[index - 1]) if index else 0 : int(ends[index])]

    def find(self, name: bytes) -> int:
        """The index of the column with this name, or -1."""
        count = self.column_count
        index = bisect_left(range(count), name, key=self.name)
        return index if index < count and self.name(index) == name else -1

    def column(self, index: int) -> Column:
        """The column with this index."""
        number = int(np.searchsorted(self._packs, index, side="right")) - 1
        pack = self.pack(number)
        first = int(self._packs[number])
        dictionary = None
        if self._table == KEYWORDS:
            base = int(self._value_starts[first])
            dictionary = Dictionary(
                pack[2],
                pack[3],
                first=int(self._value_starts[index]) - base,
                stop=int(self._value_starts[index + 1]) - base,
            )
        return Column(
            self._stream(pack, 2 * first, 2 * index),
            self._stream(pack, 2 * first, 2 * index + 1),
            dictionary,
        )

    def pack(self, number: int) -> tuple[PieceArray, ...]:
        """The arrays of a pack."""
        dtypes = KEYWORD_PACK_DTYPES if self._table == KEYWORDS else NUMBER_PACK_DTYPES
        arrays = open_pieces(self._reader, self._key + pack_key(self._table, number), dtypes)
        if arrays is None:
            raise InvariantError(f"columns at {self._key!r} lack pack {number}: index damaged")
        return arrays

    def entry_counts(self) -> npt.NDArray[np.int64]:
        """How many entries each column has, missing markers included."""
        return _counts(self._entry_starts[::2])

    def read_columns(self, first: int, stop: int) -> Iterator[PackRead]:
        """Everything in the columns `first` to `stop`, without the missing markers of dense streams."""
        while first < stop:  # ends: every round reads at least one column
            number = int(np.searchsorted(self._packs, first, side="right")) - 1
            last = min(stop, int(self._packs[number + 1]))
            yield self._read_columns(number, first, last)
            first = last

    def _read_columns(self, number: int, first: int, last: int) -> PackRead:
        pack, base = self.pack(number), int(self._packs[number])
        low, high = 2 * first, 2 * last
        entries = _window(pack[0], self._entry_starts, 2 * base, low, high).whole()
        sparse = _window(pack[1], self._position_starts, 2 * base, low, high).whole()
        entry_counts = _counts(self._entry_starts[low : high + 1])
        position_counts = _counts(self._position_starts[low : high + 1])
        starts = np.cumsum(entry_counts) - entry_counts
        positions = np.arange(len(entries)) - np.repeat(starts, entry_counts)
        positions[np.repeat(position_counts > 0, entry_counts)] = sparse
        streams = np.repeat(np.arange(low, high), entry_counts)
        has = entries >= 0 if self._table == KEYWORDS else ~np.isnan(entries)
        keys: list[bytes] = []
        if self._table == KEYWORDS:
            value_base = int(self._value_starts[base])
            blob, ends = Dictionary(
                pack[2],
                pack[3],
                first=int(self._value_starts[first]) - value_base,
                stop=int(self._value_starts[last]) - value_base,
            ).joined()
            listed = ends.tolist()
            keys = [blob[a:b] for a, b in zip([0, *listed], listed, strict=False)]
        key_counts = _counts(self._value_starts[first : last + 1])
        firsts = np.cumsum(key_counts) - key_counts
        streams, positions, entries = streams[has], positions[has], entries[has]
        if self._table == KEYWORDS:
            entries = entries + firsts[streams // 2 - first]
        return PackRead(
            streams, positions, entries, keys, np.repeat(np.arange(first, last), key_counts)
        )

    def _stream(self, pack: tuple[PieceArray, ...], first: int, stream: int) -> Stream | None:
        origin = int(self._entry_starts[first])
        start, stop = int(self._entry_starts[stream]), int(self._entry_starts[stream + 1])
        if start == stop:
            return None
        low, high = int(self._position_starts[stream]), int(self._position_starts[stream + 1])
        base = int(self._position_starts[first])
        layout = self._layout
        return Stream(
            entries=pack[0].window(start - origin, stop - origin),
            positions=pack[1].window(low - base, high - base) if high > low else None,
            size=layout.row_count if stream % 2 else layout.product_count,
        )


class Columns:
    """All columns of one segment, as long as the reader's view lasts."""

    __slots__ = ("_cached", "_has_variants", "_prefix", "_reader", "_tables", "inventory", "layout")

    def __init__(self, reader: ArrayReader, prefix: bytes, layout: RowLayout) -> None:
        self._reader = reader
        self._prefix = prefix
        self._tables: dict[bytes, Table] = {}
        self._cached: dict[tuple[bytes, str], Column | None] = {}
        self._has_variants: bool | None = None
        self.layout = layout
        self.inventory = InventoryColumns(reader, prefix, layout.row_count)

    @property
    def has_variants(self) -> bool:
        """Whether any product has variants, be it one."""
        if self._has_variants is None:
            self._has_variants = self._reader.get_array(self._prefix + VARIANTS) is not None
        return self._has_variants

    def keyword(self, name: str) -> Column | None:
        """The column of texts with this name, or None when no product has any."""
        return self._column(KEYWORDS, name)

    def number(self, name: str) -> Column | None:
        """The column of numbers with this name, or None when no product has any."""
        return self._column(NUMBERS, name)

    def table(self, table: bytes) -> Table:
        """All keyword columns or all number columns."""
        opened = self._tables.get(table)
        if opened is None:
            opened = Table(self._reader, self._prefix, table, self.layout)
            self._tables[table] = opened
        return opened

    def _column(self, kind: bytes, name: str) -> Column | None:
        cached = self._cached.get((kind, name), _UNREAD)
        if not isinstance(cached, _Unread):
            return cached
        table = self.table(kind)
        index = table.find(name.encode())
        column = table.column(index) if index >= 0 else None
        self._cached[kind, name] = column
        return column


class _Unread:
    pass


_UNREAD: Final = _Unread()


def open_columns(reader: ArrayReader, prefix: bytes, layout: RowLayout) -> Columns:
    """The columns of the segment whose keys start with `prefix`; nothing is read yet."""
    return Columns(reader, prefix, layout)


def _counts(starts: AnyArray) -> npt.NDArray[np.int64]:
    """How many lie between each start and the next."""
    starts = starts.astype(np.int64)
    counts: npt.NDArray[np.int64] = starts[1:] - starts[:-1]
    return counts


def _window(array: PieceArray, starts: AnyArray, origin: int, first: int, stop: int) -> PieceArray:
    """What belongs to the streams `first` to `stop`, of a pack that begins with stream `origin`."""
    base = int(starts[origin])
    return array.window(int(starts[first]) - base, int(starts[stop]) - base)


def _searched(
    positions: Int32Array, at: Int32Array
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of the `positions` that is among `at`, both sorted: its index there, and its own index."""
    if not len(positions):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts = positions.searchsorted(at)
    slots = (positions.take(starts, mode="clip") == at).nonzero()[0]
    found = starts.take(slots)
    followers = found[found < len(positions) - 1] + 1
    if not (positions.take(followers) == positions.take(followers - 1)).any():
        return slots, found  # each stands there once at most
    counts = positions.searchsorted(at, side="right") - starts
    return np.repeat(np.arange(len(at)), counts), _ranges(starts, counts)


def _marked(found: Int32Array, at: Int32Array) -> npt.NDArray[np.bool_]:
    """Which of `at` are among `found`; both sorted, `found` much shorter."""
    marked = np.zeros(len(at), np.bool_)
    places = np.searchsorted(at, found)
    inside = places < len(at)
    places, found = places[inside], found[inside]
    marked[places[at[places] == found]] = True
    return marked


def _ranges(starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """All numbers of the ranges that begin at `starts`, one range after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    numbers: npt.NDArray[np.int64] = np.arange(total) + np.repeat(starts - (ends - counts), counts)
    return numbers
