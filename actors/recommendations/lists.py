"""The lists of a call: which products may stand in each, and which sources fill it, in which order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from actors.index.columns import MISSING
from actors.recommendations import offers
from actors.recommendations.asked import AskedPlacement
from actors.recommendations.catalogue import Floats, Mask
from actors.recommendations.content import SOURCES_MAX
from actors.recommendations.filling import Filling, Limits, Pick, without
from actors.recommendations.offers import Offer, Wanted
from actors.recommendations.question import HISTORY_MAX, Question
from actors.search.filter_plan import FilterPlan
from protos.v1.recommend_pb2 import Placement, Recommendation

_OFFERED_MIN: Final = 64
"""Products that are offered at a time: a few more than a list has room for, since limits leave some out."""

_Offering = Callable[[Wanted], Offer]

_SESSIONS: Final = frozenset({Recommendation.SESSION_KNN, Recommendation.SUCCESSORS})
OWN_SOURCES: Final = MappingProxyType(
    {
        Placement.NEXT: _SESSIONS,
        Placement.ALSO_VIEWED: _SESSIONS,
        Placement.BOUGHT_TOGETHER: frozenset({Recommendation.CO_PURCHASE}),
        Placement.SIMILAR: frozenset({Recommendation.CONTENT}),
        Placement.POPULAR: frozenset(
            {Recommendation.POPULARITY, Recommendation.CATEGORY_POPULARITY}
        ),
        Placement.TRENDING: frozenset({Recommendation.TREND}),
        Placement.PERSONAL: _SESSIONS | {Recommendation.CO_PURCHASE, Recommendation.CONTENT},
        Placement.RECENTLY_VIEWED: frozenset({Recommendation.RECENT}),
    }
)
"""What each strategy is made of. Whatever else is in its list fills it up, and is marked."""


@dataclass(frozen=True, slots=True)
class FilledList:
    """One list of the answer."""

    asked: AskedPlacement
    plan: FilterPlan
    """What its products pass."""
    picks: list[Pick]
    anchors: list[bytes]
    """Products that it is about, the most important first."""

    def is_fallback(self, pick: Pick) -> bool:
        """Whether a product is there only because its list would have been short."""
        if pick.source == Recommendation.PINNED:
            return False
        is_unpopular = pick.source == Recommendation.CATEGORY_POPULARITY and not pick.score
        return is_unpopular or pick.source not in OWN_SOURCES[self.asked.strategy]


def fill_lists(question: Question, placements: Sequence[AskedPlacement]) -> list[FilledList]:
    """All lists, in order: what stands in one is not in those after it."""
    taken = question.numbers(question.moment.page)
    filled = []
    for asked in placements:
        one = _ListMaker(question, asked, taken).fill()
        taken += [pick.number for pick in one.picks]
        filled.append(one)
    return filled


class _ListMaker:
    """Fills one list."""

    def __init__(self, question: Question, asked: AskedPlacement, taken: Sequence[int]) -> None:
        self._question = question
        self._asked = asked
        self._plan = question.shelf.plan(
            asked.filter, includes_out_of_stock=asked.includes_out_of_stock
        )
        self._allowed = without(self._within_rules(), list(taken))
        """bool[D]: what passes everything that was asked, and stands nowhere else."""

        self._factors = self._read_factors()
        self._products = self._read_products()
        """What the list is about, oldest first."""

    def fill(self) -> FilledList:
        """The list."""
        asked = self._asked
        filling = self._filled(self._unwanted_left_out())
        if not filling.picks and not asked.is_strict and self._allowed.any():
            # Rather what the visitor knows already than nothing.
            filling = self._filled(self._allowed)
        return FilledList(asked, self._plan, filling.picks, self._anchors)

    def _filled(self, open_mask: Mask) -> Filling:
        asked = self._asked
        filling = Filling(
            self._question.catalogue,
            Limits(
                size=asked.size,
                diversity=asked.diversity,
                brand_count_max=asked.brand_count_max,
                category_count_max=asked.category_count_max,
            ),
        )
        for number in self._question.numbers(asked.pins):
            if self._allowed[number]:
                filling.pin(number)
        count = max(_OFFERED_MIN, 4 * asked.size)
        for offering in self._offerings():
            if not filling.room:
                break
            wanted = Wanted(open_mask, self._factors, count)
            offer = offering(wanted)
            filling.take(self._own_of(offer))
            if filling.room and offer.is_cut:
                everything = replace(wanted, count=self._question.catalogue.count)
                filling.take(self._own_of(offering(everything)))
        filling.finish()
        return filling

    def _own_of(self, offer: Offer) -> Offer:
        """What of an offer may stand in the list: of a strict one its own sources' alone."""
        if not self._asked.is_strict:
            return offer
        own = np.isin(offer.sources, list(OWN_SOURCES[self._asked.strategy]))
        return Offer(offer.numbers[own], offer.scores[own], offer.sources[own], offer.is_cut)

    def _offerings(self) -> Iterator[_Offering]:
        """The sources in their order; the last ones have all of the catalogue."""
        question, strategy = self._question, self._asked.strategy
        by_evidence = partial(self._by_evidence, self._products)
        alike = partial(offers.alike, question, self._alike_to)
        match strategy:
            case Placement.SIMILAR:
                yield alike
            case Placement.POPULAR:
                if question.categories:
                    yield partial(offers.popular, question, is_own=True)
            case Placement.TRENDING:
                yield partial(offers.trending, question)
            case Placement.BOUGHT_TOGETHER:
                yield partial(offers.bought_together, question, self._products)
                yield by_evidence
                yield alike
            case Placement.RECENTLY_VIEWED:
                yield partial(offers.recent, question)
                yield by_evidence
                yield alike
            case _:
                yield by_evidence
                yield alike
        if not (self._asked.is_strict and strategy == Placement.POPULAR):
            yield partial(offers.popular, question, is_own=False)
        yield partial(offers.popular_everywhere, question)
        yield partial(offers.listed, question)

    def _by_evidence(self, products: Sequence[bytes], wanted: Wanted) -> Offer:
        question = self._question
        found = offers.sessions(question, products, wanted, is_novel=not self._asked.includes_seen)
        own = OWN_SOURCES[self._asked.strategy]
        is_strict = self._asked.is_strict and Recommendation.CONTENT not in own
        if is_strict or offers.are_enough(question, products, found, wanted):
            return found
        like = offers.alike(question, self._alike_to, wanted)
        return offers.by_evidence(question, products, found, like)

    @property
    def _alike_to(self) -> list[bytes]:
        """What its products are compared with by content: the first product, or what a person is interested in."""
        is_personal = self._asked.strategy in {Placement.PERSONAL, Placement.RECENTLY_VIEWED}
        return self._anchors[: SOURCES_MAX if is_personal else 1]

    @property
    def _anchors(self) -> list[bytes]:
        return list(dict.fromkeys(reversed(self._products)))

    def _read_products(self) -> list[bytes]:
        """What the list is about, oldest first: the strategy says where to look first."""
        question = self._question
        moment = question.moment
        page = list(reversed(moment.page))
        cart = list(reversed(moment.cart))
        history = list(reversed(question.recent[:HISTORY_MAX]))
        by_strategy = {
            Placement.ALSO_VIEWED: (page, cart, question.session),
            Placement.SIMILAR: (page, cart, question.session),
            Placement.BOUGHT_TOGETHER: ([*cart, *page], question.session),
            Placement.PERSONAL: (history, cart),
            Placement.RECENTLY_VIEWED: (history, cart),
        }
        orders = by_strategy.get(self._asked.strategy, (question.session, cart, history))
        return next((products for products in orders if products), [])

    def _within_rules(self) -> Mask:
        """bool[D]: what passes the filter, lies in the price band, and in the category that is wanted."""
        question, asked = self._question, self._asked
        mask = question.shelf.mask(self._plan)
        if asked.price_ratio_min is not None or asked.price_ratio_max is not None:
            mask = mask & self._price_band()
        if asked.category_rule and question.same_category is not None:
            same = question.same_category
            mask = mask & (same if asked.category_rule == Placement.SAME else ~same)
        return mask

    def _price_band(self) -> Mask:
        question, asked = self._question, self._asked
        price = question.price
        if price == MISSING:
            return np.ones(question.catalogue.count, np.bool_)
        prices = question.shelf.prices(self._plan)
        low, high = asked.price_ratio_min, asked.price_ratio_max
        band: Mask = prices != MISSING
        if low is not None:
            band &= prices >= low * price
        if high is not None:
            band &= prices <= high * price
        return band

    def _unwanted_left_out(self) -> Mask:
        """bool[D]: without what the visitor has seen, has in the cart or has bought, unless that is wanted."""
        question, asked = self._question, self._asked
        unwanted: set[bytes] = set()
        if not asked.includes_seen and asked.strategy != Placement.RECENTLY_VIEWED:
            unwanted.update(question.session)
        if not asked.includes_bought:
            unwanted.update(question.moment.cart, question.history.bought)
        return without(self._allowed, question.numbers(sorted(unwanted)))

    def _read_factors(self) -> Floats | None:
        if not self._asked.factors:
            return None
        factors = np.ones(self._question.catalogue.count)
        for one in self._asked.factors:
            factors[self._question.shelf.mask(one.plan)] *= one.factor
        return factors
