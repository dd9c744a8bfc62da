"""Reads a history of events: JSON Lines, CSV or TSV, plain or gzip.

An event without an id gets one that is made of everything its records say, so that importing the same file again
changes nothing, and neither does importing a longer one that begins with it. Two records that are equal in every
field are therefore one event.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Final

from google.protobuf.json_format import ParseDict, ParseError

from node.client.feeds.event_mapping import CONSENTS, TEXT_FIELDS, TYPES, EventMapping
from node.client.feeds.products import read_records
from node.client.feeds.records import Fields, Record, ValueRefusedError, shown
from node.client.feeds.source import FeedSource
from node.client.feeds.values import (
    is_empty,
    to_amount,
    to_text,
    to_time,
    to_whole_number,
)
from protos.v1.event_pb2 import Consent, Event

_DAY_S: Final = 86_400
_DIGEST_SIZE_BYTES: Final = 16
_PRODUCTS_MAX: Final = 100
_GROUP_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class EventItem:
    """One event of a history, or why there is none."""

    line: int
    """Where it starts; the first line is 1."""

    event: Event | None
    refusal: str | None = None
    """A sentence for the shop's people. Neither event nor refusal: the mapping passes over it."""


def read_events(source: FeedSource, mapping: EventMapping | None) -> Iterator[EventItem]:
    """Every event of the history, or why a record is none, in the order of the file.

    Without a mapping each line is an Event in the protocol's own JSON. Raises FeedError when the file as a whole
    cannot be read (on).
    """
    if mapping is None:
        return map(_own_event, read_records(source))
    return EventConverter(mapping).convert(read_records(source, delimiter=mapping.delimiter))


class EventConverter:
    """Makes events of one mapping."""

    def __init__(self, mapping: EventMapping) -> None:
        self._mapping = mapping
        self._only = {name: re.compile(pattern) for name, pattern in mapping.only.items()}

    def convert(self, records: Iterable[Record]) -> Iterator[EventItem]:
        """An item for each record, or for each group of records that are one event."""
        if not self._mapping.group_by:
            for record in records:
                yield from self._items([record])
            return
        for _, group in groupby(records, key=self._group_of):
            yield from self._items(list(_bounded(group)))

    def _group_of(self, record: Record) -> tuple[str, int]:
        """Records without a group are each one of their own."""
        value = (record.fields or {}).get(self._mapping.group_by)
        return ("", record.line) if is_empty(value) else (to_text(value), 0)

    def _items(self, records: list[Record]) -> Iterator[EventItem]:
        """One event for every hundred records: an event has no more products."""
        readable: list[tuple[int, Fields]] = []
        for record in records:
            if record.fields is None:
                yield EventItem(record.line, None, record.refusal)
            elif self._is_wanted(record.fields):
                readable.append((record.line, record.fields))
            else:
                yield EventItem(record.line, None)
        for start in range(0, len(readable), _PRODUCTS_MAX):
            some = readable[start : start + _PRODUCTS_MAX]
            try:
                yield EventItem(some[0][0], self._event([fields for _, fields in some]))
            except ValueRefusedError as error:
                yield EventItem(some[0][0], None, error.message)

    def _is_wanted(self, fields: Fields) -> bool:
        return all(
            pattern.fullmatch(to_text(fields.get(name))) for name, pattern in self._only.items()
        )

    def _event(self, records: list[Fields]) -> Event:
        first = records[0]
        event = Event(type=self._type(first), consent=self._consent(first))
        for name in TEXT_FIELDS:
            text = to_text(self._value(first, name))
            if text:
                setattr(event, name, text)
        for name in ("position", "result_count"):
            value = self._value(first, name)
            if not is_empty(value):
                setattr(event, name, self._whole(name, value))
        self._set_time(event, first)
        for fields in records:
            self._add_product(event, fields)
        if not event.event_id:
            event.event_id = _digest(records)
        return event

    def _value(self, fields: Fields, name: str) -> object:
        source = self._mapping.fields.get(name)
        value = fields.get(source) if source else None
        return self._mapping.constants.get(name) if is_empty(value) else value

    def _type(self, fields: Fields) -> Event.Type.ValueType:
        name = to_text(self._value(fields, "type"))
        number = TYPES.get(self._mapping.types.get(name, name.lower()))
        if number is None:
            raise ValueRefusedError(f"type: {shown(name)} is none of {', '.join(TYPES)}")
        return number

    def _consent(self, fields: Fields) -> Consent.ValueType:
        name = to_text(self._value(fields, "consent")).lower()
        if name not in CONSENTS:
            raise ValueRefusedError(f"consent: {shown(name)} is none of {', '.join(CONSENTS)}")
        return CONSENTS[name]

    def _set_time(self, event: Event, fields: Fields) -> None:
        text = to_text(self._value(fields, "event_time"))
        if text:
            seconds, nanos = to_time(text, tuple(self._mapping.date_formats))
            event.event_time.seconds = seconds + self._mapping.shift_days * _DAY_S
            event.event_time.nanos = nanos

    def _add_product(self, event: Event, fields: Fields) -> None:
        product_id = to_text(self._value(fields, "product_id"))
        if not product_id:
            return
        product = event.products.add(
            product_id=product_id, variant_id=to_text(self._value(fields, "variant_id"))
        )
        quantity = self._value(fields, "quantity")
        if not is_empty(quantity):
            product.quantity = self._whole("quantity", quantity)
        price = self._value(fields, "price")
        if not is_empty(price):
            product.price_micros, _ = to_amount(
                price, price_scale=1, decimal_separator=self._mapping.decimal_separator
            )

    def _whole(self, name: str, value: object) -> int:
        number = to_whole_number(value, decimal_separator=self._mapping.decimal_separator)
        if not 0 <= number < 1 << 31:
            raise ValueRefusedError(f"{name}: {shown(value)} must be 0 or more")
        return number


def _own_event(record: Record) -> EventItem:
    if record.fields is None:
        return EventItem(record.line, None, record.refusal)
    try:
        event = ParseDict(dict(record.fields), Event())
    except ParseError as error:
        return EventItem(record.line, None, f"no Event: {error}")
    if not event.event_id:
        event.event_id = _digest([record.fields])
    return EventItem(record.line, event)


def _bounded(group: Iterable[Record]) -> Iterator[Record]:
    """A group as it comes; one that never ends is nothing to hold in memory."""
    for count, record in enumerate(group):
        if count >= _GROUP_MAX:
            yield Record(record.line, None, f"more than {_GROUP_MAX:,} records are one event")
            return
        yield record


def _digest(records: list[Fields]) -> str:
    """Of all that the records say, whatever order their fields stand in."""
    digest = blake2b(digest_size=_DIGEST_SIZE_BYTES)
    for fields in records:
        for name in sorted(fields):
            digest.update(f"{name}\x1f{fields[name]!r}\x1e".encode(errors="surrogatepass"))
        digest.update(b"\x1d")
    return digest.hexdigest()
