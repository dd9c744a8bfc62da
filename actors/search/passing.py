"""Which products of a segment pass a filter, and what each of them costs."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from actors.index.columns import MISSING
from actors.model.storefront import Storefront
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
    storefront: Storefront
    _prices: Prices | None = field(default=None)

    @property
    def prices(self) -> Prices:
        """int64[n], millionths: the price of each product's cheapest row; `MISSING` without any."""
        if self._prices is None:
            self._prices = product_prices(self.rows, self.storefront)
        return self._prices


def passing(rows: Rows, plan: FilterPlan, storefront: Storefront) -> Passing:
    """The products and rows that pass a filter.

    The terms that mention the price come last: they are about the cheapest row that all others have
    let through.
    """
    for term in plan.terms:
        if not term.asks_price:
            rows = rows.only(mask_of(term.test, rows, storefront, _NO_PRICES))
    price_terms = [term for term in plan.terms if term.asks_price]
    if not price_terms:
        return Passing(rows, storefront)
    prices = rows.spread(product_prices(rows, storefront))
    mask = np.logical_and.reduce(
        [mask_of(term.test, rows, storefront, prices) for term in price_terms]
    )
    kept = rows.only(mask)
    if kept is not rows:
        prices = prices[mask]
    return Passing(kept, storefront, prices.take(kept.first_rows()))


def product_prices(rows: Rows, storefront: Storefront) -> Prices:
    """int64[n], millionths: what the cheapest of each product's rows costs; `MISSING` without any."""
    prices = rows.columns.inventory.price(storefront, rows.at_rows)
    if rows.slots is None:
        return prices
    cheapest = rows.fold_min(np.where(prices == MISSING, _COSTLIEST, prices))
    return np.where(cheapest == _COSTLIEST, MISSING, cheapest)
