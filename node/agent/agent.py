"""The agent: everything of one server runs while it runs, and nothing does when it has stopped.

    agent ── front 0..n-1, operator
          ── ray ── supervisor, replicas        (Ray's own tree)

Ray and all within it are one thing here: when Ray's head or node process dies, what is left of Ray is
killed, a new Ray is started over the same data, and a new supervisor starts the replicas again.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Final

import structlog

from node.agent import commands, processes
from node.agent.child import Child, Running, StartFailedError, ended_within, last_words
from node.agent.directory import remove_runtime_directory
from node.agent.first_line import front_address, supervisor_id
from node.agent.keeper import Keeper
from node.agent.ports import LOOPBACK
from node.agent.state import (
    SERVING,
    STARTING,
    STOPPING,
    AgentState,
    ProcessEntry,
    read_supervisor_state,
    stop_path,
    write_agent_state,
)
from node.agent.upkeep import Upkeep
from node.clock import Clock
from node.config import ServerPaths
from node.errors import InvariantError
from node.telemetry import AGENT_STARTED, AGENT_STOPPED, AGENT_STOPS, STATE_NOT_WRITTEN

FRONT_START_S_MAX: Final = 30.0
RAY_START_S_MAX: Final = 90.0
SUPERVISOR_START_S_MAX: Final = 90.0
FRONT_STOP_S_MAX: Final = 10.0
"""Calls under way are answered meanwhile."""

REPLICAS_STOP_S_MAX: Final = 5.0
READY_POLL_S: Final = 0.05

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """What `saluhall up` was asked for."""

    listen: str
    """Where clients connect, "host:port"."""

    operator_listen: str
    front_count: int
    server: str
    """This server's name in the registry."""


class Agent:
    """Keeps the processes of one server running."""

    def __init__(self, paths: ServerPaths, config: AgentConfig, *, clock: Clock) -> None:
        self._paths = paths
        self._config = config
        self._id = processes.own_id()
        self._release = metadata.version("saluhall")
        self._ray_address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ray_child: Child | None = None
        self._boot_child: Child | None = None
        self._stopping = False
        keeper = partial(Keeper, changed=self._write_state, clock=clock)
        self._ray = keeper("ray", start=self._start_ray, clean=self._clean_ray)
        self._supervisor = keeper("supervisor", start=self._start_supervisor, clean=_nothing)
        self._fronts = [
            keeper("operator", start=self._start_operator, clean=_nothing),
            *(
                keeper("front", start=partial(self._start_front, index), clean=_nothing)
                for index in range(config.front_count)
            ),
        ]
        self._upkeep = Upkeep(paths, hosts=[config.listen, config.operator_listen], clock=clock)

    async def run(self) -> None:
        """Keep everything running until SIGTERM or SIGINT, then stop it all."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        _log.info(AGENT_STARTED, listen=self._config.listen, release=self._release)
        self._write_state()
        tasks = [asyncio.create_task(keeper.run()) for keeper in self._keepers]
        tasks.append(asyncio.create_task(self._upkeep.run()))
        stopped = asyncio.create_task(stop.wait())
        try:
            # A task that ends by itself has failed in a way that nobody foresaw.
            await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            failures = [task for task in tasks if task.done()]
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            await self._stop()
        for task in failures:
            task.result()

    @property
    def _keepers(self) -> "list[Keeper]":
        return [self._ray, self._supervisor, *self._fronts]

    async def _start_front(self, index: int) -> Running:
        command = commands.front_command(self._paths, listen=self._config.listen, index=index)
        return await self._start_listening(command, self._config.listen)

    async def _start_operator(self) -> Running:
        command = commands.operator_command(
            self._paths, listen=self._config.operator_listen, server=self._config.server
        )
        return await self._start_listening(command, self._config.operator_listen)

    async def _start_listening(self, command: commands.Command, listen: str) -> Running:
        """Start a front; it says on its first line that it listens, and where else it does."""
        child = Child.start(command, directory=self._paths.runtime)
        with _killed_on_failure(child):
            line = await child.first_line(wait_s_max=FRONT_START_S_MAX)
            return Running(child.id, front_address(line, listen=listen))

    async def _start_ray(self) -> Running:
        port = commands.prepare_ray(self._paths)
        command = commands.ray_command(self._paths, port=port)
        child = self._ray_child = Child.start(command, directory=self._paths.runtime)
        with _killed_on_failure(child):
            async with asyncio.timeout(RAY_START_S_MAX):
                while not commands.ray_started_path(self._paths).exists():
                    if not processes.is_alive(child.id):
                        raise StartFailedError(last_words(command.log))
                    await asyncio.sleep(READY_POLL_S)
        self._ray_address.set_result(f"{LOOPBACK}:{port}")
        return Running(child.id, f"{LOOPBACK}:{port}")

    async def _clean_ray(self) -> None:
        """Kill what is left of a Ray that died: nothing in it can be reached any more."""
        if self._ray_address.done():
            self._ray_address = asyncio.get_running_loop().create_future()
        stray = [
            process
            for child in (self._ray_child, self._boot_child)
            if child is not None
            for process in processes.processes_of_session(self._paths, child.id.pid)
        ]
        await asyncio.to_thread(processes.end, stray, wait_ms_max=processes.KILL_MS_MAX)

    async def _start_supervisor(self) -> Running:
        ray_address = await asyncio.shield(self._ray_address)
        command = commands.supervisor_command(
            self._paths, ray_address=ray_address, server=self._config.server
        )
        child = self._boot_child = Child.start(command, directory=self._paths.runtime)
        with _killed_on_failure(child):
            line = await child.first_line(wait_s_max=SUPERVISOR_START_S_MAX)
            return Running(supervisor_id(line), "")

    async def _stop(self) -> None:
        """Let fronts answer what they have, let replicas close, then end everything else."""
        self._stopping = True
        self._write_state()
        _log.info(AGENT_STOPS)
        fronts = [keeper.running.id for keeper in self._fronts if keeper.running]
        for front in fronts:
            processes.send(front, signal.SIGTERM)
        await asyncio.gather(*(ended_within(f, wait_s_max=FRONT_STOP_S_MAX) for f in fronts))
        supervisor = read_supervisor_state(self._paths)
        if supervisor is not None and processes.is_alive(supervisor.process):
            stop_path(self._paths).touch()
            await ended_within(supervisor.process, wait_s_max=REPLICAS_STOP_S_MAX)
        self._end_all()
        remove_runtime_directory(self._paths)
        self._paths.agent_state.unlink(missing_ok=True)
        _log.info(AGENT_STOPPED)

    def _end_all(self) -> None:
        """Ray keeps nothing that is needed again, so it is not asked to stop, which takes long."""
        mine = {*processes.processes_of(self._paths), *processes.descendants(self._id.pid)}
        stuck = processes.end(mine, wait_ms_max=processes.KILL_MS_MAX)
        processes.reap_children()
        if stuck:
            raise InvariantError(f"processes {[p.pid for p in stuck]} cannot be ended")

    def _write_state(self) -> None:
        """Tell others; a full disk must not stop what runs."""
        try:
            write_agent_state(self._paths, self._state())
        except OSError as error:
            _log.warning(STATE_NOT_WRITTEN, message=str(error))

    def _state(self) -> AgentState:
        waiting = [k for k in self._keepers if k.running is None]
        state = STARTING if waiting else SERVING
        own = ProcessEntry("agent", self._id.pid, self._id.start_time, "", 0)
        return AgentState(
            pid=self._id.pid,
            start_time=self._id.start_time,
            state=STOPPING if self._stopping else state,
            message="; ".join(f"{k.role}: {k.message}" for k in waiting),
            listen=self._config.listen,
            operator_listen=self._config.operator_listen,
            release=self._release,
            server=self._config.server,
            processes=(own, *(keeper.entry for keeper in self._keepers)),
        )


@contextmanager
def _killed_on_failure(child: Child) -> Iterator[None]:
    """Leave no half-started process behind, also when the agent stops meanwhile."""
    try:
        yield
    except TimeoutError:
        processes.send(child.id, signal.SIGKILL)
        raise StartFailedError("it was not ready in time") from None
    except BaseException:
        processes.send(child.id, signal.SIGKILL)
        raise


async def _nothing() -> None:
    """Fronts and supervisor leave nothing behind that the next one minds."""
