"""What agent and supervisor write down can be read by others, and damage is no disaster."""

from pathlib import Path

import pytest

from node.agent.processes import own_id
from node.agent.state import (
    AgentState,
    ProcessEntry,
    ReplicaEntry,
    SupervisorState,
    read_agent_state,
    read_supervisor_state,
    running_agent,
    write_agent_state,
    write_supervisor_state,
)
from node.config import ServerPaths


def _state(*, start_time: int) -> AgentState:
    return AgentState(
        pid=own_id().pid,
        start_time=start_time,
        state="serving",
        message="",
        listen="127.0.0.1:1",
        operator_listen="127.0.0.1:2",
        release="1.0",
        server="local",
        processes=(ProcessEntry("front", 3, 4, "127.0.0.1:1", 5),),
    )


def test_the_agents_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path)
    state = _state(start_time=own_id().start_time)

    write_agent_state(paths, state)

    assert read_agent_state(paths) == state
    assert running_agent(paths) == state


def test_the_state_of_an_agent_that_is_gone_names_no_running_one(tmp_path: Path) -> None:
    """Even when another process has its number by now."""
    paths = ServerPaths.of(tmp_path)
    write_agent_state(paths, _state(start_time=own_id().start_time - 1))

    assert running_agent(paths) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"processes": [{"role": 1}]}', "\x00"])
def test_a_damaged_state_is_none(tmp_path: Path, content: str) -> None:
    paths = ServerPaths.of(tmp_path)
    paths.agent_state.write_text(content)

    assert read_agent_state(paths) is None


def test_the_supervisors_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path / "data")
    state = SupervisorState(1, 2, (ReplicaEntry("shop", "a" * 32, 3, 4, 5, "why"),))
    paths.runtime.mkdir(mode=0o700)
    try:
        write_supervisor_state(paths, state)
        read = read_supervisor_state(paths)
    finally:
        for path in paths.runtime.iterdir():
            path.unlink()
        paths.runtime.rmdir()

    assert read == state
