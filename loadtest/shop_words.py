"""The words and number ranges from which a demonstration shop's catalogue is made."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberRange:
    """An attribute whose values are minimum, minimum + step, ... up to maximum."""

    key: str
    minimum: int
    maximum: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What kinds of goods have in common."""

    purposes: tuple[str, ...]
    materials: tuple[str, ...]
    features: tuple[str, ...]
    sizes: tuple[str, ...]
    """Empty: sold in one size."""

    numbers: tuple[NumberRange, ...]
    child_sizes: tuple[str, ...] = ()
    """Instead of `sizes` in products for children, where they differ."""

    size_price_percent: int = 0
    """How much dearer each size is than the one before."""

    is_coloured: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of goods."""

    name: str
    article: str
    """Of the noun, empty in the plural; it chooses the adjective's form."""

    category: str
    price_min: int
    price_max: int
    group: str
    people: tuple[str, ...]
    """For whom it is made; empty: for anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopWords:
    """Everything a shop's catalogue is made from."""

    language_code: str
    currency_code: str
    brands: tuple[str, ...]
    model_starts: tuple[str, ...]
    model_ends: tuple[str, ...]
    model_marks: tuple[str, ...]
    articles: tuple[str, str]
    child: str
    """For whom `child_sizes` are."""

    colours: tuple[str, ...]
    colour_key: str
    size_key: str
    material_key: str
    people_key: str
    kinds: tuple[Kind, ...]
    groups: Mapping[str, Group]
    adjectives: tuple[tuple[str, str, str], ...]
    """Each as it stands after the first of `articles`, after the second, and in the plural."""

    opening: str
    """The description's first sentence, with {article}, {first}, {second}, {kind} and {purpose}."""

    material_sentences: tuple[str, ...]
    tags: tuple[str, ...]
