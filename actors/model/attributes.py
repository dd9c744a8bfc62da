"""The attributes of products as plain values.

Reading a protobuf map costs as much as all that is done with what it holds, so it is read once: what was read
to check a product is kept until the same write has put it into the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.config import MIB
from protos.v1.product_pb2 import Product, Variant

_KEPT_MAX: Final = 4_096
_KEPT_SIZE_BYTES_MAX: Final = 16 * MIB
"""More than a transaction takes in. What it then does not ask for (it failed) goes when there is too much."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of a product or variant, each value beside its key."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    numbers: list[tuple[str, float]] = field(default_factory=list)
    booleans: list[tuple[str, bool]] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    """Keys whose value has none of the three, or several: of no valid product."""


@dataclass(frozen=True, slots=True)
class ProductAttributes:
    """Those of a product."""

    own: Attributes
    variants: Sequence[Attributes]
    """Of each variant, in their order."""


@dataclass(frozen=True, slots=True)
class ReadProduct:
    """A product's content, read."""

    product: Product
    attributes: ProductAttributes


def read_attributes(item: Product | Variant) -> Attributes:
    """All attributes of a product or variant."""
    read = Attributes()
    attributes = item.attributes
    for key in attributes:  # items() of a protobuf map is Python code, and slower
        value = attributes[key]
        numbers = value.numbers
        if texts := value.texts:
            if numbers or value.HasField("boolean"):
                read.unclear.append(key)
            elif len(texts) == 1:
                read.texts.append((key, texts[0]))
            else:
                read.texts.extend([(key, text) for text in texts])
        elif numbers:
            if value.HasField("boolean"):
                read.unclear.append(key)
            elif len(numbers) == 1:
                read.numbers.append((key, numbers[0]))
            else:
                read.numbers.extend([(key, number) for number in numbers])
        elif value.HasField("boolean"):
            read.booleans.append((key, value.boolean))
        else:
            read.unclear.append(key)
    return read


def read_product_attributes(product: Product) -> ProductAttributes:
    """All attributes of a product and its variants."""
    variants = list(map(read_attributes, product.variants)) if product.variants else ()
    return ProductAttributes(read_attributes(product), variants)


class _Kept:
    """Products that were read and not yet asked for, by content."""

    def __init__(self) -> None:
        self._reads: dict[bytes, ReadProduct] = {}
        self._size_bytes = 0

    def add(self, content: bytes, read: ReadProduct) -> None:
        if len(self._reads) >= _KEPT_MAX or self._size_bytes >= _KEPT_SIZE_BYTES_MAX:
            self._reads.clear()
            self._size_bytes = 0
        if content not in self._reads:
            self._size_bytes += len(content)
        self._reads[content] = read

    def take(self, content: bytes) -> ReadProduct | None:
        read = self._reads.pop(content, None)
        if read is not None:
            self._size_bytes -= len(content)
        return read


_kept: Final = _Kept()


def keep_read(content: bytes, read: ReadProduct) -> None:
    """Keep what was read of a product until `read_content` asks for it. Nobody changes the product then."""
    _kept.add(content, read)


def read_content(content: bytes) -> ReadProduct:
    """The product of these bytes and its attributes: a pure function, whatever was kept."""
    kept = _kept.take(content)
    if kept is not None:
        return kept
    product = Product.FromString(content)
    return ReadProduct(product, read_product_attributes(product))
