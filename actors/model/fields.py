"""The fields of a catalogue: those of every product, and what is inferred for new attributes."""

from collections.abc import Iterable, Mapping
from typing import Final

from protos.internal.records_pb2 import FieldRecord
from protos.v1.common_pb2 import AttributeValue

ATTRIBUTE_PREFIX: Final = "attributes."
FIELDS_MAX: Final = 10_000
ATTRIBUTE_TEXT_WEIGHT: Final = 0.3

_TEXT: Final = 1
_NUMBER: Final = 2
_BOOLEAN: Final = 4
_KINDS: Final = {
    AttributeValue.TEXTS_FIELD_NUMBER: _TEXT,
    AttributeValue.NUMBERS_FIELD_NUMBER: _NUMBER,
    AttributeValue.BOOLEAN_FIELD_NUMBER: _BOOLEAN,
}

# key: (search weight, facetable, sortable, kinds)
_CORE: Final[Mapping[str, tuple[float, bool, bool, int]]] = {
    "id": (0, False, True, _TEXT),
    "title": (3, False, True, _TEXT),
    "description": (1, False, False, _TEXT),
    "brand": (1.5, True, True, _TEXT),
    "gtins": (0, False, False, _TEXT),
    "mpn": (0, False, True, _TEXT),
    "article_number": (0, False, True, _TEXT),
    "variant_id": (0, False, False, _TEXT),
    "categories": (1.5, True, False, _TEXT),
    "tags": (1, True, False, _TEXT),
    "language_code": (0, True, False, _TEXT),
    "price": (0, True, True, _NUMBER),
    "availability": (0, True, True, _TEXT),
    "stock_quantity": (0, True, True, _NUMBER),
    "popularity": (0, True, True, _NUMBER),
    "release_time": (0, False, True, _NUMBER),
}
_UNFILTERABLE: Final = frozenset({"description"})
UNSEARCHABLE: Final = frozenset(
    {"price", "availability", "stock_quantity", "popularity", "release_time", "language_code"}
)
"""Fields whose values are not words."""


def core_fields() -> list[FieldRecord]:
    """The settings that a new tenant starts with."""
    return [
        FieldRecord(
            key=key,
            search_weight=weight,
            facetable=facetable,
            filterable=key not in _UNFILTERABLE,
            sortable=sortable,
            has_texts=bool(kinds & _TEXT),
            has_numbers=bool(kinds & _NUMBER),
            inferred=True,
        )
        for key, (weight, facetable, sortable, kinds) in _CORE.items()
    ]


class FieldBook:
    """The settings of all fields in memory, and what new products add to them."""

    def __init__(self, records: Iterable[FieldRecord]) -> None:
        self.records = {record.key: record for record in records}
        self.learnt_count = 0
        self._kinds = {
            record.key[len(ATTRIBUTE_PREFIX) :]: _kinds_of(record)
            for record in self.records.values()
            if record.key.startswith(ATTRIBUTE_PREFIX)
        }

    def learn(self, kinds: Iterable[tuple[str, int]]) -> list[FieldRecord]:
        """Settings to store for attribute keys, or kinds of value, that were never seen before.

        Args:
            kinds: as `products.Checked.kinds`.
        """
        added = []
        known = self._kinds
        for key, number in kinds:
            kind = _KINDS[number]
            seen = known.get(key, 0)
            if not seen & kind:
                known[key] = seen | kind
                record = self._widened(ATTRIBUTE_PREFIX + key, kind)
                self.records[record.key] = record
                self.learnt_count += 1
                added.append(record)
        return added

    def replace(self, record: FieldRecord) -> None:
        """Take over edited settings."""
        self.records[record.key] = record

    @property
    def is_full(self) -> bool:
        """Whether no further attribute key may be learnt."""
        return len(self.records) >= FIELDS_MAX

    def knows_all(self, kinds: Iterable[tuple[str, int]]) -> bool:
        """Whether storing a product with these attributes would add no key."""
        known = self._kinds
        return all(key in known for key, _ in kinds)

    def _widened(self, key: str, kind: int) -> FieldRecord:
        record = FieldRecord()
        if key in self.records:
            record.CopyFrom(self.records[key])
        else:
            record.key = key
            record.facetable = record.filterable = record.sortable = record.inferred = True
        if kind == _TEXT:
            record.has_texts = True
            if record.inferred:
                record.search_weight = ATTRIBUTE_TEXT_WEIGHT
        record.has_numbers = record.has_numbers or kind == _NUMBER
        record.has_booleans = record.has_booleans or kind == _BOOLEAN
        return record


def _kinds_of(record: FieldRecord) -> int:
    return (
        (_TEXT if record.has_texts else 0)
        | (_NUMBER if record.has_numbers else 0)
        | (_BOOLEAN if record.has_booleans else 0)
    )
