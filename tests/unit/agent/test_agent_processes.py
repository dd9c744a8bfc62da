"""Processes: who they are beyond doubt, whose they are, how they end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.agent.processes import (
    ProcessId,
    descendants,
    end,
    is_alive,
    own_id,
    process_id,
    processes_of,
    processes_of_session,
    reap_children,
    send,
    wait_ended,
)
from node.config import ServerPaths

_WAITS = "import sys; print(flush=True); sys.stdin.read()"


def _start(directory: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITS],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[ServerPaths]:
    paths = ServerPaths.of(tmp_path / "data")
    paths.runtime.mkdir(mode=0o700)
    yield paths
    paths.runtime.rmdir()


@pytest.fixture
def child(paths: ServerPaths) -> Iterator["subprocess.Popen[bytes]"]:
    with _start(paths.runtime) as process:
        yield process
        process.kill()


def test_a_process_is_known_until_it_has_ended(child: "subprocess.Popen[bytes]") -> None:
    process = process_id(child.pid)
    assert process is not None
    assert is_alive(process)

    send(process, signal.SIGKILL)

    assert wait_ended(process, wait_ms_max=10_000)
    assert not is_alive(process)
    assert process_id(child.pid) is None


def test_another_process_with_the_same_number_is_left_alone(
    child: "subprocess.Popen[bytes]",
) -> None:
    process = process_id(child.pid)
    assert process is not None
    earlier = ProcessId(process.pid, process.start_time - 1)

    send(earlier, signal.SIGKILL)

    assert end([earlier], wait_ms_max=1_000) == []
    assert is_alive(process)


def test_what_works_in_the_runtime_directory_belongs_to_the_server(
    paths: ServerPaths, child: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    with _start(tmp_path) as stranger:
        found = processes_of(paths)
        stranger.kill()

    assert [process.pid for process in found] == [child.pid]
    assert processes_of_session(paths, child.pid) == found
    assert processes_of_session(paths, os.getpid()) == []


def test_descendants_are_found_at_any_remove(child: "subprocess.Popen[bytes]") -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-c", nested, _WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()

        found = {process.pid for process in descendants(os.getpid())}
        grandchildren = {process.pid for process in descendants(parent.pid)}
        parent.communicate()

    assert len(grandchildren) == 1
    assert {child.pid, parent.pid} | grandchildren <= found


def test_ended_children_are_let_go(child: "subprocess.Popen[bytes]") -> None:
    process = process_id(child.pid)
    assert process is not None
    child.kill()
    wait_ended(process, wait_ms_max=10_000)

    reap_children()

    assert not Path("/proc", str(child.pid)).exists()


def test_this_process_knows_itself() -> None:
    assert own_id().pid == os.getpid()
    assert is_alive(own_id())


_HOLDS_A_PORT = """
import socket, threading, time
listening = socket.create_server(("127.0.0.1", 0))
memory = b"x" * (200 << 20)
for _ in range(40):
    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
print(listening.getsockname()[1], flush=True)
time.sleep(100)
"""


def test_a_killed_process_has_ended_only_when_its_port_is_free() -> None:
    """Its first thread is gone at once; the others hold its files until its memory is given back."""
    with subprocess.Popen([sys.executable, "-c", _HOLDS_A_PORT], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        process = process_id(holder.pid)
        assert process is not None

        send(process, signal.SIGKILL)
        while is_alive(
            process
        ):  # Ends with the process; asked without a pause, to meet the moment.
            pass

        socket.create_server(("127.0.0.1", port)).close()
