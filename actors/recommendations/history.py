"""What one visitor did of late: read from their own sealed events, and kept while it is used."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from actors.events.keys import event_key_of
from actors.events.learnt import LearntEvent
from actors.events.sealing import open_event
from actors.recommendations.sessions import PAUSE_MS
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring, VisitorKey
from actors.storage.tables import EVENTS, VISITOR_EVENTS, VISITORS
from actors.storage.visitor_key import SealDamagedError
from protos.internal.records_pb2 import EventRecord, VisitorRecord
from protos.v1.event_pb2 import Event

EVENTS_MAX: Final = 500
"""Of one visitor, the latest by their days."""
VISITORS_MAX: Final = 4_096

LOOKED_AT: Final = frozenset({Event.VIEW, Event.CLICK, Event.ADD_TO_CART, Event.FAVOURITE})
"""What makes a session: acts of somebody who looks at one product after the other."""


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """A visitor did something with a product."""

    time_ms: int
    event_hash: bytes
    place: int
    """Of the product in the event."""
    type: Event.Type.ValueType
    product: bytes
    session_hash: bytes


@dataclass(slots=True)
class History:
    """The acts of one visitor, oldest first."""

    acts: list[Act] = field(default_factory=list)

    @property
    def bought(self) -> frozenset[bytes]:
        """What the visitor has bought."""
        return frozenset(act.product for act in self.acts if act.type == Event.PURCHASE)

    def looked_at(self, count_max: int) -> list[bytes]:
        """What the visitor looked at, the latest first, each once."""
        products: dict[bytes, None] = {}
        for act in reversed(self.acts):
            if act.type in LOOKED_AT:
                products[act.product] = None
                if len(products) == count_max:
                    break
        return list(products)

    def session(self, session_hash: bytes, now_ms: int) -> list[bytes]:
        """What the visitor looked at in a session that is not over, oldest first."""
        products: list[bytes] = []
        end_ms = now_ms
        for act in reversed(self.acts):
            if act.session_hash != session_hash:
                continue
            if end_ms - act.time_ms > PAUSE_MS:
                break
            end_ms = act.time_ms
            if act.type in LOOKED_AT:
                products.append(act.product)
        products.reverse()
        return products

    def add(self, event: LearntEvent) -> None:
        """One more event, if it was not read from the store already."""
        if any(act.event_hash == event.event_hash for act in self.acts):
            return
        self.acts += acts_of(event)
        self.acts.sort()
        del self.acts[:-EVENTS_MAX]


NO_HISTORY: Final = History()


class Histories:
    """The histories that are in use. They are plaintext, and live in memory only."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._known: OrderedDict[bytes, History] = OrderedDict()

    def of(self, visitor: VisitorKey, view: ReadView) -> History:
        """What a visitor did; nothing while they have restricted that it is used."""
        value = view.get(VISITORS, visitor.storage_id)
        record = VisitorRecord.FromString(b"" if value is None else bytes(value))
        if record.restrict_time_ms or record.object_time_ms:
            self.forget(visitor.storage_id)
            return NO_HISTORY
        history = self._known.get(visitor.storage_id)
        if history is None:
            history = History(sorted(_read(view, visitor))[-EVENTS_MAX:])
            self._known[visitor.storage_id] = history
            if len(self._known) > VISITORS_MAX:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(visitor.storage_id)
        return history

    def learn(self, event: LearntEvent) -> None:
        """An event was written: whoever's history is known gets it."""
        history = self._known.get(event.storage_id)
        if history is not None:
            history.add(event)

    def forget(self, storage_id: bytes) -> None:
        """Drop what is known of a visitor; it is read again if there is anything to read."""
        self._known.pop(storage_id, None)


def acts_of(event: LearntEvent) -> Iterator[Act]:
    """What an event says, product by product."""
    for place, product_id in enumerate(event.product_ids):
        yield Act(
            event.time_ms,
            event.event_hash,
            place,
            event.type,
            product_id.encode(),
            event.session_hash,
        )


def read_events(
    view: ReadView, visitor: VisitorKey, rows: Sequence[tuple[bytes, bytes]]
) -> Iterator[LearntEvent]:
    """The events of some rows of `visitor_events`, each its key and value; those that were deleted are left out."""
    for row_key, event_hash in rows:
        key = event_key_of(row_key, event_hash)
        value = view.get(EVENTS, key)
        if not value:
            continue
        try:
            content = open_event(visitor, key, EventRecord.FromString(bytes(value)))
        except SealDamagedError:
            # Counted and reported by whoever exports or checks; here it is as if it were not there.
            continue
        yield _learnt(content.event, content.server_time_ms, visitor.storage_id, key[2:])


def _learnt(event: Event, server_ms: int, storage_id: bytes, event_hash: bytes) -> LearntEvent:
    time = event.event_time
    return LearntEvent(
        storage_id,
        bytes.fromhex(event.session_id),
        event.type,
        tuple(product.product_id for product in event.products),
        min(time.seconds * 1_000 + time.nanos // 1_000_000, server_ms),
        event_hash,
    )


def _read(view: ReadView, visitor: VisitorKey) -> Iterator[Act]:
    """The visitor's latest rows; they are listed by day, so the last ones are the latest."""
    rows = [
        (bytes(key), bytes(value)) for key, value in view.range(VISITOR_EVENTS, visitor.storage_id)
    ]
    for event in read_events(view, visitor, rows[-EVENTS_MAX:]):
        yield from acts_of(event)
