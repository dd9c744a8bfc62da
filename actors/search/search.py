"""One search from beginning to end: words, filter, facets, order, page."""

from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from actors.index.columns import Columns, open_columns
from actors.index.schema import Schema
from actors.index.segments import BranchView, Segment
from actors.search.facets import FacetPlan, count_facet, plan_facets
from actors.search.filter_plan import NO_FILTER, FilterPlan, FilterPlanner
from actors.search.matching import MatchHit, SegmentMatches, match_all, match_any
from actors.search.order import SortKey, key_arrays, listing_arrays, parse_order
from actors.search.page import Placed, SegmentProducts, page_by_keys, page_by_score
from actors.search.page_token import page_offset, page_token
from actors.search.passing import Passing, passing
from actors.search.query import (
    DEPTH_MAX,
    RELAXED_BELOW,
    FacetResult,
    Hit,
    SearchPage,
    SearchQuery,
    check_query,
    page_size_of,
    relaxed_size_of,
)
from actors.search.rows import Ordinals, Rows
from actors.search.variants import shown_variants
from actors.text.analyzer import QueryTerms, analyzer_of

_PLANNER: Final = FilterPlanner()

_COLUMNS: Final[WeakKeyDictionary[Segment, Columns]] = WeakKeyDictionary()
"""Columns live as long as the segment object, which lives as long as its view."""


Shown = tuple[int, int] | tuple[()]
"""A variant's index and how many pass; nothing for a product without variants."""

_VARIANTS: Final[WeakKeyDictionary[Segment, dict[str, dict[int, Shown]]]] = WeakKeyDictionary()
_VARIANTS_MAX: Final = 8_192
_MARKETS_MAX: Final = 16


def search(view: BranchView, query: SearchQuery, schema: Schema) -> SearchPage:
    """One page of the answer to a query.

    Text finds the products that hold all of its words; no text finds all products. The order is that
    of `order_by`, else the best match first, or without text what is in stock, popular and new first.
    Ties are broken by product id.

    Raises:
        InvalidArgumentError: some part of the query can never be answered; names it.
    """
    check_query(query)
    plans = _Plans(query, schema)
    if not query.text or query.text.isspace():
        return _Search(view, query, plans, terms=None).page()
    language_code = query.language_code or schema.language_codes[0]
    terms = analyzer_of(language_code).analyze_query(query.text)
    return _Search(view, query, plans, terms=terms).page()


class _Plans:
    """The parts of a query, checked."""

    __slots__ = ("facets", "filter", "offset", "order", "page_size", "relaxed_size")

    def __init__(self, query: SearchQuery, schema: Schema) -> None:
        self.page_size = page_size_of(query)
        self.relaxed_size = relaxed_size_of(query)
        self.offset = page_offset(query)
        self.filter: FilterPlan = _PLANNER.plan(query.filter, schema)
        self.facets: Sequence[FacetPlan] = plan_facets(query.facets, schema)
        self.order: tuple[SortKey, ...] = parse_order(query.order_by, schema)


class _Search:
    """What one search has found so far."""

    __slots__ = ("_found", "_matches", "_plans", "_query", "_terms", "_view")

    def __init__(
        self, view: BranchView, query: SearchQuery, plans: _Plans, *, terms: QueryTerms | None
    ) -> None:
        """`terms`: None for a listing page."""
        self._view = view
        self._query = query
        self._plans = plans
        self._terms = terms
        self._matches: list[SegmentMatches] | None = None
        if terms is not None:
            self._matches = match_all(view, terms.terms, identifier=terms.identifier)
        self._found: dict[FilterPlan, list[Passing]] = {}

    def page(self) -> SearchPage:
        """The answer."""
        plans = self._plans
        stop = min(plans.offset + plans.page_size, DEPTH_MAX)
        placed, total = self._placed(plans.offset, stop)
        facets: tuple[FacetResult, ...] = ()
        if plans.facets:
            facets = tuple(
                count_facet(facet, self._passing(plans.filter.without(facet.excluded)))
                for facet in plans.facets
            )
        relaxed: tuple[Hit, ...] = ()
        relaxed_total = 0
        if total < min(RELAXED_BELOW, plans.relaxed_size) and plans.offset == 0:
            relaxed, relaxed_total = self._relaxed()
        return SearchPage(
            hits=self._hits(placed),
            total=total,
            facets=facets,
            next_page_token=page_token(self._query, stop) if stop < min(total, DEPTH_MAX) else "",
            relaxed_hits=relaxed,
            relaxed_total=relaxed_total,
            terms=() if self._terms is None else self._terms.terms,
        )

    def _placed(self, start: int, stop: int) -> tuple[Sequence[Placed], int]:
        """The page's products, and how many there are on all pages."""
        plans = self._plans
        by_relevance = self._matches is not None and not plans.order
        if by_relevance and plans.filter is NO_FILTER:
            assert self._matches is not None
            total = sum(len(match.ordinals) for match in self._matches)
            return page_by_score(self._matches, start=start, stop=stop), total
        found = self._passing(plans.filter)
        total = sum(one.rows.product_count for one in found)
        if by_relevance:
            return page_by_score(self._kept_matches(found), start=start, stop=stop), total
        products = [
            SegmentProducts(
                segment=segment,
                ordinals=one.rows.ordinals,
                scores=None if self._matches is None else self._scores(index, one),
                keys=key_arrays(plans.order, one) if plans.order else listing_arrays(one),
            )
            for index, (segment, one) in enumerate(zip(self._view.segments, found, strict=True))
        ]
        return page_by_keys(products, start=start, stop=stop), total

    def _kept_matches(self, found: Sequence[Passing]) -> list[SegmentMatches]:
        """The matches that pass the filter."""
        kept = []
        for index, (segment, one) in enumerate(zip(self._view.segments, found, strict=True)):
            assert one.rows.ordinals is not None
            kept.append(SegmentMatches(segment, one.rows.ordinals, self._scores(index, one)))
        return kept

    def _scores(self, index: int, found: Passing) -> npt.NDArray[np.float32]:
        """The scores of the matches that pass the filter in one segment."""
        assert self._matches is not None
        match = self._matches[index]
        ordinals = found.rows.ordinals
        if ordinals is None or len(ordinals) == len(match.ordinals):
            return match.scores
        return match.scores.take(match.ordinals.searchsorted(ordinals))

    def _passing(self, plan: FilterPlan) -> list[Passing]:
        """The matches that pass a filter, by segment."""
        found = self._found.get(plan)
        if found is None:
            found = self._found[plan] = [
                passing(self._rows(index), plan, self._query.market)
                for index in range(len(self._view.segments))
            ]
        return found

    def _rows(self, index: int) -> Rows:
        """All rows of a segment's matches."""
        if self._matches is None:
            return self._live_rows(index)
        return Rows.of(self._columns_of(index), self._matches[index].ordinals)

    def _live_rows(self, index: int) -> Rows:
        alive = self._view.segments[index].alive
        ordinals: Ordinals | None = None
        if alive is not None:
            ordinals = np.flatnonzero(alive).astype(np.int32)
        return Rows.of(self._columns_of(index), ordinals)

    def _columns_of(self, index: int) -> Columns:
        return columns_of(self._view.segments[index])

    def _relaxed(self) -> tuple[tuple[Hit, ...], int]:
        """Products that hold some of the words only, and pass the filter; and how many there are."""
        if self._terms is None or self._matches is None or len(self._terms.terms) < 2:
            return (), 0
        plan = self._plans.filter
        live: list[Passing] | None = None
        allowed = None
        if plan is not NO_FILTER:
            live = [
                passing(self._live_rows(index), plan, self._query.market)
                for index in range(len(self._view.segments))
            ]
            allowed = [_mask(one.rows) for one in live]
        relaxed = match_any(
            self._view,
            self._terms.terms,
            exclude=[match.ordinals for match in self._matches],
            allowed=allowed,
            count_max=self._plans.relaxed_size,
        )
        return self._hits(relaxed.hits, live), relaxed.total

    def _hits(
        self, placed: Sequence[Placed | MatchHit], found: Sequence[Passing] | None = None
    ) -> tuple[Hit, ...]:
        """The hits of a page, with the variants to show."""
        shown: list[Mapping[int, Shown]] = [
            self._shown(index, [one.ordinal for one in placed if one.segment_index == index], found)
            for index in range(len(self._view.segments))
        ]
        return tuple(
            [
                Hit(
                    one.product_id,
                    one.score,
                    one.segment_index,
                    one.ordinal,
                    *shown[one.segment_index].get(one.ordinal, ()),
                )
                for one in placed
            ]
        )

    def _shown(
        self, index: int, ordinals: list[int], found: Sequence[Passing] | None
    ) -> Mapping[int, Shown]:
        if not ordinals or not self._columns_of(index).has_variants:
            return {}
        if found is None and self._plans.filter is not NO_FILTER:
            found = self._found[self._plans.filter]
        if found is not None:
            return shown_variants(found[index], ordinals)
        known = _unfiltered_variants(self._view.segments[index], self._query.market)
        unknown = [ordinal for ordinal in ordinals if ordinal not in known]
        if unknown:
            rows = Rows.of(self._columns_of(index), np.array(sorted(unknown), np.int32))
            known.update(dict.fromkeys(unknown, ()))
            known.update(shown_variants(Passing(rows, self._query.market), unknown))
        return known


def _unfiltered_variants(segment: Segment, market: str) -> dict[int, Shown]:
    """What is known of the variants shown where no filter chooses among them, by ordinal."""
    by_market = _VARIANTS.get(segment)
    if by_market is None:
        by_market = _VARIANTS[segment] = {}
    known = by_market.get(market)
    if known is None or len(known) > _VARIANTS_MAX:
        if len(by_market) >= _MARKETS_MAX:
            by_market.clear()
        known = by_market[market] = {}
    return known


def columns_of(segment: Segment) -> Columns:
    """The segment's columns, opened once for all searches of its view."""
    columns = _COLUMNS.get(segment)
    if columns is None:
        columns = open_columns(segment.arrays, segment.prefix, segment.layout)
        _COLUMNS[segment] = columns
    return columns


def _mask(rows: Rows) -> npt.NDArray[np.bool_]:
    """bool[P]: which products of the segment are among the rows'."""
    count = rows.columns.layout.product_count
    if rows.ordinals is None:
        return np.ones(count, np.bool_)
    mask = np.zeros(count, np.bool_)
    mask[rows.ordinals] = True
    return mask
