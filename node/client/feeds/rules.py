"""The parts of a mapping: which fields of a record become which of a product or variant."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class AttributeKind(Enum):
    """What the values of an attribute are."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    AUTO = "auto"
    """As JSON has it: texts, numbers, true and false. In CSV and XML everything is a text."""


PRODUCT_FIELDS: Final = (
    "id", "title", "description", "brand", "gtins", "mpn", "article_number", "categories",
    "availability", "stock_quantity", "images", "url", "language_code", "tags", "release_time",
    "popularity", "prices", "stock_levels",
)  # fmt: skip
VARIANT_FIELDS: Final = (
    "id", "title", "gtins", "mpn", "article_number", "availability", "stock_quantity", "images",
    "url", "prices", "stock_levels",
)  # fmt: skip
TEXT_FIELDS: Final = (
    "id", "title", "description", "brand", "mpn", "article_number", "url", "language_code",
)  # fmt: skip
CONSTANT_FIELDS: Final = ("brand", "categories", "availability", "language_code", "tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSource:
    """Where the price of one market stands."""

    selling: str
    """What a shopper pays; the regular price where `sale` has another."""

    sale: str = ""
    """A reduced price; where a line has one it is what a shopper pays, and `selling` the price
    before.
    """

    list_price: str = ""
    """The price before a reduction. Both may be missing in a line."""

    market: str = ""
    currency: str = ""
    """Of prices that do not name their own; empty: the tenant's currency."""

    currency_field: str = ""
    """The field that names it, where lines differ."""

    price_scale: int = 1
    """How many of the feed's units make one of the currency's: 100 where 4995 means 49.95."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeTarget:
    """The attribute that one field becomes."""

    key: str
    kind: AttributeKind = AttributeKind.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributePairs:
    """A field that lists attributes as objects of a name and a value."""

    field: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRules:
    """Which fields become attributes."""

    prefixes: MappingOf[str, AttributeKind] = field(default_factory=dict)
    """Fields that start so; the key is what follows. The first that fits counts, in the order
    given.
    """

    fields: MappingOf[str, AttributeTarget] = field(default_factory=dict)
    objects: Sequence[str] = ()
    """Fields that hold an object whose every member is an attribute."""

    pairs: Sequence[AttributePairs] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRules:
    """What becomes of one record, be it a product or a variant."""

    fields: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    """Product field -> the feed's fields: lists gather all of them, single values take the first
    that is there.
    """

    prices: Sequence[PriceSource] = ()
    attributes: AttributeRules = field(default_factory=AttributeRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRules:
    """Where the SKUs of a product stand: in a list inside its line, or in lines of their own."""

    list_field: str = ""
    """The field that holds a list of objects, each read by `rules`."""

    rules: RecordRules = field(default_factory=RecordRules)
    group: str = ""
    """The field that is equal in consecutive lines of one product; it becomes the product's id."""
