"""What may be shown in one storefront: masks and prices by product number, made by the search engine.

A shelf lives as long as its view, so that the same filter is put to the catalogue once and not in every call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from actors.index.columns import MISSING
from actors.index.schema import Schema
from actors.index.segments import BranchView
from actors.model.storefront import Storefront
from actors.recommendations.catalogue import Catalogue, Mask
from actors.search.fields import Kind
from actors.search.filter_plan import NO_FILTER, FilterPlan, NoneOf, StockTest, Term
from actors.search.found import Found, columns_of
from actors.search.merchandise import Merchandise
from actors.search.passing import Passing
from actors.search.query import SearchQuery
from actors.search.ruling import Ruling, rule_on
from actors.search.variants import Shown
from protos.v1.common_pb2 import Availability

Prices = npt.NDArray[np.int64]

_Value = TypeVar("_Value", bound=np.generic)

_PLANS_MAX: Final = 32
_VARIANTS_MAX: Final = 8_192
_SHELVES_MAX: Final = 8

_TO_BE_HAD: Final = Term(
    NoneOf(StockTest(Kind.AVAILABILITY, Availability.OUT_OF_STOCK, Availability.OUT_OF_STOCK)),
    frozenset({"availability"}),
)


@dataclass(slots=True)
class _Passed:
    found: list[Passing]
    mask: Mask
    prices: Prices | None = None
    variants: dict[int, Shown] = field(default_factory=dict)
    """By number, of products that were shown."""


class _Shelves:
    """What is kept of a view: it names the view's arrays, never the view itself, and so ends with it."""

    def __init__(self) -> None:
        self.rulings: dict[tuple[Storefront, str], Ruling] = {}
        self.passed: dict[tuple[Storefront, str], dict[FilterPlan, _Passed]] = {}


class Shelf:
    """The products of a view in one storefront, without those that rules hide from everybody."""

    def __init__(
        self,
        catalogue: Catalogue,
        storefront: Storefront,
        ruling: Ruling,
        passed: dict[FilterPlan, _Passed],
    ) -> None:
        self.catalogue = catalogue
        self.storefront = storefront
        self._ruling = ruling
        self._passed = passed
        self._opened: Found | None = None

    @property
    def everything(self) -> FilterPlan:
        """Passes every live product."""
        return NO_FILTER

    def plan(self, asked: FilterPlan, *, includes_out_of_stock: bool) -> FilterPlan:
        """A filter with the conditions of rules, and of being in stock."""
        stock = () if includes_out_of_stock else (_TO_BE_HAD,)
        return FilterPlan(asked.terms + self._ruling.required + stock)

    def mask(self, plan: FilterPlan) -> Mask:
        """bool[D]: the live products that pass. Not to be changed."""
        return self._of(plan).mask

    def prices(self, plan: FilterPlan) -> Prices:
        """int64[D], millionths: of the cheapest row that passes; `MISSING` without any. Not to be changed."""
        passed = self._of(plan)
        if passed.prices is None:
            passed.prices = np.full(self.catalogue.count, MISSING, np.int64)
            for index, one in enumerate(passed.found):
                self._part(passed.prices, index)[_places(one)] = one.prices
        return passed.prices

    def variants(self, numbers: Sequence[int], plan: FilterPlan) -> Mapping[int, Shown]:
        """The variant to show of products that pass, these among them; an empty one of those without variants."""
        if not any(columns_of(one).has_variants for one in self.catalogue.view.segments):
            return {}
        passed = self._of(plan)
        unknown = [number for number in numbers if number not in passed.variants]
        if unknown:
            if len(passed.variants) > _VARIANTS_MAX:
                passed.variants.clear()
                unknown = list(numbers)
            self._find_variants(passed, unknown, is_filtered=bool(plan.terms))
        return passed.variants

    def _find_variants(self, passed: _Passed, numbers: list[int], *, is_filtered: bool) -> None:
        by_segment: dict[int, list[int]] = {}
        for number in numbers:
            passed.variants[number] = ()
            index, ordinal = self.catalogue.spot(number)
            by_segment.setdefault(index, []).append(ordinal)
        for index, ordinals in by_segment.items():
            start = int(self.catalogue.starts[index])
            found = passed.found if is_filtered else None
            for ordinal, one in self._found.shown(index, ordinals, found).items():
                passed.variants[start + ordinal] = one

    def _of(self, plan: FilterPlan) -> _Passed:
        passed = self._passed.get(plan)
        if passed is None:
            if len(self._passed) >= _PLANS_MAX:
                self._passed.clear()
            found = self._found.passing(plan)
            mask = np.zeros(self.catalogue.count, np.bool_)
            for index, one in enumerate(found):
                self._part(mask, index)[_places(one)] = True
            passed = self._passed[plan] = _Passed(found, mask)
        return passed

    @property
    def _found(self) -> Found:
        if self._opened is None:
            view, hidings = self.catalogue.view, self._ruling.hidings
            self._opened = Found(view, self.storefront, None, hidings=hidings)
        return self._opened

    def _part(self, of_all: npt.NDArray[_Value], index: int) -> npt.NDArray[_Value]:
        starts = self.catalogue.starts
        return of_all[int(starts[index]) : int(starts[index + 1])]


def shelf_of(
    view: BranchView,
    storefront: Storefront,
    schema: Schema,
    merchandise: Merchandise,
    *,
    language_code: str,
) -> Shelf:
    """The shelf of a storefront.

    What rules hide or require without regard to words holds here too; their pins and boosts are a search's own.
    """
    shelves = view.own.of(_Shelves)
    key = (storefront, language_code)
    ruling = shelves.rulings.get(key)
    if ruling is None:
        if len(shelves.rulings) >= _SHELVES_MAX:
            shelves.rulings.clear()
            shelves.passed.clear()
        query = SearchQuery(market=storefront.market, language_code=language_code)
        ruling = rule_on(query, schema, merchandise.rules, now_ms=storefront.now_ms)
        shelves.rulings[key] = ruling
    return Shelf(Catalogue(view), storefront, ruling, shelves.passed.setdefault(key, {}))


def _places(found: Passing) -> slice | npt.NDArray[np.int32]:
    ordinals = found.rows.ordinals
    return slice(None) if ordinals is None else ordinals
