"""What a tenant's memory learns of an event: never stored, and forgotten with the process."""

from dataclasses import dataclass

from protos.v1.event_pb2 import Event


@dataclass(frozen=True, slots=True)
class LearntEvent:
    """One event of a visitor who has agreed to a profile, durably stored."""

    storage_id: bytes
    """Of the visitor, 16 bytes."""

    session_hash: bytes
    """16 bytes; empty: the shop named no session."""

    type: Event.Type.ValueType
    product_ids: tuple[str, ...]
    time_ms: int
    """When it happened, not after it was written."""

    event_hash: bytes
    """16 bytes: of its key in `events`."""
