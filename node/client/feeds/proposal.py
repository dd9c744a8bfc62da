"""Proposes a mapping for a feed from a sample of its records; every guess is noted for a person to
check.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from node.client.feeds import field_names, samples
from node.client.feeds.attributes import attribute_key
from node.client.feeds.field_names import find_names, plain_name
from node.client.feeds.mapping import Mapping
from node.client.feeds.records import FeedError, Fields
from node.client.feeds.rules import (
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    AttributeKind,
    AttributePairs,
    AttributeRules,
    AttributeTarget,
    PriceSource,
    RecordRules,
    VariantRules,
)
from node.client.feeds.values import is_empty
from protos.v1.product_pb2 import Image, Price, StockLevel, Variant

_PREFIX_NAMES_MIN: Final = 5
"""So many names must share a prefix before it is taken for one of attributes."""

_NAMES_SHOWN_MAX: Final = 30
_CODE_PATTERN: Final = r"\S*\d\S*"
"""One word with a digit in it."""

OWN_MAPPING: Final = Mapping(
    rules=RecordRules(
        fields={name: (name,) for name in PRODUCT_FIELDS},
        attributes=AttributeRules(objects=("attributes",)),
    ),
    variants=VariantRules(
        list_field="variants",
        rules=RecordRules(
            fields={name: (name,) for name in VARIANT_FIELDS},
            attributes=AttributeRules(objects=("attributes",)),
        ),
    ),
)
"""Reads what the platform itself writes: products in protobuf's JSON with the names of
`protos/v1/product.proto`.
"""

_OWN_NAMES: Final = frozenset({*PRODUCT_FIELDS, "name", "attributes", "variants", "update_time"})
_OWN_PARTS: Final = {
    "prices": frozenset(Price.DESCRIPTOR.fields_by_name),
    "stock_levels": frozenset(StockLevel.DESCRIPTOR.fields_by_name),
    "images": frozenset(Image.DESCRIPTOR.fields_by_name),
    "variants": frozenset(Variant.DESCRIPTOR.fields_by_name),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping that fits the sample, and what a person should know or check."""

    mapping: Mapping
    notes: Sequence[str]


def propose_mapping(sample: Sequence[Fields]) -> Proposal:
    """A mapping for records like these. Raises FeedError when no field can be the title."""
    if not sample:
        raise FeedError("no line of the feed can be read, so no mapping can be proposed")
    columns = _columns(sample)
    if _is_own(columns):
        return Proposal(OWN_MAPPING, ["These are products as Saluhall itself writes them."])
    return _Proposer(sample, columns).propose()


def _columns(sample: Iterable[Fields]) -> dict[str, list[Any]]:
    """The values of every field that are not empty."""
    columns: dict[str, list[Any]] = {}
    for fields in sample:
        for name, value in fields.items():
            values = columns.setdefault(name, [])
            if not is_empty(value):
                values.append(value)
    return columns


def _is_own(columns: dict[str, list[Any]]) -> bool:
    if not columns.keys() <= _OWN_NAMES or not {"id", "title"} <= columns.keys():
        return False
    lists = [(_OWN_PARTS[name], value) for name in _OWN_PARTS for value in columns.get(name, ())]
    return all(
        isinstance(value, list)
        and all(isinstance(each, dict) and each.keys() <= known for each in value)
        for known, value in lists
    )


@dataclass(slots=True)
class _Proposer:
    sample: Sequence[Fields]
    columns: dict[str, list[Any]]
    is_of_variant: bool = False
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def propose(self) -> Proposal:
        group = self._group()
        id_sources, id_from = self._id()
        variants = self._variants() or (VariantRules(group=group) if group else None)
        rules = self._rules(id_sources)
        if "title" not in rules.fields:
            raise FeedError(
                "no field looks like a product's title; write a mapping file and name it under "
                f"[fields]; the fields are {', '.join(self._shown(self.columns))}"
            )
        if not id_sources:
            id_from = id_from or self._id_from(rules)
        mapping = self._with_ways_of_writing(
            Mapping(rules=rules, variants=variants, id_from=id_from)
        )
        self._note_unused()
        return Proposal(mapping, self.notes)

    def rules_of_variant(self) -> RecordRules:
        """Of the objects in a list of variants."""
        sources = find_names(field_names.PRODUCT_NAMES["id"], self.columns)[:1]
        self.used.update(sources)
        return self._rules(tuple(sources))

    def _rules(self, id_sources: tuple[str, ...]) -> RecordRules:
        fields: dict[str, tuple[str, ...]] = {"id": id_sources} if id_sources else {}
        prices = self._prices()
        known = VARIANT_FIELDS if self.is_of_variant else PRODUCT_FIELDS
        for target, names in field_names.PRODUCT_NAMES.items():
            sources = self._unused(names)
            if target != "id" and target in known and sources:
                fields[target] = self._chosen(target, sources)
                self.used.update(fields[target])
        if (
            "mpn" not in fields
            and "title" in fields
            and self._is_code_in_title("name", fields["title"])
        ):
            fields["mpn"] = ("name",)
            self.used.add("name")
            self.notes.append(
                "'name' mostly stands in the title as well: where it is a code it is the mpn."
            )
        if "title" not in fields and "description" in fields and not self.is_of_variant:
            fields["title"] = fields.pop("description")
            self.notes.append(
                f"{fields['title'][0]!r} is taken as the title; there is no other name."
            )
        return RecordRules(fields=fields, prices=prices, attributes=self._attributes())

    def _is_code_in_title(self, name: str, titles: tuple[str, ...]) -> bool:
        pairs = [
            (str(fields[name]), str(fields.get(titles[0], "")))
            for fields in self.sample
            if not is_empty(fields.get(name))
        ]
        inside = sum(code in title and code != title for code, title in pairs)
        return name not in self.used and inside * 2 > len(self.sample)

    def _chosen(self, target: str, sources: list[str]) -> tuple[str, ...]:
        if target == "images":
            return (sources[0], *self._unused(field_names.MORE_IMAGES_NAMES))
        if target == "gtins":
            return tuple(sources)
        if target == "categories":
            texts = samples.texts_in(self.columns[sources[0]])
            if texts and all(text.isdecimal() for text in texts):
                self.notes.append(f"{sources[0]!r} holds numbers of categories rather than names.")
        return (sources[0],)

    def _unused(self, names: Sequence[str]) -> list[str]:
        return [name for name in find_names(names, self.columns) if self._is_free(name)]

    def _is_free(self, name: str) -> bool:
        return name not in self.used and bool(self.columns[name])

    def _id(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        candidates = [
            name
            for name in find_names(field_names.PRODUCT_NAMES["id"], self.columns)
            if len(self.columns[name]) == len(self.sample)
        ]
        for name in candidates:
            if len({str(value) for value in self.columns[name]}) == len(self.sample):
                self.used.add(name)
                return (name,), ()
        if candidates:
            name = candidates[0]
            repeated = len(self.sample) - len({str(value) for value in self.columns[name]})
            self.notes.append(
                f"{name!r} is taken as the id, but {repeated} of {len(self.sample)} lines "
                "repeat one: of lines with one id the last wins."
            )
            self.used.add(name)
            return (name,), ()
        return (), ()

    def _id_from(self, rules: RecordRules) -> tuple[str, ...]:
        names = tuple(
            rules.fields[name][0]
            for name in ("title", "brand", "mpn", "url", "images")
            if name in rules.fields
        )
        self.notes.append(
            f"No field is an id: it is made from {', '.join(names)}. A product in which one of "
            "them changes becomes another product; name a field that stays, if there is one."
        )
        return names

    def _group(self) -> str:
        for name in find_names(field_names.GROUP_NAMES, self.columns):
            values = [str(value) for value in self.columns[name]]
            if len(set(values)) < len(values):
                self.used.add(name)
                self.notes.append(
                    f"Lines that follow each other with one {name!r} become one product "
                    "with variants."
                )
                return name
        return ""

    def _variants(self) -> VariantRules | None:
        for name in find_names(field_names.VARIANT_LIST_NAMES, self.columns):
            records = [
                each for value in self.columns[name] if isinstance(value, list) for each in value
            ]
            if records and all(isinstance(each, dict) for each in records):
                inner = _Proposer(records, _columns(records), is_of_variant=True)
                rules = inner.rules_of_variant()
                if rules.fields.get("id"):
                    self.used.add(name)
                    self.notes += [f"In {name!r}: {note}" for note in inner.notes]
                    return VariantRules(list_field=name, rules=rules)
        return None

    def _prices(self) -> tuple[PriceSource, ...]:
        selling = self._unused(field_names.SELLING_NAMES)
        if not selling:
            return ()
        self.used.add(selling[0])
        sale, list_price, currency_field = (
            (self._unused(names) or [""])[0]
            for names in (
                field_names.SALE_NAMES,
                field_names.LIST_NAMES,
                field_names.CURRENCY_NAMES,
            )
        )
        self.used.update({sale, list_price, currency_field} - {""})
        values = self.columns[selling[0]]
        names_currency = any(
            any(letter.isalpha() for letter in text) for text in samples.texts_in(values)
        )
        if not currency_field and not names_currency:
            self.notes.append(
                "The prices name no currency: they are taken in the tenant's. Set `currency` "
                "if it is another."
            )
        currencies = {str(value).upper() for value in self.columns.get(currency_field, ())}
        scale = samples.price_scale(values, currencies.pop() if len(currencies) == 1 else "")
        if scale != 1:
            self.notes.append(
                f"Prices look like minor units: {values[0]} is read as {values[0] / scale:.2f} "
                f"(price_scale = {scale}). Set 1 if {values[0]} is meant."
            )
        price = PriceSource(
            selling=selling[0],
            sale=sale,
            list_price=list_price,
            currency_field=currency_field,
            price_scale=scale,
        )
        return (price,)

    def _attributes(self) -> AttributeRules:
        objects, pairs = [], []
        for name in self._unused(field_names.ATTRIBUTE_OBJECT_NAMES):
            values = self.columns[name]
            elements = [
                each for value in values for each in (value if isinstance(value, list) else [value])
            ]
            if all(isinstance(value, dict) for value in elements):
                pair = _pair_names(elements)
                if pair is not None:
                    pairs.append(AttributePairs(field=name, name=pair[0], value=pair[1]))
                elif not any(isinstance(value, list) for value in values):
                    objects.append(name)
                self.used.add(name)
        prefixes = self._prefixes()
        fields = {
            name: AttributeTarget(key=attribute_key(name.removeprefix("g:").lower()))
            for name in self.columns
            if self._is_free(name)
            and plain_name(name) in field_names.ATTRIBUTE_NAMES
            and not any(isinstance(value, dict) for value in self.columns[name])
        }
        self.used.update(fields)
        return AttributeRules(
            prefixes=prefixes, fields=fields, objects=tuple(objects), pairs=tuple(pairs)
        )

    def _prefixes(self) -> dict[str, AttributeKind]:
        """Prefixes that many names share: "attr_", or "attr_t_" and "attr_n_" where each has a kind
        of its own.
        """
        free = [name for name in self.columns if self._is_free(name)]
        counts = Counter(f"{name.split('_', 1)[0]}_" for name in free if "_" in name.strip("_"))
        prefixes: dict[str, AttributeKind] = {}
        for prefix, count in counts.items():
            if count < _PREFIX_NAMES_MIN:
                continue
            names = [name for name in free if name.startswith(prefix)]
            marks = Counter(name[len(prefix) :].split("_", 1)[0] for name in names)
            is_marked = len(marks) <= 4 and all(len(mark) <= 2 for mark in marks)
            for each in sorted(f"{prefix}{mark}_" for mark in marks) if is_marked else (prefix,):
                members = [name for name in names if name.startswith(each)]
                kinds = {samples.kind_of(self.columns[name]) for name in members}
                prefixes[each] = (
                    kinds.pop() if len(kinds) == 1 else _mixed_kind(self.columns, members)
                )
                self.used.update(members)
        return prefixes

    def _with_ways_of_writing(self, mapping: Mapping) -> Mapping:
        fields, prices = mapping.rules.fields, mapping.rules.prices
        categories = self._values(fields.get("categories", ()))
        dates = self._values(fields.get("release_time", ()))
        formats = samples.date_formats(dates)
        if formats is None:
            self.notes.append(
                f"The dates ({dates[0]!r}) are in no format that is known: set date_formats."
            )
        lists = (
            (self._values(fields.get("gtins", ())), r"\d{8,14}"),
            (self._values(fields.get("images", ())), r"https?://\S+?"),
        )
        separators = [samples.list_separator(values, part) for values, part in lists]
        return replace(
            mapping,
            patterns={"mpn": _CODE_PATTERN} if fields.get("mpn") == ("name",) else {},
            category_separator=samples.category_separator(categories),
            category_levels=samples.are_category_levels(categories),
            decimal_separator=samples.decimal_separator(
                self._values([each.selling for each in prices])
            ),
            date_formats=formats or (),
            list_separator=next((each for each in separators if each), ""),
        )

    def _values(self, names: Iterable[str]) -> list[Any]:
        return [value for name in names for value in self.columns.get(name, ())]

    def _note_unused(self) -> None:
        unused = [name for name in self.columns if name not in self.used]
        if unused:
            self.notes.append(
                f"Not imported: {', '.join(self._shown(unused))}. "
                "What shoppers search or filter by belongs under [attributes.fields]."
            )

    def _shown(self, names: Iterable[str]) -> list[str]:
        all_names = list(names)
        more = len(all_names) - _NAMES_SHOWN_MAX
        return all_names[:_NAMES_SHOWN_MAX] + ([f"and {more} more"] if more > 0 else [])


def _mixed_kind(columns: dict[str, list[Any]], names: list[str]) -> AttributeKind:
    is_typed = any(not isinstance(value, str) for name in names for value in columns[name])
    return AttributeKind.AUTO if is_typed else AttributeKind.TEXT


def _pair_names(elements: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The names of name and value in objects that describe one attribute each."""
    names = set.intersection(*(set(element) for element in elements)) if elements else set()
    for each in ("name", "key", "attribute_name", "g:attribute_name", "label"):
        for value in ("value", "attribute_value", "g:attribute_value", "values"):
            if each in names and value in names:
                return each, value
    return None
