"""Price and stock by themselves: they change often, arrive out of order, and the newest wins."""

from typing import Final

from actors.catalog.branches import find_branch
from actors.catalog.products import StoredProduct, read_stored
from actors.model.products import inventory_violations
from actors.model.stock import STOCK_LEVELS_MAX, update_levels
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.tables import INVENTORIES, product_key
from node.errors import InvalidArgumentError, NotFoundError, Violation
from protos.internal.records_pb2 import StockRecord
from protos.v1.catalog_pb2 import InventoryUpdate, SetInventoryRequest, SetInventoryResponse
from protos.v1.common_pb2 import STALE, UNCHANGED, UPDATED, WriteOutcome
from protos.v1.product_pb2 import Product

UPDATES_MAX: Final = 1_000
FUTURE_MS_MAX: Final = 10 * 60 * 1_000
"""A time further ahead than clocks may differ would block every later update."""


def resolve_set_inventory(request: SetInventoryRequest, context: WriteContext) -> Resolution:
    """All updates of the request or none; an update with an older time than the stored one is stale."""
    if len(request.updates) > UPDATES_MAX:
        raise InvalidArgumentError.of(
            "updates", f"has {len(request.updates)}; send at most {UPDATES_MAX}"
        )
    branch = find_branch(context.view, request.branch)
    violations = [
        violation
        for index, update in enumerate(request.updates)
        for violation in _update_violations(update, context, f"updates[{index}]")
    ]
    if violations:
        first = violations[0]
        raise InvalidArgumentError(f"{first.field}: {first.description}", violations=violations)
    pending: dict[bytes, StoredProduct] = {}
    changed: dict[bytes, None] = {}
    outcomes = []
    for index, update in enumerate(request.updates):
        key = product_key(branch.number, update.product_id.encode())
        stored = pending.get(key) or read_stored(context.view, key)
        stock = None if stored is None else _stock_of(stored, update.variant_id)
        if stored is None or stock is None:
            raise _not_found(index, update)
        pending[key] = stored
        outcome = _set(stock, update)
        if len(stock.levels) > STOCK_LEVELS_MAX:
            raise InvalidArgumentError.of(
                f"updates[{index}].stock_levels",
                f"would make {len(stock.levels)} with those it has; at most {STOCK_LEVELS_MAX} "
                "are allowed, write the product to drop those that are closed",
            )
        if outcome == UPDATED:
            changed[key] = None
        outcomes.append(outcome)
    resolution = Resolution(SetInventoryResponse(outcomes=outcomes))
    for key in changed:
        resolution.put(INVENTORIES, key, pending[key].inventory)
    return resolution


def _set(stock: StockRecord, update: InventoryUpdate) -> WriteOutcome.ValueType:
    """Bring one stock record up to date in place."""
    time_ms = update.set_time.ToMilliseconds()
    before = stock.SerializeToString(deterministic=True)
    is_set = update_levels(stock, update.stock_levels, time_ms)
    if time_ms >= stock.set_time_ms and (not update.stock_levels or _says_general(update)):
        is_set = True
        _set_general(stock, update, time_ms)
    if not is_set:
        return STALE
    return UNCHANGED if stock.SerializeToString(deterministic=True) == before else UPDATED


def _says_general(update: InventoryUpdate) -> bool:
    told = update.HasField("availability") or update.HasField("stock_quantity")
    return told or bool(update.prices)


def _set_general(stock: StockRecord, update: InventoryUpdate, time_ms: int) -> None:
    """Prices, availability and quantity, which have one time together."""
    stock.set_time_ms = time_ms
    if update.prices:
        del stock.prices[:]
        stock.prices.extend(update.prices)
    if update.HasField("availability"):
        stock.availability = update.availability
    if update.HasField("stock_quantity"):
        stock.stock_quantity = update.stock_quantity


def _stock_of(stored: StoredProduct, variant_id: str) -> StockRecord | None:
    if not variant_id:
        return stored.inventory.product
    variants = Product.FromString(stored.content).variants
    for variant, stock in zip(variants, stored.inventory.variants, strict=True):
        if variant.id == variant_id:
            return stock
    return None


def _update_violations(
    update: InventoryUpdate, context: WriteContext, path: str
) -> list[Violation]:
    found = []
    if not update.HasField("set_time"):
        found.append(Violation(f"{path}.set_time", "is required: when this became true"))
    elif update.set_time.ToMilliseconds() > context.now_ms + FUTURE_MS_MAX:
        found.append(
            Violation(f"{path}.set_time", "lies more than 10 minutes ahead; check the clock")
        )
    found += inventory_violations(update, context.settings.currency_code, path)
    return found


def _not_found(index: int, update: InventoryUpdate) -> NotFoundError:
    what = f"product {update.product_id[:128]!r}"
    if update.variant_id:
        what += f" with a variant {update.variant_id[:128]!r}"
    return NotFoundError(
        f"updates[{index}]: there is no {what}; import it first, nothing of this request was set",
        reason="PRODUCT_NOT_FOUND",
    )
