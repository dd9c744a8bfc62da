"""The supervisor's care of readers: observe, plan, act, as for replicas."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import structlog

from actors.process import Opening
from cluster import act, observe
from cluster.plan.names import NamedReader
from cluster.plan.readers import (
    ForgetReader,
    ObservedReader,
    Reader,
    ReadersState,
    StartReader,
    StopReader,
    plan_readers,
)
from cluster.plan.replicas import Phase
from node.agent.backoff import Failures
from node.agent.processes import ProcessId, end, process_id
from node.agent.state import ReaderEntry
from node.clock import Clock
from node.config import ServerPaths
from node.telemetry import READER_ENDED, READER_NOT_STARTED, READER_STARTED, READER_STOPPED

_log = structlog.get_logger()

Spawn = Callable[[Coroutine[None, None, None]], None]


@dataclass(slots=True)
class _Managed:
    """A reader and what became of it."""

    reader: Reader
    phase: Phase = Phase.STARTING
    failures: Failures = field(default_factory=Failures)
    since_ms: int = 0
    process: ProcessId | None = None
    message: str = ""
    actor: act.ReplicaHandle | None = None

    def observed(self) -> ObservedReader:
        return ObservedReader(self.reader, self.phase, self.failures, self.since_ms)

    def entry(self) -> ReaderEntry:
        return ReaderEntry(
            tenant=self.reader.tenant_id,
            store_id=self.reader.store_id,
            index=self.reader.index,
            pid=self.process.pid if self.process else 0,
            start_time=self.process.start_time if self.process else 0,
            restart_count=self.failures.restart_count,
            message=self.message,
        )


class Readers:
    """Keeps the readers of one server as the registry wants them."""

    def __init__(
        self,
        paths: ServerPaths,
        clock: Clock,
        *,
        spawn: Spawn,
        on_change: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        """`on_change`: what `entries` gives has changed; `on_end`: it is time to plan anew."""
        self._paths = paths
        self._clock = clock
        self._spawn = spawn
        self._on_change = on_change
        self._on_end = on_end
        self._managed: dict[Reader, _Managed] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no reader has a process."""
        return all(managed.phase is Phase.DOWN for managed in self._managed.values())

    def entries(self) -> tuple[ReaderEntry, ...]:
        """What others on this server may know."""
        return tuple(managed.entry() for managed in self._managed.values())

    def adopt(self) -> None:
        """Go on with the readers that an earlier supervisor has started."""
        for named in observe.list_readers():
            self._adopt(named)

    def keep(
        self,
        wanted: tuple[Reader, ...],
        *,
        is_stopping: bool,
        replicas_starting_count: int,
        starts_max: int,
    ) -> None:
        """Plan, and begin what was planned."""
        state = ReadersState(
            now_ms=self._clock.monotonic_ms(),
            is_stopping=is_stopping,
            replicas_starting_count=replicas_starting_count,
            wanted=wanted,
            observed=tuple(managed.observed() for managed in self._managed.values()),
        )
        for action in plan_readers(state, starts_max=starts_max):
            match action:
                case StartReader(reader):
                    managed = self._managed.setdefault(reader, _Managed(reader))
                    self._enter(managed, Phase.STARTING)
                    self._spawn(self._live(managed, act.create_reader(self._paths, reader)))
                case StopReader(reader):
                    self._enter(self._managed[reader], Phase.STOPPING)
                    self._spawn(self._stop(self._managed[reader]))
                case ForgetReader(reader):
                    del self._managed[reader]
                    self._on_change()

    def _adopt(self, named: NamedReader) -> None:
        actor = observe.find_actor(named)
        if actor is None:
            return
        managed = self._managed[named.reader] = _Managed(named.reader)
        self._enter(managed, Phase.STARTING)
        self._spawn(self._live(managed, actor))

    async def _live(self, managed: _Managed, actor: act.ReplicaHandle) -> None:
        """A reader's life, from its start (or from where another supervisor left it) to its end."""
        managed.actor = actor
        reader = managed.reader
        opening = await act.open_replica(actor)
        if opening.failure:
            act.kill_replica(actor)
            _log.warning(READER_NOT_STARTED, **_said(reader), message=opening.failure)
            self._has_died(managed, opening.failure, ran_ms=0)
            return
        self._has_opened(managed, opening)
        reason = await act.wait_reader(actor)
        if managed.phase is not Phase.SERVING:
            # It was told to stop.
            return
        if reason == act.HAS_STOPPED:
            # It has read in the registry that nobody wants it, before we did.
            self._has_stopped(managed)
            return
        ran_ms = self._clock.monotonic_ms() - managed.since_ms
        _log.warning(READER_ENDED, **_said(reader), pid=opening.pid, message=reason)
        self._end_process(managed)
        self._has_died(managed, reason, ran_ms=ran_ms)

    def _has_opened(self, managed: _Managed, opening: Opening) -> None:
        managed.process, managed.message = process_id(opening.pid), ""
        self._enter(managed, Phase.SERVING)
        _log.info(READER_STARTED, **_said(managed.reader), pid=opening.pid)

    def _has_died(self, managed: _Managed, reason: str, *, ran_ms: int) -> None:
        managed.failures = managed.failures.after_death(ran_ms=ran_ms)
        managed.message = reason
        managed.process = None
        self._enter(managed, Phase.DOWN)
        self._on_end()

    async def _stop(self, managed: _Managed) -> None:
        if managed.actor is not None:
            await act.stop_replica(managed.actor)
        self._has_stopped(managed)

    def _has_stopped(self, managed: _Managed) -> None:
        self._end_process(managed)
        _log.info(READER_STOPPED, **_said(managed.reader))
        del self._managed[managed.reader]
        self._on_change()
        self._on_end()

    def _end_process(self, managed: _Managed) -> None:
        """Ray asks a process to end; one that is stopped does not hear that."""
        if managed.actor is not None:
            act.kill_replica(managed.actor)
        if managed.process is not None:
            end([managed.process], wait_ms_max=0)

    def _enter(self, managed: _Managed, phase: Phase) -> None:
        managed.phase = phase
        managed.since_ms = self._clock.monotonic_ms()
        self._on_change()


def _said(reader: Reader) -> dict[str, object]:
    return {"tenant": reader.tenant_id, "index": reader.index, "incarnation": reader.incarnation}
