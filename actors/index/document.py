"""What the index takes in: products with their inventory, and the changes of one write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from actors.model.attributes import ProductAttributes, read_product_attributes
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product


@dataclass(frozen=True)
class IndexedProduct:
    """One product as it is stored: its content, and apart from it what changes often."""

    product: Product
    """With its variants, without prices, availability and stock."""

    inventory: InventoryRecord

    read: ProductAttributes | None = None
    """The product's attributes, where they have been read already."""

    @cached_property
    def attributes(self) -> ProductAttributes:
        """The attributes of the product and its variants."""
        return self.read or read_product_attributes(self.product)


@dataclass(frozen=True, slots=True)
class IndexUpdate:
    """The changes of one write. An id stands in at most one of the three."""

    upserts: Sequence[IndexedProduct] = ()
    deletes: Sequence[bytes] = ()
    """Product ids as UTF-8; unknown ones are ignored."""

    inventories: Mapping[bytes, InventoryRecord] = field(default_factory=dict)
    """New price and stock by product id; unknown ids are ignored."""
