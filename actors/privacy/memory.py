"""What memory is to learn again of a visitor whose data may be used again."""

from collections import deque
from typing import Final

from actors.events.keys import event_key_of
from actors.events.learnt import LearntEvent
from actors.events.sealing import open_event
from actors.storage.environment import ReadView
from actors.storage.keyring import VisitorKey
from actors.storage.tables import EVENTS, VISITOR_EVENTS
from protos.internal.records_pb2 import EventRecord

EVENTS_MAX: Final = 1_000
"""The latest: about 20 ms of the event loop, for something that is rare."""


def latest_events(view: ReadView, visitor: VisitorKey) -> list[LearntEvent]:
    """A visitor's latest events, oldest first, as they were learnt when they were written."""
    rows = deque(view.range(VISITOR_EVENTS, visitor.storage_id), EVENTS_MAX)
    return [_learnt(view, visitor, event_key_of(key, event_hash)) for key, event_hash in rows]


def _learnt(view: ReadView, visitor: VisitorKey, key: bytes) -> LearntEvent:
    value = view.get(EVENTS, key)
    record = EventRecord.FromString(b"" if value is None else bytes(value))
    content = open_event(visitor, key, record)
    event = content.event
    return LearntEvent(
        storage_id=visitor.storage_id,
        session_hash=bytes.fromhex(event.session_id),
        type=event.type,
        product_ids=tuple([product.product_id for product in event.products]),
        time_ms=min(event.event_time.ToMilliseconds(), content.server_time_ms),
        event_hash=key[2:],
    )
