"""A new segment, from products."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors.index.arrays import Entry, encode_pieces
from actors.index.columns import build_columns, layout_of
from actors.index.document import IndexedProduct
from actors.index.keys import ROW_PRODUCT
from actors.index.postings import PostingsEncoder
from actors.index.products import encode_identifiers, encode_ids, product_identifiers
from actors.index.schema import Schema
from actors.index.segments import SegmentRecord
from actors.index.terms import extract_postings
from actors.index.titles import encode_titles, title_keys
from actors.index.vocabulary import encode_vocabulary

BUILD_PRODUCTS_MAX: Final = 8_192
"""Larger segments are merged from such: a term, a product and an occurrence share one 64-bit number."""


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment that is not stored yet."""

    record: SegmentRecord
    entries: tuple[Entry, ...]
    """Keys and values of all its arrays."""


def build_segment(
    products: Sequence[IndexedProduct], schema: Schema, *, prefix: bytes, segment_id: int
) -> NewSegment:
    """The segment of at most 8,192 products, each id once; `prefix` is what its keys start with."""
    ordered = sorted(products, key=lambda item: item.product.id.encode())
    postings, terms = extract_postings(ordered, schema)
    encoder = PostingsEncoder(prefix, len(ordered))
    entries = [*encoder.add(postings), *encoder.finish()]
    entries += encode_vocabulary(prefix, sorted(terms), encoder.hashes(), encoder.counts())
    entries += encode_ids(prefix, [item.product.id.encode() for item in ordered])
    hashes, ordinals = product_identifiers(ordered)
    entries += encode_identifiers(prefix, hashes, ordinals)
    entries += encode_titles(prefix, title_keys(ordered))
    layout = layout_of(ordered)
    if layout.row_product is not None:
        entries += encode_pieces(prefix + ROW_PRODUCT, layout.row_product)
    entries += _with_prefix(prefix, build_columns(ordered, layout))
    record = SegmentRecord(
        segment_id=segment_id,
        product_count=len(ordered),
        row_count=layout.row_count,
        live_count=len(ordered),
        term_count=encoder.term_count,
        identifier_count=len(hashes),
        posting_count=encoder.posting_count,
        patch_count=0,
        weights_version=schema.weights_version,
    )
    return NewSegment(record, tuple(entries))


def _with_prefix(prefix: bytes, entries: Iterator[Entry]) -> Iterator[Entry]:
    for key, value in entries:
        yield prefix + key, value
