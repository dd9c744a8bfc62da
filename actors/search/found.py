"""What a search has found, segment by segment: its matches, and those of them that pass a filter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from actors.index.columns import Columns, open_columns
from actors.index.products import id_hashes
from actors.index.segments import BranchView, Segment
from actors.model.storefront import Storefront
from actors.search.filter_plan import NO_FILTER, FilterPlan
from actors.search.matching import SegmentMatches
from actors.search.passing import Passing, passing
from actors.search.rows import Ordinals, Rows
from actors.search.ruling import PlannedHiding
from actors.search.variants import Shown, shown_variants

_COLUMNS: Final[WeakKeyDictionary[Segment, Columns]] = WeakKeyDictionary()
"""Columns live as long as the segment object, which lives as long as its view."""

_VARIANTS: Final[WeakKeyDictionary[Segment, dict[Storefront, dict[int, Shown]]]] = (
    WeakKeyDictionary()
)
_VARIANTS_MAX: Final = 8_192
_STOREFRONTS_MAX: Final = 16

Places = Mapping[int, Ordinals]
"""By the index of a segment: ordinals, int32, ascending."""

NOWHERE: Final[Places] = {}

_NONE: Final = np.empty(0, np.int32)

Spot = tuple[int, int]
"""The index of a segment and an ordinal in it."""


class Found:
    """The products that match, hidden ones left out; filters are put to each segment once."""

    __slots__ = (
        "_hidden",
        "_hidings",
        "_kept",
        "_live",
        "_passing",
        "_storefront",
        "_view",
        "matches",
    )

    def __init__(
        self,
        view: BranchView,
        storefront: Storefront,
        matches: Sequence[SegmentMatches] | None,
        *,
        hidings: Sequence[PlannedHiding] = (),
        added: Places = NOWHERE,
    ) -> None:
        """Put hidden and added products aside or among the matches.

        Args:
            view: where to look.
            storefront: where it is asked.
            matches: of the words, one for each segment; None: all products match.
            hidings: of products that are not found, whatever they match and pass.
            added: products that are found though they may not match; their scores are 0 then.
        """
        self._view = view
        self._storefront = storefront
        self._hidings = hidings
        named = sorted({one for hiding in hidings for one in hiding.hiding.product_ids})
        self._hidden = _places_of_ids(view, named)
        self._kept = [_places_of_ids(view, sorted(one.hiding.kept_ids)) for one in hidings]
        self._passing: dict[FilterPlan, list[Passing]] = {}
        self._live: dict[int, Rows] = {}
        if matches is not None and (hidings or added):
            matches = [
                _with(self._visible(index, match), added.get(index))
                for index, match in enumerate(matches)
            ]
        self.matches = matches
        """Of the words; None: all products match."""

    def passing(self, plan: FilterPlan) -> list[Passing]:
        """The matches that pass a filter, by segment."""
        found = self._passing.get(plan)
        if found is None:
            found = self._passing[plan] = [
                passing(self._rows(index), plan, self._storefront)
                for index in range(len(self._view.segments))
            ]
        return found

    def passing_matches(self, plan: FilterPlan) -> Sequence[SegmentMatches]:
        """The matches of the words that pass a filter, with their scores."""
        assert self.matches is not None
        if plan is NO_FILTER:
            return self.matches
        kept = []
        for index, (match, one) in enumerate(zip(self.matches, self.passing(plan), strict=True)):
            assert one.rows.ordinals is not None
            kept.append(SegmentMatches(match.segment, one.rows.ordinals, self.scores(index, one)))
        return kept

    def count(self, plan: FilterPlan) -> int:
        """How many matches pass a filter."""
        if self.matches is not None and plan is NO_FILTER:
            return sum(len(match.ordinals) for match in self.matches)
        return sum(one.rows.product_count for one in self.passing(plan))

    def score(self, index: int, ordinal: int) -> float:
        """The score of one match; 0 on a listing page."""
        if self.matches is None:
            return 0.0
        match = self.matches[index]
        return float(match.scores[match.ordinals.searchsorted(ordinal)])

    def scores(self, index: int, found: Passing) -> npt.NDArray[np.float32]:
        """The scores of the matches that pass a filter in one segment."""
        assert self.matches is not None
        match = self.matches[index]
        ordinals = found.rows.ordinals
        if ordinals is None or len(ordinals) == len(match.ordinals):
            return match.scores
        return match.scores.take(match.ordinals.searchsorted(ordinals))

    def some_of(self, index: int, ordinals: Ordinals, plan: FilterPlan) -> Passing:
        """Some products of a segment that pass a filter, with the rows by which they do.

        Args:
            index: of the segment.
            ordinals: int32, ascending; all of them pass.
            plan: the filter.
        """
        if plan is NO_FILTER:
            return Passing(Rows.of(self.columns(index), ordinals), self._storefront)
        rows = self.passing(plan)[index].rows
        places = ordinals if rows.ordinals is None else rows.ordinals.searchsorted(ordinals)
        return Passing(rows.select(places.astype(np.int64)), self._storefront)

    def allowed(
        self, plan: FilterPlan, among: Iterable[Ordinals]
    ) -> tuple[list[Passing] | None, list[npt.NDArray[np.bool_] | None]]:
        """Of some products those that pass a filter and are not hidden, by segment, and bool[P] of them for each.

        `among` is for each segment int32, ascending; it is not read when all may be shown. Then there is None in
        place of both.
        """
        if plan is NO_FILTER and not self._hidings:
            return None, [None for _ in self._view.segments]
        passed = [
            passing(self._visible_rows(index, ordinals), plan, self._storefront)
            for index, ordinals in enumerate(among)
        ]
        return passed, [_mask(one.rows) for one in passed]

    def live(self, plan: FilterPlan) -> list[Passing]:
        """Of all live products, matches or not, those that pass a filter and are not hidden, by segment."""
        return [
            passing(self._live_rows(index), plan, self._storefront)
            for index in range(len(self._view.segments))
        ]

    def shown(
        self, index: int, ordinals: list[int], found: Sequence[Passing] | None
    ) -> Mapping[int, Shown]:
        """The variants to show of products of one segment, by ordinal.

        Args:
            index: of the segment.
            ordinals: of the products.
            found: by segment, what has passed the filter, these among it; None: there is no filter.
        """
        columns = self.columns(index)
        if not ordinals or not columns.has_variants:
            return {}
        if found is not None:
            return shown_variants(found[index], ordinals)
        known = _unfiltered_variants(
            self._view.segments[index], columns.inventory.fixed(self._storefront)
        )
        unknown = [ordinal for ordinal in ordinals if ordinal not in known]
        if unknown:
            rows = Rows.of(columns, np.array(sorted(unknown), np.int32))
            known.update(dict.fromkeys(unknown, ()))
            known.update(shown_variants(Passing(rows, self._storefront), unknown))
        return known

    def columns(self, index: int) -> Columns:
        """The columns of a segment."""
        return columns_of(self._view.segments[index])

    def _rows(self, index: int) -> Rows:
        """All rows of a segment's matches."""
        if self.matches is None:
            return self._live_rows(index)
        return Rows.of(self.columns(index), self.matches[index].ordinals)

    def _live_rows(self, index: int) -> Rows:
        """All rows of a segment's live products that are not hidden."""
        rows = self._live.get(index)
        if rows is None:
            rows = self._live[index] = self._read_live_rows(index)
        return rows

    def _read_live_rows(self, index: int) -> Rows:
        alive = self._view.segments[index].alive
        return self._visible_rows(
            index, None if alive is None else np.flatnonzero(alive).astype(np.int32)
        )

    def _visible_rows(self, index: int, ordinals: Ordinals | None) -> Rows:
        """All rows of those products of a segment (None: of all) that are not hidden."""
        rows = Rows.of(self.columns(index), ordinals)
        hidden = self._hidden_among(index, rows) if self._hidings else _NONE
        if not len(hidden):
            return rows
        if ordinals is None:
            ordinals = np.arange(rows.product_count, dtype=np.int32)
        return Rows.of(rows.columns, np.setdiff1d(ordinals, hidden, assume_unique=True))

    def _visible(self, index: int, match: SegmentMatches) -> SegmentMatches:
        """The matches of a segment that are not hidden."""
        if not self._hidings:
            return match
        return _less(match, self._hidden_among(index, Rows.of(self.columns(index), match.ordinals)))

    def _hidden_among(self, index: int, rows: Rows) -> Ordinals:
        """int32, ascending: the products of a segment that are hidden by their ids or, of those in `rows`, by filters.

        A filter hides a product as a whole when any of its variants passes.
        """
        hidden = [self._hidden.get(index, _NONE)]
        for one, kept in zip(self._hidings, self._kept, strict=True):
            if one.plan is None:
                continue
            passed = passing(rows, one.plan, self._storefront).rows.ordinals
            if passed is None:
                passed = np.arange(rows.product_count, dtype=np.int32)
            hidden.append(np.setdiff1d(passed, kept.get(index, _NONE)))
        return np.unique(np.concatenate(hidden))


def find_products(view: BranchView, product_ids: Sequence[bytes]) -> list[Spot | None]:
    """Where each live product is; None where there is none of that id."""
    spots: list[Spot | None] = [None] * len(product_ids)
    if not product_ids:
        return spots
    hashes = id_hashes(product_ids)
    for index, segment in enumerate(view.segments):
        ordinals = segment.products.find_ids(product_ids, hashes)
        for place in np.flatnonzero(ordinals >= 0).tolist():
            ordinal = int(ordinals[place])
            if segment.alive is None or segment.alive[ordinal]:
                spots[place] = (index, ordinal)
    return spots


def _places_of_ids(view: BranchView, product_ids: Sequence[bytes]) -> Places:
    return places_of(spot for spot in find_products(view, product_ids) if spot is not None)


def places_of(spots: Iterable[Spot]) -> Places:
    """Spots by segment."""
    by_segment: dict[int, list[int]] = {}
    for index, ordinal in spots:
        by_segment.setdefault(index, []).append(ordinal)
    return {index: np.array(sorted(of_one), np.int32) for index, of_one in by_segment.items()}


def columns_of(segment: Segment) -> Columns:
    """The segment's columns, opened once for all searches of its view."""
    columns = _COLUMNS.get(segment)
    if columns is None:
        columns = open_columns(segment.arrays, segment.prefix, segment.layout)
        _COLUMNS[segment] = columns
    return columns


def without(matches: Sequence[SegmentMatches], places: Places) -> Sequence[SegmentMatches]:
    """The matches but for some products."""
    if not places:
        return matches
    return [_less(match, places.get(index)) for index, match in enumerate(matches)]


def _less(match: SegmentMatches, hidden: Ordinals | None) -> SegmentMatches:
    if hidden is None:
        return match
    places, is_there = _places_in(match, hidden)
    if not is_there.any():
        return match
    kept = np.ones(len(match.ordinals), np.bool_)
    kept[places[is_there]] = False
    return SegmentMatches(match.segment, match.ordinals[kept], match.scores[kept])


def _with(match: SegmentMatches, added: Ordinals | None) -> SegmentMatches:
    if added is None:
        return match
    places, is_there = _places_in(match, added)
    if is_there.all():
        return match
    places, added = places[~is_there], added[~is_there]
    return SegmentMatches(
        match.segment,
        np.insert(match.ordinals, places, added),
        np.insert(match.scores, places, 0.0),
    )


def _places_in(
    match: SegmentMatches, ordinals: Ordinals
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where products stand among the matches or would stand, and whether they do."""
    places = match.ordinals.searchsorted(ordinals)
    if not len(match.ordinals):
        return places, np.zeros(len(ordinals), np.bool_)
    at = np.minimum(places, len(match.ordinals) - 1)
    return places, match.ordinals.take(at) == ordinals


def _unfiltered_variants(segment: Segment, storefront: Storefront) -> dict[int, Shown]:
    """What is known of the variants shown where no filter chooses among them, by ordinal."""
    by_storefront = _VARIANTS.get(segment)
    if by_storefront is None:
        by_storefront = _VARIANTS[segment] = {}
    known = by_storefront.get(storefront)
    if known is None or len(known) > _VARIANTS_MAX:
        if len(by_storefront) >= _STOREFRONTS_MAX:
            by_storefront.clear()
        known = by_storefront[storefront] = {}
    return known


def _mask(rows: Rows) -> npt.NDArray[np.bool_]:
    """bool[P]: which products of the segment are among the rows'."""
    count = rows.columns.layout.product_count
    if rows.ordinals is None:
        return np.ones(count, np.bool_)
    mask = np.zeros(count, np.bool_)
    mask[rows.ordinals] = True
    return mask
