"""The fields that a query can name: which columns they are, and what each may be used for."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Final

from actors.index.columns import (
    ATTRIBUTES,
    BOOLEAN_SUFFIX,
    CATEGORY_COLUMNS,
    NUMBER_SUFFIX,
    TEXT_SUFFIX,
)
from actors.index.schema import FieldSetting, Schema
from node.errors import InvalidArgumentError


class Kind(Enum):
    """What the values of a field are."""

    TEXT = "text"
    PATH = "category path"
    NUMBER = "number"
    TIME = "time"
    PRICE = "price"
    STOCK = "stock"
    AVAILABILITY = "availability"
    ATTRIBUTE = "attribute"


class Use(Enum):
    """What a query wants a field for."""

    FILTER = "filtered by"
    FACET = "counted as a facet"
    SORT = "sorted by"


@dataclass(frozen=True, slots=True)
class Field:
    """A field and its columns."""

    key: str
    kind: Kind
    text_columns: tuple[str, ...] = ()
    number_column: str = ""
    boolean_column: str = ""


_KINDS: Final[Mapping[str, Kind]] = {
    "id": Kind.TEXT,
    "variant_id": Kind.TEXT,
    "title": Kind.TEXT,
    "brand": Kind.TEXT,
    "gtins": Kind.TEXT,
    "mpn": Kind.TEXT,
    "article_number": Kind.TEXT,
    "tags": Kind.TEXT,
    "language_code": Kind.TEXT,
    "categories": Kind.PATH,
    "popularity": Kind.NUMBER,
    "release_time": Kind.TIME,
    "price": Kind.PRICE,
    "stock_quantity": Kind.STOCK,
    "availability": Kind.AVAILABILITY,
}

_CORE: Final[Mapping[str, Field]] = {
    key: Field(
        key,
        kind,
        text_columns=(key,) if kind is Kind.TEXT else CATEGORY_COLUMNS if kind is Kind.PATH else (),
        number_column=key if kind in {Kind.NUMBER, Kind.TIME} else "",
    )
    for key, kind in _KINDS.items()
}

_COMPARED_KEYS_MAX: Final = 400
"""Close matches are looked for among so many keys: it takes 0.1 ms for each, on the error path."""


def field_of(key: str, schema: Schema, use: Use, *, path: str) -> Field:
    """The field with this key.

    Args:
        key: as the request names it.
        schema: the tenant's fields. A field of every product need not stand in it.
        use: what the request wants the field for.
        path: where the key stands in the request, for the error.

    Raises:
        InvalidArgumentError: there is no such field, or the tenant's settings do not allow this use.
    """
    setting = schema.fields.get(key)
    field = _CORE.get(key)
    if field is None:
        if setting is None or not key.startswith(ATTRIBUTES):
            raise InvalidArgumentError.of(
                path, unknown_field_problem(key, schema), reason="UNKNOWN_FIELD"
            )
        field = Field(
            key,
            Kind.ATTRIBUTE,
            text_columns=(key + TEXT_SUFFIX,),
            number_column=key + NUMBER_SUFFIX,
            boolean_column=key + BOOLEAN_SUFFIX,
        )
    if setting is not None and not _allows(setting, use):
        raise InvalidArgumentError.of(
            path,
            f'"{key}" cannot be {use.value}: the field settings switch this off',
            reason="FIELD_USE_OFF",
        )
    return field


def unknown_field_problem(key: str, schema: Schema) -> str:
    """What is wrong with a key that is no field's: the sentence names close matches."""
    if key == "description":
        return '"description" holds prose: search in it with the query\'s words'
    shown = key[:80]
    near = close_keys(key, schema)
    if near:
        named = " or ".join(f'"{name}"' for name in near)
        return f'there is no field "{shown}"; did you mean {named}?'
    return f'there is no field "{shown}"; ListFields names all fields'


def close_keys(key: str, schema: Schema) -> list[str]:
    """At most three fields whose keys look like `key`, best first."""
    attribute = ATTRIBUTES + key
    if attribute in schema.fields:
        return [attribute]
    lowered = key.lower()
    size = len(lowered)
    keys = {*_CORE, *schema.fields}
    likely = sorted(
        (k for k in keys if abs(len(k) - size) <= 2 or abs(len(k) - len(ATTRIBUTES) - size) <= 2),
        key=lambda k: (not _shares_start(k, lowered), k),
    )[:_COMPARED_KEYS_MAX]
    by_form = {k.removeprefix(ATTRIBUTES).lower(): k for k in reversed(likely)}
    found = get_close_matches(lowered.removeprefix(ATTRIBUTES), list(by_form), n=3, cutoff=0.7)
    return [by_form[form] for form in found]


def _allows(setting: FieldSetting, use: Use) -> bool:
    if use is Use.FILTER:
        return setting.filterable
    return setting.facetable if use is Use.FACET else setting.sortable


def _shares_start(key: str, lowered: str) -> bool:
    return key.removeprefix(ATTRIBUTES).lower()[:2] == lowered.removeprefix(ATTRIBUTES)[:2]
