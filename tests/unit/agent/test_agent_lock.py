"""One agent for a data directory."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from node.agent.lock import AgentLock, AlreadyRunningError
from node.config import ServerPaths

_HOLDS = """
import sys
from node.agent.lock import AgentLock
from node.config import ServerPaths
AgentLock(ServerPaths.of(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_held_lock_is_refused_and_names_the_directory(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path)

    with AgentLock(paths), pytest.raises(AlreadyRunningError, match="is already running"):
        AgentLock(paths).take()


def test_a_released_lock_leaves_no_file(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path)

    with AgentLock(paths):
        pass

    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(AlreadyRunningError):
            AgentLock(paths).take()
        holder.kill()
        holder.wait()

        with AgentLock(paths):
            pass


def _take_and_count(directory: str, rounds: int) -> None:
    paths = ServerPaths.of(directory)
    counter = paths.data / "counter"
    while rounds:
        try:
            with AgentLock(paths):
                value = int(counter.read_text())
                counter.write_text(str(value + 1))
        except AlreadyRunningError:
            continue
        rounds -= 1


def test_two_processes_never_hold_it_at_once(tmp_path: Path) -> None:
    """The file is removed at each release: nobody may end up with a lock on a nameless one."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    spawned = multiprocessing.get_context("spawn")
    workers = [spawned.Process(target=_take_and_count, args=(str(tmp_path), 200)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert int(counter.read_text()) == 400
