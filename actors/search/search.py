"""One search from beginning to end: rules, words, filter, facets, order, page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from actors.index.schema import Schema
from actors.index.segments import BranchView
from actors.model.storefront import Storefront
from actors.search.did_you_mean import did_you_mean
from actors.search.explanation import found_words
from actors.search.facets import FacetPlan, FacetPlanner, count_facet
from actors.search.filter_plan import NO_FILTER, FilterPlan
from actors.search.found import Found, Spot
from actors.search.learned import NOTHING_LEARNED, Learned
from actors.search.main_list import MainList, Order
from actors.search.matching import IDENTIFIER_SCORE
from actors.search.merchandise import NO_SYNONYMS, PLAIN, Merchandise, Ranking
from actors.search.order import SortKey, parse_order
from actors.search.page import Placed
from actors.search.page_token import page_offset, page_token
from actors.search.passing import Passing
from actors.search.pins import NO_PINS, settle_pins
from actors.search.query import (
    DEPTH_MAX,
    RELAXED_BELOW,
    FacetResult,
    FoundWord,
    Hit,
    SearchPage,
    SearchQuery,
    check_query,
    page_size_of,
    relaxed_size_of,
)
from actors.search.related import related
from actors.search.relaxation import holders, relax
from actors.search.ruling import PLANNER, Ruling, rule_on
from actors.search.variants import Shown
from actors.search.widening import TextMatches, match_text
from actors.text.analyzer import Analyzer

_FACET_PLANNER: Final = FacetPlanner()


def search(
    view: BranchView,
    query: SearchQuery,
    schema: Schema,
    merchandise: Merchandise = PLAIN,
    learned: Learned = NOTHING_LEARNED,
    *,
    now_ms: int = 0,
) -> SearchPage:
    """One page of the answer to a query.

    Text finds the products that hold all of its words, and what they may mean where that is too little
    (`widening`); no text finds all products. The order is that of `order_by`, else the best match first
    (`ranking`), or without text what is in stock, popular and new first. Ties are broken by product id. What the
    tenant's rules say of the query comes before all that.

    Args:
        view: where to look.
        query: what is asked.
        schema: the tenant's fields and languages.
        merchandise: what the tenant's merchandisers have decided.
        learned: from visitors' events; the query may ask to leave it out.
        now_ms: milliseconds since 1970: which rules hold, and which prices; 0: not known, none with a window does.

    Raises:
        InvalidArgumentError: some part of the query can never be answered; names it.
    """
    check_query(query)
    plans = _Plans(query, schema)
    ruling = rule_on(query, schema, merchandise.rules, now_ms=now_ms)
    text = None
    synonyms = NO_SYNONYMS if query.without_synonyms else merchandise.synonyms
    if ruling.plan.text and not ruling.plan.text.isspace():
        text = match_text(
            view,
            ruling.plan.text,
            plans.analyzer,
            by_relevance=not plans.order,
            corrects=not query.as_typed,
            synonyms=synonyms.of(query.language_code or schema.language_codes[0]),
        )
    found = _Search(
        view,
        query,
        plans,
        ruling,
        text,
        ranking=merchandise.ranking,
        learned=_asked_for(learned, query),
        now_ms=now_ms,
    )
    return found.page()


def _asked_for(learned: Learned, query: SearchQuery) -> Learned:
    if query.without_learned_popularity:
        learned = replace(learned, popularity=None)
    if query.without_click_evidence:
        learned = replace(learned, chosen=None)
    return learned


class _Plans:
    """The parts of a query, checked."""

    __slots__ = ("analyzer", "facets", "filter", "offset", "order", "page_size", "relaxed_size")

    def __init__(self, query: SearchQuery, schema: Schema) -> None:
        self.analyzer: Analyzer = schema.analyzer(query.language_code)
        self.page_size = page_size_of(query)
        self.relaxed_size = relaxed_size_of(query)
        self.offset = page_offset(query)
        self.filter: FilterPlan = PLANNER.plan(query.filter, schema)
        self.facets: Sequence[FacetPlan] = _FACET_PLANNER.plan(query.facets, schema)
        self.order: tuple[SortKey, ...] = parse_order(query.order_by, schema)


class _Search:
    """What one search has found."""

    __slots__ = (
        "_analyzer",
        "_filter",
        "_found",
        "_list",
        "_pins",
        "_plans",
        "_query",
        "_rule_terms",
        "_ruling",
        "_text",
        "_view",
    )

    def __init__(
        self,
        view: BranchView,
        query: SearchQuery,
        plans: _Plans,
        ruling: Ruling,
        text: TextMatches | None,
        *,
        ranking: Ranking,
        learned: Learned,
        now_ms: int,
    ) -> None:
        """`text`: None for a listing page."""
        self._view = view
        self._query = query
        self._plans = plans
        self._ruling = ruling
        self._text = text
        self._analyzer = plans.analyzer
        storefront = Storefront(query.market, query.price_list, query.store, now_ms)
        self._pins = NO_PINS
        if not plans.order and ruling.has_pins:
            self._pins = settle_pins(view, ruling, plans.filter, storefront, named=_named(text))
        self._found = Found(
            view,
            storefront,
            None if text is None else text.matches,
            hidings=ruling.hidings,
            added=self._pins.places,
        )
        self._rule_terms = ruling.required
        self._filter = self._with_rules(plans.filter)
        order = Order(
            plans.order,
            ranking,
            () if plans.order else ruling.boosts,
            self._pins,
            collapses=ranking.collapses_duplicates and not query.show_duplicates,
            explains=query.explain,
            now_ms=now_ms,
            learned=learned,
        )
        self._list = MainList(view, self._found, self._filter, order)

    def page(self) -> SearchPage:
        """The answer."""
        plans, ruling, text = self._plans, self._ruling.plan, self._text
        total = self._list.total
        stop = min(plans.offset + plans.page_size, DEPTH_MAX)
        placed = self._list.page(plans.offset, stop)
        facets = tuple(map(self._facet, plans.facets))
        beside = _NOTHING_BESIDE
        if text is not None and total < (1 if plans.order else RELAXED_BELOW) and not plans.offset:
            beside = self._beside(text, total)
        return SearchPage(
            hits=self._hits(placed, self._passing_if_filtered()),
            total=total,
            facets=facets,
            next_page_token=page_token(self._query, stop) if stop < min(total, DEPTH_MAX) else "",
            relaxed_hits=beside.relaxed_hits,
            relaxed_total=beside.relaxed_total,
            terms=() if text is None else text.terms,
            corrected_query="" if text is None else text.corrected_query,
            did_you_mean=beside.did_you_mean,
            related_hits=beside.related_hits,
            applied=ruling.applied,
            dropped_pins=self._pins.dropped,
            redirect_url=ruling.redirect_url,
            banners=ruling.banners,
            replaced_query="" if ruling.text == self._query.text else ruling.text,
        )

    def _facet(self, facet: FacetPlan) -> FacetResult:
        """A facet over the main list, without the conditions that it leaves out; rules' own always hold."""
        plan = self._filter
        if facet.excluded:
            plan = self._with_rules(self._plans.filter.without(facet.excluded))
        return count_facet(facet, self._found.passing(plan))

    def _with_rules(self, plan: FilterPlan) -> FilterPlan:
        """A filter with the conditions of rules."""
        return FilterPlan(plan.terms + self._rule_terms) if self._rule_terms else plan

    def _passing_if_filtered(self) -> Sequence[Passing] | None:
        return None if self._filter is NO_FILTER else self._found.passing(self._filter)

    def _beside(self, text: TextMatches, total: int) -> "_Beside":
        """What stands beside a main list that is empty or short."""
        meant = ""
        if not self._query.as_typed:
            meant = did_you_mean(self._view, self._ruling.plan.text, self._analyzer, text)
        count_max = self._plans.relaxed_size
        if not count_max:
            return replace(_NOTHING_BESIDE, did_you_mean=meant)
        passed, allowed = self._found.allowed(self._filter, holders(self._view, text.words))
        relaxed = relax(
            self._view,
            text.words,
            analyzer=self._analyzer,
            main=[match.ordinals for match in self._found.matches or ()],
            allowed=allowed,
            count_max=count_max,
        )
        near: Sequence[Placed] = ()
        if not total and not relaxed.total:
            passed = self._found.live(self._filter)
            near = related(
                self._view, text.words, passed, analyzer=self._analyzer, count_max=count_max
            )
        return _Beside(
            relaxed_hits=self._hits(relaxed.placed, passed, relaxed.missing),
            relaxed_total=relaxed.total,
            related_hits=self._hits(near, passed),
            did_you_mean=meant,
        )

    def _hits(
        self,
        placed: Sequence[Placed],
        found: Sequence[Passing] | None,
        missing: Sequence[tuple[str, ...]] | None = None,
    ) -> tuple[Hit, ...]:
        """Hits, with the variants to show.

        Args:
            placed: the products.
            found: by segment, what has passed the filter, these among it; None: there is no filter.
            missing: of relaxed hits, the words that each does not hold.
        """
        words = self._words(placed)
        shown: list[Mapping[int, Shown]] = [
            self._found.shown(
                index, [one.ordinal for one in placed if one.segment_index == index], found
            )
            for index in range(len(self._view.segments))
        ]
        return tuple(
            [
                Hit(
                    one.product_id,
                    one.score,
                    one.segment_index,
                    one.ordinal,
                    *(shown[one.segment_index].get(one.ordinal) or (-1, 0)),
                    one.is_pinned,
                    one.copy_count,
                    missing[number] if missing else (),
                    one.placing,
                    words[number] if words else (),
                )
                for number, one in enumerate(placed)
            ]
        )

    def _words(self, placed: Sequence[Placed]) -> list[tuple[FoundWord, ...]]:
        """How products hold the words where these are why they are there; nothing at all where nobody asks."""
        if not self._query.explain or self._text is None:
            return []
        spots = [(one.segment_index, one.ordinal) for one in placed if one.score > 0]
        found = iter(found_words(self._view, self._text.words, spots))
        return [next(found) if one.score > 0 else () for one in placed]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside a main list."""

    relaxed_hits: tuple[Hit, ...] = ()
    relaxed_total: int = 0
    related_hits: tuple[Hit, ...] = ()
    did_you_mean: str = ""


_NOTHING_BESIDE: Final = _Beside()


def _named(text: TextMatches | None) -> frozenset[Spot]:
    """The products that a text names by an identifier."""
    if text is None:
        return frozenset()
    return frozenset(
        (index, ordinal)
        for index, match in enumerate(text.matches)
        for ordinal in match.ordinals[match.scores >= IDENTIFIER_SCORE].tolist()
    )
