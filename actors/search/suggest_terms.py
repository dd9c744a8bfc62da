"""The most frequent of the terms that begin alike, one after the other: what suggestions are taken from.

A range of a vocabulary may hold a hundred thousand terms (all phrases that begin with *s*), of which a handful is
wanted. Counts stand beside the terms in each segment, so a bar is lowered until enough terms are above it: a term
that is above it in no segment has at most the sum of the segments' bars (Fagin, Lotem and Naor 2003, "Optimal
aggregation algorithms for middleware", made of whole-array comparisons). What segments have counted includes dead
products, so it only says in which order terms are worth counting exactly.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.index.segments import BranchView, Segment
from actors.index.suggestion_terms import shown_of
from actors.index.vocabulary import SegmentVocabulary

_FEW: Final = 2_048
"""So many terms of a range are looked at together; of more only the frequent ones first."""

_BAR_STEP: Final = 8

_AFTER: Final = "!"
"""Above the space that follows a complete word, the separator, and nothing; below all that goes on with a word."""


class FrequentTerm(NamedTuple):
    """A term, and how many live products hold it."""

    shown: str
    """What it stands for."""

    product_count: int


def frequent_terms(
    view: BranchView, mark: str, beginning: str, *, is_open: bool
) -> Iterator[FrequentTerm]:
    """The live terms of a mark whose key begins so, the most frequent first; equally frequent ones by hash.

    Args:
        view: where to look; it must not end before the iteration.
        mark: of `suggestion_terms`.
        beginning: of the key; empty: all.
        is_open: whether the last word of `beginning` may go on.
    """
    low = mark + beginning
    high = low + ("\U0010ffff" if is_open else _AFTER)
    spans = [
        span
        for segment in view.segments
        if (span := _Span.of(segment, low.encode(), high.encode())).places
    ]
    if spans:
        yield from _Ranking(view, spans).terms()


@dataclass(frozen=True, slots=True)
class _Span:
    """The terms of a range in one segment."""

    segment: Segment
    places: range
    counts: NDArray[np.uint32]

    @classmethod
    def of(cls, segment: Segment, low: bytes, high: bytes) -> "_Span":
        vocabulary = segment.vocabulary
        every = range(vocabulary.term_count)
        start = bisect_left(every, low, key=vocabulary.term)
        stop = cls._stop(vocabulary, start, high)
        places = range(start, stop)
        return cls(segment, places, vocabulary.counts(places) if places else _NO_COUNTS)

    @staticmethod
    def _stop(vocabulary: SegmentVocabulary, start: int, high: bytes) -> int:
        """Where the terms below `high` end: mostly soon after `start`, so steps begin small and double."""
        count, step = vocabulary.term_count, 8
        low, end = start, start + step
        while end < count and vocabulary.term(end) < high:  # ends: steps double
            step *= 2
            low, end = end, end + step
        return bisect_left(range(count), high, lo=low, hi=min(end, count), key=vocabulary.term)


_NO_COUNTS: Final = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Terms above a bar, in descending order of the most that they can count, then by hash."""

    bounds: list[int]
    hashes: list[int]
    sources: list[int]
    """Where each stands, among the places of all spans one after the other."""

    others: int
    """What a term that is not among them counts at most."""


class _Ranking:
    """Orders the terms of a range by the number of live products."""

    def __init__(self, view: BranchView, spans: list[_Span]) -> None:
        self._segments = view.segments
        self._spans = spans
        self._is_all_live = all(segment.alive is None for segment in view.segments)

    def terms(self) -> Iterator[FrequentTerm]:
        """All live terms, in order. Looks no further than it is asked for."""
        done: set[int] = set()
        bar = self._first_bar()
        while True:  # ends: the bar falls to 0, below which there is nothing
            candidates = self._above(bar)
            is_exact = self._is_all_live and (len(self._spans) == 1 or not bar)
            counted: list[tuple[int, int, int]] = []
            for bound, hashed, source in zip(
                candidates.bounds, candidates.hashes, candidates.sources, strict=True
            ):
                if hashed in done:
                    continue
                while counted and counted[0][:2] <= (-bound, hashed):
                    if -counted[0][0] <= candidates.others:
                        break
                    done.add(counted[0][1])
                    yield self._term(heapq.heappop(counted))
                count = bound if is_exact else self._live_count(hashed)
                if count:
                    heapq.heappush(counted, (-count, hashed, source))
            while counted and -counted[0][0] > candidates.others:
                done.add(counted[0][1])
                yield self._term(heapq.heappop(counted))
            if not bar:
                return
            bar //= _BAR_STEP

    def _first_bar(self) -> int:
        if sum(len(span.places) for span in self._spans) <= _FEW:
            return 0
        return max(int(span.counts.max()) for span in self._spans) // _BAR_STEP

    def _above(self, bar: int) -> _Candidates:
        hashes, bounds, sources = [], [], []
        start, others = 0, 0
        rests = []
        for span in self._spans:
            chosen = np.flatnonzero(span.counts > bar)
            of_span = span.segment.vocabulary.hashes(span.places).take(chosen)
            rest = min(bar, int(span.counts.max()))
            hashes.append(of_span)
            bounds.append(span.counts.take(chosen).astype(np.int64) - rest)
            sources.append(chosen + start)
            rests.append(rest)
            start += len(span.places)
            others += rest
        every: NDArray[np.uint64] = np.concatenate(hashes)
        bound: NDArray[np.int64] = np.concatenate(bounds)
        source: NDArray[np.int64] = np.concatenate(sources)
        if len(self._spans) > 1:
            every, first, inverse = np.unique(every, return_index=True, return_inverse=True)
            bound = np.bincount(inverse, weights=bound, minlength=len(every)).astype(np.int64)
            source = source[first]
        bound += others  # what a term counts at most in a segment where it is not above the bar
        order = np.lexsort((every, -bound))
        return _Candidates(
            bound[order].tolist(), every[order].tolist(), source[order].tolist(), others
        )

    def _live_count(self, hashed: int) -> int:
        count = 0
        for segment in self._segments:
            found = segment.find_term(hashed)
            if found is not None:
                count += segment.live_count_of(hashed, found)
        return count

    def _term(self, counted: tuple[int, int, int]) -> FrequentTerm:
        count, _, place = counted
        for span in self._spans:
            if place < len(span.places):
                term = span.segment.vocabulary.term(span.places[place]).decode()
                return FrequentTerm(shown_of(term), -count)
            place -= len(span.places)
        raise IndexError(place)
