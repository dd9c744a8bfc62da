"""How the records of a feed become products: read from TOML (`mapping_text` writes it)."""

import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from node.client.feeds.rules import (
    CONSTANT_FIELDS,
    PRODUCT_FIELDS,
    TEXT_FIELDS,
    VARIANT_FIELDS,
    AttributeKind,
    AttributePairs,
    AttributeRules,
    AttributeTarget,
    PriceSource,
    RecordRules,
    VariantRules,
)
from node.client.feeds.toml_table import MappingError, Table, texts_of
from node.client.message_toml import near_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How the records of a feed become products."""

    rules: RecordRules
    variants: VariantRules | None = None
    constants: MappingOf[str, str] = field(default_factory=dict)
    """Product field or "attributes.<key>" -> its value where the feed has none."""

    patterns: MappingOf[str, str] = field(default_factory=dict)
    """Product field -> regular expression: a value that it does not match whole is left out. For
    feeds that mix codes and names in one field."""

    id_from: Sequence[str] = ()
    """Fields whose digest is the id, for a feed without one."""

    ignore: Sequence[str] = ()
    """Fields that no prefix takes; a name may end in "*"."""

    list_separator: str = ""
    """Between the values of a list inside one text (gtins, images, tags, categories); empty: never
    split.
    """

    attribute_list_separator: str = ""
    """The same for the texts of attributes, where commas are more often part of the text."""

    category_separator: str = ">"
    """Between the parts of a category path."""

    category_levels: bool = False
    """All values together are one path from the top down, rather than a path each."""

    decimal_separator: str = "."
    date_formats: Sequence[str] = ()
    """Of strptime, or "unix", "unix_ms"; ISO 8601 is always understood."""

    delimiter: str = ""
    """Of CSV; empty: what the header shows."""

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A mapping from a TOML file. Raises MappingError that says what to change."""
        try:
            return cls.parse(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise MappingError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise MappingError(f"{path}: is not UTF-8") from error
        except MappingError as error:
            raise MappingError(f"{path}: {error.message}") from error

    @classmethod
    def parse(cls, text: str) -> Self:
        """A mapping from the text of a TOML file. Raises MappingError."""
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise MappingError(f"not TOML: {error}") from error
        return cls(**_mapping_of(Table(tree, "")))


def _mapping_of(table: Table) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "id_from": table.texts("id_from"),
        "ignore": table.texts("ignore"),
        "list_separator": table.text("list_separator"),
        "attribute_list_separator": table.text("attribute_list_separator"),
        "category_separator": table.text("category_separator", ">"),
        "category_levels": table.boolean("category_levels"),
        "decimal_separator": table.choice("decimal_separator", ".", (".", ",")),
        "date_formats": table.texts("date_formats"),
        "delimiter": table.choice("delimiter", "", ("", ",", ";", "\t", "|")),
        "constants": _constants_of(table.table("constants")),
        "patterns": _patterns_of(table.table("patterns")),
        "variants": _variants_of(table.table("variants")) if table.has("variants") else None,
        "rules": _rules_of(table, PRODUCT_FIELDS),
    }
    table.end()
    rules: RecordRules = arguments["rules"]
    if bool(rules.fields.get("id")) == bool(arguments["id_from"]):
        raise MappingError("either fields.id or id_from must say where the id comes from")
    if not rules.fields.get("title"):
        raise MappingError("fields.title: every product needs a title")
    return arguments


def _rules_of(table: Table, known: Sequence[str]) -> RecordRules:
    fields_table = table.table("fields")
    fields = {}
    for name, sources in fields_table.items():
        if name not in known:
            raise MappingError(
                f"{fields_table.at(name)}: is no field of a product{near_words(name, known)}"
            )
        fields[name] = texts_of(sources, fields_table.at(name))
    prices = []
    for price in table.tables("prices"):
        prices.append(
            PriceSource(
                selling=price.text("selling"),
                sale=price.text("sale"),
                list_price=price.text("list_price"),
                market=price.text("market"),
                currency=price.text("currency"),
                currency_field=price.text("currency_field"),
                price_scale=price.scale("price_scale"),
            )
        )
        price.end()
        if not prices[-1].selling:
            raise MappingError(f"{price.at('selling')}: must name the field of the price")
    return RecordRules(
        fields=fields, prices=tuple(prices), attributes=_attributes_of(table.table("attributes"))
    )


def _attributes_of(table: Table) -> AttributeRules:
    kinds = {kind.value: kind for kind in AttributeKind}
    prefixes_table, fields_table = table.table("prefixes"), table.table("fields")
    prefixes = {}
    for prefix, kind in prefixes_table.items():
        if kind not in kinds:
            raise MappingError(f"{prefixes_table.at(prefix)}: must be one of {', '.join(kinds)}")
        prefixes[prefix] = kinds[kind]
    fields = {}
    for name, target in fields_table.items():
        one = Table({"key": target} if isinstance(target, str) else target, fields_table.at(name))
        kind = kinds[one.choice("kind", "auto", tuple(kinds))]
        fields[name] = AttributeTarget(key=one.text("key", name), kind=kind)
        one.end()
    pairs = []
    for pair in table.tables("pairs"):
        pairs.append(
            AttributePairs(
                field=pair.text("field"), name=pair.text("name"), value=pair.text("value")
            )
        )
        pair.end()
    rules = AttributeRules(
        prefixes=prefixes, fields=fields, objects=table.texts("objects"), pairs=tuple(pairs)
    )
    table.end()
    return rules


def _variants_of(table: Table) -> VariantRules:
    variants = VariantRules(
        list_field=table.text("list_field"),
        group=table.text("group"),
        rules=_rules_of(table, VARIANT_FIELDS),
    )
    table.end()
    if bool(variants.list_field) == bool(variants.group):
        raise MappingError("variants: needs either list_field or group")
    if variants.list_field and not variants.rules.fields.get("id"):
        raise MappingError("variants.fields.id: must name the field of the SKU")
    return variants


def _patterns_of(table: Table) -> dict[str, str]:
    patterns = {}
    for name, value in table.items():
        if name not in TEXT_FIELDS:
            known = near_words(name, TEXT_FIELDS)
            raise MappingError(f"{table.at(name)}: is no text field of a product{known}")
        try:
            re.compile(value)
        except (re.error, TypeError) as error:
            raise MappingError(f"{table.at(name)}: no regular expression: {error}") from None
        patterns[name] = value
    return patterns


def _constants_of(table: Table) -> dict[str, str]:
    constants = {}
    for name, value in table.items():
        path = table.at(name)
        if isinstance(value, dict) and name == "attributes":
            constants.update(
                {
                    f"attributes.{key}": _constant(each, f"{path}.{key}")
                    for key, each in value.items()
                }
            )
        elif name in CONSTANT_FIELDS or name.startswith("attributes."):
            constants[name] = _constant(value, path)
        else:
            known = (*CONSTANT_FIELDS, "attributes.<key>")
            raise MappingError(f"{path}: cannot be constant{near_words(name, known)}")
    return constants


def _constant(value: object, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise MappingError(f"{path}: must be a text")
    return value
