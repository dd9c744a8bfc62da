"""Postings of a segment as stored arrays: in which products a term stands, and how much it weighs there.

Terms are in order of their 64-bit hashes, so that building and merging never compare strings. Their
postings lie one after the other in pieces (ordinals int32, impact codes uint8); no term straddles two
pieces, so a term is read with one look-up in each and no copy. A term of more than one in 32 products
also has a *dense* array, the code of every product (0 where the term is not): looking up candidates in it
is one gather, and terms too long for a piece have only that.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.index.arrays import Entry, stable, view_array
from actors.index.keys import (
    DENSE_CODES,
    POSTING_CODES,
    POSTING_ORDINALS,
    TERM_HASHES,
    TERM_INFOS,
    piece_key,
)
from actors.index.ports import ArrayReader
from actors.index.terms import Postings
from node.errors import InvariantError

TERMS_PER_PIECE: Final = 1 << 16
POSTINGS_PER_PIECE: Final = 1 << 18
DENSE_PRODUCTS_MIN: Final = 4_096
"""In smaller segments the gather saves nothing."""

DENSE_SHARE: Final = 32
"""Measured at 388,120 products: dense arrays from 1 in 32 on cost as much again as all postings."""

_INFO: Final = np.dtype(
    [
        ("count", "<u4"),
        ("piece", "<u4"),
        ("start", "<u4"),
        ("code_max", "u1"),
        ("dense", "u1"),
        ("_", "<u2"),
    ]
)
_INFO_STRUCT: Final = struct.Struct("<IIIBBH")
_CODE_BITS: Final = 8


class TermPostings:
    """One term in one segment. Arrays are read when first asked for and valid as long as the view."""

    __slots__ = (
        "_codes",
        "_dense",
        "_dense_key",
        "_ordinals",
        "_reader",
        "_span",
        "code_max",
        "count",
    )

    def __init__(
        self,
        reader: "TermIndex",
        count: int,
        code_max: int,
        span: tuple[int, int] | None,
        dense_key: bytes | None,
    ) -> None:
        self.count = count
        """Products that hold the term, dead ones included."""
        self.code_max = code_max
        """No product's code is higher."""
        self._reader = reader
        self._span = span
        self._dense_key = dense_key
        self._ordinals: NDArray[np.int32] | None = None
        self._codes: NDArray[np.uint8] | None = None
        self._dense: NDArray[np.uint8] | None = None

    @property
    def dense(self) -> NDArray[np.uint8] | None:
        """uint8[P]: the code of every product, 0 without the term; None for rarer terms."""
        if self._dense is None and self._dense_key is not None:
            self._dense = self._reader.dense_codes(self._dense_key)
        return self._dense

    @property
    def ordinals(self) -> NDArray[np.int32]:
        """int32[count], ascending."""
        if self._ordinals is None:
            if self._span is None:
                dense = self.dense
                assert dense is not None
                self._ordinals = np.flatnonzero(dense).astype(np.int32)
            else:
                start = self._span[1]
                piece = self._reader.piece_ordinals(self._span[0])
                self._ordinals = piece[start : start + self.count]
        return self._ordinals

    @property
    def codes(self) -> NDArray[np.uint8]:
        """uint8[count]: the impact codes, beside `ordinals`."""
        if self._codes is None:
            if self._span is None:
                dense = self.dense
                assert dense is not None
                self._codes = dense.take(self.ordinals)
            else:
                start = self._span[1]
                self._codes = self._reader.piece_codes(self._span[0])[start : start + self.count]
        return self._codes


class TermIndex:
    """The terms of one segment."""

    def __init__(
        self, reader: ArrayReader, prefix: bytes, *, term_count: int, product_count: int
    ) -> None:
        self._reader = reader
        self._prefix = prefix
        self.term_count = term_count
        self._product_count = product_count
        self._fences: list[int] | None = None
        self._term_pieces: dict[int, tuple[NDArray[np.uint64], memoryview | bytes]] = {}
        # Wrapping a stored value costs more than a look-up in it: pieces in use are kept.
        self._pieces: dict[tuple[bytes, int], NDArray[Any]] = {}

    def find(self, hashed: int) -> TermPostings | None:
        """The postings of the term with this hash, or None."""
        place = self._place(hashed)
        return None if place is None else self._postings(*place, self._opened(place[0])[1])

    def has(self, hashed: int) -> bool:
        """Whether there is a term with this hash."""
        return self._place(hashed) is not None

    def _place(self, hashed: int) -> tuple[int, int] | None:
        """The piece and the index in it of the term with this hash."""
        if not self.term_count:
            return None
        piece = 0
        if self.term_count > TERMS_PER_PIECE:
            piece = max(bisect_right(self._fence_hashes(), hashed) - 1, 0)
        hashes = self._opened(piece)[0]
        index = int(hashes.searchsorted(np.uint64(hashed)))
        if index == len(hashes) or int(hashes[index]) != hashed:
            return None
        return piece, index

    def _opened(self, piece: int) -> tuple[NDArray[np.uint64], memoryview | bytes]:
        """The hashes and infos of a piece of terms."""
        opened = self._term_pieces.get(piece)
        if opened is None:
            opened = self._term_pieces[piece] = (
                self._piece(TERM_HASHES, piece, np.uint64),
                stable(self._value(TERM_INFOS, piece)),
            )
        return opened

    def _postings(self, piece: int, index: int, infos: memoryview | bytes) -> TermPostings:
        count, at, start, code_max, dense, _ = _INFO_STRUCT.unpack_from(
            infos, index * _INFO_STRUCT.size
        )
        dense_key = None
        if dense:
            dense_key = piece_key(self._prefix + DENSE_CODES, piece * TERMS_PER_PIECE + index)
        span = None if count > POSTINGS_PER_PIECE else (at, start)
        return TermPostings(self, count, code_max, span, dense_key)

    def find_all(self, hashes: NDArray[np.uint64]) -> list[TermPostings | None]:
        """The postings of the terms with these hashes, found together: several times cheaper than one by one."""
        found: list[TermPostings | None] = [None] * len(hashes)
        if not self.term_count:
            return found
        fences = np.array(self._fence_hashes()[1:], np.uint64)
        pieces = fences.searchsorted(hashes, side="right")
        for piece in np.unique(pieces).tolist():
            of_piece, infos = self._opened(piece)
            asked = np.flatnonzero(pieces == piece)
            places = of_piece.searchsorted(hashes[asked])
            present = np.flatnonzero(of_piece.take(places, mode="clip") == hashes[asked])
            for number, index in zip(
                asked[present].tolist(), places[present].tolist(), strict=True
            ):
                found[number] = self._postings(piece, index, infos)
        return found

    def all_hashes(self) -> NDArray[np.uint64]:
        """uint64[T], ascending."""
        count = -(-self.term_count // TERMS_PER_PIECE)
        pieces = [self._piece(TERM_HASHES, index, np.uint64) for index in range(count)]
        return np.concatenate(pieces) if pieces else np.empty(0, np.uint64)

    def infos(self) -> NDArray[Any]:
        """A record for each term, in order: see `_INFO`."""
        count = -(-self.term_count // TERMS_PER_PIECE)
        pieces = [view_array(self._value(TERM_INFOS, index), _INFO) for index in range(count)]
        return np.concatenate(pieces) if pieces else np.empty(0, _INFO)

    def counts_of(self, hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """uint32: how many products hold each of some terms of the segment, dead ones included."""
        counts: NDArray[np.uint32] = self.infos()["count"][self.all_hashes().searchsorted(hashes)]
        return counts

    def read_terms(
        self, infos: NDArray[Any], first: int, last: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
        """Term index, ordinal and code of all postings of the terms from `first` up to `last`.

        `infos` are those of the whole segment. Not in the order of terms: long ones come last.
        """
        part = infos[first:last]
        short = np.flatnonzero(part["count"] <= POSTINGS_PER_PIECE)
        terms = [np.repeat(short + first, part["count"][short])]
        ordinals, codes = [], []
        for piece in np.unique(part["piece"][short]).tolist():
            inside = part[short][part["piece"][short] == piece]
            low = int(inside["start"][0])
            high = int(inside["start"][-1]) + int(inside["count"][-1])
            ordinals.append(self.piece_ordinals(piece)[low:high])
            codes.append(self.piece_codes(piece)[low:high])
        for long in np.flatnonzero(part["count"] > POSTINGS_PER_PIECE).tolist():
            dense = self.dense_codes(piece_key(self._prefix + DENSE_CODES, first + long))
            of_long = np.flatnonzero(dense).astype(np.int32)
            terms.append(np.full(len(of_long), first + long))
            ordinals.append(of_long)
            codes.append(dense.take(of_long))
        if not ordinals:
            return np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8)
        return np.concatenate(terms), np.concatenate(ordinals), np.concatenate(codes)

    def piece_ordinals(self, piece: int) -> NDArray[np.int32]:
        """The ordinals of one piece of postings."""
        return self._piece(POSTING_ORDINALS, piece, np.int32)

    def piece_codes(self, piece: int) -> NDArray[np.uint8]:
        """The codes of one piece of postings."""
        return self._piece(POSTING_CODES, piece, np.uint8)

    def dense_codes(self, key: bytes) -> NDArray[np.uint8]:
        """uint8[P]: the stored codes of a frequent term."""
        value = self._reader.get_array(key)
        if value is None:
            raise InvariantError(f"the index has no dense codes at {key!r}")
        return np.frombuffer(value, np.uint8)

    def _fence_hashes(self) -> list[int]:
        """The first hash of each piece."""
        if self._fences is None:
            count = -(-self.term_count // TERMS_PER_PIECE)
            first = b"".join(bytes(self._value(TERM_HASHES, i)[:8]) for i in range(count))
            self._fences = list(struct.unpack(f"<{count}Q", first))
        return self._fences

    def _piece(self, name: bytes, piece: int, dtype: type[np.generic]) -> NDArray[Any]:
        array = self._pieces.get((name, piece))
        if array is None:
            array = self._pieces[name, piece] = view_array(self._value(name, piece), dtype)
        return array

    def _value(self, name: bytes, piece: int) -> memoryview:
        value = self._reader.get_array(piece_key(self._prefix + name, piece))
        if value is None:
            raise InvariantError(f"a segment has no piece {piece} of array {name!r}")
        return value


class PostingsEncoder:
    """Writes the postings of one segment, given in stretches of ascending terms."""

    def __init__(self, prefix: bytes, product_count: int) -> None:
        self._prefix = prefix
        self._product_count = product_count
        self._dense_min = (
            max(1, product_count // DENSE_SHARE)
            if product_count >= DENSE_PRODUCTS_MIN
            else product_count + 1
        )
        self._ordinals: list[NDArray[np.int32]] = []
        self._codes: list[NDArray[np.uint8]] = []
        self._piece = 0
        self._fill = 0
        self._hashes: list[NDArray[np.uint64]] = []
        self._infos: list[NDArray[Any]] = []
        self.term_count = 0
        self.posting_count = 0

    def add(self, postings: Postings) -> Iterator[Entry]:
        """The values that this stretch completes; its terms are above those of earlier ones."""
        term_count = len(postings.term_hashes)
        if not term_count:
            return
        counts = np.bincount(postings.term_indexes, minlength=term_count)
        starts = np.cumsum(counts) - counts
        infos = np.zeros(term_count, _INFO)
        infos["count"] = counts
        infos["code_max"] = np.maximum.reduceat(postings.codes, starts)
        infos["dense"] = counts >= self._dense_min
        for term in np.flatnonzero(infos["dense"]).tolist():
            span = slice(starts[term], starts[term] + counts[term])
            dense = np.zeros(self._product_count, np.uint8)
            dense[postings.ordinals[span]] = postings.codes[span]
            number = self.term_count + term
            yield piece_key(self._prefix + DENSE_CODES, number), dense.tobytes()
        yield from self._pack(postings, counts, starts, infos)
        self._hashes.append(postings.term_hashes)
        self._infos.append(infos)
        self.term_count += term_count
        self.posting_count += len(postings.ordinals)

    def hashes(self) -> NDArray[np.uint64]:
        """uint64[T], ascending: the terms so far."""
        return np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint64)

    def counts(self) -> NDArray[np.uint32]:
        """uint32[T], beside `hashes`: how many products hold each term."""
        if not self._infos:
            return np.empty(0, np.uint32)
        return np.concatenate([infos["count"] for infos in self._infos])

    def finish(self) -> Iterator[Entry]:
        """The last values."""
        yield from self._flush()
        hashes = self.hashes()
        infos = np.concatenate(self._infos) if self._infos else np.empty(0, _INFO)
        for piece, start in enumerate(range(0, len(hashes), TERMS_PER_PIECE)):
            stop = start + TERMS_PER_PIECE
            yield piece_key(self._prefix + TERM_HASHES, piece), hashes[start:stop].tobytes()
            yield piece_key(self._prefix + TERM_INFOS, piece), infos[start:stop].tobytes()

    def _pack(
        self,
        postings: Postings,
        counts: NDArray[np.int64],
        starts: NDArray[np.int64],
        infos: NDArray[Any],
    ) -> Iterator[Entry]:
        """Lay terms one after the other, beginning a new piece before one that does not fit."""
        ends = starts + counts
        term = 0
        while term < len(counts):  # ends: every round places a term, skips one or empties the piece
            if counts[term] > POSTINGS_PER_PIECE:
                term += 1
                continue
            room = POSTINGS_PER_PIECE - self._fill
            stop = int(ends.searchsorted(starts[term] + room, side="right"))
            if stop == term:
                yield from self._flush()
                continue
            infos["piece"][term:stop] = self._piece
            infos["start"][term:stop] = self._fill + (starts[term:stop] - starts[term])
            span = slice(int(starts[term]), int(ends[stop - 1]))
            self._ordinals.append(postings.ordinals[span])
            self._codes.append(postings.codes[span])
            self._fill += span.stop - span.start
            term = stop

    def _flush(self) -> Iterator[Entry]:
        if self._fill:
            ordinals, codes = np.concatenate(self._ordinals), np.concatenate(self._codes)
            yield piece_key(self._prefix + POSTING_ORDINALS, self._piece), ordinals.tobytes()
            yield piece_key(self._prefix + POSTING_CODES, self._piece), codes.tobytes()
            self._piece += 1
        self._ordinals, self._codes, self._fill = [], [], 0


def combine(
    hashes: NDArray[np.uint64],
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]],
) -> Postings:
    """Postings from unsorted (index in `hashes`, ordinal, code) triples; terms without any are left out."""
    terms = np.concatenate([part[0] for part in parts])
    ordinals = np.concatenate([part[1] for part in parts]).astype(np.int64)
    codes = np.concatenate([part[2] for part in parts])
    used = np.bincount(terms, minlength=len(hashes)) > 0
    # One number for each posting: sorting plain numbers is many times faster than an argsort.
    keys = ((np.cumsum(used) - 1)[terms] << 40) | (ordinals << _CODE_BITS) | codes
    keys.sort()
    return Postings(
        term_hashes=hashes[used],
        term_indexes=keys >> 40,
        ordinals=((keys >> _CODE_BITS) & 0xFFFFFFFF).astype(np.int32),
        codes=(keys & 0xFF).astype(np.uint8),
    )
