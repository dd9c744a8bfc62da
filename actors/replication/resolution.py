"""Resolving a write: from a request and the state before it to changes and an answer.

Everything that time, chance or secrets decide is decided here, once, by the primary. What comes out is
written to the log; applying it (`apply.py`) decides nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from google.protobuf.message import Message

from actors.model.fields import FieldBook
from actors.storage.environment import ReadView
from actors.storage.tables import Table
from protos.internal.records_pb2 import Change, TenantSettings


@dataclass(slots=True)
class WriteContext:
    """What a resolver may look at."""

    view: ReadView
    """The state after the write before."""

    now_ms: int
    settings: TenantSettings
    fields: FieldBook


@dataclass(slots=True)
class Resolution:
    """What a write will do and answer."""

    response: Message
    """Has `position` and `durable_copies`, which are set when the entry has its place."""

    changes: list[Change] = field(default_factory=list)
    """Empty: nothing changes and nothing is logged."""

    after_commit: Callable[[], None] | None = None
    """Called on the event loop when the changes are durable, before the write is answered."""

    secrets: tuple[str, ...] = ()
    """Fields of the response that the log must never hold."""

    def put(self, table: Table, key: bytes, value: Message) -> None:
        """Add a change that sets a key."""
        content = value.SerializeToString(deterministic=True)
        self.changes.append(Change(table=table.number, key=key, value=content))

    def delete(self, table: Table, key: bytes) -> None:
        """Add a change that removes a key."""
        self.changes.append(Change(table=table.number, key=key))


@dataclass(frozen=True, slots=True)
class WriteCommand:
    """A write on its way to the log."""

    method: str
    resolve: Callable[[WriteContext], Resolution]
    response_type: type[Message]
    request_id: str = ""
    """As the client gave it; empty: the write is not remembered."""

    body: bytes = b""
    """The request as it came: the same id with another body is refused."""

    size_bytes: int = 0
    """What the write weighs in the queue."""

    is_patient: bool = False
    """One of a stream, which may wait a moment for others to share its transaction."""
