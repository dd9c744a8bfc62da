"""Which answer an event is credited to."""

from dataclasses import dataclass
from typing import Final

from protos.internal.records_pb2 import AttributionContent
from protos.v1.recommend_pb2 import Placement

SEARCH_NAME: Final = "search"
"""The strategy of all searches, and their list where the shop gives it no name."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What an event adds to, beside its day. Empty: nothing of the kind."""

    query: bytes = b""
    """Keyed hash."""
    list: str = ""
    strategy: str = ""


NOBODY: Final = Credit()


def credit_of(attribution: AttributionContent | None, *, query: bytes, list_name: str) -> Credit:
    """The credit of one event.

    Args:
        attribution: what the event's token says; None: it has none that counts.
        query: keyed hash of the words that the event itself names; empty: none.
        list_name: what the event itself calls its list.
    """
    if attribution is None:
        if query:
            return Credit(query, list_name or SEARCH_NAME, SEARCH_NAME)
        return Credit(b"", list_name) if list_name else NOBODY
    if attribution.kind == AttributionContent.SEARCH:
        return Credit(attribution.query_hash or query, list_name or SEARCH_NAME, SEARCH_NAME)
    strategy = _STRATEGIES.get(attribution.strategy or Placement.NEXT, "")
    return Credit(b"", attribution.placement, strategy)


_STRATEGIES: Final = {
    int(number): name.lower() for name, number in Placement.Strategy.items() if number
}
