"""The demonstration's server: started, asked and stopped through the `saluhall` command."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psutil

from node.client import AdminClient, Client
from node.config import LISTEN_DEFAULT, OPERATOR_LISTEN_DEFAULT, ServerPaths
from node.tls.files import ca_path, operator_path
from protos.v1.admin_pb2 import GetStatusResponse

_PROFILE_VARIABLE: Final = "SALUHALL_PROFILE"
_COMMAND_SECONDS_MAX: Final = 120
_END_SECONDS_MAX: Final = 10
_KEY_LIFETIME: Final = "30d"
_API_KEY: Final = re.compile(r"slk_s_\S+")


class DemoError(Exception):
    """The demonstration did not go as it should; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoServer:
    """One server and how to reach it."""

    data: Path
    listen: str
    operator_listen: str
    profile: Path | None
    """Of the command line; None: the user's own."""

    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def private(cls, directory: Path, data: Path) -> "DemoServer":
        """With free ports and a profile of its own in `directory`, so that it meets nobody else's."""
        listen, operator_listen = (f"127.0.0.1:{port}" for port in _free_ports(2))
        profile = directory / "profile.json"
        return cls(
            data=data,
            listen=listen,
            operator_listen=operator_listen,
            profile=profile,
            environment={_PROFILE_VARIABLE: str(profile)},
        )

    @classmethod
    def of_user(cls, data: Path) -> "DemoServer":
        """At the usual ports, with the user's profile."""
        return cls(
            data=data, listen=LISTEN_DEFAULT, operator_listen=OPERATOR_LISTEN_DEFAULT, profile=None
        )

    @property
    def ca_file(self) -> Path:
        """Whom clients trust."""
        return ca_path(ServerPaths.of(self.data))

    def up(self) -> None:
        """Starts it and returns when it answers."""
        addresses = ["--listen", self.listen, "--operator-listen", self.operator_listen]
        self.run("up", "--detach", "--data", str(self.data), *addresses)

    def down(self) -> None:
        """Stops every process of it."""
        self.run("down", "--data", str(self.data))

    def is_up(self) -> bool:
        """Whether it answers already."""
        try:
            self.status()
        except Exception:  # noqa: BLE001 - no certificate yet, nobody listens, ...: all mean no
            return False
        return True

    def status(self) -> GetStatusResponse:
        """Its processes and tenants."""
        with self._operator() as operator:
            return operator.get_status(deadline_ms=2_000)

    def tenant_ids(self) -> set[str]:
        """Of the tenants that are there already."""
        with self._operator() as operator:
            return {tenant.id for tenant in operator.list_tenants()}

    def tenant_pid(self, tenant: str) -> int:
        """The process that serves a tenant."""
        for each in self.status().tenants:
            if each.tenant.id == tenant and each.pid:
                return each.pid
        raise DemoError(f"{tenant} has no process")

    def issue_search_key(self, tenant: str) -> str:
        """A key as a storefront has it, for 30 days: each run issues one, and a tenant has 100."""
        options = ("--role", "search", "--expires", _KEY_LIFETIME)
        match = _API_KEY.search(self.run("keys", "issue", tenant, *options))
        if match is None:
            raise DemoError(f"saluhall keys issue {tenant} showed no key")
        return match.group()

    def client(self, key: str) -> Client:
        """A storefront's client."""
        return Client(self.listen, api_key=key, ca_file=self.ca_file)

    def run(self, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
        """What `saluhall` with these arguments wrote. Raises DemoError with its words when it
        fails.
        """
        done = subprocess.run(
            [sys.executable, "-m", "cluster.cli.main", *arguments],
            env={**os.environ, **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            command = " ".join(("saluhall", *arguments))
            said = f"{done.stdout}\n{done.stderr}".strip()
            raise DemoError(f"{command} ended with {done.returncode}:\n{said}")
        return done.stdout

    def processes_left(self) -> list[psutil.Process]:
        """Every process that belongs to this server, after giving them a moment to end."""
        ends_s = time.monotonic() + _END_SECONDS_MAX
        while (left := self.processes()) and time.monotonic() < ends_s:
            psutil.wait_procs(left, timeout=0.2)
        return left

    def processes(self) -> list[psutil.Process]:
        """They carry the private profile in their environment, or the data directory in their
        command.
        """
        data, profile = str(self.data.resolve()), str(self.profile)
        mine = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
        found = []
        for process in psutil.process_iter():
            if process.pid in mine:
                continue
            try:
                belongs = any(data in word for word in process.cmdline()) or (
                    self.profile is not None and process.environ().get(_PROFILE_VARIABLE) == profile
                )
                if belongs and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def _operator(self) -> AdminClient:
        paths = ServerPaths.of(self.data)
        return AdminClient(
            self.operator_listen, ca_file=ca_path(paths), identity_file=operator_path(paths)
        )


def _free_ports(count: int) -> Sequence[int]:
    """Ports that nobody listens on now; held together until all are found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
