"""What events say of products, as a search takes it: how popular they are, and which were chosen for its words.

Popularity is a picture of the counts at one moment, aligned with each segment's products when it is first needed or
beforehand in the background. It depends on a product's id alone, so answers do not depend on how products are cut into
segments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns import Columns
from actors.index.products import id_hashes
from actors.index.segments import BranchView, Segment
from actors.search.candidates import Candidates
from actors.search.found import columns_of

Floats = npt.NDArray[np.float64]
Logarithms = npt.NDArray[np.float32]

_ALIGNED_MAX: Final = 4_096
"""Segments that one picture is kept aligned with."""
_HELD_MAX: Final = 2_048
"""Queries for which each segment remembers which chosen products it holds."""

CHOSEN_MAX: Final = 16
"""Products that evidence of clicks is looked at for, those chosen most first."""


class LearnedPopularity:
    """What all products come to, at one moment."""

    def __init__(self, hashes: npt.NDArray[np.uint64], counts: Floats) -> None:
        """Take the picture.

        Args:
            hashes: uint64[n]: of the products' ids (`products.id_hashes`), each once.
            counts: float64[n]: decayed to one time.
        """
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._logarithms: Logarithms = np.log1p(np.fmax(counts[order], 0.0)).astype(np.float32)
        self.most = float(self._logarithms.max()) if len(counts) else 0.0
        """The largest logarithm."""
        self._aligned: dict[_Identity, Logarithms] = {}
        self._listed: dict[tuple[_Identity, float], Floats] = {}

    def of(self, segment: Segment) -> Logarithms:
        """float32[P]: log(1 + count) of each product of a segment; 0 where nothing is counted."""
        identity = _identity(segment)
        aligned = self._aligned.get(identity)
        if aligned is None:
            if len(self._aligned) >= _ALIGNED_MAX:
                self._aligned.clear()
            aligned = self._aligned[identity] = self._align(segment)
        return aligned

    def of_candidates(self, view: BranchView, candidates: Candidates) -> Logarithms | None:
        """float32[n]: the same of the candidates; None when nothing is counted for any of them."""
        if not candidates.count or not self.most:
            return None
        parts = [
            self.of(view.segments[index]).take(candidates.ordinals[start:stop])
            for index, start, stop in candidates.parts
        ]
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return found if found.any() else None

    def listed(self, view: BranchView, segment: Segment) -> Floats:
        """float64[P]: with what the shop tells of popularity, as shares of the most popular product's each."""
        shop_most = view.kept.of(_ShopMost).of(view)
        key = (_identity(segment), shop_most)
        listed = self._listed.get(key)
        if listed is None:
            if len(self._listed) >= _ALIGNED_MAX:
                self._listed.clear()
            listed = self.of(segment).astype(np.float64) / (self.most or 1.0)
            if shop_most:
                told = segment.kept.of(_ShopPopularity).of(segment)
                listed += told.astype(np.float64) / shop_most
            self._listed[key] = listed
        return listed

    def _align(self, segment: Segment) -> Logarithms:
        aligned = np.zeros(segment.product_count, np.float32)
        if not len(self._hashes):
            return aligned
        for hashes, ordinals in segment.products.hashes():
            places = self._hashes.searchsorted(hashes)
            np.minimum(places, len(self._hashes) - 1, out=places)
            known = np.flatnonzero(self._hashes.take(places) == hashes)
            aligned[ordinals.take(known)] = self._logarithms.take(places.take(known))
        return aligned


_Identity = tuple[bytes, int, int, int]


def _identity(segment: Segment) -> _Identity:
    """Tells segments apart, though the number of a deleted branch may be given again."""
    record = segment.record
    return segment.prefix, record.product_count, record.term_count, record.posting_count


class Chosen:
    """Which products visitors chose for some words, and how clearly."""

    __slots__ = ("_hashes", "_key", "_values")

    def __init__(self, shares: Mapping[bytes, float]) -> None:
        """`shares`: by product id, from 0 to 1; at most `CHOSEN_MAX`."""
        hashes = id_hashes(list(shares))
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._values: Floats = np.array(list(shares.values()), np.float64)[order]
        self._key = self._hashes.tobytes()

    @property
    def shares(self) -> dict[int, float]:
        """By the hash of each product's id."""
        return dict(zip(self._hashes.tolist(), self._values.tolist(), strict=True))

    def among(self, view: BranchView, candidates: Candidates) -> Floats | None:
        """float64[n]: how clearly each candidate was chosen; None when none of them was."""
        values: Floats | None = None
        for index, start, stop in candidates.parts:
            segment = view.segments[index]
            held, ordinals = segment.kept.of(_Held).of(segment, self._key, self._hashes)
            if not len(held):
                continue
            part = candidates.ordinals[start:stop]
            places = np.minimum(part.searchsorted(ordinals), len(part) - 1)
            found = (part.take(places) == ordinals).nonzero()[0]
            if len(found):
                if values is None:
                    values = np.zeros(candidates.count)
                values[start + places.take(found)] = self._values.take(held.take(found))
        return values


@dataclass(frozen=True, slots=True)
class Learned:
    """All of it, for one search."""

    popularity: LearnedPopularity | None = None
    chosen: Chosen | None = None


NOTHING_LEARNED: Final = Learned()


class _Held:
    """Which of some products a segment holds: the same words are searched again and again."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Places] = {}

    def of(self, segment: Segment, key: bytes, hashes: npt.NDArray[np.uint64]) -> "_Places":
        """The indices of those products, and their ordinals. By hashes alone: no two of a catalogue are alike."""
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _HELD_MAX:
                self._known.clear()
            ordinals = segment.products.ordinals_of(hashes)
            held = np.flatnonzero(ordinals >= 0)
            known = self._known[key] = held, ordinals.take(held)
        return known


_Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]


class _ShopPopularity:
    """What the shop tells of the popularity of a segment's products."""

    def __init__(self) -> None:
        self._logarithms: Logarithms | None = None

    def of(self, segment: Segment) -> Logarithms:
        """float32[P]: log(1 + popularity)."""
        if self._logarithms is None:
            told = _told(columns_of(segment), segment.product_count)
            self._logarithms = np.log1p(np.fmax(told, 0.0)).astype(np.float32)
        return self._logarithms


class _ShopMost:
    """The largest of them among all live products."""

    def __init__(self) -> None:
        self._most: float | None = None

    def of(self, view: BranchView) -> float:
        """0 where the shop tells of none."""
        if self._most is None:
            self._most = max(map(self._most_in, view.segments), default=0.0)
        return self._most

    def _most_in(self, segment: Segment) -> float:
        popularity = segment.kept.of(_ShopPopularity).of(segment)
        if segment.alive is not None:
            popularity = popularity[segment.alive]
        return float(popularity.max()) if len(popularity) else 0.0


def _told(columns: Columns, count: int) -> Floats:
    column = columns.number("popularity")
    if column is None or column.by_product is None:
        return np.zeros(count)
    if column.by_product.positions is None:
        told: Floats = column.by_product.entries.whole()
        return told
    told = np.zeros(count)
    slots, numbers = column.by_product.pairs(None)
    np.maximum.at(told, slots, numbers)
    return told
