"""Turns records into products by a mapping."""

import re
from hashlib import blake2b
from typing import Final

from node.client.feeds.attributes import set_text_attribute
from node.client.feeds.filling import RecordFiller
from node.client.feeds.mapping import Mapping
from node.client.feeds.messages import objects_in
from node.client.feeds.records import FeedItem, Fields, Record, ValueRefusedError, shown
from node.client.feeds.values import is_empty, to_text
from protos.v1.product_pb2 import Product

_ID_SIZE_BYTES_MAX: Final = 128
_DIGEST_SIZE_BYTES: Final = 10
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class Converter:
    """Makes products of one mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._record = RecordFiller(mapping, mapping.rules)
        self._constant_attributes = {
            name.removeprefix("attributes."): value
            for name, value in mapping.constants.items()
            if name.startswith("attributes.")
        }
        variants = mapping.variants
        self._variant = (
            RecordFiller(mapping, variants.rules, of_variant=True)
            if variants and variants.list_field
            else None
        )

    def convert(self, record: Record) -> FeedItem:
        """The record's product, or why it cannot be one."""
        if record.fields is None:
            return FeedItem(record.line, None, record.refusal)
        product = Product()
        try:
            self._fill(product, record.fields)
        except ValueRefusedError as error:
            return FeedItem(record.line, None, error.message)
        return FeedItem(record.line, product)

    def unused_fields(self, fields: Fields) -> list[str]:
        """The names in a record that no part of the product comes from."""
        used = self._record.sources | set(self._mapping.id_from)
        if self._mapping.variants:
            used |= {self._mapping.variants.list_field, self._mapping.variants.group}
        roots = {name.partition(".")[0] for name in used}
        takes = self._record.attributes.takes
        return [
            name for name in fields if name not in used and name not in roots and not takes(name)
        ]

    def _fill(self, product: Product, fields: Fields) -> None:
        self._record.fill(product, fields)
        if self._mapping.id_from:
            product.id = _digest([fields.get(name) for name in self._mapping.id_from])
        for key, value in self._constant_attributes.items():
            set_text_attribute(product.attributes, key, value)
        if self._variant is not None and self._mapping.variants is not None:
            name = self._mapping.variants.list_field
            for index, variant_fields in enumerate(objects_in(fields.get(name), name)):
                variant = product.variants.add()
                try:
                    self._variant.fill(variant, variant_fields)
                    _check_id(variant.id)
                except ValueRefusedError as error:
                    raise ValueRefusedError(f"{name}[{index}].{error.message}") from None
        _check_id(product.id)
        if not product.title:
            raise ValueRefusedError("title: is missing")


def _digest(values: list[object]) -> str:
    if all(is_empty(value) for value in values):
        raise ValueRefusedError("id: all fields it is made from are empty")
    text = "\x1f".join(to_text(value) for value in values)
    return blake2b(text.encode(errors="surrogatepass"), digest_size=_DIGEST_SIZE_BYTES).hexdigest()


def _check_id(product_id: str) -> None:
    if not product_id:
        raise ValueRefusedError("id: is missing")
    size = len(product_id.encode())
    if size > _ID_SIZE_BYTES_MAX:
        raise ValueRefusedError(f"id: has {size} bytes, at most {_ID_SIZE_BYTES_MAX} are allowed")
    if _CONTROL.search(product_id):
        raise ValueRefusedError(f"id: {shown(product_id)} has control characters")
