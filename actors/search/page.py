"""Which products stand on a page, in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from actors.index.segments import Segment
from actors.search.order import KeyArray, first_of, sort_values, sorted_locally
from actors.search.query import Placing
from actors.search.rows import Ordinals

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SegmentProducts:
    """The products of one segment that an answer has, with their places in its order."""

    segment: Segment
    ordinals: Ordinals | None
    """int32[n], ascending; None: all products."""
    scores: Scores | None
    """float32[n]; None: all 0."""
    keys: Sequence[KeyArray]

    @property
    def count(self) -> int:
        """How many there are: n."""
        return self.segment.product_count if self.ordinals is None else len(self.ordinals)

    def ordinal(self, index: int) -> int:
        """The ordinal of the product with this index."""
        return index if self.ordinals is None else int(self.ordinals[index])

    def score(self, index: int) -> float:
        """The score of the product with this index."""
        return 0.0 if self.scores is None else float(self.scores[index])


class Placed(NamedTuple):
    """A product on a page."""

    segment_index: int
    ordinal: int
    product_id: bytes
    score: float
    is_pinned: bool = False
    copy_count: int = 0
    """Of the same title and brand, behind it."""
    placing: Placing | None = None


def page_by_keys(products: Sequence[SegmentProducts], *, start: int, stop: int) -> list[Placed]:
    """The products with the numbers `start` to `stop` in the order of the keys; ties by product id."""
    chosen = []
    for segment_index, of_segment in enumerate(products):
        places = [key.places for key in of_segment.keys]
        first = first_of(places, of_segment.count, stop)
        if len(first):
            chosen.append((segment_index, of_segment, sorted_locally(places, first)))
    if len(chosen) == 1:
        segment_index, only, indices = chosen[0]
        return [_placed(segment_index, only, index) for index in indices[start:stop].tolist()]
    candidates = [
        (_placed(segment_index, of_segment, index), sort_values(of_segment.keys, index))
        for segment_index, of_segment, indices in chosen
        for index in indices.tolist()
    ]
    candidates.sort(key=lambda candidate: candidate[0].product_id)
    key_count = len(products[0].keys) if products else 0
    for number in reversed(range(key_count)):
        is_descending = any(p.keys[number].is_descending for p in products)
        candidates = _sorted_by(candidates, number, is_descending=is_descending)
    return [placed for placed, _ in candidates[start:stop]]


_Candidate = tuple[Placed, tuple[tuple[bool, Any], ...]]


def _sorted_by(
    candidates: list[_Candidate], number: int, *, is_descending: bool
) -> list[_Candidate]:
    """The candidates by one of their values, those without one last; else as they stood."""
    valued = [c for c in candidates if not c[1][number][0]]
    valued.sort(key=lambda candidate: candidate[1][number][1], reverse=is_descending)
    return valued + [c for c in candidates if c[1][number][0]]


def _placed(segment_index: int, products: SegmentProducts, index: int) -> Placed:
    ordinal = products.ordinal(index)
    segment = products.segment
    return Placed(segment_index, ordinal, segment.product_id(ordinal), products.score(index))
