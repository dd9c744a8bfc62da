"""How a list is filled: from one offer after the other until it is full, with no product twice and all limits held.

Diversity is maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): of what is left, the product comes next
whose score, less its likeness to what stands in the list already, is highest.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.recommendations.catalogue import NO_VALUE, Catalogue, Floats, Mask, Numbers
from actors.recommendations.offers import Offer
from protos.v1.recommend_pb2 import Recommendation

_POOL_MIN: Final = 64
_CATEGORY_LIKENESS: Final = 0.5
_PARENT_LIKENESS: Final = 0.2
_BRAND_LIKENESS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Pick:
    """A product of a list."""

    number: int
    source: Recommendation.Source.ValueType
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one list."""

    size: int
    diversity: float
    brand_count_max: int
    """0: none."""
    category_count_max: int
    """0: none."""


class Filling:
    """One list as it grows."""

    def __init__(self, catalogue: Catalogue, limits: Limits) -> None:
        self.picks: list[Pick] = []
        self._limits = limits
        self._catalogue = catalogue
        self._numbers: set[int] = set()
        self._titles: set[int] = set()
        self._brands: Counter[int] = Counter()
        self._categories: Counter[int] = Counter()
        self._copies: list[Pick] = []
        """Products whose title and brand stand in the list already: they fill it when nothing else does."""

    @property
    def room(self) -> int:
        """How many more products there may be."""
        return self._limits.size - len(self.picks)

    def pin(self, number: int) -> None:
        """Put a product in the next place, whatever the limits for others are."""
        if number not in self._numbers and self.room:
            self._put(Pick(number, Recommendation.PINNED, 0.0))

    def take(self, offer: Offer) -> None:
        """Put products of an offer into the list while there is room."""
        if self._limits.diversity > 0 and len(offer.numbers) > 1:
            self._take_diverse(offer)
            return
        for place in range(len(offer.numbers)):
            if not self.room:
                break
            self._try(self._pick(offer, place))

    def finish(self) -> None:
        """Let copies in where nothing else was left."""
        copies, self._copies = self._copies, []
        for pick in copies:
            if self.room and self._is_allowed(pick.number):
                self._put(pick)

    def _take_diverse(self, offer: Offer) -> None:
        pool_size = max(_POOL_MIN, 4 * self._limits.size)
        numbers = offer.numbers[:pool_size]
        relevance = offer.scores[:pool_size]
        most = float(relevance[0])
        relevance = relevance / most if most > 0 else np.zeros(len(numbers))
        likeness = np.zeros(len(numbers))
        for pick in self.picks:
            np.maximum(likeness, self._likeness(numbers, pick.number), out=likeness)
        diversity = self._limits.diversity
        left = np.ones(len(numbers), np.bool_)
        while self.room and left.any():  # Ends: every round takes one of those that are left.
            worth = (1 - diversity) * relevance - diversity * likeness
            place = int(np.where(left, worth, -np.inf).argmax())
            left[place] = False
            if self._try(self._pick(offer, place)):
                np.maximum(likeness, self._likeness(numbers, int(numbers[place])), out=likeness)
        for place in range(len(numbers), len(offer.numbers)):
            if not self.room:
                break
            self._try(self._pick(offer, place))

    def _likeness(self, numbers: Numbers, other: int) -> Floats:
        """float64[n]: how much alike products are to another, from 0 to 1."""
        likeness = np.zeros(len(numbers))
        for values, share in (
            (self._catalogue.categories, _CATEGORY_LIKENESS),
            (self._catalogue.parents, _PARENT_LIKENESS),
            (self._catalogue.brands, _BRAND_LIKENESS),
        ):
            value = values[other]
            if value != NO_VALUE:
                likeness += share * (values.take(numbers) == value)
        return likeness

    def _pick(self, offer: Offer, place: int) -> Pick:
        source = Recommendation.Source.ValueType(int(offer.sources[place]))
        return Pick(int(offer.numbers[place]), source, float(offer.scores[place]))

    def _try(self, pick: Pick) -> bool:
        if not self._is_allowed(pick.number):
            return False
        title = int(self._catalogue.titles[pick.number])
        if title != NO_VALUE and title in self._titles:
            self._copies.append(pick)
            return False
        self._put(pick)
        return True

    def _is_allowed(self, number: int) -> bool:
        limits, catalogue = self._limits, self._catalogue
        if number in self._numbers:
            return False
        if limits.brand_count_max:
            brand = int(catalogue.brands[number])
            if brand != NO_VALUE and self._brands[brand] >= limits.brand_count_max:
                return False
        if limits.category_count_max:
            category = int(catalogue.categories[number])
            if category != NO_VALUE and self._categories[category] >= limits.category_count_max:
                return False
        return True

    def _put(self, pick: Pick) -> None:
        catalogue, number = self._catalogue, pick.number
        self.picks.append(pick)
        self._numbers.add(number)
        self._titles.add(int(catalogue.titles[number]))
        if self._limits.brand_count_max:
            self._brands[int(catalogue.brands[number])] += 1
        if self._limits.category_count_max:
            self._categories[int(catalogue.categories[number])] += 1


def without(mask: Mask, numbers: list[int]) -> Mask:
    """A mask but for some products."""
    if not numbers:
        return mask
    changed = mask.copy()
    changed[numbers] = False
    return changed
