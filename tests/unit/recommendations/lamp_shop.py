"""A small branch of lamps for tests of recommendations."""

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_WEIGHTS, FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.product_pb2 import Product

SCHEMA = Schema(
    language_codes=("en",),
    fields={
        key: FieldSetting(
            DEFAULT_WEIGHTS.get(key, 0.0), facetable=True, filterable=True, sortable=True
        )
        for key in (
            *("id", "title", "description", "brand", "categories", "tags"),
            *("popularity", "release_time", "price", "stock_quantity", "availability"),
        )
    },
    average_lengths={},
    weights_version=1,
)


class Shop:
    """A branch with some products, so many to a segment."""

    def __init__(self, *items: IndexedProduct, segment_size: int = 1_000) -> None:
        self.arrays = MemoryArrays()
        for start in range(0, len(items), segment_size):
            update_index(
                self.arrays, 1, IndexUpdate(list(items[start : start + segment_size])), SCHEMA
            )

    @property
    def view(self) -> BranchView:
        """The branch as it is now."""
        return open_branch(self.arrays, 1)


def lamp(product_id: str, title: str = "", *, stock: int = 5, **content) -> IndexedProduct:
    """A product; its title begins with "lamp" unless one is given."""
    product = Product(id=product_id, title=title or f"lamp {product_id}", **content)
    return IndexedProduct(product, InventoryRecord(product=StockRecord(stock_quantity=stock)))
