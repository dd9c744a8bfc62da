"""Bringing the index up to date with the keys that a transaction has changed."""

from collections.abc import Iterator

from actors.index.build import BUILD_PRODUCTS_MAX
from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.keys import branch_key
from actors.index.schema import Schema
from actors.index.update import update_index
from actors.model.attributes import read_content
from actors.model.cards import card_of
from actors.replication.apply import Changed
from actors.storage.environment import WriteBatch
from actors.storage.marks import mark_changes
from actors.storage.tables import BRANCHES, CARDS, INVENTORIES, PRODUCTS, product_key
from protos.internal.records_pb2 import BranchRecord, InventoryRecord, ProductRecord
from protos.v1.catalog_pb2 import Branch


def derive(batch: WriteBatch, changed: Changed, schema: Schema) -> None:
    """Update marks, cards and index; a pure function of logical tables and the changed keys."""
    mark_changes(
        batch,
        index_position=changed.index_position,
        settings_position=changed.settings_position,
    )
    for branch in changed.branches:
        if not _is_searched(batch, branch):
            batch.delete_array(branch_key(branch))
    for branch in sorted(changed.products.keys() | changed.inventories.keys()):
        products = changed.products.get(branch, {})
        if _is_searched(batch, branch):
            inventories = changed.inventories.get(branch, {})
            update = _update_of(batch, branch, products, inventories)
            for part in _parts(update):
                update_index(batch, branch, part, schema)
        else:
            for product_id in products:
                batch.delete(CARDS, product_key(branch, product_id))


def read_indexed(batch: WriteBatch, key: bytes) -> IndexedProduct | None:
    """A product as the index wants it."""
    value = batch.get(PRODUCTS, key)
    if value is None:
        return None
    read = read_content(ProductRecord.FromString(bytes(value)).content)
    return IndexedProduct(read.product, _inventory(batch, key), read.attributes)


def _update_of(
    batch: WriteBatch, branch: int, products: dict[bytes, None], inventories: dict[bytes, None]
) -> IndexUpdate:
    upserts = []
    deletes = []
    for product_id in products:
        key = product_key(branch, product_id)
        indexed = read_indexed(batch, key)
        if indexed is None:
            deletes.append(product_id)
            batch.delete(CARDS, key)
        else:
            upserts.append(indexed)
            batch.put(CARDS, key, card_of(indexed.product))
    patches = {
        product_id: _inventory(batch, product_key(branch, product_id))
        for product_id in inventories
        if product_id not in products
    }
    return IndexUpdate(upserts=upserts, deletes=deletes, inventories=patches)


def _parts(update: IndexUpdate) -> Iterator[IndexUpdate]:
    """The update in parts of as many products as the index takes at once."""
    first = update.upserts[:BUILD_PRODUCTS_MAX]
    yield IndexUpdate(upserts=first, deletes=update.deletes, inventories=update.inventories)
    for start in range(BUILD_PRODUCTS_MAX, len(update.upserts), BUILD_PRODUCTS_MAX):
        yield IndexUpdate(upserts=update.upserts[start : start + BUILD_PRODUCTS_MAX])


def _inventory(batch: WriteBatch, key: bytes) -> InventoryRecord:
    value = batch.get(INVENTORIES, key)
    return InventoryRecord.FromString(b"" if value is None else bytes(value))


def _is_searched(batch: WriteBatch, branch: int) -> bool:
    value = batch.get(BRANCHES, branch.to_bytes(4, "big"))
    return value is not None and BranchRecord.FromString(bytes(value)).state != Branch.DELETING
