"""A whole server in a directory of its own, driven by the command line as an operator drives it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from node.agent.processes import ProcessId, is_alive, process_id, processes_of, send
from node.agent.state import AgentState, read_agent_state, running_agent
from node.client import Client
from node.config import ServerPaths
from node.tls.files import ca_path

RECOVERY_S_MAX = 60.0


class Server:
    """What `saluhall` does to one data directory."""

    def __init__(self, directory: Path) -> None:
        self.paths = ServerPaths.of(directory / "data")
        self.profile = directory / "profile.json"

    def call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cluster.cli.main", *arguments],
            env={**os.environ, "SALUHALL_PROFILE": str(self.profile)},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """The output of a command that must not fail."""
        result = self.call(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def up(self, *, listen: str = "127.0.0.1:0", fronts: int = 1) -> str:
        return self.done(
            *("up", "--detach", "--data", str(self.paths.data), "--fronts", str(fronts)),
            *("--listen", listen, "--operator-listen", "127.0.0.1:0"),
        )

    def down(self) -> str:
        return self.done("down", "--data", str(self.paths.data))

    def status(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.done("status", "--json"))
        return content

    def agent(self) -> AgentState:
        state = read_agent_state(self.paths)
        assert state is not None
        return state

    def process(self, role: str) -> ProcessId:
        entry = next(entry for entry in self.agent().processes if entry.role == role)
        return ProcessId(entry.pid, entry.start_time)

    def tenant(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(t for t in self.status()["tenants"] if t["id"] == name)
        return found

    def tenant_process(self, name: str) -> ProcessId:
        process = process_id(self.tenant(name)["pid"])
        assert process is not None
        return process

    def client(self, tenant: str) -> Client:
        entry = json.loads(self.profile.read_text())["servers"][str(self.paths.data)]
        return Client(
            self.agent().listen, api_key=entry["admin_keys"][tenant], ca_file=ca_path(self.paths)
        )

    def is_serving(self) -> bool:
        state = running_agent(self.paths)
        return state is not None and state.state == "serving"

    def kill_everything(self) -> None:
        """A power cut, as far as processes can tell."""
        for process in [self.agent().process, *processes_of(self.paths)]:
            send(process, signal.SIGKILL)
        eventually(lambda: not processes_of(self.paths))

    def traces(self) -> list[str]:
        """What a server that was stopped must not leave: processes, sockets, locks."""
        left = [f"process {process.pid}" for process in processes_of(self.paths)]
        left += [
            str(path)
            for path in (self.paths.runtime, self.paths.agent_lock, self.paths.agent_state)
            if path.exists()
        ]
        data = os.fsencode(str(self.paths.data))
        for directory in Path("/proc").iterdir():
            if directory.name.isdigit() and int(directory.name) != os.getpid():
                try:
                    if data in (directory / "cmdline").read_bytes():
                        left.append((directory / "cmdline").read_text())
                except OSError:
                    continue
        return left


def eventually(is_so: Callable[[], object], *, wait_s_max: float = RECOVERY_S_MAX) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + wait_s_max
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def kill(process: ProcessId) -> None:
    """End it as nothing can prevent, and wait until it is gone."""
    send(process, signal.SIGKILL)
    eventually(lambda: not is_alive(process))
