"""Events as lines of JSON, which can be read and written again, and as rows of CSV for a spreadsheet."""

import json
from collections.abc import Iterator
from typing import Final

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from node.errors import InvalidArgumentError
from protos.v1.event_pb2 import Consent, Event, EventProduct
from protos.v1.privacy_pb2 import ExportedEvent

_EVENT_COLUMNS: Final = (
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
)
_PRODUCT_COLUMNS: Final = ("product_id", "variant_id", "quantity", "price_micros")
CSV_COLUMNS: Final = (*_EVENT_COLUMNS, *_PRODUCT_COLUMNS)

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
    event = exported.event
    head = [_event_cell(exported, column) for column in _EVENT_COLUMNS]
    for product in event.products or [EventProduct()]:
        cells = [
            product.product_id,
            product.variant_id,
            str(product.quantity or ""),
            str(product.price_micros or ""),
        ]
        yield [_harmless(cell) for cell in head + cells]


def _event_cell(exported: ExportedEvent, column: str) -> str:
    event = exported.event
    match column:
        case "type":
            return Event.Type.Name(event.type)
        case "consent":
            return Consent.Name(event.consent)
        case "event_time":
            return event.event_time.ToJsonString()
        case "server_time":
            return exported.server_time.ToJsonString()
        case "result_count":
            return str(event.result_count) if event.HasField("result_count") else ""
        case "position":
            return str(event.position or "")
    return str(getattr(event, column))


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell
