"""Which variant of a product an answer shows, and how many pass the filter."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from actors.index.columns import MISSING
from actors.search.passing import Passing
from actors.search.rows import Ordinals, Rows, Slots

Shown = tuple[int, int] | tuple[()]
"""A variant's index and how many pass; nothing for a product without variants."""

_COSTLIEST: Final = (1 << 63) - 1


def shown_variants(found: Passing, ordinals: Iterable[int]) -> dict[int, tuple[int, int]]:
    """By ordinal: the index of the cheapest variant that passes, and how many pass.

    Products without variants are left out.

    Args:
        found: the products and rows that pass, in one segment.
        ordinals: of products among them.
    """
    columns = found.rows.columns
    wanted = np.array(sorted(ordinals), np.int32)
    skus = columns.keyword("variant_id")
    if not len(wanted) or skus is None or skus.by_row is None:
        return {}
    rows = found.rows.select(_indices(found.rows, wanted))
    at_rows = rows.at_rows
    assert at_rows is not None
    is_variant = skus.by_row.mask(lambda codes: codes >= 0, at_rows)
    if rows.slots is None:
        named = np.flatnonzero(is_variant)
        return dict.fromkeys(wanted.take(named).tolist(), (0, 1))
    prices = columns.inventory.price(found.storefront, at_rows)
    prices = np.where(prices == MISSING, _COSTLIEST, prices)
    firsts = rows.first_rows().tolist()
    starts = columns.layout.first_rows_of(wanted).tolist()
    shown = {}
    for ordinal, start, first, stop in zip(
        wanted.tolist(), starts, firsts, [*firsts[1:], len(prices)], strict=True
    ):
        if is_variant[first]:
            cheapest = first + int(prices[first:stop].argmin())
            shown[ordinal] = (int(at_rows[cheapest]) - start, stop - first)
    return shown


def _indices(rows: Rows, ordinals: Ordinals) -> Slots:
    if rows.ordinals is None:
        return ordinals.astype(np.int64)
    return np.searchsorted(rows.ordinals, ordinals)
