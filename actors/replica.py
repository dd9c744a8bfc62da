"""The Ray actor that owns one store: opens the tenant, answers on its socket, and dies with it.

Its state is on disk, so a restart is `Tenant.open`. Ray starts, watches and kills the process;
requests never pass through Ray. A process that has served one tenant never serves another.
"""

import asyncio
import os

import ray

from actors.process import CLOSE_GRACE_MS, Opening, die, spare_the_collector
from actors.service import TenantService
from actors.tenant import Tenant
from node.config import ServerPaths
from node.errors import SaluhallError
from node.ids import StoreId, TenantId
from node.link import LinkServer
from node.registry.embedded import EmbeddedRegistry
from node.telemetry import configure_logging, log_to


class Replica:
    """Owns one tenant's store on this server."""

    def __init__(self, tenant_id: TenantId, store_id: StoreId, data: str) -> None:
        """Nothing is opened before `start`."""
        self._tenant_id = tenant_id
        self._store_id = store_id
        self._paths = ServerPaths.of(data)
        self._starting = asyncio.Lock()
        self._opening: Opening | None = None
        self._closed = asyncio.Event()
        self._tenant: Tenant | None = None
        self._link: LinkServer | None = None
        self._registry: EmbeddedRegistry | None = None

    async def start(self) -> Opening:
        """Open the store and serve; a supervisor that adopts it asks again and is told the same."""
        async with self._starting:
            if self._opening is None:
                self._opening = await self._start()
        return self._opening

    async def wait_closed(self) -> None:
        """Never returns while it serves: the supervisor learns from this call when it dies."""
        # What `ps` and `top` show; Ray names the process after this call while it lasts.
        ray._raylet.setproctitle(f"saluhall replica {self._tenant_id}")  # type: ignore[attr-defined]  # noqa: SLF001
        await self._closed.wait()

    async def stop(self) -> None:
        """Answer what was accepted, let go of the store."""
        if self._link is not None:
            await self._link.close(grace_ms=CLOSE_GRACE_MS)
        if self._tenant is not None:
            await self._tenant.close()
        if self._registry is not None:
            self._registry.close()
        self._closed.set()

    async def _start(self) -> Opening:
        spare_the_collector()
        log_to(self._paths.logs / f"replica-{self._tenant_id}.log")
        configure_logging()
        try:
            return Opening(os.getpid(), await self._open(), "")
        except SaluhallError as error:
            return Opening(os.getpid(), 0, error.message)

    async def _open(self) -> int:
        self._registry = EmbeddedRegistry.of(self._paths)
        self._tenant = await Tenant.open(
            self._paths, self._tenant_id, self._store_id, self._registry
        )
        incarnation = self._tenant.incarnation
        self._link = LinkServer(
            TenantService(self._tenant),
            self._tenant_id,
            self._paths.replica_socket(self._store_id, incarnation),
            on_invariant_broken=die,
        )
        self._remove_old_sockets(incarnation)
        await self._link.start()
        return incarnation

    def _remove_old_sockets(self, incarnation: int) -> None:
        """Those of processes that were killed; this one owns the store now."""
        current = self._paths.replica_socket(self._store_id, incarnation)
        for path in current.parent.glob(f"{self._store_id[:12]}-*.sock"):
            path.unlink(missing_ok=True)


ReplicaActor = ray.remote(Replica)
