"""The columns of a merged segment, from those of its sources: products are not read again."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns_build import sorted_numbers, sorted_texts
from actors.index.columns_inventory import merge_inventory
from actors.index.columns_layout import Int32Array, RowLayout, expand_ranges
from actors.index.columns_read import Columns, Table
from actors.index.columns_tables import KEYWORDS, NUMBERS, Flat, TableEncoder
from actors.index.ports import ArrayReader

Int64Array = npt.NDArray[np.int64]

ENTRIES_AT_ONCE: Final = 1 << 20
"""A merge holds about so many entries (some 100 bytes each) at a time, or one column if that is more."""


@dataclass(frozen=True, slots=True)
class MergeSource:
    """One of the segments that become one."""

    reader: ArrayReader
    prefix: bytes
    """What the segment's keys start with."""
    layout: RowLayout
    new_ordinals: Int32Array
    """int32[P]: the ordinal of each product in the merged segment, -1 for those left out."""


def merged_layout(sources: Sequence[MergeSource]) -> RowLayout:
    """The rows of the merged segment."""
    return _numbering(sources)[0]


def merge_columns(sources: Sequence[MergeSource]) -> Iterator[tuple[bytes, bytes]]:
    """The stored values of the merged segment's columns; keys are relative to its prefix."""
    layout, new_rows = _numbering(sources)
    parts = [
        (Columns(source.reader, source.prefix, source.layout), (source.new_ordinals, rows))
        for source, rows in zip(sources, new_rows, strict=True)
    ]
    for kind in (KEYWORDS, NUMBERS):
        encoder = TableEncoder(kind, layout)
        tables = [columns.table(kind) for columns, _ in parts]
        for spans in _stretches(tables):
            read = [
                _read_columns(table, span, numbering)
                for table, span, (_, numbering) in zip(tables, spans, parts, strict=True)
            ]
            yield from encoder.add(_merge_texts(read) if kind == KEYWORDS else _merge_numbers(read))
        yield from encoder.finish()
    yield from merge_inventory(
        [(s.reader, s.prefix, rows) for s, rows in zip(sources, new_rows, strict=True)],
        layout.row_count,
    )


def _numbering(sources: Sequence[MergeSource]) -> tuple[RowLayout, list[Int32Array]]:
    """The merged layout, and for each source the new row of each old one, -1 for dropped."""
    product_count = sum(int((source.new_ordinals >= 0).sum()) for source in sources)
    row_counts = np.zeros(product_count, np.int64)
    for source in sources:
        kept = source.new_ordinals >= 0
        row_counts[source.new_ordinals[kept]] = np.diff(source.layout.first_rows())[kept]
    ends = np.cumsum(row_counts)
    new_rows = []
    for source in sources:
        live = np.flatnonzero(source.new_ordinals >= 0)
        ordinals = source.new_ordinals[live]
        firsts = source.layout.first_rows()
        old = expand_ranges(firsts[live], firsts[live + 1])
        rows = np.full(source.layout.row_count, -1, np.int32)
        rows[old] = expand_ranges(ends[ordinals] - row_counts[ordinals], ends[ordinals])
        new_rows.append(rows)
    return RowLayout.of_counts(row_counts), new_rows


def _stretches(tables: Sequence[Table]) -> Iterator[list[tuple[int, int]]]:
    """All columns in stretches of about `ENTRIES_AT_ONCE`: for each table its columns in the stretch."""
    listed = [[table.name(index) for index in range(table.column_count)] for table in tables]
    counts: dict[bytes, int] = {}
    for table, names in zip(tables, listed, strict=True):
        for name, count in zip(names, table.entry_counts().tolist(), strict=True):
            counts[name] = counts.get(name, 0) + count
    starts = [0] * len(tables)
    at_once = 0
    for name, after in zip_longest(sorted(counts), sorted(counts)[1:]):
        at_once += counts[name]
        if after is None or at_once + counts[after] > ENTRIES_AT_ONCE:
            stops = [bisect_right(names, name) for names in listed]
            yield list(zip(starts, stops, strict=True))
            starts, at_once = stops, 0


@dataclass(frozen=True, slots=True)
class _Read:
    """Some columns of a source, positions renumbered and the entries of dropped products left out."""

    names: list[bytes]
    streams: Int64Array
    """Numbered within `names`."""
    positions: Int64Array
    entries: npt.NDArray[np.float64] | Int64Array
    """Numbers, or indices among `keys`."""
    keys: list[bytes]
    key_columns: Int64Array


def _read_columns(
    table: Table, span: tuple[int, int], numbering: tuple[Int32Array, Int32Array]
) -> _Read:
    names = [table.name(index) for index in range(*span)]
    packs = list(table.read_columns(*span))
    if not packs:
        return _Read(names, _NONE, _NONE, _NONE, [], _NONE)
    first_keys = np.cumsum([0, *(len(pack.keys) for pack in packs)])
    streams = np.concatenate([pack.streams for pack in packs]) - 2 * span[0]
    positions = np.concatenate([pack.positions for pack in packs])
    entries = np.concatenate(
        [
            pack.entries + first if pack.keys else pack.entries
            for pack, first in zip(packs, first_keys.tolist(), strict=False)
        ]
    )
    by_row = streams % 2 == 1
    renumbered = np.empty(len(positions), np.int64)
    renumbered[by_row] = numbering[1][positions[by_row]]
    renumbered[~by_row] = numbering[0][positions[~by_row]]
    kept = renumbered >= 0
    return _Read(
        names=names,
        streams=streams[kept],
        positions=renumbered[kept],
        entries=entries[kept],
        keys=[key for pack in packs for key in pack.keys],
        key_columns=np.concatenate([pack.key_columns for pack in packs]) - span[0],
    )


def _merge_texts(sources: Sequence[_Read]) -> Flat:
    """One dictionary for each column, and the entries' codes in it. Keys that nothing uses are dropped."""
    used = [
        np.flatnonzero(np.bincount(source.entries.astype(np.int64), minlength=len(source.keys)))
        for source in sources
    ]
    names, columns = _merge_names(
        [
            [source.names[column] for column in np.unique(source.key_columns[indices])]
            for source, indices in zip(sources, used, strict=True)
        ],
        sources,
    )
    # Keys are told apart and put in order by column and bytes at once. Each source's are sorted
    # already, which sorting joins as runs.
    prefixes = [index.to_bytes(4, "big") for index in range(len(names))]
    prefixed: list[list[bytes]] = []
    for source, indices, new_columns in zip(sources, used, columns, strict=True):
        column_of_key = new_columns[source.key_columns[indices]].tolist()
        prefixed.append(
            [
                prefixes[column] + source.keys[index]
                for column, index in zip(column_of_key, indices.tolist(), strict=True)
            ]
        )
    ordered = list(dict.fromkeys(sorted(chain.from_iterable(prefixed))))
    rank = {key: index for index, key in enumerate(ordered)}
    column_of = np.fromiter((int.from_bytes(k[:4], "big") for k in ordered), np.int64, len(ordered))
    counts = np.bincount(column_of, minlength=len(names))
    firsts = np.cumsum(counts) - counts
    streams, codes = [_NONE], [_NONE]
    for source, indices, keys, new_columns in zip(sources, used, prefixed, columns, strict=True):
        new_index = np.zeros(len(source.keys), np.int64)
        new_index[indices] = np.fromiter(map(rank.__getitem__, keys), np.int64, len(keys))
        index = new_index[source.entries.astype(np.int64)]
        streams.append(2 * new_columns[source.streams // 2] + source.streams % 2)
        codes.append(index - firsts[column_of[index]])
    return sorted_texts(
        names,
        np.concatenate(streams),
        np.concatenate([_NONE, *(source.positions for source in sources)]),
        np.concatenate(codes),
        value_counts=counts,
        keys=[key[4:] for key in ordered],
    )


def _merge_numbers(sources: Sequence[_Read]) -> Flat:
    names, columns = _merge_names(
        [[s.names[column] for column in np.unique(s.streams // 2)] for s in sources], sources
    )
    streams = [
        2 * new_columns[source.streams // 2] + source.streams % 2
        for source, new_columns in zip(sources, columns, strict=True)
    ]
    return sorted_numbers(
        names,
        np.concatenate([_NONE, *streams]),
        np.concatenate([_NONE, *(source.positions for source in sources)]),
        np.concatenate([_NONE.astype(np.float64), *(source.entries for source in sources)]),
    )


def _merge_names(
    used: Sequence[Sequence[bytes]], sources: Sequence[_Read]
) -> tuple[list[bytes], list[Int64Array]]:
    """All used columns, sorted, and for each source the new index of each of its columns (-1: unused)."""
    names = sorted({name for source_names in used for name in source_names})
    index_of = {name: index for index, name in enumerate(names)}
    return names, [
        np.array([index_of.get(name, -1) for name in source.names], np.int64) for source in sources
    ]


_NONE: Final = np.zeros(0, np.int64)
