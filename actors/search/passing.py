"""Which products of a segment pass a filter, and what each of them costs."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from actors.index.columns import MISSING
from actors.search.filter_masks import mask_of
from actors.search.filter_plan import FilterPlan
from actors.search.rows import Rows

Prices = npt.NDArray[np.int64]

_NO_PRICES = np.zeros(0, np.int64)
_COSTLIEST = (1 << 63) - 1


@dataclass(slots=True)
class Passing:
    """The products that pass, with the rows by which they do."""

    rows: Rows
    market: str
    _prices: Prices | None = field(default=None)

    @property
    def prices(self) -> Prices:
        """int64[n], millionths: the price of each product's cheapest row; `MISSING` without any."""
        if self._prices is None:
            self._prices = product_prices(self.rows, self.market)
        return self._prices


def passing(rows: Rows, plan: FilterPlan, market: str) -> Passing:
    """The products and rows that pass a filter.

    The terms that mention the price come last: they are about the cheapest row that all others have
    let through.
    """
    for term in plan.terms:
        if not term.asks_price:
            rows = rows.only(mask_of(term.test, rows, _NO_PRICES))
    price_terms = [term for term in plan.terms if term.asks_price]
    if not price_terms:
        return Passing(rows, market)
    prices = rows.spread(product_prices(rows, market))
    mask = np.logical_and.reduce([mask_of(term.test, rows, prices) for term in price_terms])
    kept = rows.only(mask)
    if kept is not rows:
        prices = prices[mask]
    return Passing(kept, market, prices.take(kept.first_rows()))


def product_prices(rows: Rows, market: str) -> Prices:
    """int64[n], millionths: what the cheapest of each product's rows costs; `MISSING` without any."""
    prices = rows.columns.inventory.price(market, rows.at_rows)
    if rows.slots is None:
        return prices
    cheapest = rows.fold_min(np.where(prices == MISSING, _COSTLIEST, prices))
    return np.where(cheapest == _COSTLIEST, MISSING, cheapest)
