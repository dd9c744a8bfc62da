"""The terms of a segment as text, in byte order: for prefixes and spelling, which hashes cannot serve."""

import heapq
import struct
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Final

import numpy as np

from actors.index.arrays import Entry
from actors.index.keys import VOCABULARY, piece_key
from actors.index.ports import ArrayReader
from node.errors import InvariantError

_TERMS_PER_PIECE: Final = 2_048
"""A term is at most 256 bytes, so a piece stays under 1 MiB."""

_HEADER: Final = struct.Struct("<I")


def encode_vocabulary(prefix: bytes, terms: Iterable[bytes]) -> Iterator[Entry]:
    """The values that hold `terms`, which come in byte order, each once.

    A piece is: how many terms (uint32), where each ends in the text (uint32 each), the text.
    """
    source = iter(terms)
    piece = 0
    while batch := list(islice(source, _TERMS_PER_PIECE)):
        ends = np.cumsum([len(term) for term in batch]).astype(np.uint32)
        value = _HEADER.pack(len(batch)) + ends.tobytes() + b"".join(batch)
        yield piece_key(prefix + VOCABULARY, piece), value
        piece += 1


def read_vocabulary(reader: ArrayReader, prefix: bytes, term_count: int) -> Iterator[bytes]:
    """The terms in byte order."""
    for piece in range(-(-term_count // _TERMS_PER_PIECE)):
        value = reader.get_array(piece_key(prefix + VOCABULARY, piece))
        if value is None:
            raise InvariantError(f"a segment has no piece {piece} of its vocabulary")
        (count,) = _HEADER.unpack_from(value)
        ends = struct.unpack_from(f"<{count}I", value, _HEADER.size)
        text = bytes(value[_HEADER.size + 4 * count :])
        start = 0
        for end in ends:
            yield text[start:end]
            start = end


def merge_vocabularies(sources: Iterable[Iterator[bytes]]) -> Iterator[bytes]:
    """The terms of several vocabularies in byte order, each once."""
    return (term for term, _ in groupby(heapq.merge(*sources)))
