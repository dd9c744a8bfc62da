"""The words of a branch as its live products hold them, and the compounds among them.

What is known is kept with the view: it follows the catalogue, needs no index of its own, and does not depend
on how products are cut into segments.
"""

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from actors.index.segments import BranchView, Segment
from actors.index.term_table import term_hash
from actors.text.compounds import Compounds

_CANDIDATES_MAX: Final = 128
"""Words looked at that end alike, the shortest first: the longer ones are compounds of compounds."""

_BYTES_PER_TERM: Final = 16
_BITS_MAX: Final = 23
"""8 MiB for a million terms and more."""

_HELD_MAX: Final = 1 << 16


class CatalogueWords:
    """The vocabulary that the evidence for compounds is taken from."""

    def __init__(self, view: BranchView) -> None:
        self._segments = view.segments
        self._bits = [segment.kept.of(_TermBits) for segment in view.segments]
        self._held: dict[str, bool] = {}

    def holds(self, word: str) -> bool:
        """Whether a live product has the word."""
        known = self._held.get(word)
        if known is None:
            if len(self._held) >= _HELD_MAX:
                self._held.clear()
            known = self._held[word] = self._find(word)
        return known

    def starting_with(self, start: str, *, count_max: int) -> list[str]:
        """Words that begin so, in their order, at most so many."""
        ranges = [_words_from(segment, start) for segment in self._segments]
        found: list[str] = []
        for word, is_doubtful in ranges[0] if len(ranges) == 1 else heapq.merge(*ranges):
            if len(found) >= count_max:
                break
            if (not found or word != found[-1]) and word.isalpha():
                if not is_doubtful:
                    self._held[word] = True
                if self.holds(word):
                    found.append(word)
        return found

    def ending_with(self, end: str) -> list[str]:
        """Words that end so, the shortest first, at most `_CANDIDATES_MAX`."""
        ends = [_Ends(segment, end) for segment in self._segments]
        lengths = np.concatenate([np.empty(0, np.int64), *(one.lengths for one in ends)])
        count = _CANDIDATES_MAX
        while True:  # ends: every round looks at more words, and at last at all
            bar = int(lengths.max(initial=0))
            if count < len(lengths):
                bar = int(np.partition(lengths, count - 1)[count - 1])
            words = {word for one in ends for word in one.up_to(bar)}
            ordered = sorted(words, key=lambda word: (len(word), word))
            held = (word for word in ordered if self.holds(word))
            found = list(islice(held, _CANDIDATES_MAX))
            if len(found) == _CANDIDATES_MAX or count >= len(lengths):
                return found
            count *= 4

    def reading_as(self, plain: str) -> list[str]:
        """Words with letters of their own alphabet that read as `plain` without them, in order."""
        words = {
            word for segment in self._segments for word in segment.word_orders.reading_as(plain)
        }
        return [word for word in sorted(words) if self.holds(word)]

    def _find(self, word: str) -> bool:
        hashed = term_hash(word)
        for segment, bits in zip(self._segments, self._bits, strict=True):
            if not bits.may_have(hashed, segment):
                continue
            if segment.alive is None:
                if segment.terms.has(hashed):
                    return True
                continue
            found = segment.find_term(hashed)
            if found is not None and segment.live_count_of(hashed, found):
                return True
        return False


class _TermBits:
    """Which terms a segment has for certain not: asking for one costs a fraction of a look-up.

    One byte for each value of the low bits of hashes, many more of them than there are terms.
    """

    __slots__ = ("_held", "_mask")

    def __init__(self) -> None:
        self._held = b""
        self._mask = 0

    def may_have(self, hashed: int, segment: Segment) -> bool:
        """Whether a segment, always the same, may have a term of this hash."""
        if not self._held:
            bits = min((_BYTES_PER_TERM * segment.record.term_count).bit_length(), _BITS_MAX)
            self._mask = (1 << bits) - 1
            held = np.zeros(1 << bits, np.uint8)
            held[segment.terms.all_hashes() & np.uint64(self._mask)] = 1
            self._held = held.tobytes()
        return self._held[hashed & self._mask] != 0


class _Ends:
    """The words of a segment that end alike."""

    def __init__(self, segment: Segment, end: str) -> None:
        self._vocabulary = segment.vocabulary
        self._places = segment.word_orders.ending_with(end)
        self.lengths = self._vocabulary.lengths(self._places)

    def up_to(self, length: int) -> Iterator[str]:
        """Those of at most so many letters."""
        for place in self._places[self.lengths <= length].tolist():
            yield self._vocabulary.term(place).decode()


def _words_from(segment: Segment, start: str) -> Iterator[tuple[str, bool]]:
    """The words of a segment that begin so, in order, and whether it may be that only dead products have them."""
    vocabulary = segment.vocabulary
    is_doubtful = segment.alive is not None
    for place in vocabulary.places_of(start.encode()):
        yield vocabulary.term(place).decode(), is_doubtful


_KNOWN: Final[
    WeakKeyDictionary[BranchView, tuple[CatalogueWords, dict[frozenset[str], Compounds]]]
] = WeakKeyDictionary()


def catalogue_words(
    view: BranchView, never_split: frozenset[str]
) -> tuple[CatalogueWords, Compounds]:
    """The words of a view and its compounds, with all that earlier searches of the view have found out.

    `never_split`: what the tenant says is no compound, as index terms.
    """
    known = _KNOWN.get(view)
    if known is None:
        known = _KNOWN[view] = (CatalogueWords(view), {})
    words, by_list = known
    compounds = by_list.get(never_split)
    if compounds is None:
        # A view lives no longer than a second, and a tenant's list is seldom edited: there is one entry, or two.
        compounds = by_list[never_split] = Compounds(words, never_split=never_split)
    return words, compounds
