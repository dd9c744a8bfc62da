"""Joins consecutive lines of one group (Google's item_group_id) into one product with a variant for
each line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from node.client.feeds.records import FeedItem
from protos.v1.product_pb2 import Product, Variant

_VARIANTS_MAX = 2_000
"""More lines of one group are refused, so that a feed of one huge group cannot fill the memory."""


@dataclass(slots=True)
class _Group:
    name: str
    line: int
    rows: list[Product] = field(default_factory=list)


def join_groups(items: Iterable[tuple[str, FeedItem]]) -> Iterator[FeedItem]:
    """Products from pairs of (group, item); an item without a group passes as it is, and so do
    refusals.

    A group that comes back after another began is refused: the product that it would replace is
    already on its way with its first variants. The names of past groups are remembered as 8-byte
    digests.
    """
    past: set[bytes] = set()
    group: _Group | None = None
    for name, item in items:
        if item.product is None:
            yield item
            continue
        if group is not None and name != group.name:
            yield _joined(group)
            past.add(_digest(group.name))
            group = None
        if not name:
            yield item
        elif group is None and _digest(name) in past:
            reason = f"group {name!r} stood further up already; sort the file by its groups"
            yield FeedItem(item.line, None, reason)
        elif group is not None and len(group.rows) >= _VARIANTS_MAX:
            reason = f"group {name!r} has more than {_VARIANTS_MAX:,} lines"
            yield FeedItem(item.line, None, reason)
        else:
            group = group or _Group(name, item.line)
            group.rows.append(item.product)
    if group is not None:
        yield _joined(group)


def _digest(name: str) -> bytes:
    return blake2b(name.encode(errors="replace"), digest_size=8).digest()


_OF_VARIANTS: Final = (
    *("gtins", "mpn", "article_number", "prices", "availability", "stock_quantity"),
    "stock_levels",
)


def _joined(group: _Group) -> FeedItem:
    """What all lines agree on is the product's; what differs is the variant's."""
    first = group.rows[0]
    product = Product()
    product.CopyFrom(first)
    product.id = group.name
    product.title = _shared_title([row.title for row in group.rows])
    for name in _OF_VARIANTS:
        product.ClearField(name)
    shared = {
        key
        for key, value in first.attributes.items()
        if all(key in row.attributes and row.attributes[key] == value for row in group.rows)
    }
    for key in list(product.attributes):
        if key not in shared:
            del product.attributes[key]
    product.popularity = max(row.popularity for row in group.rows)
    for row in group.rows:
        product.variants.append(_variant_of(row, shared, product))
    return FeedItem(group.line, product)


def _variant_of(row: Product, shared: set[str], product: Product) -> Variant:
    variant = Variant(
        id=row.id,
        title="" if row.title == product.title else row.title,
        gtins=row.gtins,
        mpn=row.mpn,
        article_number=row.article_number,
        prices=row.prices,
        availability=row.availability,
        stock_levels=row.stock_levels,
        images=row.images,
        url=row.url,
    )
    if row.HasField("stock_quantity"):
        variant.stock_quantity = row.stock_quantity
    for key, value in row.attributes.items():
        if key not in shared:
            variant.attributes[key].CopyFrom(value)
    return variant


def _shared_title(titles: list[str]) -> str:
    """The words that all titles begin with, at least two of them; else the first title."""
    words = [title.split() for title in titles]
    shared = []
    for column in zip(*words, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    text = " ".join(shared).rstrip(" ,;:/|-–(")
    return text if len(text.split()) > 1 else titles[0]
