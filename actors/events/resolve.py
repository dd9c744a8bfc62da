"""WriteEvents: from what a shop sends to changes of the log.

An event is known again by its day and the keyed hash of its id, which together are its key. With the visitor's
consent it is sealed under their key, and every id in it is hashed; without, or when they have objected, nothing
stands at its key, and only counts that cannot be tied to anyone remember it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import xxhash
from google.rpc.status_pb2 import Status

from actors.events.keys import HASH_SIZE, day_of, event_key, hash_in, visitor_event_key
from actors.events.learnt import LearntEvent
from actors.events.recent_clicks import RecentClicks
from actors.events.retention import read_retention
from actors.events.sealing import seal_event
from actors.events.validation import EVENTS_MAX, event_time_ms, first_violation
from actors.learning.counting import Counting
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.keyring import Keyring, VisitorKey
from actors.storage.tables import EVENTS, VISITOR_EVENTS, VISITORS
from node.errors import InvalidArgumentError, ResourceExhaustedError, SaluhallError
from node.status import status_bytes
from protos.internal.records_pb2 import AttributionContent, Change, VisitorRecord
from protos.v1.event_pb2 import (
    PROFILE,
    Event,
    EventResult,
    WriteEventsRequest,
    WriteEventsResponse,
)


@dataclass(frozen=True, slots=True)
class EventPorts:
    """What of a tenant the writing of events needs."""

    keyring: Keyring
    read_token: Callable[[str], AttributionContent | None]
    """What an attribution token says; None: it is none of this tenant's."""

    learn: Callable[[Sequence[LearntEvent]], None]
    """Called on the event loop when the events are durable, before they are answered."""


def resolve_write_events(
    request: WriteEventsRequest, context: WriteContext, *, ports: EventPorts
) -> Resolution:
    """Each event by itself: stored, known already, counted, or refused."""
    if len(request.events) > EVENTS_MAX:
        raise InvalidArgumentError.of(
            "events", f"has {len(request.events)}; send at most {EVENTS_MAX}"
        )
    writing = _Writing(context, ports, is_trial=request.validate_only)
    resolution = Resolution(
        WriteEventsResponse(results=[writing.take(event) for event in request.events])
    )
    if not request.validate_only:
        resolution.changes = writing.changes()
        if writing.learnt:
            resolution.after_commit = partial(ports.learn, writing.learnt)
    return resolution


@dataclass(slots=True)
class _Visitor:
    key: VisitorKey
    record: VisitorRecord

    @property
    def is_restricted(self) -> bool:
        return self.record.restrict_time_ms > 0


class _Writing:
    """The events of one request, one after the other."""

    def __init__(self, context: WriteContext, ports: EventPorts, *, is_trial: bool) -> None:
        self._view = context.view
        self._now_ms = context.now_ms
        self._keyring = ports.keyring
        self._read_token = ports.read_token
        self._is_trial = is_trial
        retention = read_retention(context.view)
        self._oldest_ms = retention.oldest_event_ms(context.now_ms)
        self._oldest_words_ms = retention.oldest_words_ms(context.now_ms)
        self._counting = Counting(
            context.view,
            context.now_ms,
            currency_code=context.settings.currency_code,
            hash_text=partial(ports.keyring.id_hash, "query"),
            recent_clicks=RecentClicks(context.view, context.now_ms, ports.read_token),
        )
        self._rows: dict[bytes, bytes] = {}
        """Of `events`, by key."""

        self._visitor_rows: list[Change] = []
        self._visitors: dict[str, _Visitor | None] = {}
        """By the shop's id; None: nothing may be tied to them."""

        self.learnt: list[LearntEvent] = []

    def take(self, event: Event) -> EventResult:
        """What becomes of the next event. Its ids and words are gone from the message afterwards."""
        time_ms = event_time_ms(event, self._now_ms)
        wrong = first_violation(
            event,
            time_ms,
            now_ms=self._now_ms,
            oldest_ms=self._oldest_ms,
            oldest_words_ms=self._oldest_words_ms,
        )
        if wrong is not None:
            return _refused(
                InvalidArgumentError(f"{wrong.field}: {wrong.description}", violations=[wrong])
            )
        day = day_of(time_ms)
        event_hash = hash_in(event.event_id) or xxhash.xxh3_128_digest(
            self._keyring.id_hash("event", event.event_id)
        )
        key = event_key(day, event_hash)
        if key in self._rows or self._view.get(EVENTS, key) is not None:
            return EventResult(outcome=EventResult.DUPLICATE)
        if self._is_trial:
            self._rows[key] = b""
            is_tied = event.consent == PROFILE and event.visitor_id
            return EventResult(outcome=EventResult.ACCEPTED if is_tied else EventResult.COUNTED)
        try:
            visitor = self._visitor(event)
        except ResourceExhaustedError as error:
            return _refused(error)
        happened_ms = min(time_ms, self._now_ms)
        token = event.attribution_token
        self._counting.add(
            event,
            visitor=None if visitor is None else visitor.key,
            is_restricted=visitor is not None and visitor.is_restricted,
            time_ms=happened_ms,
            attribution=self._read_token(token) if token else None,
        )
        if visitor is None:
            self._rows[key] = b""
            return EventResult(outcome=EventResult.COUNTED)
        self._keep(event, visitor, key, time_ms=time_ms)
        return EventResult(outcome=EventResult.ACCEPTED)

    def changes(self) -> list[Change]:
        """One for each key that differs; none when every event was known or refused."""
        if not self._rows:
            return []
        events, visitors = EVENTS.number, VISITORS.number
        return [
            *(Change(table=events, key=key, value=row) for key, row in self._rows.items()),
            *self._visitor_rows,
            *(
                Change(
                    table=visitors,
                    key=visitor.key.storage_id,
                    value=visitor.record.SerializeToString(deterministic=True),
                )
                for visitor in self._visitors.values()
                if visitor is not None
            ),
            *self._counting.changes(),
        ]

    def _visitor(self, event: Event) -> _Visitor | None:
        """Whose event it is; None: nobody's, for want of consent, or since the visitor has objected."""
        visitor_id = event.visitor_id
        if event.consent != PROFILE or not visitor_id:
            return None
        if visitor_id in self._visitors:
            return self._visitors[visitor_id]
        found = self._find_visitor(self._keyring.tag_of(visitor_id))
        self._visitors[visitor_id] = found
        return found

    def _find_visitor(self, tag: bytes) -> _Visitor | None:
        if self._keyring.is_retired(tag):
            # Their key is being destroyed this very moment: as if the event had come just before.
            return None
        key = self._keyring.visitor(tag)
        if key is None:
            return _Visitor(self._keyring.create_visitor(tag), VisitorRecord())
        value = self._view.get(VISITORS, key.storage_id)
        record = VisitorRecord.FromString(b"" if value is None else bytes(value))
        return None if record.object_time_ms else _Visitor(key, record)

    def _keep(self, event: Event, visitor: _Visitor, key: bytes, *, time_ms: int) -> None:
        """Seal and store it, and have it learnt."""
        event_hash = key[2:]
        session_hash = b""
        if event.session_id:
            session_hash = self._hash("session", event.session_id)
            event.session_id = session_hash.hex()
        if event.order_id:
            event.order_id = self._hash("order", event.order_id).hex()
        event.event_id = event.visitor_id = ""
        if not event.HasField("event_time"):
            event.event_time.FromMilliseconds(time_ms)
        if not visitor.is_restricted:
            self.learnt.append(
                LearntEvent(
                    visitor.key.storage_id,
                    session_hash,
                    event.type,
                    tuple([product.product_id for product in event.products]),
                    min(time_ms, self._now_ms),
                    event_hash,
                )
            )
        if time_ms < self._oldest_words_ms:
            event.query = event.filter = ""
            event.ClearField("result_count")
        sequence = visitor.record.event_count
        visitor.record.event_count += 1
        self._rows[key] = seal_event(
            visitor.key, key, event, server_time_ms=self._now_ms, sequence=sequence
        )
        self._visitor_rows.append(
            Change(
                table=VISITOR_EVENTS.number,
                key=visitor_event_key(visitor.key.storage_id, day_of(time_ms), sequence),
                value=event_hash,
            )
        )

    def _hash(self, label: str, text: str) -> bytes:
        return hash_in(text) or self._keyring.id_hash(label, text)[:HASH_SIZE]


def _refused(error: SaluhallError) -> EventResult:
    return EventResult(status=Status.FromString(status_bytes(error)))
