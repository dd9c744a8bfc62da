"""What the agent and the supervisor write down for others on this server, as JSON files.

agent.json (data directory)            the agent, its addresses, and the processes it has started
supervisor.json (runtime directory)    the supervisor, and the replica processes it watches
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from node.agent.directory import write_atomically
from node.agent.processes import ProcessId, is_alive
from node.config import ServerPaths

STARTING: Final = "starting"
SERVING: Final = "serving"
STOPPING: Final = "stopping"


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One process that the agent keeps running."""

    role: str
    """agent, ray, supervisor, front or operator."""

    pid: int
    """0 while it is not running."""

    start_time: int
    address: str
    """Where it listens; empty if nowhere."""

    restart_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """What agent.json says."""

    pid: int
    start_time: int
    state: str
    """starting, serving (everything runs) or stopping."""

    message: str
    """What it waits for, if not everything runs; empty otherwise."""

    listen: str
    operator_listen: str
    release: str
    server: str
    processes: tuple[ProcessEntry, ...]

    @property
    def process(self) -> ProcessId:
        """The agent itself."""
        return ProcessId(self.pid, self.start_time)


@dataclass(frozen=True, slots=True)
class ReplicaEntry:
    """One replica as the supervisor sees it."""

    tenant: str
    store_id: str
    pid: int
    """0 while it has no process."""

    start_time: int
    restart_count: int
    message: str
    """Why it does not serve; empty when it does."""


@dataclass(frozen=True, slots=True)
class ReaderEntry:
    """One reader as the supervisor sees it; like a replica's."""

    tenant: str
    store_id: str
    index: int
    pid: int
    start_time: int
    restart_count: int
    message: str


@dataclass(frozen=True, slots=True)
class SupervisorState:
    """What supervisor.json says."""

    pid: int
    start_time: int
    replicas: tuple[ReplicaEntry, ...]
    readers: tuple[ReaderEntry, ...] = ()

    @property
    def process(self) -> ProcessId:
        """The supervisor itself."""
        return ProcessId(self.pid, self.start_time)


def write_agent_state(paths: ServerPaths, state: AgentState) -> None:
    """Replace agent.json."""
    write_atomically(paths.agent_state, json.dumps(asdict(state), indent=2))


def read_agent_state(paths: ServerPaths) -> AgentState | None:
    """What the last agent wrote; None if there is nothing that can be read."""
    content = _read(paths.agent_state)
    try:
        entries = tuple(ProcessEntry(**entry) for entry in content.pop("processes"))
        return AgentState(**content, processes=entries)
    except (KeyError, TypeError):
        return None


def running_agent(paths: ServerPaths) -> AgentState | None:
    """The agent's state if that very agent still runs."""
    state = read_agent_state(paths)
    return state if state is not None and is_alive(state.process) else None


def supervisor_path(paths: ServerPaths) -> Path:
    """The supervisor's file."""
    return paths.runtime / "supervisor.json"


def stop_path(paths: ServerPaths) -> Path:
    """While this file is there, the supervisor closes every replica, and then ends."""
    return paths.runtime / "stop"


def write_supervisor_state(paths: ServerPaths, state: SupervisorState) -> None:
    """Replace supervisor.json."""
    write_atomically(supervisor_path(paths), json.dumps(asdict(state)))


def read_supervisor_state(paths: ServerPaths) -> SupervisorState | None:
    """What the last supervisor wrote; None if there is nothing that can be read."""
    content = _read(supervisor_path(paths))
    try:
        entries = tuple(ReplicaEntry(**entry) for entry in content.pop("replicas"))
        # A supervisor of an earlier release knew none.
        readers = tuple(ReaderEntry(**entry) for entry in content.pop("readers", ()))
        return SupervisorState(**content, replicas=entries, readers=readers)
    except (KeyError, TypeError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
