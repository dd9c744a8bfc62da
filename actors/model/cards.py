"""Product cards: what a listing shows of a product, kept serialised so that a search only copies bytes."""

from protos.v1.product_pb2 import Product


def card_of(product: Product) -> bytes:
    """The serialised fields of the default read mask: id, title, brand, categories, tags, image, url."""
    card = Product(
        id=product.id,
        title=product.title,
        brand=product.brand,
        categories=product.categories,
        url=product.url,
        tags=product.tags,
        images=product.images[:1],
    )
    return card.SerializeToString(deterministic=True)


def name_field(name_prefix: bytes, product_id: bytes) -> bytes:
    """The bytes of Product.name, to append to a serialised product that has none.

    A message on the wire is the concatenation of its fields in any order (protobuf encoding guide).
    """
    name = name_prefix + product_id
    return b"\x0a" + _varint(len(name)) + name


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    return bytes((value & 0x7F | 0x80, value >> 7))
