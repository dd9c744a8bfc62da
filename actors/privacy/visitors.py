"""A visitor as the API shows them, and what they decide: restrict, object, or take either back.

Restricted: events are kept and can be exported, and are used for nothing. Objected: no profile from now on; what is
kept from before is used for nothing. A decision needs a key, since it is kept under the storage id that the key
derives; so one who was never seen before gets a key by deciding.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring, VisitorKey
from actors.storage.tables import VISITORS
from node.errors import InvalidArgumentError, UnavailableError
from protos.internal.records_pb2 import VisitorRecord
from protos.v1.privacy_pb2 import UpdateVisitorRequest, UpdateVisitorResponse, Visitor

VISITOR_ID_SIZE_MAX: Final = 128


def tag_of(visitor_id: str, keyring: Keyring) -> bytes:
    """What a visitor is found by. Raises InvalidArgumentError for what is no visitor's id."""
    if not visitor_id:
        raise InvalidArgumentError.of("visitor_id", "is required: as in events")
    if len(visitor_id.encode()) > VISITOR_ID_SIZE_MAX:
        raise InvalidArgumentError.of("visitor_id", f"has more than {VISITOR_ID_SIZE_MAX} bytes")
    return keyring.tag_of(visitor_id)


def read_visitor(view: ReadView, storage_id: bytes) -> VisitorRecord:
    """What is kept of a visitor beside their events."""
    value = view.get(VISITORS, storage_id)
    return VisitorRecord.FromString(b"" if value is None else bytes(value))


def to_visitor(record: VisitorRecord) -> Visitor:
    """The record as the API shows it."""
    visitor = Visitor(
        restricted=record.restrict_time_ms > 0,
        objected=record.object_time_ms > 0,
        event_count=record.event_count,
    )
    if record.restrict_time_ms:
        visitor.restrict_time.FromMilliseconds(record.restrict_time_ms)
    if record.object_time_ms:
        visitor.object_time.FromMilliseconds(record.object_time_ms)
    return visitor


def resolve_update_visitor(
    request: UpdateVisitorRequest,
    context: WriteContext,
    *,
    keyring: Keyring,
    forget: Callable[[bytes], None],
    remember: Callable[[VisitorKey], None],
) -> Resolution:
    """Restrict or object, or take it back. What is decided already keeps its time.

    Args:
        request: what to change.
        context: the state before.
        keyring: the tenant's.
        forget: called with the storage id of a visitor whose data may not be used any more; as `remember`, on the
            event loop, when the decision is durable and before it is answered.
        remember: called with the key of one whose data may be used again.
    """
    tag = tag_of(request.visitor_id, keyring)
    if keyring.is_retired(tag):
        raise UnavailableError(
            "the visitor is being erased this moment; send the request again",
            reason="VISITOR_BEING_ERASED",
            retry_delay_ms=50,
        )
    key = keyring.visitor(tag)
    stored = VisitorRecord() if key is None else read_visitor(context.view, key.storage_id)
    record = _decided(request, stored, context.now_ms)
    resolution = Resolution(UpdateVisitorResponse(visitor=to_visitor(record)))
    if record != stored:
        visitor = key or keyring.create_visitor(tag)
        resolution.put(VISITORS, visitor.storage_id, record)
        resolution.after_commit = _effect(stored, record, visitor, forget, remember)
    return resolution


def may_be_used(record: VisitorRecord) -> bool:
    """Whether a visitor's events may teach anything or be shown to the visitor."""
    return not record.restrict_time_ms and not record.object_time_ms


def _decided(request: UpdateVisitorRequest, stored: VisitorRecord, now_ms: int) -> VisitorRecord:
    record = VisitorRecord()
    record.CopyFrom(stored)
    if request.HasField("restricted"):
        record.restrict_time_ms = (stored.restrict_time_ms or now_ms) if request.restricted else 0
    if request.HasField("objected"):
        record.object_time_ms = (stored.object_time_ms or now_ms) if request.objected else 0
    return record


def _effect(
    stored: VisitorRecord,
    record: VisitorRecord,
    visitor: VisitorKey,
    forget: Callable[[bytes], None],
    remember: Callable[[VisitorKey], None],
) -> Callable[[], None] | None:
    if may_be_used(record) == may_be_used(stored):
        return None
    if may_be_used(record):
        return partial(remember, visitor)
    return partial(forget, visitor.storage_id)
