"""Which process answers for a tenant, and how a call gets there while that changes.

The registry says which store is a tenant's primary and how often it was opened; that names the
socket. Its revision is read every few milliseconds; requests never wait for it. While no process
answers, requests wait here, a bounded number for a bounded time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import structlog

from node.config import ServerPaths
from node.errors import (
    DeadlineExceededError,
    ResourceExhaustedError,
    SaluhallError,
    UnavailableError,
)
from node.front.config import RoutingConfig
from node.front.metrics import HELD, RESENT, ROUTES_CHANGED, ROUTES_DROPPED, FrontMetrics
from node.front.readers import Readers
from node.ids import StoreId, TenantId
from node.link import LinkBrokenError, LinkClient, LinkLimits
from node.telemetry import LINK_BROKEN, LINK_REFUSED, REGISTRY_UNREADABLE, ROUTE_CHANGED
from protos.internal.link_pb2 import Answer, Caller
from protos.internal.records_pb2 import GroupRecord

_log = structlog.get_logger(__name__)
_DOWN_RETRY_MS: Final = 500
_IDLE_CHECK_S: Final = 30.0


class StoredRecord(Protocol):
    """A record as the registry hands it out."""

    @property
    def record(self) -> GroupRecord: ...


class RegistryReader(Protocol):
    """What a front needs of the registry."""

    def get(self, tenant_id: TenantId) -> StoredRecord | None:
        """The record of one tenant; None if there never was one."""
        ...

    def revision(self) -> int:
        """Grows with every change."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """One incarnation of a tenant's primary."""

    store_id: StoreId
    incarnation: int
    socket_path: Path
    reader_sockets: tuple[Path, ...] = field(compare=False)
    """Where its readers listen, if they run; it is the same target with more or fewer."""


def target_of(record: GroupRecord, paths: ServerPaths) -> Target | None:
    """Where the record's primary listens; None while there is none or it was never opened."""
    for replica in record.replicas:
        if replica.store_id == record.primary and replica.incarnation > 0:
            store_id = StoreId(replica.store_id)
            path = paths.replica_socket(store_id, replica.incarnation)
            readers = tuple(
                paths.reader_socket(store_id, replica.incarnation, index)
                for index in range(record.reader_count)
            )
            return Target(store_id, replica.incarnation, path, readers)
    return None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call as the front sends it, perhaps more than once."""

    method: str
    body: bytes
    caller: Caller
    ends_s: float
    """In the event loop's time: nobody waits for the answer after this."""

    position_min: int
    is_repeatable: bool
    """Whether it may be sent again although a replica may have run it."""

    may_ask_readers: bool
    sends_max: int
    held_s_max: float


class Route:
    """The way to one tenant's primary and its readers."""

    def __init__(
        self,
        tenant_id: TenantId,
        config: RoutingConfig,
        limits: LinkLimits,
        metrics: FrontMetrics,
    ) -> None:
        self.link: LinkClient | None = None
        """Open, or None while the tenant has no primary that answers."""

        self.used_s = 0.0
        self._tenant_id = tenant_id
        self._config = config
        self._limits = limits
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._target: Target | None = None
        self._waiting: set[asyncio.Future[LinkClient]] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._retired: set[LinkClient] = set()
        self._readers = Readers(tenant_id, config, limits, metrics)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits here or for an answer."""
        is_quiet = self.link is None or self.link.unanswered_count == 0
        return not self._waiting and is_quiet and self._readers.is_idle

    def follow(self, target: Target | None) -> None:
        """Calls go to this incarnation from now on; those under way end where they are."""
        self._readers.follow(() if target is None else target.reader_sockets)
        if target == self._target:
            return
        _log.info(ROUTE_CHANGED, tenant=self._tenant_id, incarnation=target and target.incarnation)
        self._metrics.count(ROUTES_CHANGED)
        self._target = target
        self._retire()
        self._changed.set()
        if target is not None:
            self._ensure_connecting()

    async def call(self, call: Outgoing) -> Answer:
        """The answer, from whichever incarnation gives it before the deadline.

        Raises UnavailableError when none did and nothing or something may have happened (the
        message says), DeadlineExceededError, and ResourceExhaustedError when too many wait.
        """
        if call.may_ask_readers:
            answer = await self._readers.ask(call)
            if answer is not None:
                return answer
        for send_number in range(1, call.sends_max + 1):
            link = self.link
            if link is None or not link.is_open:
                link = await self._wait_for_link(call)
            deadline_ms = int((call.ends_s - self._loop.time()) * 1_000)
            if deadline_ms <= 0:
                raise DeadlineExceededError("The deadline passed while the tenant had no process")
            try:
                return await link.submit(
                    call.method,
                    call.body,
                    caller=call.caller,
                    deadline_ms=deadline_ms,
                    position_min=call.position_min,
                )
            except LinkBrokenError as error:
                if error.may_have_run and (not call.is_repeatable or send_number == call.sends_max):
                    raise UnavailableError(
                        "The tenant's process ended before it answered, so the call may have been "
                        "done; repeat it with the same request_id",
                        reason=LinkBrokenError.reason,
                    ) from error
                self._metrics.count(RESENT)
        raise _no_process()

    async def close(self) -> None:
        """Hang up; whoever waits is told that the tenant has no process."""
        if self._connecting is not None:
            self._connecting.cancel()
        await self._readers.close()
        for future in self._waiting:
            if not future.done():
                future.set_exception(_no_process())
        links = [*self._retired, *([self.link] if self.link else [])]
        self.link = None
        for link in links:
            await link.close()

    async def _wait_for_link(self, call: Outgoing) -> LinkClient:
        if len(self._waiting) >= self._config.held_count_max:
            raise ResourceExhaustedError(
                f"{len(self._waiting)} requests wait for this tenant's process already",
                reason="TENANT_DOWN",
                retry_delay_ms=_DOWN_RETRY_MS,
            )
        self._metrics.count(HELD)
        future: asyncio.Future[LinkClient] = self._loop.create_future()
        self._waiting.add(future)
        self._ensure_connecting()
        try:
            async with asyncio.timeout(min(call.ends_s - self._loop.time(), call.held_s_max)):
                return await future
        except TimeoutError:
            raise _no_process() from None
        finally:
            self._waiting.discard(future)

    def _ensure_connecting(self) -> None:
        if self._connecting is None or self._connecting.done():
            self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        """Reach for the target until it answers or nobody waits any more."""
        delay_ms = self._config.reconnect_ms_min
        is_first = True
        while is_first or self._waiting:
            is_first = False
            self._changed.clear()
            target = self._target
            if target is not None and await self._reached(target):
                return
            try:
                async with asyncio.timeout(delay_ms / 1_000):
                    await self._changed.wait()
                delay_ms = self._config.reconnect_ms_min
            except TimeoutError:
                delay_ms = min(delay_ms * 2, self._config.reconnect_ms_max)

    async def _reached(self, target: Target) -> bool:
        link = LinkClient(
            target.socket_path,
            self._tenant_id,
            limits=self._limits,
            on_broken=lambda: self._lose(link),
        )
        try:
            await link.connect()
        except LinkBrokenError:
            return False
        except SaluhallError as error:
            _log.error(LINK_REFUSED, tenant=self._tenant_id, reason=error.reason)
            return False
        if target != self._target or not link.is_open:
            await link.close()
            return False
        self.link = link
        for future in self._waiting:
            if not future.done():
                future.set_result(link)
        return True

    def _lose(self, link: LinkClient) -> None:
        self._retired.discard(link)
        if self.link is link:
            _log.warning(LINK_BROKEN, tenant=self._tenant_id)
            self.link = None

    def _retire(self) -> None:
        """Let the old link end its calls, then hang up; a broken one says so itself."""
        link, self.link = self.link, None
        if link is not None:
            self._retired.add(link)
            self._hang_up_when_quiet(link)

    def _hang_up_when_quiet(self, link: LinkClient) -> None:
        if link.is_open and link.unanswered_count:
            self._loop.call_later(0.05, self._hang_up_when_quiet, link)
        else:
            self._retired.discard(link)
            link.hang_up()


class Router:
    """All routes of one front, kept in step with the registry."""

    def __init__(
        self,
        registry: RegistryReader,
        paths: ServerPaths,
        *,
        config: RoutingConfig,
        limits: LinkLimits,
        metrics: FrontMetrics,
    ) -> None:
        self.config = config
        self._registry = registry
        self._paths = paths
        self._limits = limits
        self._metrics = metrics
        self._routes: dict[TenantId, Route] = {}
        self._revision = -1
        self._is_readable = True
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Follow the registry from now on."""
        self._poll()
        self._drop_idle()

    async def close(self) -> None:
        """Hang up everywhere."""
        for timer in self._timers.values():
            timer.cancel()
        routes, self._routes = self._routes, {}
        for route in routes.values():
            await route.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def find(self, tenant_id: TenantId) -> Route | None:
        """The route to a tenant; None when there is no such tenant (any more).

        Raises UnavailableError when it would have to ask the registry and cannot.
        """
        route = self._routes.get(tenant_id)
        if route is not None:
            route.used_s = asyncio.get_running_loop().time()
            return route
        stored = self._registry.get(tenant_id)
        if stored is None or stored.record.state == GroupRecord.DELETED:
            return None
        route = Route(tenant_id, self.config, self._limits, self._metrics)
        route.used_s = asyncio.get_running_loop().time()
        self._routes[tenant_id] = route
        route.follow(target_of(stored.record, self._paths))
        return route

    def _poll(self) -> None:
        self._repeat("poll", self.config.registry_poll_ms / 1_000, self._poll)
        try:
            revision = self._registry.revision()
            if revision == self._revision:
                return
            for tenant_id, route in tuple(self._routes.items()):
                self._refresh(tenant_id, route)
        except SaluhallError as error:
            # The routes we have stay good: they are what serves while the registry is down.
            if self._is_readable:
                _log.error(REGISTRY_UNREADABLE, reason=error.reason)
            self._is_readable = False
            return
        self._revision, self._is_readable = revision, True

    def _refresh(self, tenant_id: TenantId, route: Route) -> None:
        stored = self._registry.get(tenant_id)
        if stored is None or stored.record.state == GroupRecord.DELETED:
            self._drop(tenant_id)
        else:
            route.follow(target_of(stored.record, self._paths))

    def _drop_idle(self) -> None:
        self._repeat("idle", _IDLE_CHECK_S, self._drop_idle)
        oldest = asyncio.get_running_loop().time() - self.config.idle_ms_max / 1_000
        for tenant_id, route in tuple(self._routes.items()):
            if route.used_s < oldest and route.is_idle:
                self._drop(tenant_id)

    def _drop(self, tenant_id: TenantId) -> None:
        self._metrics.count(ROUTES_DROPPED)
        task = asyncio.get_running_loop().create_task(self._routes.pop(tenant_id).close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _repeat(self, name: str, delay_s: float, action: Callable[[], None]) -> None:
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, action)


def _no_process() -> UnavailableError:
    return UnavailableError(
        "No process answers for this tenant at the moment; retry",
        reason="TENANT_DOWN",
        retry_delay_ms=_DOWN_RETRY_MS,
    )
