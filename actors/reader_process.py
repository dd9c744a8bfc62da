"""The Ray actor of one reader: opens a store beside its owner, answers searches on a socket of its own.

It never writes. It belongs to one incarnation of the store: it ends, whoever watches it or not, when the
store is opened anew, when the tenant is deleted or has another primary, and when it is one reader too many.
"""

import asyncio
import contextlib
import os
from typing import Final

import ray

from actors.process import CLOSE_GRACE_MS, Opening, die, spare_the_collector
from actors.reading import ReaderService, ReadingTenant
from actors.storage.keyring import wrapping_key
from actors.storage.overdue import reader_lock
from actors.storage.owner import Ownership
from node.clock import SystemClock
from node.config import ServerPaths
from node.errors import SaluhallError, UnavailableError
from node.ids import StoreId, TenantId
from node.link import LinkServer
from node.registry.embedded import EmbeddedRegistry
from node.telemetry import configure_logging, log_to
from protos.internal.records_pb2 import GroupRecord

TICK_S: Final = 0.1
FAREWELL_S: Final = 1.0
"""A reader that ends by itself leaves its supervisor so long to hear of it, its file closed already."""


class ReaderProcess:
    """Reads one tenant's store on this server."""

    def __init__(
        self, tenant_id: TenantId, store_id: StoreId, incarnation: int, index: int, data: str
    ) -> None:
        """Nothing is opened before `start`."""
        self._tenant_id = tenant_id
        self._store_id = store_id
        self._incarnation = incarnation
        self._index = index
        self._paths = ServerPaths.of(data)
        self._starting = asyncio.Lock()
        self._opening: Opening | None = None
        self._closed = asyncio.Event()
        self._tenant: ReadingTenant | None = None
        self._link: LinkServer | None = None
        self._lock: Ownership | None = None
        self._registry: EmbeddedRegistry | None = None
        self._care: asyncio.Task[None] | None = None

    async def start(self) -> Opening:
        """Open the file and serve; a supervisor that adopts it asks again and is told the same."""
        async with self._starting:
            if self._opening is None:
                self._opening = await self._start()
        return self._opening

    async def wait_closed(self) -> None:
        """Never returns while it serves: the supervisor learns from this call when it dies."""
        title = f"saluhall reader {self._tenant_id} {self._index}"
        ray._raylet.setproctitle(title)  # type: ignore[attr-defined]  # noqa: SLF001
        await self._closed.wait()

    async def ping(self) -> int:
        """Its process's number, from a process that works: a stopped one says nothing."""
        return os.getpid()

    async def stop(self) -> None:
        """Answer what was accepted, let go of the file."""
        if self._care is not None:
            self._care.cancel()
        await self._close()
        self._closed.set()

    async def _start(self) -> Opening:
        spare_the_collector()
        log_to(self._paths.logs / f"reader-{self._tenant_id}-{self._index}.log")
        configure_logging()
        try:
            await self._open()
        except SaluhallError as error:
            return Opening(os.getpid(), 0, error.message)
        return Opening(os.getpid(), self._incarnation, "")

    async def _open(self) -> None:
        self._registry = EmbeddedRegistry.of(self._paths)
        if not self._is_wanted():
            raise UnavailableError(f"{self._tenant_id}: wants no such reader any more")
        directory = self._paths.store(self._store_id)
        # An earlier reader of this index, that nobody watches any more, is ended.
        self._lock = Ownership.take(reader_lock(directory, self._index))
        self._tenant = ReadingTenant.open(
            directory,
            self._tenant_id,
            SystemClock(),
            wrapping_key=wrapping_key(self._paths.platform_key.read_bytes(), self._tenant_id),
        )
        self._link = LinkServer(
            ReaderService(self._tenant),
            self._tenant_id,
            self._paths.reader_socket(self._store_id, self._incarnation, self._index),
            on_invariant_broken=die,
        )
        await self._link.start()
        self._care = asyncio.create_task(self._take_care(self._tenant, self._registry))

    async def _take_care(self, tenant: ReadingTenant, registry: EmbeddedRegistry) -> None:
        """Free old views; end when the registry says that this reader has no place any more."""
        revision = -1
        while True:  # Ends when the reader stops, or with the process.
            await asyncio.sleep(TICK_S)
            tenant.reader.release_if_old()
            # A registry that cannot be read says nothing against this reader.
            with contextlib.suppress(SaluhallError):
                revision_now = registry.revision()
                if revision_now != revision and not self._is_wanted():
                    await self._close()
                    self._closed.set()
                    await asyncio.sleep(FAREWELL_S)
                    os._exit(0)
                revision = revision_now

    def _is_wanted(self) -> bool:
        assert self._registry is not None
        versioned = self._registry.get(self._tenant_id)
        if versioned is None or versioned.record.state != GroupRecord.OPEN:
            return False
        record = versioned.record
        is_counted = record.primary == self._store_id and self._index < record.reader_count
        return is_counted and any(
            replica.store_id == self._store_id and replica.incarnation == self._incarnation
            for replica in record.replicas
        )

    async def _close(self) -> None:
        if self._link is not None:
            await self._link.close(grace_ms=CLOSE_GRACE_MS)
        if self._tenant is not None:
            self._tenant.close()
        if self._registry is not None:
            self._registry.close()


ReaderActor = ray.remote(ReaderProcess)
