"""How columns of price and stock are stored: blocks of `BLOCK_ROWS` rows, each a value of its own, patched alone.

A column is in one of three forms, which its name tells:

- *dense*: what nearly every row has (`availability`, `stock_quantity`, `price:<market>`): one element a row.
- *loose*: what some rows have (a price list's prices, a store's stock): one element a row, or, where that is smaller,
  the elements that are there and beside them their places in the block (uint16).
- *timed* (`timed:<scope>`): prices with a window: int64[n, 4], sorted: place in the block, from when and until just
  before when (milliseconds since 1970), and the amount. One row may have several.

A block that was never written holds nothing but missing values.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.arrays import view_array
from actors.index.columns_layout import Int32Array
from actors.index.columns_pieces import AnyArray
from actors.index.ports import ArrayReader, ArrayWriter

BLOCK_ROWS: Final = 4096
"""A column of 388,120 rows costs 1.8 ms per patch as one value, in blocks of this size 0.44 ms."""

MISSING: Final = -(1 << 63)
"""In a column of prices (millionths) or stock quantities: there is none."""

AVAILABILITY: Final = b"availability"
STOCK: Final = b"stock_quantity"
PRICE: Final = b"price"
TIMED: Final = b"timed"
"""Kinds of columns; a colon and the scope follow, except for the general availability and stock."""

_BLOCKS: Final = b"ci"
_PLACE_BYTES: Final = 2

Int64Array = npt.NDArray[np.int64]
Records = npt.NDArray[np.int64]
"""int64[n, 4]: row (or place in a block), start, end, amount; sorted by row, then start."""


def column_name(kind: bytes, scope: str) -> bytes:
    """The name of the column of a scope (`actors.model.storefront`)."""
    return kind + b":" + scope.encode()


def dtype_of(name: bytes) -> type[np.generic]:
    """Of a column's elements."""
    return np.uint8 if name.startswith(AVAILABILITY) else np.int64


def missing_of(name: bytes) -> int:
    """What stands for "not told"."""
    return 0 if name.startswith(AVAILABILITY) else MISSING


def is_timed(name: bytes) -> bool:
    """Whether a column holds prices with windows."""
    return name.startswith(TIMED)


def is_loose(name: bytes) -> bool:
    """Whether a column holds what only some rows have."""
    kind, _, scope = name.partition(b":")
    return b"/" in scope if kind == PRICE else bool(scope)


def block_of(row: int) -> tuple[int, int]:
    """The block of a row, and its place in it."""
    return divmod(row, BLOCK_ROWS)


def block_size(block: int, row_count: int) -> int:
    """How many rows a block of a segment has."""
    return min(BLOCK_ROWS, row_count - block * BLOCK_ROWS)


def block_key(prefix: bytes, name: bytes, block: int) -> bytes:
    """Where a block is stored."""
    return prefix + _BLOCKS + name + b"\0" + struct.pack(">I", block)


def stored_names(reader: ArrayReader, prefix: bytes) -> set[bytes]:
    """The columns that have a block: looks at every key."""
    start = len(prefix) + len(_BLOCKS)
    return {key[start:-5] for key in reader.array_keys(prefix + _BLOCKS)}


def encode_column(name: bytes, column: AnyArray) -> Iterator[tuple[bytes, bytes]]:
    """The blocks of a column, given with one element a row; keys are relative to the segment's."""
    missing = missing_of(name)
    for block, start in enumerate(range(0, len(column), BLOCK_ROWS)):
        values = column[start : start + BLOCK_ROWS]
        if (values != missing).any():
            yield block_key(b"", name, block), _encoded(name, values)


def encode_records(name: bytes, records: Records) -> Iterator[tuple[bytes, bytes]]:
    """The blocks of a timed column."""
    blocks = records[:, 0] // BLOCK_ROWS
    for block in np.unique(blocks).tolist():
        yield block_key(b"", name, block), _shifted(records[blocks == block], -block).tobytes()


def read_column(reader: ArrayReader, prefix: bytes, name: bytes, row_count: int) -> AnyArray:
    """Every element of a dense or loose column: a view where it is one dense block, else a copy."""
    blocks: list[AnyArray] = []
    for block in range(-(-row_count // BLOCK_ROWS)):
        stored = reader.get_array(block_key(prefix, name, block))
        blocks.append(_decoded(name, stored, block_size(block, row_count)))
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else np.empty(0, dtype_of(name))


Blocks = dict[int, AnyArray]
"""Blocks of one column of a view that were read before, by number."""


def gather_column(
    reader: ArrayReader,
    prefix: bytes,
    name: bytes,
    at: Int32Array,
    blocks: Blocks,
    *,
    row_count: int,
) -> AnyArray:
    """The elements of the rows `at` (sorted), from the blocks they stand in, which `blocks` then has."""
    values: AnyArray = np.empty(len(at), dtype_of(name))
    places = at % BLOCK_ROWS
    stops = np.searchsorted(at, np.arange(BLOCK_ROWS, row_count + BLOCK_ROWS, BLOCK_ROWS)).tolist()
    start = 0
    for block, stop in enumerate(stops):
        if start == stop:
            continue
        elements = blocks.get(block)
        if elements is None:
            stored = reader.get_array(block_key(prefix, name, block))
            elements = _decoded(name, stored, block_size(block, row_count))
            blocks[block] = elements
        elements.take(places[start:stop], out=values[start:stop], mode="clip")
        start = stop
    return values


def read_records(reader: ArrayReader, prefix: bytes, name: bytes, row_count: int) -> Records:
    """All records of a timed column, by row."""
    found = [np.empty((0, 4), np.int64)]
    for block in range(-(-row_count // BLOCK_ROWS)):
        stored = reader.get_array(block_key(prefix, name, block))
        if stored is not None:
            found.append(_shifted(_records(stored), block))
    return np.concatenate(found)


def patch_column(
    writer: ArrayWriter,
    key: bytes,
    name: bytes,
    places: Int64Array,
    values: AnyArray,
    *,
    size: int,
) -> None:
    """Set some elements of a block of `size` rows; nothing is written where they are what they were."""
    stored = writer.get_array(key)
    if stored is None and (values == missing_of(name)).all():
        return
    block = _decoded(name, stored, size)
    if (block[places] == values).all():
        return
    block = block.copy()
    block[places] = values
    if is_loose(name) and (block == missing_of(name)).all():
        writer.delete_array(key)
    else:
        writer.put_array(key, _encoded(name, block))


def patch_records(writer: ArrayWriter, key: bytes, places: Int64Array, records: Records) -> None:
    """Replace the records of some places of a block; `records` are theirs, sorted."""
    stored = writer.get_array(key)
    if stored is None:
        if len(records):
            writer.put_array(key, records.tobytes())
        return
    old = _records(stored)
    kept = old[~np.isin(old[:, 0], places)]
    merged = np.concatenate([kept, records])
    merged = merged[np.argsort(merged[:, 0], kind="stable")]
    if not len(merged):
        writer.delete_array(key)
    elif not np.array_equal(merged, old):
        writer.put_array(key, merged.tobytes())


def _encoded(name: bytes, values: AnyArray) -> bytes:
    if is_loose(name):
        places = np.flatnonzero(values != missing_of(name))
        if len(places) * (values.itemsize + _PLACE_BYTES) < values.nbytes:
            return values.take(places).tobytes() + places.astype(np.uint16).tobytes()
    return values.tobytes()


def _decoded(name: bytes, stored: memoryview | None, size: int) -> AnyArray:
    dtype = np.dtype(dtype_of(name))
    if stored is not None and len(stored) == size * dtype.itemsize:
        return view_array(stored, dtype)
    values: AnyArray = np.full(size, missing_of(name), dtype)
    if stored is not None:
        count = len(stored) // (dtype.itemsize + _PLACE_BYTES)
        split = count * dtype.itemsize
        places = np.frombuffer(bytes(stored[split:]), np.uint16)
        values[places] = np.frombuffer(bytes(stored[:split]), dtype)
    return values


def _records(stored: memoryview) -> Records:
    records: Records = view_array(stored, np.int64).reshape(-1, 4)
    return records


def _shifted(records: Records, blocks: int) -> Records:
    shift: Any = (blocks * BLOCK_ROWS, 0, 0, 0)
    shifted: Records = records + np.array(shift, np.int64)
    return shifted
