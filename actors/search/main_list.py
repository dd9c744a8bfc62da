"""The main list of an answer: all products that match and pass, in their order, with pinned ones in their places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from actors.index.segments import BranchView, Segment
from actors.search.candidates import Candidates, Indices, best_candidates
from actors.search.collapse import Keys, collapse, key_of, keys_of
from actors.search.filter_plan import FilterPlan
from actors.search.found import Found, without
from actors.search.learned import Learned
from actors.search.merchandise import Ranking
from actors.search.order import KeyArray, SortKey, key_arrays, listing_arrays
from actors.search.page import Placed, SegmentProducts, page_by_keys
from actors.search.passing import Passing
from actors.search.pins import Pins, StandingPin
from actors.search.query import DEPTH_MAX, Placing
from actors.search.ranking import Evidence, Ranked, boosted_mask, rank
from actors.search.ruling import PlannedBoost


@dataclass(frozen=True, slots=True)
class Order:
    """How the list is to be ordered."""

    keys: Sequence[SortKey]
    """Empty: by relevance, or on a listing page by what is in stock, popular and new."""
    ranking: Ranking
    boosts: Sequence[PlannedBoost]
    pins: Pins
    collapses: bool
    """Whether copies of one title stand behind all others."""
    explains: bool
    now_ms: int
    learned: Learned


class MainList:
    """The list; only the page that is asked for is made."""

    __slots__ = ("_found", "_order", "_plan", "_view", "total")

    def __init__(self, view: BranchView, found: Found, plan: FilterPlan, order: Order) -> None:
        """`found`: with the pinned products; `plan`: the filters of the request and of rules."""
        self._view = view
        self._found = found
        self._plan = plan
        self._order = order
        self.total = found.count(plan)
        """Products on all pages."""

    def page(self, start: int, stop: int) -> list[Placed]:
        """The products with the numbers `start` to `stop`, from 0."""
        if self._found.matches is not None and not self._order.keys:
            return self._ranked_page(start, stop)
        return self._sorted_page(start, stop)

    def _ranked_page(self, start: int, stop: int) -> list[Placed]:
        """By relevance."""
        pins = self._order.pins
        matches = without(self._found.passing_matches(self._plan), pins.places)
        ranked = self._rank(best_candidates(matches, DEPTH_MAX))
        order, copy_counts = self._collapsed(ranked, stop)
        if not pins.standing:
            copies = None if copy_counts is None else copy_counts[start:stop].tolist()
            return self._ranked_hits(ranked, order[start:stop], copies)
        numbers = list(self._numbers(start, stop, behind=ranked.named_count))
        others = [number for number, pin in numbers if pin is None]
        first, last = (others[0], others[-1] + 1) if others else (0, 0)
        counts = (
            [0] * (len(pins.standing) + len(order)) if copy_counts is None else copy_counts.tolist()
        )
        behind_pins = counts[len(pins.standing) :]
        hits = iter(self._ranked_hits(ranked, order[first:last], behind_pins[first:last]))
        return [
            next(hits) if pin is None else self._pinned(pins.standing[pin], counts[pin])
            for _, pin in numbers
        ]

    def _rank(self, candidates: Candidates) -> Ranked:
        order = self._order
        rows = [
            self._found.some_of(index, candidates.ordinals[start:stop], self._plan)
            for index, start, stop in candidates.parts
        ]
        return rank(
            candidates,
            rows,
            order.ranking,
            order.boosts,
            self._evidence(candidates),
            now_ms=order.now_ms,
            explains=order.explains,
        )

    def _evidence(self, candidates: Candidates) -> Evidence:
        learned = self._order.learned
        popularity = learned.popularity
        return Evidence(
            None if popularity is None else popularity.of_candidates(self._view, candidates),
            None if learned.chosen is None else learned.chosen.among(self._view, candidates),
        )

    def _collapsed(self, ranked: Ranked, stop: int) -> tuple[Indices, Indices | None]:
        """The candidates' places in the order in which they are shown, and how many copies stand behind each.

        The counts are of the pinned products, then of the places in that order; None: nothing has a copy.
        """
        if not self._order.collapses or not ranked.candidates.count:
            return ranked.settled(self._view, stop), None
        pinned = self._order.pins.standing
        of_pins = np.array([key_of(self._view, *one.spot) for one in pinned], np.uint64)
        keys = keys_of(self._view, ranked.candidates)
        fixed_count = len(pinned) + ranked.named_count
        order = ranked.order
        collapsed = collapse(_after(of_pins, keys.take(order)), fixed_count=fixed_count)
        if collapsed is None:
            return ranked.settled(self._view, stop), None
        if ranked.has_ties:
            # The first of some copies may be another product.
            order = ranked.settled(self._view, len(order))
            collapsed = collapse(_after(of_pins, keys.take(order)), fixed_count=fixed_count)
            assert collapsed is not None
        shown = collapsed.order[len(pinned) :] - len(pinned)
        return order.take(shown), collapsed.copy_counts.take(collapsed.order)

    def _ranked_hits(
        self, ranked: Ranked, places: Indices, copy_counts: list[int] | None
    ) -> list[Placed]:
        """The candidates of some places."""
        candidates, segments = ranked.candidates, self._view.segments
        listed = places.tolist()
        ordinals = candidates.ordinals.take(places).tolist()
        scores = ranked.scores.take(places).tolist()
        indices = candidates.segment_indices(listed)
        copies = copy_counts or [0] * len(listed)
        if self._order.explains:
            placings: list[Placing | None] = [ranked.placing(place) for place in listed]
        else:
            placings = [None] * len(listed)
        return [
            Placed(
                index,
                ordinal,
                segments[index].product_id(ordinal),
                score,
                False,
                copy_count,
                placing,
            )
            for index, ordinal, score, copy_count, placing in zip(
                indices, ordinals, scores, copies, placings, strict=True
            )
        ]

    def _sorted_page(self, start: int, stop: int) -> list[Placed]:
        """By the values of fields."""
        products = [
            SegmentProducts(
                segment=segment,
                ordinals=one.rows.ordinals,
                scores=None if self._found.matches is None else self._found.scores(index, one),
                keys=self._keys(segment, one),
            )
            for index, (segment, one) in enumerate(
                zip(self._view.segments, self._found.passing(self._plan), strict=True)
            )
        ]
        pins = self._order.pins.standing
        if not pins:
            return page_by_keys(products, start=start, stop=stop)
        spots = {one.spot for one in pins}
        others = page_by_keys(products, start=0, stop=stop + len(pins))
        others = [one for one in others if (one.segment_index, one.ordinal) not in spots]
        return [
            others[number] if pin_number is None else self._pinned(pins[pin_number], 0)
            for number, pin_number in self._numbers(start, stop, behind=0)
        ]

    def _keys(self, segment: Segment, found: Passing) -> list[KeyArray]:
        if self._order.keys:
            return key_arrays(self._order.keys, found)
        popularity = self._order.learned.popularity
        listed = None
        if popularity is not None and popularity.most:
            listed = popularity.listed(self._view, segment)
        keys = listing_arrays(found, listed)
        if self._order.boosts:
            factors = np.ones(found.rows.product_count)
            for one in self._order.boosts:
                factors[boosted_mask(found, one)] *= one.boost.factor
            keys.insert(0, KeyArray(-factors, None))
        return keys

    def _numbers(self, start: int, stop: int, *, behind: int) -> Iterator[tuple[int, int | None]]:
        """For each place of a page: the number among the unpinned products, or that of a pin."""
        pinned = self._order.pins.standing
        if not pinned:
            yield from ((number, None) for number in range(start, min(stop, self.total)))
            return
        at = self._order.pins.indices(self.total - len(pinned), behind=behind)
        by_index = {index: number for number, index in enumerate(at)}
        before = sum(index < start for index in at)
        for index in range(start, min(stop, self.total)):
            number = by_index.get(index)
            if number is None:
                yield index - before, None
            else:
                before += 1
                yield 0, number

    def _pinned(self, standing: StandingPin, copy_count: int) -> Placed:
        index, ordinal = standing.spot
        return Placed(
            index,
            ordinal,
            self._view.segments[index].product_id(ordinal),
            self._found.score(index, ordinal),
            is_pinned=True,
            copy_count=copy_count,
        )


def _after(first: Keys, keys: Keys) -> Keys:
    return np.concatenate([first, keys]) if len(first) else keys
