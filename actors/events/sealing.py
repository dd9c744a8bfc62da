"""How an event is sealed and opened: under its visitor's key, bound to its place in `events`.

The words of a search are sealed apart, under a place of their own, since they are kept for a shorter time.
What the place says already (the visitor, and the event's hashed id) does not stand inside.
"""

from typing import Final

from actors.storage.tables import EVENTS
from actors.storage.visitor_key import VisitorKey
from protos.internal.records_pb2 import EventContent, EventRecord
from protos.v1.event_pb2 import Event

_WORDS: Final = b"words"


def seal_event(
    visitor: VisitorKey, key: bytes, event: Event, *, server_time_ms: int, sequence: int
) -> bytes:
    """The serialised EventRecord to be stored at `key`. Takes the words out of `event`."""
    record = EventRecord(storage_id=visitor.storage_id, sequence=sequence)
    words = _take_words(event)
    if words:
        record.sealed_words = visitor.seal(EVENTS, key + _WORDS, words)
    content = EventContent(event=event, server_time_ms=server_time_ms)
    record.sealed = visitor.seal(EVENTS, key, content.SerializeToString())
    return record.SerializeToString()


def open_event(visitor: VisitorKey, key: bytes, record: EventRecord) -> EventContent:
    """What a record says, with the words if they are still there; `event_id` is the hash that is kept, in hexadecimal.

    Raises:
        SealDamagedError: the record was changed, moved, or sealed with another key.
    """
    content = EventContent.FromString(visitor.open(EVENTS, key, record.sealed))
    if record.sealed_words:
        content.event.MergeFromString(visitor.open(EVENTS, key + _WORDS, record.sealed_words))
    content.event.event_id = key[2:].hex()
    return content


def _take_words(event: Event) -> bytes:
    has_count = event.HasField("result_count")
    if not (has_count or event.query or event.filter):
        return b""
    words = Event(query=event.query, filter=event.filter)
    if has_count:
        words.result_count = event.result_count
        event.ClearField("result_count")
    event.query = event.filter = ""
    return words.SerializeToString()
