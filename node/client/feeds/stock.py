"""Fills the stock levels of a product or variant from a record."""

from typing import Any

from node.client.feeds.records import ValueRefusedError
from node.client.feeds.values import is_empty, to_availability, to_text, to_whole_number
from protos.v1.product_pb2 import StockLevel


def own_level(own: dict[str, Any]) -> StockLevel:
    """A stock level as the platform writes it (`saluhall products list --json`)."""
    unknown = own.keys() - StockLevel.DESCRIPTOR.fields_by_name.keys()
    if unknown:
        raise ValueRefusedError(f"{min(unknown)!r} is no part of a stock level")
    level = StockLevel(market=to_text(own.get("market")), store=to_text(own.get("store")))
    if not is_empty(own.get("availability")):
        level.availability = to_availability(own["availability"])
    if not is_empty(own.get("stock_quantity")):
        level.stock_quantity = to_whole_number(own["stock_quantity"])
    return level
