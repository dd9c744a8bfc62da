"""Which products visitors chose for the words of a search."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from actors.learning.queries import worth
from actors.learning.rows import TableReader
from actors.search.learned import CHOSEN_MAX
from actors.storage.tables import QUERY_CLICKS
from protos.internal.records_pb2 import QueryClicksRecord

SMOOTHING: Final = 5.0
"""Clicks: a product with so many on its own is chosen half as clearly as it can be."""

_NOTHING: Final[Mapping[bytes, float]] = MappingProxyType({})


def chosen_for(view: TableReader, query: bytes) -> Mapping[bytes, float]:
    """By product id how clearly visitors chose it, from 0 to 1: what its choices come to, beside those of the best.

    Of a query that was chosen for seldom, all shares are small: worth / (the best's worth + `SMOOTHING`).

    Args:
        view: to look the row up in; one look.
        query: keyed hash of its normal form.
    """
    value = view.get(QUERY_CLICKS, query) if query else None
    if value is None:
        return _NOTHING
    row = QueryClicksRecord.FromString(bytes(value))
    worths = sorted(((worth(one), one.product_id.encode()) for one in row.products), reverse=True)
    if not worths:
        return _NOTHING
    most = worths[0][0] + SMOOTHING
    return {product_id: amount / most for amount, product_id in worths[:CHOSEN_MAX]}
