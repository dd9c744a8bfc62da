"""Which products visitors chose for the words of a search."""

from functools import lru_cache
from typing import Final

from actors.learning.queries import worth
from actors.learning.rows import TableReader
from actors.search.learned import CHOSEN_MAX, Chosen
from actors.storage.tables import QUERY_CLICKS
from protos.internal.records_pb2 import QueryClicksRecord

SMOOTHING: Final = 5.0
"""Clicks: a product with so many on its own is chosen half as clearly as it can be."""

_ROWS_MAX: Final = 2_048
"""Read rows that are remembered: about 4 KB each with what was read of it."""


def chosen_for(view: TableReader, query: bytes) -> Chosen | None:
    """How clearly visitors chose each product, from 0 to 1: what its choices come to, beside those of the best.

    Of a query that was chosen for seldom, all shares are small: worth / (the best's worth + `SMOOTHING`).

    Args:
        view: to look the row up in; one look.
        query: keyed hash of its normal form.
    """
    value = view.get(QUERY_CLICKS, query) if query else None
    if value is None:
        return None
    return _read(bytes(value))


@lru_cache(maxsize=_ROWS_MAX)
def _read(value: bytes) -> Chosen | None:
    """Of a row as it is stored: the same queries are asked again and again."""
    row = QueryClicksRecord.FromString(value)
    worths = sorted(((worth(one), one.product_id.encode()) for one in row.products), reverse=True)
    if not worths:
        return None
    most = worths[0][0] + SMOOTHING
    return Chosen({product_id: amount / most for amount, product_id in worths[:CHOSEN_MAX]})
