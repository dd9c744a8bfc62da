"""What events say of products, as a search takes it: how popular they are, and which were chosen for its words.

Popularity is a picture of the counts at one moment, aligned with each segment's products when it is first needed or
beforehand in the background. It depends on a product's id alone, so answers do not depend on how products are cut into
segments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns import Columns
from actors.index.segments import BranchView, Segment
from actors.search.candidates import Candidates
from actors.search.found import columns_of, find_products

Floats = npt.NDArray[np.float64]
Logarithms = npt.NDArray[np.float32]

_ALIGNED_MAX: Final = 4_096
"""Segments that one picture is kept aligned with."""
_SPOTS_MAX: Final = 8_192
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


@dataclass(frozen=True, slots=True)
class Learned:
    """All of it, for one search."""

    popularity: LearnedPopularity | None = None
    chosen: Mapping[bytes, float] = field(default_factory=lambda: MappingProxyType({}))
    """By product id: how clearly visitors chose it for these words, from 0 to 1. At most `CHOSEN_MAX`."""


NOTHING_LEARNED: Final = Learned()


def chosen_among(
    view: BranchView, candidates: Candidates, chosen: Mapping[bytes, float]
) -> Floats | None:
    """float64[n]: how clearly each candidate was chosen; None when none of them was."""
    if not chosen or not candidates.count:
        return None
    spots = view.kept.of(_Spots).of(view, chosen)
    values: Floats | None = None
    by_segment = {index: (start, stop) for index, start, stop in candidates.parts}
    for product_id, value in chosen.items():
        spot = spots.get(product_id)
        if spot is None or spot[0] not in by_segment:
            continue
        start, stop = by_segment[spot[0]]
        place = start + int(candidates.ordinals[start:stop].searchsorted(spot[1]))
        if place < stop and candidates.ordinals[place] == spot[1]:
            if values is None:
                values = np.zeros(candidates.count)
            values[place] = value
    return values


class _Spots:
    """Where products are, as long as the live ones are the same."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, int] | None] = {}

    def of(
        self, view: BranchView, product_ids: Mapping[bytes, float]
    ) -> Mapping[bytes, tuple[int, int] | None]:
        """By id; segments by their index in the view."""
        unknown = [one for one in product_ids if one not in self._known]
        if unknown:
            if len(self._known) >= _SPOTS_MAX:
                self._known.clear()
                unknown = list(product_ids)
            self._known.update(zip(unknown, find_products(view, unknown), strict=True))
        return self._known


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
