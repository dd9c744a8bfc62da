"""What visitors search for, and which products they choose then.

Queries are known by a keyed hash. Their words are stored only when `VISITORS_MIN` different visitors have searched them
within one period. Clicks are worth the more the lower they stood, as fewer visitors look there: the inverse of the
chance that a place is looked at, place^-0.7 (Joachims, Swaminathan and Schnabel, WSDM 2017, measure powers between
about 0.5 and 1), clamped, so that one click far down is no more than five at the top.
"""

from typing import Final

from actors.learning.decay import LASTING_MS, remaining
from protos.internal.records_pb2 import QueryClicksRecord, QueryRecord
from protos.v1.event_pb2 import Event

VISITORS_MIN: Final = 20
QUERIES_MAX: Final = 200_000
CLICKED_QUERIES_MAX: Final = 100_000
POPULAR_MAX: Final = 10_000
"""Rows of queries, of those with clicks, and of those in clear."""
POPULAR_SIZE_BYTES_MAX: Final = 128
"""Longer queries are nothing to suggest."""
PRODUCTS_PER_QUERY_MAX: Final = 32

_PLACE_POWER: Final = 0.7
_PLACE_WEIGHT_MAX: Final = 5.0


def place_weight(position: int) -> float:
    """What a click at a place of a list is worth; 1 at the first, and where the place is not told."""
    if position <= 1:
        return 1.0
    return min(float(position**_PLACE_POWER), _PLACE_WEIGHT_MAX)


def add_search(row: QueryRecord, time_ms: int) -> None:
    """Count one visitor's search, of one day."""
    weight = 1.0
    passed_ms = time_ms - row.time_ms
    if passed_ms > 0:
        row.searches *= remaining(passed_ms, LASTING_MS)
        row.time_ms = time_ms
    elif passed_ms < 0:
        weight = remaining(-passed_ms, LASTING_MS)
    row.searches += weight


def add_choice(
    row: QueryClicksRecord, product_id: str, kind: Event.Type.ValueType, time_ms: int, weight: float
) -> None:
    """Count that one visitor chose, put into the cart or bought a product of a query's answer, on one day."""
    passed_ms = time_ms - row.time_ms
    if passed_ms > 0:
        if row.time_ms:
            _fade(row, remaining(passed_ms, LASTING_MS))
        row.time_ms = time_ms
    elif passed_ms < 0:
        weight *= remaining(-passed_ms, LASTING_MS)
    product = _product(row, product_id)
    if kind == Event.CLICK:
        product.clicks += weight
    elif kind == Event.ADD_TO_CART:
        product.add_to_carts += weight
    else:
        product.purchases += weight


def worth(product: QueryClicksRecord.Product) -> float:
    """What all choices of a product for one query come to."""
    return product.clicks + 2.0 * product.add_to_carts + 4.0 * product.purchases


def _product(row: QueryClicksRecord, product_id: str) -> QueryClicksRecord.Product:
    """The product's place in the row; in a full one it takes that of the product chosen least."""
    for product in row.products:
        if product.product_id == product_id:
            return product
    if len(row.products) >= PRODUCTS_PER_QUERY_MAX:
        least = min(range(len(row.products)), key=lambda at: worth(row.products[at]))
        del row.products[least]
    return row.products.add(product_id=product_id)


def _fade(row: QueryClicksRecord, share: float) -> None:
    for product in row.products:
        product.clicks *= share
        product.add_to_carts *= share
        product.purchases *= share
