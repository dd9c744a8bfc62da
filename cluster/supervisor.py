"""The supervisor of one server: observe, plan, act, for ever.

It holds nothing that is not in the registry or in Ray: killed at any moment, the next one adopts the
replicas that run and goes on. It learns of a replica's death from a call that returns only then.
"""

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Final

import ray
import structlog

from actors.process import Opening
from cluster import act, observe
from cluster.plan.names import NamedReplica
from cluster.plan.readers import Reader, wanted_readers
from cluster.plan.replicas import (
    ObservedReplica,
    Phase,
    ReplicasState,
    StartReplica,
    StopReplica,
    WantedReplica,
    plan_replicas,
    wanted_replicas,
)
from cluster.readers import Readers
from node.agent.backoff import Failures
from node.agent.processes import own_id, process_id
from node.agent.state import (
    ReplicaEntry,
    SupervisorState,
    stop_path,
    write_supervisor_state,
)
from node.clock import SystemClock
from node.config import ServerPaths
from node.ids import StoreId, TenantId
from node.registry.embedded import EmbeddedRegistry
from node.telemetry import (
    REPLICA_ENDED,
    REPLICA_NOT_STARTED,
    REPLICA_STARTED,
    REPLICA_STOPPED,
    STATE_NOT_WRITTEN,
    SUPERVISOR_STARTED,
    SUPERVISOR_STOPPED,
    configure_logging,
    log_to,
)

TICK_S: Final = 0.1
"""How soon a new tenant is noticed; reading the registry's revision costs microseconds."""

STARTS_MAX: Final = 4
"""Processes being started at a time: more only wait for each other's processors."""

_log = structlog.get_logger()


@dataclass(slots=True)
class _Managed:
    """A replica and what became of it."""

    tenant_id: TenantId
    store_id: StoreId
    phase: Phase = Phase.STARTING
    failures: Failures = field(default_factory=Failures)
    since_ms: int = 0
    pid: int = 0
    message: str = ""
    actor: act.ReplicaHandle | None = None

    def observed(self) -> ObservedReplica:
        return ObservedReplica(
            self.tenant_id, self.store_id, self.phase, self.failures, self.since_ms
        )

    def entry(self) -> ReplicaEntry:
        process = process_id(self.pid) if self.pid else None
        return ReplicaEntry(
            tenant=self.tenant_id,
            store_id=self.store_id,
            pid=self.pid,
            start_time=process.start_time if process else 0,
            restart_count=self.failures.restart_count,
            message=self.message,
        )


class Supervisor:
    """Keeps the replicas of one server as the registry wants them."""

    def __init__(self, data: str, server: str) -> None:
        """Nothing happens before `start`."""
        self._paths = ServerPaths.of(data)
        self._server = server
        self._clock = SystemClock()
        self._managed: dict[StoreId, _Managed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._is_changed = True
        self._is_started = False
        self._registry = EmbeddedRegistry.of(self._paths)
        self._revision = -1
        self._wanted: tuple[WantedReplica, ...] = ()
        self._wanted_readers: tuple[Reader, ...] = ()
        self._readers = Readers(
            self._paths,
            self._clock,
            spawn=self._spawn,
            on_change=self._note_change,
            on_end=self._wake.set,
        )

    async def start(self) -> int:
        """Adopt what runs and begin, once; the process's number."""
        if not self._is_started:
            self._is_started = True
            self._start()
        return os.getpid()

    def _start(self) -> None:
        log_to(self._paths.logs / "supervisor.log")
        configure_logging()
        for named in observe.list_replicas():
            self._adopt(named)
        self._readers.adopt()
        self._write_state()
        _log.info(SUPERVISOR_STARTED, adopted_count=len(self._managed))
        self._spawn(self._run())

    async def _run(self) -> None:
        is_stopping = False
        while not (is_stopping and self._is_idle()):  # Ends when the agent stops everything.
            is_stopping = stop_path(self._paths).exists()
            self._observe_registry()
            self._act(is_stopping=is_stopping)
            if self._is_changed:
                self._write_state()
            await self._pause()
        _log.info(SUPERVISOR_STOPPED)
        os._exit(0)

    def _observe_registry(self) -> None:
        revision = self._registry.revision()
        if revision != self._revision:
            groups = [versioned.record for versioned in self._registry.list()]
            self._wanted = wanted_replicas(groups, server=self._server)
            self._wanted_readers = wanted_readers(groups, server=self._server)
            self._revision = revision
            self._forget_unwanted()

    def _forget_unwanted(self) -> None:
        """What is down and not wanted any more is nobody's concern."""
        stores = {replica.store_id for replica in self._wanted}
        for store_id, managed in list(self._managed.items()):
            if managed.phase is Phase.DOWN and store_id not in stores:
                del self._managed[store_id]
                self._is_changed = True

    def _act(self, *, is_stopping: bool) -> None:
        state = ReplicasState(
            now_ms=self._clock.monotonic_ms(),
            is_stopping=is_stopping,
            wanted=self._wanted,
            observed=tuple(managed.observed() for managed in self._managed.values()),
        )
        for action in plan_replicas(state, starts_max=STARTS_MAX):
            match action:
                case StartReplica(tenant_id, store_id):
                    managed = self._managed.setdefault(store_id, _Managed(tenant_id, store_id))
                    self._enter(managed, Phase.STARTING)
                    actor = act.create_replica(self._paths, tenant_id, store_id)
                    self._spawn(self._live(managed, actor))
                case StopReplica(store_id):
                    self._enter(self._managed[store_id], Phase.STOPPING)
                    self._spawn(self._stop(self._managed[store_id]))

        starting = sum(m.phase is Phase.STARTING for m in self._managed.values())
        self._readers.keep(
            self._wanted_readers,
            is_stopping=is_stopping,
            replicas_starting_count=starting,
            starts_max=STARTS_MAX,
        )

    async def _live(self, managed: _Managed, actor: act.ReplicaHandle) -> None:
        """A replica's life, from its start (or from where another supervisor left it) to its end."""
        managed.actor = actor
        opening = await act.open_replica(actor)
        if opening.failure:
            act.kill_replica(actor)
            _log.warning(REPLICA_NOT_STARTED, tenant=managed.tenant_id, message=opening.failure)
            self._has_died(managed, opening.failure, ran_ms=0)
            return
        self._has_opened(managed, opening)
        await self._watch(managed, actor)

    def _has_opened(self, managed: _Managed, opening: Opening) -> None:
        managed.pid, managed.message = opening.pid, ""
        self._enter(managed, Phase.SERVING)
        _log.info(
            REPLICA_STARTED,
            tenant=managed.tenant_id,
            pid=opening.pid,
            incarnation=opening.incarnation,
        )

    async def _watch(self, managed: _Managed, actor: act.ReplicaHandle) -> None:
        reason = await act.wait_replica(actor)
        if managed.phase is not Phase.SERVING:
            # It was told to stop.
            return
        ran_ms = self._clock.monotonic_ms() - managed.since_ms
        _log.warning(REPLICA_ENDED, tenant=managed.tenant_id, pid=managed.pid, message=reason)
        self._has_died(managed, reason, ran_ms=ran_ms)

    def _has_died(self, managed: _Managed, reason: str, *, ran_ms: int) -> None:
        managed.failures = managed.failures.after_death(ran_ms=ran_ms)
        managed.message = reason
        managed.pid = 0
        self._enter(managed, Phase.DOWN)
        self._wake.set()

    async def _stop(self, managed: _Managed) -> None:
        if managed.actor is not None:
            await act.stop_replica(managed.actor)
        _log.info(REPLICA_STOPPED, tenant=managed.tenant_id, pid=managed.pid)
        del self._managed[managed.store_id]
        self._is_changed = True
        self._wake.set()

    def _adopt(self, named: NamedReplica) -> None:
        """Go on with a replica that an earlier supervisor has started."""
        actor = observe.find_actor(named)
        if actor is None:
            return
        managed = self._managed[named.store_id] = _Managed(named.tenant_id, named.store_id)
        self._enter(managed, Phase.STARTING)
        self._spawn(self._live(managed, actor))

    def _enter(self, managed: _Managed, phase: Phase) -> None:
        managed.phase = phase
        managed.since_ms = self._clock.monotonic_ms()
        self._note_change()

    def _note_change(self) -> None:
        self._is_changed = True

    def _is_idle(self) -> bool:
        replicas = self._managed.values()
        return self._readers.is_idle and all(replica.phase is Phase.DOWN for replica in replicas)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _write_state(self) -> None:
        self._is_changed = False
        own = own_id()
        entries = tuple(managed.entry() for managed in self._managed.values())
        try:
            write_supervisor_state(
                self._paths,
                SupervisorState(own.pid, own.start_time, entries, self._readers.entries()),
            )
        except OSError as error:
            # A full disk must not stop what runs; the next turn writes it.
            self._is_changed = True
            _log.warning(STATE_NOT_WRITTEN, message=str(error))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run it beside the rest; what goes wrong in it ends this process, and the agent starts
        another.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._has_ended)

    def _has_ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error(SUPERVISOR_STOPPED, message=repr(error), exc_info=error)
            os._exit(1)


SupervisorActor = ray.remote(Supervisor)
