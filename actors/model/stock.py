"""What holds for one SKU: its own word on availability and stock, else its product's."""

from dataclasses import dataclass

from protos.internal.records_pb2 import StockRecord
from protos.v1.common_pb2 import Availability


@dataclass(frozen=True, slots=True)
class EffectiveStock:
    """Availability and stock as shoppers see them."""

    availability: Availability.ValueType
    """Never unspecified: what was not told is in stock, unless the quantity is 0."""

    stock_quantity: int | None


def effective_stock(own: StockRecord, product: StockRecord) -> EffectiveStock:
    """Of a variant, given its own record and its product's; of a product, given its own twice."""
    quantity = None
    if own.HasField("stock_quantity"):
        quantity = own.stock_quantity
    elif product.HasField("stock_quantity"):
        quantity = product.stock_quantity
    availability = own.availability or product.availability
    if not availability:
        availability = Availability.OUT_OF_STOCK if quantity == 0 else Availability.IN_STOCK
    return EffectiveStock(availability, quantity)
