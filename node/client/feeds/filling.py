"""Fills one product or variant from one record; what the mapping decides is worked out once."""

import re
from collections.abc import Callable
from typing import Any

from node.client.feeds.attributes import AttributeFiller
from node.client.feeds.mapping import Mapping
from node.client.feeds.messages import Get, Message, getter_of, objects_in
from node.client.feeds.prices import own_price, price_filler
from node.client.feeds.records import Fields, ValueRefusedError
from node.client.feeds.rules import TEXT_FIELDS, RecordRules
from node.client.feeds.stock import own_level
from node.client.feeds.values import (
    to_availability,
    to_categories,
    to_images,
    to_number,
    to_text,
    to_texts,
    to_time,
    to_whole_number,
)
from protos.v1.product_pb2 import Product

Fill = Callable[[Message, list[Any]], None]
"""Sets one field of a message from the values that its sources hold (none of them empty)."""


class RecordFiller:
    """Fills one message, a product or a variant, from one record."""

    def __init__(self, mapping: Mapping, rules: RecordRules, *, of_variant: bool = False) -> None:
        self.attributes = AttributeFiller(mapping, rules_of_variant=of_variant)
        self.sources = {name for names in rules.fields.values() for name in names}
        self._has_attributes = not self.attributes.is_idle
        fills = fillers_of(mapping)
        constants = {} if of_variant else mapping.constants
        targets = {**dict.fromkeys(constants, ()), **rules.fields}
        self._fills: list[tuple[str, list[Get], Fill, str]] = [
            (name, [getter_of(source) for source in sources], fills[name], constants.get(name, ""))
            for name, sources in targets.items()
            if name in fills
        ]
        self._prices = [price_filler(price, mapping.decimal_separator) for price in rules.prices]
        for price in rules.prices:
            self.sources |= {price.selling, price.sale, price.list_price, price.currency_field}

    def fill(self, message: Message, fields: Fields) -> None:
        """Raises ValueRefusedError; its text starts with the product's field or the feed's."""
        name = ""
        try:
            for target, getters, fill, constant in self._fills:
                name = target
                values = [
                    value for get in getters if not ((value := get(fields)) is None or value == "")
                ]
                if values:
                    fill(message, values)
                elif constant:
                    fill(message, [constant])
            name = "price"
            for fill_price in self._prices:
                fill_price(message, fields)
        except ValueRefusedError as error:
            raise ValueRefusedError(f"{name}: {error.message}") from None
        except (
            ValueError
        ) as error:  # of protobuf: a text that UTF-8 cannot hold, a number too large
            raise ValueRefusedError(f"{name}: {error}") from None
        if self._has_attributes:
            self.attributes.fill(fields, message.attributes)


def fillers_of(mapping: Mapping) -> dict[str, Fill]:
    """How each field of a product is set."""
    separator = mapping.list_separator
    return {
        **{name: _text_filler(name, mapping.patterns.get(name, "")) for name in TEXT_FIELDS},
        **{name: _texts_filler(name, separator) for name in ("gtins", "tags")},
        "availability": _set_availability,
        "stock_quantity": _stock_filler(mapping.decimal_separator),
        "popularity": _popularity_filler(mapping.decimal_separator),
        "release_time": _release_time_filler(tuple(mapping.date_formats)),
        "categories": _categories_filler(mapping),
        "images": _images_filler(separator),
        "prices": _add_own_prices,
        "stock_levels": _add_own_levels,
    }


def _set_availability(message: Message, values: list[Any]) -> None:
    message.availability = to_availability(values[0])


def _stock_filler(decimal_separator: str) -> Fill:
    def set_stock(message: Message, values: list[Any]) -> None:
        message.stock_quantity = to_whole_number(values[0], decimal_separator=decimal_separator)

    return set_stock


def _popularity_filler(decimal_separator: str) -> Fill:
    def set_popularity(message: Message, values: list[Any]) -> None:
        assert isinstance(message, Product)
        message.popularity = to_number(values[0], decimal_separator=decimal_separator)

    return set_popularity


def _release_time_filler(date_formats: tuple[str, ...]) -> Fill:
    def set_release_time(message: Message, values: list[Any]) -> None:
        assert isinstance(message, Product)
        seconds, nanos = to_time(to_text(values[0]), date_formats)
        message.release_time.seconds = seconds
        message.release_time.nanos = nanos

    return set_release_time


def _categories_filler(mapping: Mapping) -> Fill:
    def add_categories(message: Message, values: list[Any]) -> None:
        assert isinstance(message, Product)
        message.categories.extend(
            to_categories(
                values,
                are_levels=mapping.category_levels,
                part_separator=mapping.category_separator,
                list_separator=mapping.list_separator,
            )
        )

    return add_categories


def _images_filler(separator: str) -> Fill:
    def add_images(message: Message, values: list[Any]) -> None:
        for value in values:
            for address, alt_text in to_images(value, separator=separator):
                message.images.add(url=address, alt_text=alt_text)

    return add_images


def _add_own_prices(message: Message, values: list[Any]) -> None:
    for own in objects_in(values[0], "prices"):
        message.prices.append(own_price(own))


def _add_own_levels(message: Message, values: list[Any]) -> None:
    for own in objects_in(values[0], "stock_levels"):
        message.stock_levels.append(own_level(own))


def _text_filler(name: str, pattern: str) -> Fill:
    matches = re.compile(pattern).fullmatch if pattern else bool

    def set_text(message: Message, values: list[Any]) -> None:
        for value in values:
            text = value.strip() if type(value) is str else to_text(value)
            if text and matches(text):
                setattr(message, name, text)
                return

    return set_text


def _texts_filler(name: str, separator: str) -> Fill:
    def add_texts(message: Message, values: list[Any]) -> None:
        texts = dict.fromkeys(
            text for value in values for text in to_texts(value, separator=separator)
        )
        getattr(message, name).extend(texts)

    return add_texts
