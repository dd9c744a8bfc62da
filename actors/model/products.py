"""What a valid product is, and its split into content and inventory.

Content (title, attributes, ...) and inventory (prices, availability, stock) are stored apart, since
the second changes often. The content's bytes are canonical, so equal products are equal bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from actors.model.attributes import Attributes, ProductAttributes, read_product_attributes
from actors.model.names import ATTRIBUTE_KEY, product_id_problem
from actors.model.prices import price_violations
from actors.model.stock import give_levels, stock_violations, take_levels
from node.config import MIB
from node.errors import Violation
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.catalog_pb2 import InventoryUpdate
from protos.v1.common_pb2 import AttributeValue
from protos.v1.product_pb2 import Product, Variant

PRODUCT_SIZE_BYTES_MAX: Final = MIB
TITLE_LENGTH_MAX: Final = 1_000
ATTRIBUTES_MAX: Final = 500
VARIANTS_MAX: Final = 500
CATEGORIES_MAX: Final = 50
PRICES_MAX: Final = 200
NUMBER_MAX: Final = 1e15
"""Beyond this a double no longer tells neighbouring integers apart well enough to filter by."""


AttributeKinds = list[tuple[str, int]]
"""Attribute keys with the number of the field of AttributeValue that is set."""


_TEXTS: Final = AttributeValue.TEXTS_FIELD_NUMBER
_NUMBERS: Final = AttributeValue.NUMBERS_FIELD_NUMBER
_BOOLEAN: Final = AttributeValue.BOOLEAN_FIELD_NUMBER
_NO_ATTRIBUTES: Final = ProductAttributes(Attributes(), ())


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a product has found."""

    violations: list[Violation]
    """Empty when it can be stored."""

    kinds: AttributeKinds
    """Of all attributes, its own and its variants'; complete only without violations."""

    attributes: ProductAttributes


def check_product(product: Product, *, currency_code: str, path: str) -> Checked:
    """Everything that is wrong with a product, and which attributes it has.

    One pass does both: reading a protobuf map is most of what either costs.

    Args:
        currency_code: the tenant's, which prices of the default market must be in.
        path: where the product stands in the request, for example `products[3]`.
    """
    size = product.ByteSize()
    if size > PRODUCT_SIZE_BYTES_MAX:
        too_large = f"has {size} bytes; a product may have {PRODUCT_SIZE_BYTES_MAX}"
        return Checked([Violation(path, too_large)], [], _NO_ATTRIBUTES)
    problem = product_id_problem(product.id)
    found = [Violation(f"{path}.id", problem)] if problem else []
    title_length = len(product.title)
    if not 0 < title_length <= TITLE_LENGTH_MAX or product.title.isspace():
        found.append(
            Violation(f"{path}.title", f"is required, with at most {TITLE_LENGTH_MAX} characters")
        )
    if not 0 <= product.popularity <= NUMBER_MAX:
        found.append(Violation(f"{path}.popularity", "must be a number of at least 0"))
    if len(product.categories) > CATEGORIES_MAX:
        found.append(Violation(f"{path}.categories", f"at most {CATEGORIES_MAX} paths are allowed"))
    kinds: AttributeKinds = []
    attributes = read_product_attributes(product)
    found += _attribute_violations(attributes.own, path, kinds)
    found += inventory_violations(product, currency_code, path)
    if product.variants:
        found += _variant_violations(product, attributes, currency_code, path, kinds)
    return Checked(found, kinds, attributes)


def split(product: Product, *, time_ms: int) -> tuple[bytes, InventoryRecord]:
    """The canonical content and the inventory, as set at `time_ms`. Empties `product` of its inventory."""
    inventory = InventoryRecord()
    _take_stock(product, inventory.product, time_ms)
    for variant in product.variants:
        _take_stock(variant, inventory.variants.add(), time_ms)
    product.ClearField("name")
    product.ClearField("update_time")
    return product.SerializeToString(deterministic=True), inventory


def join(content: bytes, inventory: InventoryRecord) -> Product:
    """The whole product again."""
    product = Product.FromString(content)
    _give_stock(product, inventory.product)
    for variant, stock in zip(product.variants, inventory.variants, strict=True):
        _give_stock(variant, stock)
    return product


def has_inventory(product: Product) -> bool:
    """Whether the product says anything about price, availability or stock."""
    return _has_stock(product) or any(_has_stock(variant) for variant in product.variants)


def _has_stock(item: Product | Variant) -> bool:
    is_told = bool(item.prices) or item.availability != 0 or item.HasField("stock_quantity")
    return is_told or bool(item.stock_levels)


def _take_stock(item: Product | Variant, stock: StockRecord, time_ms: int) -> None:
    stock.set_time_ms = time_ms
    if item.prices:
        stock.prices.extend(item.prices)
        item.ClearField("prices")
    if item.availability:
        stock.availability = item.availability
        item.ClearField("availability")
    if item.HasField("stock_quantity"):
        stock.stock_quantity = item.stock_quantity
        item.ClearField("stock_quantity")
    if item.stock_levels:
        take_levels(item.stock_levels, stock, time_ms)
        item.ClearField("stock_levels")


def _give_stock(item: Product | Variant, stock: StockRecord) -> None:
    item.prices.extend(stock.prices)
    item.availability = stock.availability
    if stock.HasField("stock_quantity"):
        item.stock_quantity = stock.stock_quantity
    if stock.levels:
        give_levels(item, stock)


def _attribute_violations(
    attributes: Attributes, path: str, kinds: AttributeKinds
) -> list[Violation]:
    of_item = dict.fromkeys((key, _TEXTS) for key, _ in attributes.texts)
    of_item |= dict.fromkeys((key, _NUMBERS) for key, _ in attributes.numbers)
    of_item |= dict.fromkeys((key, _BOOLEAN) for key, _ in attributes.booleans)
    if len(of_item) + len(attributes.unclear) > ATTRIBUTES_MAX:
        return [Violation(f"{path}.attributes", f"at most {ATTRIBUTES_MAX} keys are allowed")]
    kinds += of_item
    found = [
        Violation(
            f"{path}.attributes",
            f'"{key[:80]}" is no attribute key: letters, digits, "_" and "-", a letter first, at most 64',
        )
        for key, _ in (*of_item, *((key, 0) for key in attributes.unclear))
        if key not in _good_keys and not _is_good_key(key)
    ]
    found += [
        Violation(
            f"{path}.attributes.{key[:64]}",
            "must hold texts, numbers or a boolean, exactly one of these",
        )
        for key in attributes.unclear
    ]
    found += [
        Violation(
            f"{path}.attributes.{key[:64]}",
            f"{number} is out of range: numbers lie between -1e15 and 1e15",
        )
        for key, number in attributes.numbers
        if not -NUMBER_MAX <= number <= NUMBER_MAX
    ]
    return found


_good_keys: set[str] = set()
"""Keys that were found good: a catalogue has few, and every product has many of them."""

_GOOD_KEYS_MAX: Final = 20_000


def _is_good_key(key: str) -> bool:
    if not ATTRIBUTE_KEY.fullmatch(key):
        return False
    if len(_good_keys) < _GOOD_KEYS_MAX:
        _good_keys.add(key)
    return True


def inventory_violations(
    item: Product | Variant | InventoryUpdate, currency: str, path: str
) -> Iterator[Violation]:
    """What is wrong with prices and stock; an empty currency of a price becomes the tenant's."""
    if item.prices:
        if len(item.prices) > PRICES_MAX:
            yield Violation(f"{path}.prices", f"at most {PRICES_MAX} prices are allowed")
            return
        yield from price_violations(item.prices, currency_code=currency, path=f"{path}.prices")
    yield from stock_violations(item, path)


def _variant_violations(
    product: Product,
    attributes: ProductAttributes,
    currency: str,
    path: str,
    kinds: AttributeKinds,
) -> Iterator[Violation]:
    if len(product.variants) > VARIANTS_MAX:
        yield Violation(f"{path}.variants", f"at most {VARIANTS_MAX} variants are allowed")
        return
    seen: set[str] = set()
    for index, (variant, of_variant) in enumerate(
        zip(product.variants, attributes.variants, strict=True)
    ):
        where = f"{path}.variants[{index}]"
        problem = product_id_problem(variant.id)
        if problem is None and variant.id in seen:
            problem = f'"{variant.id}" stands twice; each SKU has an id of its own'
        if problem:
            yield Violation(f"{where}.id", problem)
        seen.add(variant.id)
        yield from _attribute_violations(of_variant, where, kinds)
        yield from inventory_violations(variant, currency, where)
