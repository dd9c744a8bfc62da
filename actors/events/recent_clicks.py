"""Which answers a visitor's last clicks came from: what credits a purchase that brings no token."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from actors.events.keys import DAY_MS, day_of, event_key_of, visitor_event_key
from actors.events.sealing import open_event
from actors.storage.environment import ReadView
from actors.storage.keyring import VisitorKey
from actors.storage.tables import EVENTS, VISITOR_EVENTS
from protos.internal.records_pb2 import AttributionContent, EventRecord
from protos.v1.event_pb2 import Event

CREDITED_DAYS: Final = 7
LOOKED_AT_MAX: Final = 200
"""The visitor's latest events of those days; older ones of a busier visitor credit nothing."""


class RecentClicks:
    """Looks clicks up for one batch of events: each visitor's are read once."""

    def __init__(
        self, view: ReadView, now_ms: int, read_token: Callable[[str], AttributionContent | None]
    ) -> None:
        self._view = view
        self._now_ms = now_ms
        self._read_token = read_token
        self._known: dict[bytes, dict[str, AttributionContent]] = {}
        """By storage id and product."""

    def of(self, visitor: VisitorKey, product_id: str) -> AttributionContent | None:
        """What the token of the visitor's last click on the product says; None when there is none."""
        known = self._known.get(visitor.storage_id)
        if known is None:
            known = self._known[visitor.storage_id] = self._read(visitor)
        return known.get(product_id)

    def note(self, visitor: VisitorKey, product_id: str, content: AttributionContent) -> None:
        """A click of this batch, which the state before it does not have."""
        known = self._known.get(visitor.storage_id)
        if known is None:
            known = self._known[visitor.storage_id] = self._read(visitor)
        known[product_id] = content

    def _read(self, visitor: VisitorKey) -> dict[str, AttributionContent]:
        clicked: dict[str, tuple[int, AttributionContent]] = {}
        for key in self._latest(visitor):
            value = self._view.get(EVENTS, key)
            if value is None or not len(value):
                continue
            content = open_event(visitor, key, EventRecord.FromString(bytes(value)))
            event, token = content.event, content.event.attribution_token
            said = self._read_token(token) if token and event.type == Event.CLICK else None
            if said is None:
                continue
            time_ms = event.event_time.ToMilliseconds()
            if time_ms < self._now_ms - CREDITED_DAYS * DAY_MS:
                continue
            for product in event.products:
                if clicked.get(product.product_id, (0, said))[0] <= time_ms:
                    clicked[product.product_id] = (time_ms, said)
        return {product_id: said for product_id, (_, said) in clicked.items()}

    def _latest(self, visitor: VisitorKey) -> Iterator[bytes]:
        """Keys in `events` of the visitor's latest events, day by day."""
        today = day_of(self._now_ms)
        left = LOOKED_AT_MAX
        for day in range(today + 1, today - CREDITED_DAYS - 1, -1):
            prefix = visitor_event_key(visitor.storage_id, day, 0)[:18]
            rows = self._view.range(VISITOR_EVENTS, prefix)
            keys = [event_key_of(key, value) for key, value in islice(rows, left)]
            yield from keys
            left -= len(keys)
            if not left:
                return
