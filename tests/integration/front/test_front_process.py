"""The front as a process of its own: what it prints, how it ends, what TLS it speaks."""

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.config import ServerPaths
from node.keys import ensure_platform_key
from node.registry.embedded import EmbeddedRegistry
from node.tls.files import ca_path, ensure_certificates


@pytest.fixture
def paths(tmp_path: Path) -> ServerPaths:
    paths = ServerPaths.of(tmp_path / "data")
    paths.data.mkdir(mode=0o700)
    ensure_certificates(paths, ["127.0.0.1"])
    ensure_platform_key(paths.platform_key)
    EmbeddedRegistry.of(paths).close()
    return paths


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def front(paths: ServerPaths, *, listen: str, index: int = 0) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "node.front", "--data", str(paths.data), "--listen", listen]
    command += ["--own-listen", "127.0.0.1:0", "--index", str(index)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def greeting(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


def handshake(address: str, paths: ServerPaths, version: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=str(ca_path(paths)))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.version()


def test_fronts_share_a_port_speak_tls_13_only_and_stop_when_told(paths: ServerPaths) -> None:
    listen = f"127.0.0.1:{free_port()}"
    with front(paths, listen=listen) as one, front(paths, listen=listen, index=1) as two:
        first, second = greeting(one), greeting(two)

        assert first["listen"] == second["listen"] == listen
        assert first["own_listen"] != second["own_listen"]
        assert (first["pid"], second["pid"]) == (one.pid, two.pid)
        for address in (listen, first["own_listen"], second["own_listen"]):
            assert handshake(address, paths, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
            with pytest.raises((ssl.SSLError, ConnectionError)):
                handshake(address, paths, ssl.TLSVersion.TLSv1_2)

        for process in (one, two):
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=15) == 0


def test_a_port_in_use_is_said_plainly(paths: ServerPaths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with front(paths, listen=listen) as process:
            _, stderr = process.communicate(timeout=15)

    assert process.returncode == 78
    assert f"{listen}: cannot listen there" in stderr
    assert "Traceback" not in stderr
