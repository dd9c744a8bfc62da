"""Writes a mapping as a TOML file with comments, for a person to read and change."""

from collections.abc import Sequence
from dataclasses import fields

from node.client.feeds.mapping import Mapping
from node.client.feeds.rules import (
    AttributeKind,
    AttributeRules,
    PriceSource,
    RecordRules,
    VariantRules,
)
from node.client.message_toml import toml_key, toml_value

_SETTINGS = (
    ("id_from", "the id is a digest of these fields"),
    ("ignore", 'not imported; a name may end in "*"'),
    ("list_separator", "between the values of a list inside one text"),
    ("attribute_list_separator", "the same inside the texts of attributes"),
    ("category_separator", "between the parts of a category path"),
    ("category_levels", "all category values of a line are one path, from the top down"),
    ("decimal_separator", "before the decimals of a number"),
    ("date_formats", 'of strptime, or "unix", "unix_ms"; ISO 8601 is always understood'),
    ("delimiter", "between the fields of a line"),
)


def to_toml(mapping: Mapping, *, notes: Sequence[str] = ()) -> str:
    """The text of a mapping file: what `Mapping.parse` reads back as an equal mapping, led by
    `notes` as comments.
    """
    lines = [f"# {note}".rstrip() for note in notes]
    if lines:
        lines.append("")
    defaults = {each.name: each for each in fields(Mapping)}
    for name, comment in _SETTINGS:
        value = getattr(mapping, name)
        if list(value) if isinstance(value, tuple | list) else value != defaults[name].default:
            lines.append(f"{name} = {toml_value(value)}  # {comment}")
    lines += _rules(mapping.rules, "")
    if mapping.variants is not None:
        lines += _variants(mapping.variants)
    if mapping.patterns:
        lines += ["", "[patterns]  # a value that does not match is left out"]
        lines += [
            f"{toml_key(name)} = {toml_value(value)}" for name, value in mapping.patterns.items()
        ]
    if mapping.constants:
        lines += ["", "[constants]  # where a line has nothing"]
        lines += [
            f"{toml_key(name)} = {toml_value(value)}" for name, value in mapping.constants.items()
        ]
    return "\n".join(lines).lstrip("\n") + "\n"


def _rules(rules: RecordRules, path: str) -> list[str]:
    prefix = f"{path}." if path else ""
    lines = ["", f"[{prefix}fields]  # product field = field of the feed, or several"]
    for name, sources in rules.fields.items():
        lines.append(f"{name} = {toml_value(sources[0] if len(sources) == 1 else sources)}")
    for price in rules.prices:
        lines += ["", f"[[{prefix}prices]]", *_price(price)]
    return lines + _attributes(rules.attributes, f"{prefix}attributes")


def _price(price: PriceSource) -> list[str]:
    comments = {
        "currency": "of prices that do not name their own",
        "price_scale": "this many of the feed's units make one of the currency's",
    }
    lines = []
    for each in fields(PriceSource):
        value = getattr(price, each.name)
        if value != each.default:
            comment = f"  # {comments[each.name]}" if each.name in comments else ""
            lines.append(f"{each.name} = {toml_value(value)}{comment}")
    return lines


def _attributes(rules: AttributeRules, path: str) -> list[str]:
    lines = []
    if rules.objects:
        lines += ["", f"[{path}]", f"objects = {toml_value(rules.objects)}"]
    for pairs in rules.pairs:
        parts = (("field", pairs.field), ("name", pairs.name), ("value", pairs.value))
        lines += [
            "",
            f"[[{path}.pairs]]",
            *(f"{name} = {toml_value(value)}" for name, value in parts),
        ]
    if rules.prefixes:
        lines += ["", f"[{path}.prefixes]  # fields that start so, and the kind of their values"]
        lines += [
            f"{toml_key(prefix)} = {toml_value(kind.value)}"
            for prefix, kind in rules.prefixes.items()
        ]
    if rules.fields:
        lines += ["", f"[{path}.fields]  # field of the feed = key of the attribute"]
    for name, target in rules.fields.items():
        value = toml_value(target.key)
        if target.kind is not AttributeKind.AUTO:
            value = f"{{ key = {value}, kind = {toml_value(target.kind.value)} }}"
        lines.append(f"{toml_key(name)} = {value}")
    return lines


def _variants(variants: VariantRules) -> list[str]:
    lines = ["", "[variants]"]
    if variants.group:
        lines.append(
            f"group = {toml_value(variants.group)}  # following lines with an equal value: one product"
        )
        return lines
    lines.append(f"list_field = {toml_value(variants.list_field)}")
    return lines + _rules(variants.rules, "variants")
