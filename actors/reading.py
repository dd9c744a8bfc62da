"""A tenant as one of its reader processes sees it: the owner's file, read only, and the searches in it.

It learns of commits by looking, before each call, at the id of the last one: what was acknowledged before
the call came is in its answer.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from actors.merchandising.searched import SearchedSettings
from actors.parsing import parse
from actors.reader import Reader
from actors.storage.environment import Environment
from actors.storage.keyring import Keyring
from actors.storage.store import open_read_only
from node.clock import Clock
from node.errors import InvariantError, SaluhallError, UnavailableError
from node.ids import TenantId
from node.status import status_bytes
from protos.internal.link_pb2 import Answer, Call
from protos.v1.search_pb2 import SearchRequest, SuggestRequest

_SEARCH: Final = "/saluhall.v1.SearchService/"


class ReadingTenant:
    """Searches of one tenant, beside its primary."""

    def __init__(
        self, environment: Environment, keyring: Keyring, tenant_id: TenantId, clock: Clock
    ) -> None:
        self._environment = environment
        self._keyring = keyring
        self._settings = SearchedSettings()
        self._settings_position = -1
        self.reader = Reader(
            environment,
            tenant_id=tenant_id,
            schema=self._settings.schema,
            merchandise=self._settings.merchandise,
            keyring=keyring,
            clock=clock,
        )
        self.follow()

    @classmethod
    def open(
        cls, directory: Path, tenant_id: TenantId, clock: Clock, *, wrapping_key: bytes
    ) -> "ReadingTenant":
        """Open the file that the tenant's primary owns. Raises StorageError."""
        keyring = Keyring.open_read_only(
            directory / "keyring", wrapping_key=wrapping_key, tenant_id=tenant_id
        )
        return cls(open_read_only(directory), keyring, tenant_id, clock)

    def follow(self) -> None:
        """Take notice of what was committed since the last call."""
        reader = self.reader
        if reader.transaction_id == self._environment.last_transaction_id():
            return
        reader.committed(self._settings.schema, self._settings.merchandise)
        current = reader.current()
        if current.marks.settings_position != self._settings_position:
            self._settings.read(current.view)
            self._settings_position = current.marks.settings_position
            reader.take(self._settings.schema, self._settings.merchandise)

    def close(self) -> None:
        """Let go of the file."""
        self.reader.close()
        self._environment.close()
        self._keyring.close()


class ReaderService:
    """Answers the calls that readers take; whoever sends another is told to ask the primary."""

    def __init__(self, tenant: ReadingTenant) -> None:
        self._tenant = tenant
        reader = tenant.reader
        self._reads: Mapping[str, Callable[[Call], bytes]] = {
            _SEARCH + "Search": lambda call: reader.search(
                parse(SearchRequest, call.body), call.caller
            ),
            _SEARCH + "Suggest": lambda call: reader.suggest(parse(SuggestRequest, call.body)),
        }

    async def handle(self, call: Call) -> Answer:
        """The answer to one call; errors travel inside it."""
        started_ns = time.monotonic_ns()
        try:
            answer = Answer(id=call.id, body=self._body(call))
        except InvariantError:
            raise
        except SaluhallError as error:
            answer = Answer(id=call.id, error=status_bytes(error))
        answer.duration_us = (time.monotonic_ns() - started_ns) // 1_000
        return answer

    def _body(self, call: Call) -> bytes:
        read = self._reads.get(call.method)
        if read is None:
            raise UnavailableError(
                f"readers do not answer {call.method}; the primary does", reason="READER_ASKED"
            )
        self._tenant.follow()
        position = self._tenant.reader.position
        if call.position_min > position:
            raise UnavailableError(
                f"position {call.position_min} is not here yet; this reader is at {position}",
                reason="POSITION_AHEAD",
                retry_delay_ms=50,
            )
        return read(call)
