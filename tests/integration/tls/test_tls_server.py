"""TLS as a real server process speaks it: versions, client certificates, rotation."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from node.config import ServerPaths
from node.tls.authority import (
    Identity,
    create_authority,
    issue_operator,
    issue_server,
)
from node.tls.credentials import channel_credentials
from node.tls.files import ca_path, ensure_certificates, operator_path, read_identity, server_path

_SERVER = """
import sys
from node.tls.version import require_tls13
require_tls13()
import asyncio
import grpc
from node.config import ServerPaths
from node.errors import SaluhallError
from node.tls.credentials import operator_of, operator_server_credentials, server_credentials

async def echo(request, context):
    return request

async def who(request, context):
    try:
        return operator_of(context.auth_context()).encode()
    except SaluhallError as error:
        code = next(code for code in grpc.StatusCode if code.value[0] == error.code)
        await context.abort(code, error.reason)

async def main():
    paths = ServerPaths.of(sys.argv[1])
    servers = []  # A server nobody holds is stopped.
    ports = []
    for credentials, handler in (
        (server_credentials(paths), echo), (operator_server_credentials(paths), who)
    ):
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "test", {"Call": grpc.unary_unary_rpc_method_handler(handler)}),))
        ports.append(server.add_secure_port("127.0.0.1:0", credentials))
        await server.start()
        servers.append(server)
    print(*ports, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        await server.stop(0)

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Running:
    paths: ServerPaths
    port: int
    operator_port: int


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    paths = ServerPaths.of(tmp_path_factory.mktemp("data"))
    ensure_certificates(paths, [])
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, paths.data],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        port, operator_port = map(int, process.stdout.readline().split())
        yield Running(paths, port, operator_port)
        process.communicate("", timeout=20)


Call = Callable[[int, Identity | None], bytes]


@pytest.fixture
def call(running: Running) -> Call:
    """One call over a connection of its own."""

    def call_once(port: int, identity: Identity | None) -> bytes:
        with open_channel(running, port, identity) as channel:
            return ask(channel)

    return call_once


def open_channel(running: Running, port: int, identity: Identity | None) -> grpc.Channel:
    return grpc.secure_channel(
        f"127.0.0.1:{port}",
        channel_credentials(
            ca_path(running.paths).read_bytes(),
            identity and identity.certificate_pem,
            identity and identity.key_pem,
        ),
        # Connections of one process to one address are shared otherwise.
        options=[("grpc.use_local_subchannel_pool", 1)],
    )


def ask(channel: grpc.Channel) -> bytes:
    return channel.unary_unary("/test/Call")(b"hello", timeout=5)  # type: ignore[no-any-return]


def authority_of(paths: ServerPaths) -> Identity:
    return Identity(ca_path(paths).read_bytes(), (paths.tls / "ca.key").read_bytes())


def refusal(call: Call, port: int, identity: Identity | None) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call(port, identity)
    return caught.value.code()


def handshake(port: int, version: ssl.TLSVersion) -> tuple[str | None, int]:
    """The version agreed on and the serial number of the certificate shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        context.wrap_socket(raw) as secure,
    ):
        shown = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
        return secure.version(), shown.serial_number


def test_a_client_that_trusts_our_authority_is_served(running: Running, call: Call) -> None:
    assert call(running.port, None) == b"hello"


@pytest.mark.parametrize("port", ["port", "operator_port"])
def test_tls_1_2_is_refused_and_1_3_is_not(running: Running, port: str) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(getattr(running, port), ssl.TLSVersion.TLSv1_2)

    assert handshake(getattr(running, port), ssl.TLSVersion.TLSv1_3)[0] == "TLSv1.3"


def test_grpc_imported_too_early_is_noticed() -> None:
    code = "import grpc; from node.tls.version import require_tls13; require_tls13()"

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={}
    )

    assert "would accept TLS 1.2" in ended.stderr


def test_an_operators_certificate_opens_the_operators_port(running: Running, call: Call) -> None:
    identity = read_identity(operator_path(running.paths))

    assert call(running.operator_port, identity) == b"local"


def test_no_certificate_does_not_open_the_operators_port(running: Running, call: Call) -> None:
    assert refusal(call, running.operator_port, None) == grpc.StatusCode.UNAVAILABLE


def test_a_certificate_of_another_authority_does_not(running: Running, call: Call) -> None:
    evil = issue_operator(
        create_authority(now=datetime.now(UTC)), name="local", now=datetime.now(UTC)
    )

    assert refusal(call, running.operator_port, evil) == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("age", [timedelta(days=400), timedelta(days=-2)])
def test_an_expired_or_not_yet_valid_certificate_does_not(
    running: Running, call: Call, age: timedelta
) -> None:
    identity = issue_operator(
        authority_of(running.paths), name="local", now=datetime.now(UTC) - age
    )

    assert refusal(call, running.operator_port, identity) == grpc.StatusCode.UNAVAILABLE


def test_a_servers_certificate_does_not(running: Running, call: Call) -> None:
    """It is of our authority, but made for the other side of a connection."""
    identity = read_identity(server_path(running.paths))

    assert refusal(call, running.operator_port, identity) == grpc.StatusCode.UNAVAILABLE


def test_a_client_certificate_without_the_role_is_known_and_refused(
    running: Running, call: Call
) -> None:
    stranger = issue_operator(
        authority_of(running.paths), name="no/such role", now=datetime.now(UTC)
    )

    assert refusal(call, running.operator_port, stranger) == grpc.StatusCode.PERMISSION_DENIED


def test_a_client_that_trusts_another_authority_does_not_talk_to_us(running: Running) -> None:
    evil = create_authority(now=datetime.now(UTC)).certificate_pem

    with (
        grpc.secure_channel(f"127.0.0.1:{running.port}", channel_credentials(evil)) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        ask(channel)

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_renewed_certificate_is_served_without_a_restart(running: Running) -> None:
    """New connections get it at once; an open one goes on."""
    serial = handshake(running.port, ssl.TLSVersion.TLSv1_3)[1]
    with open_channel(running, running.port, None) as channel:
        assert ask(channel) == b"hello"

        for _ in range(5):
            renewed = issue_server(
                authority_of(running.paths), hosts=["127.0.0.1"], now=datetime.now(UTC)
            )
            replace(server_path(running.paths), renewed.key_pem + renewed.certificate_pem)
            assert ask(channel) == b"hello"
            seen = handshake(running.port, ssl.TLSVersion.TLSv1_3)[1]
            assert seen != serial
            serial = seen


def test_a_damaged_file_keeps_the_certificate_in_use(running: Running) -> None:
    serial = handshake(running.port, ssl.TLSVersion.TLSv1_3)[1]
    whole = server_path(running.paths).read_bytes()

    replace(server_path(running.paths), b"damaged")

    assert handshake(running.port, ssl.TLSVersion.TLSv1_3)[1] == serial
    replace(server_path(running.paths), whole)


def replace(path: Path, content: bytes) -> None:
    scratch = path.with_suffix(".scratch")
    scratch.write_bytes(content)
    scratch.rename(path)
