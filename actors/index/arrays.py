"""Numpy arrays as values of at most 1 MiB: written in pieces, read without a copy where possible."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from actors.index.keys import piece_key
from actors.index.ports import ArrayReader
from node.errors import InvariantError

VALUE_SIZE_MAX: Final = 1 << 20
"""Longer values would make transactions that stop other writers (4 ms at 1 MiB)."""

PIECE_COUNT: Final = 1 << 17
"""Elements in a piece, whatever their type: 1 MiB of 8-byte elements."""

_OWN_PAGE_SIZE_MIN: Final = 4_096

Entry = tuple[bytes, bytes]
"""A key and its value."""


def encode_pieces(key: bytes, array: NDArray[Any]) -> Iterator[Entry]:
    """The array's pieces in order; at least one, so that an empty array can be told from none."""
    for index in range(max(1, -(-len(array) // PIECE_COUNT))):
        piece = array[index * PIECE_COUNT : (index + 1) * PIECE_COUNT]
        yield piece_key(key, index), piece.tobytes()


def view_array(value: memoryview, dtype: DTypeLike) -> NDArray[Any]:
    """The value as an array: a view of a large value, a copy of a small one."""
    array = np.frombuffer(stable(value), dtype=dtype)
    return array if array.flags.aligned else array.copy()


def stable(value: memoryview) -> memoryview | bytes:
    """The value, copied when it is small.

    The store keeps small values beside others in pages that a later write of the same transaction
    may rearrange; they are seldom aligned, too. Large values have pages of their own.
    """
    return bytes(value) if len(value) < _OWN_PAGE_SIZE_MIN else value


def read_piece(reader: ArrayReader, key: bytes, piece_index: int, dtype: DTypeLike) -> NDArray[Any]:
    """One piece; raises InvariantError when it is not there."""
    value = reader.get_array(piece_key(key, piece_index))
    if value is None:
        raise InvariantError(f"the index has no piece {piece_index} of array {key!r}")
    return view_array(value, dtype)


def read_pieces(reader: ArrayReader, key: bytes, count: int, dtype: DTypeLike) -> NDArray[Any]:
    """The whole array of `count` elements: a view when it is one piece, else a copy."""
    pieces = [
        read_piece(reader, key, index, dtype) for index in range(max(1, -(-count // PIECE_COUNT)))
    ]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
