"""The words of a segment in two more orders: by how they end, and by how they read without accents.

A head stands at the end of a compound, which the byte order of the vocabulary cannot find; and a word typed
without dots and rings starts with another letter than the one it means. Each order is the words' places in
the vocabulary, sorted by the word reversed or without accents; a look-up reads the few words it compares with.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.arrays import PIECE_COUNT, Entry, encode_pieces, view_array
from actors.index.keys import WORD_ENDINGS, WORD_PLAIN, piece_key
from actors.index.ports import ArrayReader
from actors.text.normal import without_accents

ORDERED_LENGTH_MIN: Final = 3
"""Shorter words are in neither order: too much ends with them."""

_LAST: Final = "\U0010ffff"


def encode_word_orders(
    prefix: bytes, words: Sequence[str], places: NDArray[np.uint32]
) -> Iterator[Entry]:
    """The values that hold both orders of a segment's words.

    Args:
        prefix: what the segment's keys start with.
        words: letters only, at least `ORDERED_LENGTH_MIN` of them, in byte order.
        places: uint32[len(words)], of the words in the vocabulary.
    """
    backwards = [word[::-1] for word in words]
    by_ending = sorted(range(len(words)), key=backwards.__getitem__)
    yield from encode_pieces(prefix + WORD_ENDINGS, places[by_ending])
    accented = [index for index, word in enumerate(words) if not word.isascii()]
    accented.sort(key=lambda index: without_accents(words[index]))
    yield from encode_pieces(prefix + WORD_PLAIN, places[accented])


class WordOrders:
    """Looks words up by their endings and by their plain forms."""

    def __init__(self, reader: ArrayReader, prefix: bytes, term: Callable[[int], bytes]) -> None:
        """`term`: the vocabulary's term at a place."""
        self._reader = reader
        self._prefix = prefix
        self._term = term
        self._orders: dict[bytes, NDArray[np.uint32]] = {}

    def ending_with(self, end: str) -> NDArray[np.uint32]:
        """uint32: the places in the vocabulary of the words that end so, itself included; in no useful order."""
        places = self._order(WORD_ENDINGS)
        backwards = end[::-1]
        start = bisect_left(places, backwards, key=self._backwards)
        stop = bisect_left(places, backwards + _LAST, lo=start, key=self._backwards)
        return places[start:stop]

    def reading_as(self, plain: str) -> list[str]:
        """The words with accents that read as `plain` without them."""
        places = self._order(WORD_PLAIN)
        start = bisect_left(places, plain, key=self._plain)
        found: list[str] = []
        for index in range(start, len(places)):
            word = self._word(places[index])
            if without_accents(word) != plain:
                break
            found.append(word)
        return found

    def _order(self, name: bytes) -> NDArray[np.uint32]:
        order = self._orders.get(name)
        if order is None:
            parts: list[NDArray[np.uint32]] = []
            while not parts or len(parts[-1]) == PIECE_COUNT:  # ends: pieces are finite
                value = self._reader.get_array(piece_key(self._prefix + name, len(parts)))
                if value is None:
                    break
                parts.append(view_array(value, np.uint32))
            # A segment that an earlier release made has no orders: nothing of it is found by them.
            order = (
                parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.uint32), *parts])
            )
            self._orders[name] = order
        return order

    def _word(self, place: int) -> str:
        return self._term(int(place)).decode()

    def _backwards(self, place: int) -> str:
        return self._word(place)[::-1]

    def _plain(self, place: int) -> str:
        return without_accents(self._word(place))
