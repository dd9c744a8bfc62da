"""How the records of a history become events: read from TOML, in the style of the mappings of products."""

import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from node.client.feeds.toml_table import MappingError, Table, texts_of
from node.client.message_toml import near_words
from protos.v1.event_pb2 import Consent, Event

TEXT_FIELDS: Final = (
    "event_id",
    "visitor_id",
    "session_id",
    "order_id",
    "currency_code",
    "query",
    "filter",
    "placement",
    "list",
    "market",
    "language_code",
    "experiment",
    "attribution_token",
)
PRODUCT_FIELDS: Final = ("product_id", "variant_id", "quantity", "price")
EVENT_FIELDS: Final = (
    *TEXT_FIELDS,
    *PRODUCT_FIELDS,
    "type",
    "event_time",
    "consent",
    "position",
    "result_count",
)
_NOT_CONSTANT: Final = frozenset({"event_id", "event_time", "visitor_id"})

TYPES: Final = {name.lower(): number for name, number in Event.Type.items() if number}
CONSENTS: Final = {name.lower(): number for name, number in Consent.items() if number}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMapping:
    """How the records of a history become events."""

    fields: MappingOf[str, str]
    """Field of an event or of its product -> field of the file."""

    constants: MappingOf[str, str] = field(default_factory=dict)
    """Field of an event -> its value where the file has none."""

    types: MappingOf[str, str] = field(default_factory=dict)
    """What the file calls a type -> what it is here."""

    only: MappingOf[str, str] = field(default_factory=dict)
    """Field of the file -> regular expression: records that do not match whole are passed over."""

    group_by: str = ""
    """Field of the file: neighbouring records with the same value are one event of several products."""

    date_formats: Sequence[str] = ()
    """Of strptime, or "unix", "unix_ms"; ISO 8601 is always understood. A time without a zone is in UTC."""

    decimal_separator: str = "."
    delimiter: str = ""
    """Of CSV; empty: what the header shows."""

    shift_days: int = 0
    """Added to every time: a tenant keeps events for 400 days at most, and histories may be older."""

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
        "fields": _texts(table.table("fields"), EVENT_FIELDS),
        "constants": _texts(
            table.table("constants"), [name for name in EVENT_FIELDS if name not in _NOT_CONSTANT]
        ),
        "types": _types(table.table("types")),
        "only": _patterns(table.table("only")),
        "group_by": table.text("group_by"),
        "date_formats": table.texts("date_formats"),
        "decimal_separator": table.choice("decimal_separator", ".", (".", ",")),
        "delimiter": table.choice("delimiter", "", ("", ",", ";", "\t", "|")),
        "shift_days": table.whole_number("shift_days"),
    }
    table.end()
    for name in ("type", "consent"):
        if name not in arguments["fields"] and name not in arguments["constants"]:
            raise MappingError(f"either fields.{name} or constants.{name} must say it")
    for name, known in (("type", TYPES), ("consent", CONSENTS)):
        value = arguments["constants"].get(name)
        if value is not None and value not in known:
            raise MappingError(f"constants.{name}: {value!r} is none of {', '.join(known)}")
    return arguments


def _texts(table: Table, known: Sequence[str]) -> dict[str, str]:
    texts = {}
    for name, value in table.items():
        if name not in known:
            raise MappingError(f"{table.at(name)}: cannot stand here{near_words(name, known)}")
        (texts[name],) = texts_of(value, table.at(name))[:1] or ("",)
    return texts


def _types(table: Table) -> dict[str, str]:
    types = {}
    for name, value in table.items():
        if value not in TYPES:
            raise MappingError(f"{table.at(name)}: {value!r} is none of {', '.join(TYPES)}")
        types[name] = value
    return types


def _patterns(table: Table) -> dict[str, str]:
    patterns = {}
    for name, value in table.items():
        try:
            re.compile(value)
        except (re.error, TypeError) as error:
            raise MappingError(f"{table.at(name)}: no regular expression: {error}") from None
        patterns[name] = value
    return patterns
