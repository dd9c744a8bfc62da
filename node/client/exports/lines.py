"""Events as lines of JSON, which can be read and written again, and as rows of CSV for a spreadsheet."""

import json
from collections.abc import Iterator
from typing import Final

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from node.errors import InvalidArgumentError
from protos.v1.event_pb2 import Consent, Event, EventProduct
from protos.v1.privacy_pb2 import ExportedEvent

CSV_COLUMNS: Final = (
    "event_id",
    "type",
    "event_time",
    "server_time",
    "session_id",
    "consent",
    "order_id",
    "currency_code",
    "query",
    "filter",
    "result_count",
    "placement",
    "list",
    "position",
    "market",
    "language_code",
    "experiment",
    "attribution_token",
    "product_id",
    "variant_id",
    "quantity",
    "price_micros",
)

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def to_line(event: Event, visitor_id: str) -> str:
    """One line, the end of it included. The visitor's id stands in it, so that it can be written again."""
    named = Event()
    named.CopyFrom(event)
    named.visitor_id = visitor_id
    return json.dumps(MessageToDict(named), ensure_ascii=False) + "\n"


def from_line(line: str) -> Event:
    """The event of a line, as it was exported: without the visitor's id. Raises InvalidArgumentError."""
    try:
        content = json.loads(line)
        if not isinstance(content, dict):
            raise TypeError("it is no object")
        event = ParseDict(content, Event())
    except (ValueError, ParseError, RecursionError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(f"this line is no event: {error}") from error
    event.visitor_id = ""
    return event


def csv_rows(exported: ExportedEvent) -> Iterator[list[str]]:
    """A row for each product, one for an event without products.

    What could be taken for a formula gets an apostrophe before it: events may hold what a stranger typed, and
    spreadsheets would run it. events.jsonl has every text as it is.
    """
    head = [_harmless(cell) for cell in _event_cells(exported)]
    for product in exported.event.products or [EventProduct()]:
        yield [
            *head,
            _harmless(product.product_id),
            _harmless(product.variant_id),
            str(product.quantity or ""),
            str(product.price_micros or ""),
        ]


def _event_cells(exported: ExportedEvent) -> list[str]:
    """In the order of `CSV_COLUMNS`."""
    event = exported.event
    return [
        event.event_id,
        Event.Type.Name(event.type),
        event.event_time.ToJsonString(),
        exported.server_time.ToJsonString(),
        event.session_id,
        Consent.Name(event.consent),
        event.order_id,
        event.currency_code,
        event.query,
        event.filter,
        str(event.result_count) if event.HasField("result_count") else "",
        event.placement,
        event.list,
        str(event.position or ""),
        event.market,
        event.language_code,
        event.experiment,
        event.attribution_token,
    ]


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell
