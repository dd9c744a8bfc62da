"""Writing products: what a request changes, decided against the state before it."""

from collections.abc import Iterable
from dataclasses import dataclass

from google.rpc.status_pb2 import Status

from actors.catalog.branches import branch_key, find_branch
from actors.model.attributes import ReadProduct, keep_read
from actors.model.masks import apply_update, check_update_mask
from actors.model.names import product_id_problem
from actors.model.products import AttributeKinds, Checked, check_product, has_inventory, join, split
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import BRANCHES, FIELDS, INVENTORIES, PRODUCTS, product_key
from node.errors import InvalidArgumentError, NotFoundError, SaluhallError, Violation
from node.status import status_bytes
from protos.internal.records_pb2 import (
    BranchRecord,
    FieldRecord,
    InventoryRecord,
    ProductRecord,
    StockRecord,
)
from protos.v1.catalog_pb2 import (
    DeleteProductsRequest,
    DeleteProductsResponse,
    ImportProductsRequest,
    ImportProductsResponse,
    WriteProductsRequest,
    WriteProductsResponse,
)
from protos.v1.common_pb2 import CREATED, DELETED, UNCHANGED, UPDATED, WriteOutcome
from protos.v1.product_pb2 import Product

WRITTEN_MAX = 100
IMPORTED_MAX = 500
DELETED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product as it stands in the store."""

    content: bytes
    inventory: InventoryRecord


def read_stored(view: ReadView, key: bytes) -> StoredProduct | None:
    """A product by its key in the table `products`."""
    value = view.get(PRODUCTS, key)
    if value is None:
        return None
    inventory = view.get(INVENTORIES, key)
    return StoredProduct(
        ProductRecord.FromString(bytes(value)).content,
        InventoryRecord.FromString(b"" if inventory is None else bytes(inventory)),
    )


class ProductWrites:
    """The changes of one request: later products of it see the earlier ones."""

    def __init__(self, branch: BranchRecord, context: WriteContext) -> None:
        self._branch = branch
        self._context = context
        self._pending: dict[bytes, StoredProduct | None] = {}
        self._changed_content: dict[bytes, None] = {}
        self._changed_inventory: dict[bytes, None] = {}
        self._learnt: dict[str, FieldRecord] = {}
        self._reads: dict[bytes, ReadProduct] = {}

    def current(self, product_id: str) -> StoredProduct | None:
        """The product as this request has left it so far."""
        key = product_key(self._branch.number, product_id.encode())
        if key in self._pending:
            return self._pending[key]
        return read_stored(self._context.view, key)

    def put(self, product: Product, check: Checked) -> WriteOutcome.ValueType:
        """Create or replace a valid product. Takes `product` apart, and keeps it.

        Args:
            check: what `check_product` found.
        """
        keeps_inventory = not has_inventory(product)
        content, inventory = split(product, time_ms=self._context.now_ms)
        old = self.current(product.id)
        key = product_key(self._branch.number, product.id.encode())
        if old is not None and keeps_inventory:
            inventory = _carried_over(product, old)
        same_content = old is not None and content == old.content
        same_inventory = old is not None and _equal_stock(inventory, old.inventory)
        if same_content and same_inventory:
            return UNCHANGED
        if not same_content:
            self._changed_content[key] = None
            self._learn(check.kinds)
            self._reads[key] = ReadProduct(product, check.attributes)
        if not same_inventory:
            self._changed_inventory[key] = None
        self._pending[key] = StoredProduct(content, inventory)
        return UPDATED if old is not None else CREATED

    def delete(self, product_id: str) -> WriteOutcome.ValueType:
        """Remove a product."""
        if self.current(product_id) is None:
            return UNCHANGED
        key = product_key(self._branch.number, product_id.encode())
        self._pending[key] = None
        self._changed_content[key] = self._changed_inventory[key] = None
        return DELETED

    def into(self, resolution: Resolution) -> Resolution:
        """Add all changes to a resolution."""
        for record in self._learnt.values():
            resolution.put(FIELDS, record.key.encode(), record)
        growth = 0
        for key in self._changed_content:
            existed = self._context.view.get(PRODUCTS, key) is not None
            stored = self._pending[key]
            growth += (stored is not None) - existed
            if stored is None:
                resolution.delete(PRODUCTS, key)
            else:
                now_ms = self._context.now_ms
                content = ProductRecord(content=stored.content, update_time_ms=now_ms)
                resolution.put(PRODUCTS, key, content)
                keep_read(stored.content, self._reads[key])
        for key in self._changed_inventory:
            stored = self._pending[key]
            if stored is None:
                resolution.delete(INVENTORIES, key)
            else:
                resolution.put(INVENTORIES, key, stored.inventory)
        if growth:
            self._branch.product_count += growth
            resolution.put(BRANCHES, branch_key(self._branch.number), self._branch)
        return resolution

    def _learn(self, kinds: AttributeKinds) -> None:
        for record in self._context.fields.learn(kinds):
            self._learnt[record.key] = record


def resolve_write_products(request: WriteProductsRequest, context: WriteContext) -> Resolution:
    """All products of the request or none.

    Raises:
        InvalidArgumentError: with a violation for everything that is wrong in any product.
        NotFoundError: an update names a product that does not exist.
    """
    if len(request.products) > WRITTEN_MAX:
        raise InvalidArgumentError.of(
            "products",
            f"has {len(request.products)}; write at most {WRITTEN_MAX}, or use ImportProducts",
        )
    paths = request.update_mask.paths
    check_update_mask(paths)
    writes = ProductWrites(find_branch(context.view, request.branch), context)
    if paths:
        products = _updated(request, writes)
    else:
        products = list(request.products)
    violations = _twice_violations(request.products)
    checks = [
        _check(product, context, f"products[{index}]") for index, product in enumerate(products)
    ]
    violations += [violation for check in checks for violation in check.violations]
    if violations:
        first = violations[0]
        raise InvalidArgumentError(f"{first.field}: {first.description}", violations=violations)
    outcomes = [writes.put(product, check) for product, check in zip(products, checks, strict=True)]
    resolution = Resolution(WriteProductsResponse(outcomes=outcomes))
    return resolution if request.validate_only else writes.into(resolution)


def resolve_import_products(request: ImportProductsRequest, context: WriteContext) -> Resolution:
    """Every good product of the message; the others get a status that says what is wrong."""
    if len(request.products) > IMPORTED_MAX:
        raise InvalidArgumentError.of(
            "products", f"has {len(request.products)}; send at most {IMPORTED_MAX} in a message"
        )
    if not request.request_id:
        raise InvalidArgumentError.of("request_id", "is required, so that a message can be resent")
    writes = ProductWrites(find_branch(context.view, request.branch), context)
    response = ImportProductsResponse(request_id=request.request_id)
    for index, product in enumerate(request.products):
        item = response.items.add()
        check = _check(product, context, f"products[{index}]")
        if check.violations:
            item.status.CopyFrom(_refusal(check.violations))
        else:
            item.outcome = writes.put(product, check)
    resolution = Resolution(response)
    return resolution if request.validate_only else writes.into(resolution)


def resolve_delete_products(request: DeleteProductsRequest, context: WriteContext) -> Resolution:
    """Remove products; those that do not exist are no error."""
    if len(request.ids) > DELETED_MAX:
        raise InvalidArgumentError.of(
            "ids", f"has {len(request.ids)}; delete at most {DELETED_MAX} at a time"
        )
    violations = [
        Violation(f"ids[{index}]", problem)
        for index, product_id in enumerate(request.ids)
        if (problem := product_id_problem(product_id))
    ]
    if violations:
        raise InvalidArgumentError("an id is not valid", violations=violations)
    writes = ProductWrites(find_branch(context.view, request.branch), context)
    outcomes = [writes.delete(product_id) for product_id in request.ids]
    return writes.into(Resolution(DeleteProductsResponse(outcomes=outcomes)))


def _check(product: Product, context: WriteContext, path: str) -> Checked:
    check = check_product(product, currency_code=context.settings.currency_code, path=path)
    fields = context.fields
    if not check.violations and fields.is_full and not fields.knows_all(check.kinds):
        check.violations.append(
            Violation(
                f"{path}.attributes",
                f"would add a key to the {len(fields.records)} this catalogue has, the most there "
                "may be; use the keys that exist",
            )
        )
    return check


def _updated(request: WriteProductsRequest, writes: ProductWrites) -> list[Product]:
    """The products with the masked parts of the request's in place of their own."""
    products = []
    for index, partial in enumerate(request.products):
        stored = writes.current(partial.id)
        if stored is None and not request.allow_missing:
            raise NotFoundError(
                f"products[{index}].id: there is no product {partial.id[:128]!r} to update; create "
                "it, or set allow_missing",
                reason="PRODUCT_NOT_FOUND",
            )
        product = Product(id=partial.id) if stored is None else join_stored(stored)
        apply_update(product, partial, request.update_mask.paths)
        products.append(product)
    return products


def join_stored(stored: StoredProduct) -> Product:
    """The whole product."""
    return join(stored.content, stored.inventory)


def _twice_violations(products: Iterable[Product]) -> list[Violation]:
    seen: set[str] = set()
    found = []
    for index, product in enumerate(products):
        if product.id in seen:
            found.append(Violation(f"products[{index}].id", "stands twice in this request"))
        seen.add(product.id)
    return found


def _refusal(violations: list[Violation]) -> Status:
    first = violations[0]
    error: SaluhallError = InvalidArgumentError(
        f"{first.field}: {first.description}", violations=violations
    )
    return Status.FromString(status_bytes(error))


def _carried_over(product: Product, old: StoredProduct) -> InventoryRecord:
    """A product written without any price and stock keeps what it has, each SKU its own."""
    inventory = InventoryRecord(product=old.inventory.product)
    if product.variants:
        old_variants = Product.FromString(old.content).variants
        by_id = {
            variant.id: stock
            for variant, stock in zip(old_variants, old.inventory.variants, strict=True)
        }
        for variant in product.variants:
            inventory.variants.append(by_id.get(variant.id, StockRecord()))
    return inventory


def _equal_stock(new: InventoryRecord, old: InventoryRecord) -> bool:
    """Whether two inventories say the same, whenever they were set."""
    if len(new.variants) != len(old.variants):
        return False
    pairs = [(new.product, old.product), *zip(new.variants, old.variants, strict=True)]
    return all(_timeless(new_stock) == _timeless(old_stock) for new_stock, old_stock in pairs)


def _timeless(stock: StockRecord) -> StockRecord:
    """What it says, without when it was set."""
    told = StockRecord()
    told.CopyFrom(stock)
    told.ClearField("set_time_ms")
    for level in told.levels:
        level.ClearField("set_time_ms")
    return told
