"""Rows of tables while a batch of events changes them: read once, put once."""

from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from actors.storage.tables import Table
from protos.internal.records_pb2 import Change

RecordT = TypeVar("RecordT", bound=Message)


class TableReader(Protocol):
    """What is asked of the state before the batch: see `actors.storage.environment.ReadView`."""

    def get(self, table: Table, key: bytes) -> memoryview | None:
        """The value, without a copy."""
        ...

    def count(self, table: Table) -> int:
        """How many keys a table has."""
        ...


class Rows(Generic[RecordT]):
    """The rows of one table that a batch looks at. What it takes, it may change in place."""

    def __init__(
        self, view: TableReader, table: Table, record_type: type[RecordT], *, count_max: int
    ) -> None:
        """`count_max`: a table that has so many rows gets no new one."""
        self._view = view
        self._table = table
        self._type = record_type
        self._count_max = count_max
        self._room: int | None = None
        self._new_count = 0
        self._known: dict[bytes, RecordT | None] = {}
        self._changed: dict[bytes, RecordT] = {}

    def get(self, key: bytes) -> RecordT | None:
        """The row, to look at; None when there is none."""
        if key in self._known:
            return self._known[key]
        value = self._view.get(self._table, key)
        row = None if value is None else self._type.FromString(bytes(value))
        self._known[key] = row
        return row

    def take(self, key: bytes) -> RecordT | None:
        """The row, to be changed; a new one where there was none, None where the table has no room for it."""
        row = self._changed.get(key)
        if row is not None:
            return row
        row = self.get(key)
        if row is None:
            if not self.has_room:
                return None
            self._new_count += 1
            row = self._known[key] = self._type()
        self._changed[key] = row
        return row

    @property
    def has_room(self) -> bool:
        """Whether the table may get another row."""
        if self._room is None:
            self._room = self._count_max - self._view.count(self._table)
        return self._new_count < self._room

    def changes(self) -> list[Change]:
        """One change for each row that was taken."""
        number = self._table.number
        return [
            Change(table=number, key=key, value=row.SerializeToString(deterministic=True))
            for key, row in self._changed.items()
        ]
