"""The first products of a search by their raw scores: what the final order is made of.

Pages reach no deeper than these, so nothing that happens among them changes which products an answer can show.
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from actors.index.segments import BranchView
from actors.search.matching import SegmentMatches
from actors.search.rows import Ordinals

Scores = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Products of all segments, by segment and ordinal: within a segment in the order of their ids."""

    parts: tuple[tuple[int, int, int], ...]
    """For each segment that has any: its index in the view, and where its products begin and end."""
    ordinals: Ordinals
    """int32[n]"""
    scores: Scores
    """float32[n]"""

    @property
    def count(self) -> int:
        """How many there are: n."""
        return len(self.ordinals)

    def segment_indices(self, places: Iterable[int]) -> list[int]:
        """The index in the view of the segments of those with some places."""
        if len(self.parts) == 1:
            return [self.parts[0][0] for _ in places]
        stops = [stop for _, _, stop in self.parts]
        return [self.parts[bisect_right(stops, place)][0] for place in places]

    def product_ids(self, view: BranchView, places: Indices) -> list[bytes]:
        """The ids of those with some places."""
        indices = self.segment_indices(places.tolist())
        ordinals = self.ordinals.take(places).tolist()
        return [
            view.segments[index].product_id(ordinal)
            for index, ordinal in zip(indices, ordinals, strict=True)
        ]


def best_candidates(matches: Sequence[SegmentMatches], count: int) -> Candidates:
    """The `count` best products by raw score, ties by id; all when there are no more."""
    filled = [(index, match) for index, match in enumerate(matches) if len(match.ordinals)]
    if sum(len(match.ordinals) for _, match in filled) > count:
        filled = _cut(filled, count)
    parts = []
    start = 0
    for index, match in filled:
        stop = start + len(match.ordinals)
        parts.append((index, start, stop))
        start = stop
    if len(filled) == 1:
        match = filled[0][1]
        return Candidates(tuple(parts), match.ordinals, match.scores)
    if not filled:
        return Candidates((), np.empty(0, np.int32), np.empty(0, np.float32))
    return Candidates(
        tuple(parts),
        np.concatenate([match.ordinals for _, match in filled]),
        np.concatenate([match.scores for _, match in filled]),
    )


_Filled = list[tuple[int, SegmentMatches]]


def _cut(filled: _Filled, count: int) -> _Filled:
    """The best of more than `count` matches."""
    scores = filled[0][1].scores
    if len(filled) > 1:
        scores = np.concatenate([match.scores for _, match in filled])
    bar = np.partition(scores, len(scores) - count)[len(scores) - count]
    better = [(match.scores > bar).nonzero()[0] for _, match in filled]
    equal = [(match.scores == bar).nonzero()[0] for _, match in filled]
    room = count - sum(map(len, better))
    rooms = _shares(filled, equal, room)
    kept = []
    for (index, match), above, level, share in zip(filled, better, equal, rooms, strict=True):
        places = np.concatenate([above, level[:share]])
        if len(places):
            places.sort()
            one = SegmentMatches(
                match.segment, match.ordinals.take(places), match.scores.take(places)
            )
            kept.append((index, one))
    return kept


def _shares(filled: _Filled, equal: Sequence[Indices], room: int) -> list[int]:
    """How many of each segment's products are among the `room` smallest ids of all of them."""
    holders = [number for number, places in enumerate(equal) if len(places)]
    if len(holders) == 1:
        return [room if number == holders[0] else 0 for number in range(len(filled))]
    shares = [0] * len(filled)
    ids = [_ids(number, filled[number][1], equal[number]) for number in holders]
    for _, number in islice(heapq.merge(*ids), room):
        shares[number] += 1
    return shares


def _ids(number: int, match: SegmentMatches, places: Indices) -> Iterator[tuple[bytes, int]]:
    """The ids of some matches in their order, read one by one as they are needed."""
    for ordinal in match.ordinals.take(places).tolist():
        yield match.segment.product_id(ordinal), number
