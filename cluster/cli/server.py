"""Starts and stops the agent of a data directory, and waits until it has."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.agent import processes
from node.agent.child import last_words
from node.agent.directory import (
    is_data_directory,
    open_data_directory,
    read_identity,
    remove_runtime_directory,
)
from node.agent.lock import AgentLock, AlreadyRunningError
from node.agent.ports import free_address
from node.agent.state import SERVING, AgentState, read_agent_state, running_agent
from node.config import ServerPaths
from node.errors import InvalidArgumentError, NotFoundError, UnavailableError
from node.telemetry import open_log

START_S_MAX: Final = 120.0
STOP_S_MAX: Final = 40.0
"""Longer than all that the agent waits for when it stops."""

POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """What `up` was asked for."""

    paths: ServerPaths
    listen: str
    operator_listen: str
    front_count: int


class StartFailedError(UnavailableError):
    """The server did not come up."""

    reason = "START_FAILED"


def start_agent(request: StartRequest) -> "subprocess.Popen[bytes]":
    """Check what can be checked, clear up after an agent that died, start a new one.

    Raises:
        AlreadyRunningError, FormatTooNewError, PortInUseError, InvalidArgumentError, StorageError.
    """
    paths = request.paths
    open_data_directory(paths)
    with AgentLock(paths):
        # Fronts that outlived their agent would still hold the ports.
        processes.end(processes.processes_of(paths), wait_ms_max=processes.KILL_MS_MAX)
        listen = free_address(request.listen, option="--listen")
        operator_listen = free_address(request.operator_listen, option="--operator-listen")
    if listen == operator_listen:
        raise InvalidArgumentError.of("--operator-listen", "must differ from --listen")
    log = open_log(agent_log(paths))
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "node.agent", "--data", str(paths.data)),
            *("--listen", listen, "--operator-listen", operator_listen),
            *("--fronts", str(request.front_count)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # A Ctrl-C in this terminal is for `up` alone; it then stops the agent in order.
        start_new_session=True,
    )


def wait_serving(
    paths: ServerPaths, agent: "subprocess.Popen[bytes]", *, told: Callable[[str], None]
) -> AgentState:
    """Wait until everything serves, telling what is waited for. Raises StartFailedError."""
    deadline = time.monotonic() + START_S_MAX
    message = "the agent is being started"
    while time.monotonic() < deadline:
        if agent.poll() is not None:
            raise StartFailedError(f"The server did not start: {last_words(agent_log(paths))}")
        state = read_agent_state(paths)
        if state is not None and state.pid == agent.pid:
            if state.state == SERVING:
                return state
            message = state.message
        told(message)
        time.sleep(POLL_S)
    raise StartFailedError(
        f"The server did not start within {START_S_MAX:.0f} s ({message}); see {paths.logs}"
    )


def stop_server(paths: ServerPaths) -> bool:
    """Stop whatever runs on a data directory and clear up; whether anything ran.

    Raises NotFoundError when it is no data directory, AlreadyRunningError when the agent cannot be
    ended.
    """
    if not is_data_directory(paths):
        raise NotFoundError(f"{paths.data}: is no data directory of Saluhall; name one with --data")
    read_identity(paths)
    agent = _wait_known(paths)
    if agent is not None:
        _end_agent(agent)
    with AgentLock(paths):
        leftovers = processes.processes_of(paths)
        processes.end(leftovers, wait_ms_max=processes.KILL_MS_MAX)
        remove_runtime_directory(paths)
        paths.agent_state.unlink(missing_ok=True)
    return agent is not None or bool(leftovers)


def agent_log(paths: ServerPaths) -> Path:
    """What the agent says."""
    return paths.logs / "agent.log"


def _wait_known(paths: ServerPaths) -> AgentState | None:
    """The agent that runs; one that has only just started is waited for, so that it has a name."""
    deadline = time.monotonic() + STOP_S_MAX
    while time.monotonic() < deadline:
        agent = running_agent(paths)
        if agent is not None or not _is_locked(paths):
            return agent
        time.sleep(POLL_S)
    return None


def _is_locked(paths: ServerPaths) -> bool:
    if not paths.agent_lock.exists():
        return False
    try:
        with AgentLock(paths):
            return False
    except AlreadyRunningError:
        return True


def _end_agent(agent: AgentState) -> None:
    processes.send(agent.process, signal.SIGTERM)
    if not processes.wait_ended(agent.process, wait_ms_max=int(STOP_S_MAX * 1_000)):
        processes.send(agent.process, signal.SIGKILL)
        processes.wait_ended(agent.process, wait_ms_max=processes.KILL_MS_MAX)
