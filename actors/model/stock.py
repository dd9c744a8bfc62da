"""What is in stock for one SKU: its own word, else its product's; in a store, in a market, in general."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.model.names import MARKET
from actors.model.storefront import Storefront, detail_problem, scope_of
from node.errors import Violation
from protos.internal.records_pb2 import StockLevelRecord, StockRecord
from protos.v1.catalog_pb2 import InventoryUpdate
from protos.v1.common_pb2 import Availability
from protos.v1.product_pb2 import Product, StockLevel, Variant

STOCK_LEVELS_MAX: Final = 1_000

_AVAILABILITIES: Final = frozenset(Availability.values())


@dataclass(frozen=True, slots=True)
class EffectiveStock:
    """Availability and stock as shoppers see them."""

    availability: Availability.ValueType
    """Never unspecified: what was not told is in stock, unless the quantity is 0."""

    stock_quantity: int | None


def effective_stock(
    own: StockRecord, product: StockRecord, storefront: Storefront
) -> EffectiveStock:
    """Of a variant, given its own record and its product's; of a product, given its own twice."""
    if own.levels or product.levels:
        levels = sku_levels(own, product)
        for scope in storefront.stock_scopes:
            if scope in levels:
                return levels[scope]
    return general_stock(own, product)


def general_stock(own: StockRecord, product: StockRecord) -> EffectiveStock:
    """What holds where neither the store nor the market has a level of its own."""
    quantity = None
    if own.HasField("stock_quantity"):
        quantity = own.stock_quantity
    elif product.HasField("stock_quantity"):
        quantity = product.stock_quantity
    return EffectiveStock(_told(own.availability or product.availability, quantity), quantity)


def sku_levels(own: StockRecord, product: StockRecord) -> Mapping[str, EffectiveStock]:
    """By scope (`storefront`) what was told there; a variant's word comes before its product's."""
    levels: dict[str, EffectiveStock] = {}
    for level in (*product.levels, *own.levels):
        if says_something(level):
            quantity = level.stock_quantity if level.HasField("stock_quantity") else None
            scope = scope_of(level.market, level.store)
            levels[scope] = EffectiveStock(_told(level.availability, quantity), quantity)
    return levels


def says_something(level: StockLevel | StockLevelRecord) -> bool:
    """Whether a level tells anything about its market or store."""
    return level.availability != 0 or level.HasField("stock_quantity")


def stock_violations(item: Product | Variant | InventoryUpdate, path: str) -> Iterator[Violation]:
    """What is wrong with availability, quantity and stock levels."""
    if item.availability not in _AVAILABILITIES:
        yield Violation(f"{path}.availability", f"{item.availability} is no known availability")
    if item.stock_quantity < 0:
        yield Violation(f"{path}.stock_quantity", "must be at least 0")
    if item.stock_levels:
        yield from _level_violations(item.stock_levels, f"{path}.stock_levels")


def _level_violations(levels: Sequence[StockLevel], path: str) -> Iterator[Violation]:
    if len(levels) > STOCK_LEVELS_MAX:
        yield Violation(path, f"at most {STOCK_LEVELS_MAX} levels are allowed")
        return
    seen: set[tuple[str, str]] = set()
    for index, level in enumerate(levels):
        where = f"{path}[{index}]"
        if not level.market and not level.store:
            yield Violation(where, "names neither market nor store; say it without a level")
        if not MARKET.fullmatch(level.market):
            yield Violation(f"{where}.market", 'at most 32 letters, digits, "_" and "-"')
        problem = detail_problem(level.store)
        if problem:
            yield Violation(f"{where}.store", problem)
        if level.availability not in _AVAILABILITIES:
            yield Violation(f"{where}.availability", f"{level.availability} is not known")
        if level.stock_quantity < 0:
            yield Violation(f"{where}.stock_quantity", "must be at least 0")
        if (level.market, level.store) in seen:
            yield Violation(where, "this market and store already have a level")
        seen.add((level.market, level.store))


def take_levels(levels: Iterable[StockLevel], stock: StockRecord, time_ms: int) -> None:
    """Store levels that were set at `time_ms`."""
    for level in levels:
        if says_something(level):
            stock.levels.append(_stored(level, time_ms))


def give_levels(item: Product | Variant, stock: StockRecord) -> None:
    """The levels as the API shows them."""
    for stored in stock.levels:
        if says_something(stored):
            level = item.stock_levels.add(
                market=stored.market, store=stored.store, availability=stored.availability
            )
            if stored.HasField("stock_quantity"):
                level.stock_quantity = stored.stock_quantity


def update_levels(stock: StockRecord, levels: Iterable[StockLevel], time_ms: int) -> bool:
    """Bring levels up to date in place, each unless it was set later; whether any of them was.

    One that says nothing is kept with its time, so that nothing older comes back.
    """
    known = {(stored.market, stored.store): stored for stored in stock.levels}
    is_set = False
    for level in levels:
        stored = known.get((level.market, level.store))
        if stored is None:
            stock.levels.append(_stored(level, time_ms))
            is_set = True
        elif time_ms >= stored.set_time_ms:
            stored.CopyFrom(_stored(level, time_ms))
            is_set = True
    return is_set


def _stored(level: StockLevel, time_ms: int) -> StockLevelRecord:
    stored = StockLevelRecord(
        market=level.market,
        store=level.store,
        availability=level.availability,
        set_time_ms=time_ms,
    )
    if level.HasField("stock_quantity"):
        stored.stock_quantity = level.stock_quantity
    return stored


def _told(availability: Availability.ValueType, quantity: int | None) -> Availability.ValueType:
    if availability:
        return availability
    return Availability.OUT_OF_STOCK if quantity == 0 else Availability.IN_STOCK
