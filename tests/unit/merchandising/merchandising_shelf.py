"""A shop's tables in a real file, and writes resolved against them one after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.catalog.fields import SETTINGS_KEY
from actors.model.fields import FieldBook, core_fields
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import Environment, WriteBatch
from actors.storage.tables import BY_NUMBER, SETTINGS
from node.errors import InvalidArgumentError
from protos.internal.records_pb2 import TenantSettings

NOW_MS = 1_700_000_000_000


class Shelf:
    """The state of a shop whose first language is Swedish, inside one transaction."""

    def __init__(self, batch: WriteBatch) -> None:
        self.view = batch
        self.settings = TenantSettings(language_codes=["sv", "en"], currency_code="SEK")
        self._fields = FieldBook(core_fields())

    def write(self, resolve: Callable[[Any, WriteContext], Resolution], request: Any) -> Resolution:
        """Resolve a request and apply what it changes."""
        context = WriteContext(self.view, NOW_MS, self.settings, self._fields)
        resolution = resolve(request, context)
        for change in resolution.changes:
            table = BY_NUMBER[change.table]
            if change.HasField("value"):
                self.view.put(table, change.key, change.value)
            else:
                self.view.delete(table, change.key)
        return resolution

    def refused(
        self, resolve: Callable[[Any, WriteContext], Resolution], request: Any
    ) -> list[str]:
        """The fields that a refusal names."""
        try:
            self.write(resolve, request)
        except InvalidArgumentError as error:
            return [violation.field for violation in error.violations]
        return []

    @property
    def stored_version(self) -> int:
        """The version by which readers see that something changed."""
        value = self.view.get(SETTINGS, SETTINGS_KEY)
        stored = TenantSettings.FromString(b"" if value is None else bytes(value))
        return stored.merchandising_version


@contextmanager
def open_shelf(directory: Path) -> Iterator[Shelf]:
    """An empty shelf in a new file."""
    environment = Environment(directory, writable=True)
    try:
        with environment.write() as batch:
            yield Shelf(batch)
    finally:
        environment.close()
