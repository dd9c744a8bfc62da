"""What every reader yields: one record of a feed, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from node.config import MIB
from node.errors import InvalidArgumentError
from protos.v1.product_pb2 import Product

LINE_SIZE_BYTES_MAX: Final = 1 * MIB
"""A longer line (or XML item) is refused: no product is that large, and a message holds 3 MiB."""

Fields = Mapping[str, Any]
"""One record as the feed has it: JSON values, or texts in CSV; XML values are texts, lists of them
and mappings.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a feed (in XML one item, in CSV possibly several lines)."""

    line: int
    """Where it starts; the first line is 1."""

    fields: Fields | None
    """None: the line could not be read."""

    refusal: str | None = None
    """Why it could not be read."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One product of a feed, or why there is none."""

    line: int
    """Where it starts; the first line is 1."""

    product: Product | None
    refusal: str | None = None
    """A sentence for the shop's people: which field, which value, what would be right."""


class FeedError(InvalidArgumentError):
    """The feed as a whole cannot be read (unknown format, damaged gzip, no header): the message
    says what to do.
    """

    reason = "FEED_UNREADABLE"


class ValueRefusedError(InvalidArgumentError):
    """One value cannot become what its product field needs; its line is refused and the rest goes
    on.
    """

    reason = "VALUE_REFUSED"


def shown(value: object, *, length_max: int = 60) -> str:
    """A value for a refusal's text: quoted and cut, so that a reason stays one short line."""
    text = repr(value)
    return text if len(text) <= length_max else text[: length_max - 4] + "..." + text[-1]
