"""The final order by relevance, of the first products by raw score.

A product's score is its raw score times the factors of the rules that boost or bury it. Scores are rounded to
steps: equal parts of the way from nothing to the best score, step 1 the best. Inside a step the business score
decides, the weighted sum of parts between 0 and 1:

- *in_stock*: 1 for what is in stock, 1/2 for what can be ordered, 0 for what cannot be had;
- *popularity*: log(1 + popularity), as a share of the most popular candidate's;
- *learned_popularity*: the same of what visitors do with products; where the shop tells of popularity too, each of
  the two has half the weight;
- *clicks*: how clearly visitors chose the product for these words;
- *freshness*: halves with every `HALF_LIFE_DAYS` that a product is older than the newest candidate, 0 without
  a date; what is yet to come is as fresh as today.

Popularity and freshness are relative to the candidates, so that one outlier elsewhere in the catalogue does not
flatten the rest, and an order does not change between two pages because time has passed. Where business scores
are equal, as in a catalogue that tells none of this, the unrounded score decides, then the product's id. Products
that the query names by an identifier stand before all others, whatever the rest says: step 0.

There is no factor for the proximity of words or for exact titles. Postings hold no positions; the lengths and
fields in an impact already prefer short titles that hold all words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from actors.index.segments import BranchView
from actors.search.candidates import Candidates, Indices, Scores
from actors.search.learned import Logarithms
from actors.search.matching import IDENTIFIER_SCORE
from actors.search.merchandise import Boost, Ranking
from actors.search.order import extreme_numbers
from actors.search.passing import Passing, passing
from actors.search.query import Factor, Placing
from actors.search.ruling import PlannedBoost
from protos.v1.common_pb2 import Availability

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int16]
Mask = npt.NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)

HALF_LIFE_DAYS: Final = 90
_HALF_LIFE_SECONDS: Final = HALF_LIFE_DAYS * 86_400.0

_STOCK_VALUES: Final = np.zeros(256)
_STOCK_VALUES[[Availability.IN_STOCK, Availability.PREORDER, Availability.BACKORDER]] = (
    1.0,
    0.5,
    0.5,
)
"""By availability."""

PART_NAMES: Final = ("in_stock", "popularity", "learned_popularity", "clicks", "freshness")

_NEVER: Final = -np.inf
"""When products without a date were released."""

_HIGH_BITS: Final = np.uint64(32)
_LOW_HALF: Final = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class Boosted:
    """The candidates that a boost is about."""

    boost: Boost
    mask: Mask
    """bool[n]"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What visitors' events say of the candidates; None: nothing of any."""

    popularity: Logarithms | None = None
    """float32[n]: log(1 + count)."""
    clicks: Floats | None = None
    """float64[n], from 0 to 1."""


NO_EVIDENCE: Final = Evidence()


@dataclass(frozen=True, slots=True)
class Business:
    """What the shop has to gain by each candidate."""

    parts: tuple[Floats | None, ...]
    """float64[n] for each of `PART_NAMES`, weighted; None: the same for all."""
    scores: Floats
    """float64[n]: their sums."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The candidates in their final order, and what it comes from."""

    candidates: Candidates
    order: Indices
    """int64[n]: of the candidates, the first one first; equal ones of different segments are in no order."""
    scores: Scores
    """float32[n], beside the candidates: the raw scores times all factors."""
    steps: Steps
    """int16[n], beside the candidates: 0 for those that the query names."""
    business: Business | None
    """Beside the candidates; None: all are alike."""
    boosted: Sequence[Boosted]

    @property
    def named_count(self) -> int:
        """How many the query names: they come first."""
        if not self.candidates.count or self.steps[self.order[0]]:
            return 0
        return int(np.count_nonzero(self.steps == 0))

    def placing(self, place: int) -> Placing:
        """Why one of the candidates, given by its place among them, is where it is."""
        business = self.business
        return Placing(
            raw_score=float(self.candidates.scores[place]),
            score=float(self.scores[place]),
            factors=tuple(
                Factor(
                    "boost" if one.boost.factor > 1 else "bury", one.boost.factor, one.boost.rule_id
                )
                for one in self.boosted
                if one.mask[place]
            ),
            step=int(self.steps[place]),
            business_score=0.0 if business is None else float(business.scores[place]),
            business=()
            if business is None
            else tuple(
                Factor(name, float(part[place]))
                for name, part in zip(PART_NAMES, business.parts, strict=True)
                if part is not None
            ),
        )

    @property
    def has_ties(self) -> bool:
        """Whether equal candidates may be in no order."""
        return len(self.candidates.parts) > 1

    def settled(self, view: BranchView, until: int) -> Indices:
        """int64[n]: the order with equal candidates by id, as far as they begin before the number `until`.

        Within a segment they stand so already: only those of several segments are looked at.
        """
        candidates = self.candidates
        if not self.has_ties:
            return self.order
        order = self.order
        equal = _follows_equal(self.scores, order) & _follows_equal(self.steps, order)
        if self.business is not None:
            equal &= _follows_equal(self.business.scores, order)
        stops = np.array([stop for _, _, stop in candidates.parts])
        parts = stops.searchsorted(order, side="right")
        crossing = np.flatnonzero(equal & (parts[1:] != parts[:-1]))
        if not len(crossing):
            return order
        ends = np.append(np.flatnonzero(~equal) + 1, len(order))
        runs = np.unique(ends.searchsorted(crossing, side="right"))
        firsts = np.where(runs > 0, ends.take(runs - 1), 0)
        firsts = firsts[firsts < until]
        settled = order.copy()
        for first, last in zip(firsts.tolist(), ends.take(runs).tolist(), strict=False):
            places = order[first:last]
            ids = candidates.product_ids(view, places)
            by_id = sorted(range(len(ids)), key=ids.__getitem__)
            settled[first:last] = places.take(by_id)
        return settled


def rank(
    candidates: Candidates,
    found: Sequence[Passing],
    ranking: Ranking,
    boosts: Sequence[PlannedBoost],
    evidence: Evidence = NO_EVIDENCE,
    *,
    now_ms: int,
    explains: bool,
) -> Ranked:
    """The final order of the candidates.

    Args:
        candidates: of the search.
        found: for each part of the candidates its products, with the rows by which they pass the filter.
        ranking: the tenant's settings.
        boosts: of the rules that hold.
        evidence: of the candidates.
        now_ms: milliseconds since 1970; 0: not known.
        explains: whether the parts of the business score are wanted even if they are all alike.
    """
    scores = candidates.scores
    boosted = [
        Boosted(one.boost, np.concatenate([boosted_mask(part, one) for part in found]))
        for one in boosts
        if found
    ]
    if boosted:
        factors = np.ones(candidates.count)
        for one in boosted:
            factors[one.mask] *= one.boost.factor
        scores = (scores * factors).astype(np.float32)
    steps = _steps(scores, candidates.scores >= IDENTIFIER_SCORE, ranking.score_steps)
    business = _business(found, ranking, evidence, now_ms, every_part=explains)
    order = _by_score(scores)
    if business is not None:
        order = order[np.argsort(-business.scores.take(order), kind="stable")]
    if business is not None or boosted:
        order = order[np.argsort(steps.take(order), kind="stable")]
    return Ranked(candidates, order, scores, steps, business, boosted)


def boosted_mask(found: Passing, planned: PlannedBoost) -> Mask:
    """bool[n]: which products a boost is about: those with a row, among those that pass already, that passes."""
    mask = np.zeros(found.rows.product_count, np.bool_)
    passed = passing(found.rows, planned.plan, found.storefront).rows.ordinals
    if passed is None:
        mask[:] = True
    elif found.rows.ordinals is None:
        mask[passed] = True
    else:
        mask[found.rows.ordinals.searchsorted(passed)] = True
    return mask


def _steps(scores: Scores, is_named: Mask, step_count: int) -> Steps:
    """int16[n]: from 1, the best, to `step_count`; 0 for products that the query names."""
    some_named = bool(is_named.any())
    others = scores[~is_named] if some_named else scores
    best = float(others.max()) if len(others) else 0.0
    if best <= 0:
        steps = np.ones(len(scores), np.int16)
    else:
        lost = (1.0 - scores.astype(np.float64) / best) * step_count
        if some_named:
            lost[is_named] = 0
        steps = np.minimum(lost, step_count - 1).astype(np.int16)
        steps += np.int16(1)
    if some_named:
        steps[is_named] = 0
    return steps


def _by_score(scores: Scores) -> Indices:
    """int64[n]: the best first, equal ones by index.

    Scores are not negative, so their bits ascend with them: sorting bits and index as one number takes half the
    time of a stable argsort.
    """
    keys = (~scores.view(np.uint32)).astype(np.uint64) << _HIGH_BITS
    keys |= np.arange(len(scores), dtype=np.uint64)
    keys.sort()
    return (keys & _LOW_HALF).astype(np.int64)


def _business(
    found: Sequence[Passing],
    ranking: Ranking,
    evidence: Evidence,
    now_ms: int,
    *,
    every_part: bool,
) -> Business | None:
    """The business scores; None when no candidate differs from another in any part that counts.

    `every_part`: even those that are the same for all.
    """
    if not found:
        return None
    parts: list[Floats | None] = [None] * len(PART_NAMES)
    if every_part or ranking.in_stock_weight:
        worth = _joined([_stock(one) for one in found])
        if every_part or (worth != worth[0]).any():
            parts[0] = ranking.in_stock_weight * worth
    parts[1:3] = _popularities(found, ranking, evidence, every_part=every_part)
    if evidence.clicks is not None and ranking.clicks_weight:
        parts[3] = ranking.clicks_weight * evidence.clicks
    if every_part or (ranking.freshness_weight and _has("release_time", found)):
        released = _joined([_numbers("release_time", one) for one in found])
        parts[4] = ranking.freshness_weight * _freshness(released, now_ms / 1000)
    told = [part for part in parts if part is not None]
    if not told:
        return None
    scores = told[0]
    for part in told[1:]:
        scores = scores + part
    return Business(tuple(parts), scores)


def _popularities(
    found: Sequence[Passing], ranking: Ranking, evidence: Evidence, *, every_part: bool
) -> tuple[Floats | None, Floats | None]:
    """What the shop tells of popularity and what is learned of it, weighted; None for what is not known."""
    weight = ranking.popularity_weight
    told: Floats | None = None
    if every_part or (weight and _has("popularity", found)):
        told = weight * _popularity(_joined([_numbers("popularity", one) for one in found]))
    if evidence.popularity is None or not weight:
        return told, None
    learned = evidence.popularity.astype(np.float64)
    learned *= weight / float(learned.max())
    if told is None or not told.any():
        return told, learned
    return 0.5 * told, 0.5 * learned


def _stock(found: Passing) -> Floats:
    """float64[n]: the most that the availability of any row of each product is worth."""
    rows = found.rows
    worth = _STOCK_VALUES.take(rows.columns.inventory.availability(found.storefront, rows.at_rows))
    if rows.slots is not None and len(worth):
        worth = np.maximum.reduceat(worth, rows.first_rows())
    return worth


def _has(name: str, found: Sequence[Passing]) -> bool:
    return any(one.rows.columns.number(name) is not None for one in found)


def _numbers(name: str, found: Passing) -> Floats:
    """float64[n]: of each product, NaN where it has none."""
    return extreme_numbers(found.rows.columns.number(name), found.rows, is_descending=True)


def _joined(arrays: list[npt.NDArray[Value]]) -> npt.NDArray[Value]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _popularity(popularity: Floats) -> Floats:
    """float64[n]: logarithms as shares of the largest; NaN and less than 0 count as 0."""
    logarithms: Floats = np.log1p(np.fmax(popularity, 0.0))
    most = float(logarithms.max())
    return logarithms / most if most > 0 else logarithms


def _freshness(released: Floats, now: float) -> Floats:
    """float64[n]: by age in half-lives. `released`: seconds since 1970, NaN where it is not known."""
    released = np.fmax(released, _NEVER)
    if now > 0:
        released = np.minimum(released, now)
    newest = float(released.max())
    if newest == _NEVER:
        return np.zeros(len(released))
    fresh: Floats = np.exp2((released - newest) / _HALF_LIFE_SECONDS)
    return fresh


def _follows_equal(values: npt.NDArray[Any], order: Indices) -> Mask:
    """bool[n - 1]: whether each value but the first, in an order, equals the one before."""
    ordered = values.take(order)
    equal: Mask = ordered[1:] == ordered[:-1]
    return equal
