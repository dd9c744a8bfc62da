"""The terms of a segment as text, in byte order: for prefixes and spelling, which hashes cannot serve.

Beside each term stand its hash and how many products hold it, so that the most frequent terms of a range
are chosen without reading a text. Of words (letters only, written forms among them) that are long enough
to be meant by a word with a typing error there are *signatures*: 64 bits each, of which two words that
differ by few edits differ in few bits. One pass over these finds what is worth comparing.
"""

import heapq
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby, islice
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from actors.index.arrays import PIECE_COUNT, Entry, encode_pieces, stable, view_array
from actors.index.keys import (
    VOCABULARY,
    VOCABULARY_COUNTS,
    VOCABULARY_HASHES,
    WORD_PLACES,
    WORD_SIGNATURES,
    piece_key,
)
from actors.index.ports import ArrayReader
from actors.index.word_orders import ORDERED_LENGTH_MIN, encode_word_orders
from actors.text.forms import FORM_MARK
from node.errors import InvariantError

_TERMS_PER_PIECE: Final = 2_048
"""A term is at most 256 bytes, so a piece stays under 1 MiB."""

_HEADER: Final = struct.Struct("<I")

WORD_LENGTH_MIN: Final = 5
"""Shorter words are never what a word with a typing error means: too many are one edit apart."""

_CLASSES: Final = 26
"""Letters are told apart by their code modulo this: a to z fall into one class each."""

LETTER_BITS: Final = np.uint64((1 << (2 * _CLASSES)) - 1)
"""Of a signature: which letters a word has, and which of them more than once."""

LENGTH_SHIFT: Final = np.uint64(2 * _CLASSES)
LENGTH_MASK: Final = np.uint64(63)
FIRST_SHIFT: Final = np.uint64(2 * _CLASSES + 6)
"""Above the letters stand 6 bits of the length and 6 of the first letter's code."""


def signatures_of(words: Sequence[str]) -> NDArray[np.uint64]:
    """uint64[len(words)]: the signatures. No word is empty.

    An inserted or removed letter changes one of `LETTER_BITS`, a replaced one two, swapped letters none.
    """
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32).astype(np.int64)
    owners = np.repeat(np.arange(len(words)) * _CLASSES, lengths)
    counts = np.bincount(owners + codes % _CLASSES, minlength=len(words) * _CLASSES)
    counts = counts.reshape(len(words), _CLASSES)
    bits = np.uint64(1) << np.arange(_CLASSES, dtype=np.uint64)
    once = ((counts > 0) * bits).sum(axis=1, dtype=np.uint64)
    twice = ((counts > 1) * bits).sum(axis=1, dtype=np.uint64)
    starts = np.cumsum(lengths) - lengths
    first = (codes[starts] & 63).astype(np.uint64)
    length = np.minimum(lengths, int(LENGTH_MASK)).astype(np.uint64)
    signatures: NDArray[np.uint64] = (
        once | twice << np.uint64(_CLASSES) | length << LENGTH_SHIFT | first << FIRST_SHIFT
    )
    return signatures


def encode_vocabulary(
    prefix: bytes,
    terms: Iterable[bytes],
    hashes: NDArray[np.uint64],
    counts: NDArray[np.uint32],
) -> Iterator[Entry]:
    """The values that hold `terms`, which come in byte order, each once.

    A piece of text is: how many terms (uint32), where each ends in the text (uint32 each), the text.

    Args:
        prefix: what the segment's keys start with.
        terms: UTF-8.
        hashes: uint64, ascending, of the same terms.
        counts: beside `hashes`, how many products hold each.
    """
    source = iter(terms)
    piece = 0
    of_terms: list[NDArray[np.uint64]] = []
    places: list[NDArray[np.uint32]] = []
    signatures: list[NDArray[np.uint64]] = []
    ordered: list[str] = []
    ordered_places: list[int] = []
    while batch := list(islice(source, _TERMS_PER_PIECE)):
        ends = np.cumsum([len(term) for term in batch]).astype(np.uint32)
        value = _HEADER.pack(len(batch)) + ends.tobytes() + b"".join(batch)
        yield piece_key(prefix + VOCABULARY, piece), value
        of_terms.append(np.fromiter(map(xxhash.xxh3_64_intdigest, batch), np.uint64, len(batch)))
        words: list[str] = []
        of_words: list[int] = []
        for place, term in enumerate(map(bytes.decode, batch), piece * _TERMS_PER_PIECE):
            word = term.removeprefix(FORM_MARK)
            if not word.isalpha():
                continue
            if len(word) >= WORD_LENGTH_MIN:
                words.append(word)
                of_words.append(place)
            if ORDERED_LENGTH_MIN <= len(word) == len(term):
                ordered.append(word)
                ordered_places.append(place)
        if words:
            places.append(np.array(of_words, np.uint32))
            signatures.append(signatures_of(words))
        piece += 1
    joined = _joined(of_terms, np.uint64)
    yield from encode_pieces(prefix + VOCABULARY_HASHES, joined)
    yield from encode_pieces(prefix + VOCABULARY_COUNTS, counts[hashes.searchsorted(joined)])
    yield from encode_pieces(prefix + WORD_PLACES, _joined(places, np.uint32))
    yield from encode_pieces(prefix + WORD_SIGNATURES, _joined(signatures, np.uint64))
    yield from encode_word_orders(prefix, ordered, np.array(ordered_places, np.uint32))


def _joined(arrays: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)


def read_vocabulary(reader: ArrayReader, prefix: bytes, term_count: int) -> Iterator[bytes]:
    """The terms in byte order."""
    for piece in range(-(-term_count // _TERMS_PER_PIECE)):
        value = _value(reader, piece_key(prefix + VOCABULARY, piece))
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


CountTerms = Callable[[NDArray[np.uint64]], NDArray[np.uint32]]
"""From hashes of terms of a segment to how many products hold each."""


class SegmentVocabulary:
    """The terms of one segment by their places in byte order. Reads only what a look-up touches.

    A segment that an earlier release made has the texts alone, until it is rebuilt: hashes and counts are
    then made of these, and no words are told for signatures, so nothing of it is found through typing errors.
    """

    def __init__(
        self, reader: ArrayReader, prefix: bytes, term_count: int, *, count_terms: CountTerms
    ) -> None:
        self._reader = reader
        self._prefix = prefix
        self._count_terms = count_terms
        self.term_count = term_count
        self._texts: dict[int, memoryview | bytes] = {}
        self._words: list[tuple[NDArray[np.uint32], NDArray[np.uint64]]] | None = None

    def term(self, place: int) -> bytes:
        """The term at a place, as UTF-8."""
        piece, index = divmod(place, _TERMS_PER_PIECE)
        value = self._texts.get(piece)
        if value is None:
            key = piece_key(self._prefix + VOCABULARY, piece)
            value = self._texts[piece] = stable(_value(self._reader, key))
        (count,) = _HEADER.unpack_from(value)
        at = 4 * (index + 1)
        (end,) = _HEADER.unpack_from(value, at)
        start = _HEADER.unpack_from(value, at - 4)[0] if index else 0
        text = 4 * (count + 1)
        return bytes(value[text + start : text + end])

    def places_of(self, prefix: bytes) -> range:
        """The places of the terms that start with `prefix`, which is not empty."""
        places = range(self.term_count)
        start = bisect_left(places, prefix, key=self.term)
        # No term has a byte above 0xf4 (UTF-8), so this is above all that start with the prefix.
        stop = bisect_left(places, prefix + b"\xff", lo=start, key=self.term)
        return range(start, stop)

    def hashes(self, places: range) -> NDArray[np.uint64]:
        """uint64: the hashes of the terms at some places."""
        if self._is_texts_alone:
            terms = (self.term(place) for place in places)
            return np.fromiter(map(xxhash.xxh3_64_intdigest, terms), np.uint64, len(places))
        return self._slice(VOCABULARY_HASHES, places, np.uint64)

    def counts(self, places: range) -> NDArray[np.uint32]:
        """uint32: how many products hold each of them, dead ones included."""
        if self._is_texts_alone:
            return self._count_terms(self.hashes(places))
        return self._slice(VOCABULARY_COUNTS, places, np.uint32)

    def words(self) -> list[tuple[NDArray[np.uint32], NDArray[np.uint64]]]:
        """The places (uint32, ascending) and signatures (uint64) of the words, in pieces as they are stored."""
        if self._words is None:
            places = self._pieces(WORD_PLACES, np.uint32)
            signatures = self._pieces(WORD_SIGNATURES, np.uint64)
            self._words = list(zip(places, signatures, strict=True))
        return self._words

    def lengths(self, places: NDArray[np.uint32]) -> NDArray[np.int64]:
        """int64: how many letters the words at some places have; `WORD_LENGTH_MIN` - 1 for all that are shorter.

        From 63 on they are not told apart.
        """
        lengths = np.full(len(places), WORD_LENGTH_MIN - 1)
        for of_piece, signatures in self.words():
            if len(of_piece):
                found = of_piece.searchsorted(places)
                held = np.flatnonzero(of_piece.take(found, mode="clip") == places)
                lengths[held] = (signatures[found[held]] >> LENGTH_SHIFT) & LENGTH_MASK
        return lengths

    @cached_property
    def _is_texts_alone(self) -> bool:
        return self._reader.get_array(piece_key(self._prefix + VOCABULARY_HASHES, 0)) is None

    def _slice(self, name: bytes, places: range, dtype: type[np.generic]) -> NDArray[Any]:
        parts = []
        start = places.start
        while start < places.stop:  # ends: every round takes the rest of a piece
            piece, first = divmod(start, PIECE_COUNT)
            value = _value(self._reader, piece_key(self._prefix + name, piece))
            last = min(PIECE_COUNT, places.stop - piece * PIECE_COUNT)
            parts.append(view_array(value, dtype)[first:last])
            start += last - first
        return parts[0] if len(parts) == 1 else _joined(parts, dtype)

    def _pieces(self, name: bytes, dtype: type[np.generic]) -> list[NDArray[Any]]:
        """The pieces of an array, whose length only the last one tells."""
        parts: list[NDArray[Any]] = []
        while not parts or len(parts[-1]) == PIECE_COUNT:  # ends: pieces are finite
            value = self._reader.get_array(piece_key(self._prefix + name, len(parts)))
            if value is None:
                break
            parts.append(view_array(value, dtype))
        return parts


def _value(reader: ArrayReader, key: bytes) -> memoryview:
    value = reader.get_array(key)
    if value is None:
        raise InvariantError(f"a segment has no part {key!r} of its vocabulary")
    return value
