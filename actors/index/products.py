"""Which products a segment holds: their ids in order, and how ids and identifiers are looked up.

Ordinals are in the order of product ids (bytes of UTF-8), so within a segment the smaller ordinal wins a
tie. Ids and identifiers are found through sorted 64-bit hashes (xxh3), whole batches at a time.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from actors.index.arrays import PIECE_COUNT, Entry, encode_pieces, read_piece, read_pieces, stable
from actors.index.document import IndexedProduct
from actors.index.keys import (
    ID_HASHES,
    ID_ORDINALS,
    IDENTIFIER_HASHES,
    IDENTIFIER_ORDINALS,
    PRODUCT_IDS,
    piece_key,
)
from actors.index.ports import ArrayReader
from actors.index.terms import identifiers_of
from node.errors import InvariantError

_IDS_PER_PIECE: Final = 4_096
"""An id is at most 128 bytes, so a piece stays under 1 MiB."""

_KNOWN_IDS_MAX: Final = 1 << 15

_END: Final = struct.Struct("<I")
_TWO_ENDS: Final = struct.Struct("<II")


def id_hash(product_id: bytes) -> int:
    """The hash of one id, as of `id_hashes`."""
    return xxhash.xxh3_64_intdigest(product_id)


def id_hashes(product_ids: Sequence[bytes]) -> NDArray[np.uint64]:
    """uint64: the hash of each id."""
    hashes = map(xxhash.xxh3_64_intdigest, product_ids)
    return np.fromiter(hashes, np.uint64, len(product_ids))


def encode_ids(prefix: bytes, product_ids: Sequence[bytes]) -> Iterator[Entry]:
    """The values that hold the ids, given in the order of their ordinals."""
    for piece, start in enumerate(range(0, len(product_ids), _IDS_PER_PIECE)):
        batch = product_ids[start : start + _IDS_PER_PIECE]
        ends = np.cumsum([len(product_id) for product_id in batch]).astype(np.uint32)
        value = ends.tobytes() + b"".join(batch)
        yield piece_key(prefix + PRODUCT_IDS, piece), value
    hashes = id_hashes(product_ids)
    order = np.argsort(hashes)
    yield from encode_pieces(prefix + ID_HASHES, hashes[order])
    yield from encode_pieces(prefix + ID_ORDINALS, order.astype(np.int32))


def product_identifiers(
    products: Sequence[IndexedProduct],
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The identifier hashes of products, and beside them the products' ordinals."""
    hashes: list[int] = []
    counts = []
    for item in products:
        of_product = identifiers_of(item.product)
        hashes += of_product
        counts.append(len(of_product))
    ordinals = np.repeat(np.arange(len(products), dtype=np.int32), counts)
    return np.array(hashes, np.uint64), ordinals


def encode_identifiers(
    prefix: bytes, hashes: NDArray[np.uint64], ordinals: NDArray[np.int32]
) -> Iterator[Entry]:
    """The values that hold (identifier hash, ordinal) pairs, sorted by both."""
    order = np.lexsort((ordinals, hashes))
    yield from encode_pieces(prefix + IDENTIFIER_HASHES, hashes[order])
    yield from encode_pieces(prefix + IDENTIFIER_ORDINALS, ordinals[order].astype(np.int32))


class KnownIds(dict[int, bytes]):
    """Product ids by ordinal that were read before: hits repeat."""


class ProductIds:
    """The products of one segment."""

    def __init__(
        self,
        reader: ArrayReader,
        prefix: bytes,
        *,
        product_count: int,
        identifier_count: int,
        known_ids: KnownIds,
    ) -> None:
        """`known_ids`: of the same segment, from earlier views; it grows to `_KNOWN_IDS_MAX`."""
        self._reader = reader
        self._prefix = prefix
        self._product_count = product_count
        self._identifier_count = identifier_count
        self._pieces: dict[bytes, NDArray[Any]] = {}
        self._id_pieces: dict[int, tuple[memoryview | bytes, int]] = {}
        self._known_ids = known_ids
        self._ranges: list[tuple[int, int]] | None = None

    def product_id(self, ordinal: int) -> bytes:
        """The id of a product."""
        known = self._known_ids.get(ordinal)
        if known is None:
            if len(self._known_ids) >= _KNOWN_IDS_MAX:
                self._known_ids.clear()
            known = self._known_ids[ordinal] = self._read_id(ordinal)
        return known

    def product_ids(self, ordinals: Iterable[int]) -> list[bytes]:
        """The ids of products."""
        known = self._known_ids
        return [known.get(ordinal) or self.product_id(ordinal) for ordinal in ordinals]

    def _read_id(self, ordinal: int) -> bytes:
        piece, place = divmod(ordinal, _IDS_PER_PIECE)
        value, count = self._id_piece(piece)
        text = 4 * count
        if place:
            start, end = _TWO_ENDS.unpack_from(value, 4 * place - 4)
        else:
            start, end = 0, _END.unpack_from(value)[0]
        return bytes(value[text + start : text + end])

    def all_ids(self) -> list[bytes]:
        """Every id, by ordinal."""
        ids: list[bytes] = []
        for piece in range(-(-self._product_count // _IDS_PER_PIECE)):
            value, count = self._id_piece(piece)
            ends = struct.unpack_from(f"<{count}I", value)
            text = bytes(value[4 * count :])
            ids += [text[start:end] for start, end in zip((0, *ends), ends, strict=False)]
        return ids

    def find_ids(
        self, product_ids: Sequence[bytes], hashes: NDArray[np.uint64]
    ) -> NDArray[np.int32]:
        """int32: the ordinal of each id, -1 where this segment does not hold it (dead or alive)."""
        found = np.full(len(product_ids), -1, np.int32)
        order = np.argsort(hashes)
        for first, keys, ordinals in self._hash_pieces(hashes[order]):
            inside = order[first : first + len(keys)]
            found[inside] = ordinals
        for place in np.flatnonzero(found >= 0).tolist():
            if self.product_id(int(found[place])) != product_ids[place]:
                found[place] = -1
        return found

    def hashes(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int32]]]:
        """The hash of every id (`id_hashes`), piece by piece, and beside each its ordinal."""
        for piece in range(-(-self._product_count // PIECE_COUNT)):
            yield (
                self._piece(ID_HASHES, piece, np.uint64),
                self._piece(ID_ORDINALS, piece, np.int32),
            )

    def ordinals_of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """int32: the ordinals of the ids with these hashes, which are sorted; -1 where there is none."""
        found = np.full(len(hashes), -1, np.int32)
        for first, keys, ordinals in self._hash_pieces(hashes):
            found[first : first + len(keys)] = ordinals
        return found

    def find_identifier(self, hashed: int) -> NDArray[np.int32]:
        """int32, ascending: the products with this identifier, dead ones included."""
        key = np.uint64(hashed)
        parts = []
        for piece, (first, last) in enumerate(self._identifier_ranges()):
            if not first <= hashed <= last:
                continue
            hashes = self._piece(IDENTIFIER_HASHES, piece, np.uint64)
            low, high = (int(hashes.searchsorted(key, side=side)) for side in ("left", "right"))
            if low < high:
                parts.append(self._piece(IDENTIFIER_ORDINALS, piece, np.int32)[low:high])
        if not parts:
            return np.empty(0, np.int32)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _identifier_ranges(self) -> list[tuple[int, int]]:
        """The first and last hash of each piece of identifiers."""
        if self._ranges is None:
            pieces = range(-(-self._identifier_count // PIECE_COUNT))
            hashes = [self._piece(IDENTIFIER_HASHES, piece, np.uint64) for piece in pieces]
            self._ranges = [(int(of_piece[0]), int(of_piece[-1])) for of_piece in hashes]
        return self._ranges

    def all_identifiers(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """All (identifier hash, ordinal) pairs."""
        count = self._identifier_count
        return (
            read_pieces(self._reader, self._prefix + IDENTIFIER_HASHES, count, np.uint64),
            read_pieces(self._reader, self._prefix + IDENTIFIER_ORDINALS, count, np.int32),
        )

    def _hash_pieces(
        self, wanted: NDArray[np.uint64]
    ) -> Iterator[tuple[int, NDArray[np.uint64], NDArray[np.int32]]]:
        """For stretches of sorted hashes: where the stretch begins, it, and its ordinals or -1."""
        for piece in range(-(-self._product_count // PIECE_COUNT)):
            hashes = self._piece(ID_HASHES, piece, np.uint64)
            low = int(wanted.searchsorted(hashes[0], side="left"))
            high = int(wanted.searchsorted(hashes[-1], side="right"))
            if low == high:
                continue
            keys = wanted[low:high]
            places = hashes.searchsorted(keys)
            ordinals = self._piece(ID_ORDINALS, piece, np.int32).take(places)
            yield low, keys, np.where(hashes.take(places) == keys, ordinals, -1)

    def _piece(self, name: bytes, piece: int, dtype: type[np.generic]) -> NDArray[Any]:
        key = piece_key(name, piece)
        array = self._pieces.get(key)
        if array is None:
            array = read_piece(self._reader, self._prefix + name, piece, dtype)
            self._pieces[key] = array
        return array

    def _id_piece(self, piece: int) -> tuple[memoryview | bytes, int]:
        """A piece of ids as `encode_ids` made it, and how many ids it holds."""
        known = self._id_pieces.get(piece)
        if known is None:
            value = self._reader.get_array(piece_key(self._prefix + PRODUCT_IDS, piece))
            if value is None:
                raise InvariantError(f"a segment has no piece {piece} of its product ids")
            count = min(_IDS_PER_PIECE, self._product_count - piece * _IDS_PER_PIECE)
            known = self._id_pieces[piece] = stable(value), count
        return known
