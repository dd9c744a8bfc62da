"""The operators' process as it is run, with its own registry and replicas that answer over links."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc import aio
from replica_fakes import SupervisorFake

from node.agent.processes import own_id
from node.agent.state import ReaderEntry, ReplicaEntry, SupervisorState, write_supervisor_state
from node.client import AsyncAdminClient
from node.config import ServerPaths
from node.errors import (
    AlreadyExistsError,
    Code,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from node.ids import TenantId
from node.registry.embedded import EmbeddedRegistry
from node.tls.credentials import channel_credentials
from node.tls.files import ca_path, ensure_certificates, operator_path, read_identity
from protos.internal.records_pb2 import GroupRecord
from protos.v1 import admin_pb2


@dataclass(slots=True)
class Running:
    paths: ServerPaths
    address: str
    registry: EmbeddedRegistry
    supervisor: SupervisorFake
    client: AsyncAdminClient


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    paths = ServerPaths.of(tmp_path / "data")
    ensure_certificates(paths, [])
    command = [sys.executable, "-m", "node.front.operator", "--data", str(paths.data)]
    process = await asyncio.create_subprocess_exec(
        *command, "--listen", "127.0.0.1:0", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    address = json.loads(await process.stdout.readline())["listen"]
    registry = EmbeddedRegistry.of(paths)
    supervisor = SupervisorFake(paths, registry)
    client = AsyncAdminClient(address, ca_file=ca_path(paths), identity_file=operator_path(paths))
    yield Running(paths, address, registry, supervisor, client)
    await client.close()
    await supervisor.close()
    registry.close()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def create(running: Running, name: str = "acme", **named: int) -> str:
    created = await running.client.create_tenant(
        name, language_codes=["sv", "en"], currency_code="SEK", **named
    )
    return created.admin_key


def record_of(running: Running, name: str = "acme") -> GroupRecord:
    found = running.registry.get(TenantId(name))
    assert found is not None
    return found.record


async def test_creating_a_tenant_writes_its_record_and_returns_its_first_key(
    running: Running,
) -> None:
    created = await running.client.create_tenant(
        "acme", language_codes=["sv", "en"], currency_code="SEK"
    )

    assert created.admin_key == "secret of key0 of acme"
    assert created.tenant.state == admin_pb2.Tenant.SERVING
    assert created.tenant.create_time.seconds > 1_700_000_000
    record = record_of(running)
    assert (record.epoch, record.min_copies, record.state) == (1, 1, GroupRecord.OPEN)
    assert list(record.in_sync) == [record.primary] == [record.replicas[0].store_id]
    assert list(record.settings.language_codes) == ["sv", "en"]
    assert record.first_key_issued


async def test_a_tenant_that_exists_is_not_created_again(running: Running) -> None:
    await create(running)

    with pytest.raises(AlreadyExistsError, match="acme"):
        await create(running)

    assert len(running.supervisor.replicas["acme"].keys) == 1


async def test_a_creation_that_fails_half_way_is_finished_by_repeating_it(
    running: Running,
) -> None:
    """The key that nobody has seen is revoked; the client repeats by itself."""
    running.supervisor.failures_after_issuing = 1

    admin_key = await create(running)

    lost, shown = running.supervisor.replicas["acme"].keys
    assert admin_key == "secret of key1 of acme"
    assert lost.HasField("revoke_time")
    assert not shown.HasField("revoke_time")


async def test_a_tenant_whose_process_does_not_start_is_told_and_can_be_finished(
    running: Running,
) -> None:
    running.supervisor.starts.clear()
    with pytest.raises(UnavailableError, match="create it again"):
        await create(running, deadline_ms=1_500)
    store = record_of(running).primary

    running.supervisor.starts.set()
    admin_key = await create(running)

    assert admin_key == "secret of key0 of acme"
    assert record_of(running).primary == store


async def test_of_two_creations_at_once_one_gets_a_key_that_works(running: Running) -> None:
    results = await asyncio.gather(create(running), create(running), return_exceptions=True)

    keys = [result for result in results if isinstance(result, str)]
    errors = [result for result in results if isinstance(result, AlreadyExistsError)]
    assert (len(keys), len(errors)) == (1, 1)
    held = running.supervisor.replicas["acme"].keys
    assert [f"secret of {k.id} of acme" for k in held if not k.HasField("revoke_time")] == keys


async def test_a_bad_request_names_every_field(running: Running) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await running.client.create_tenant("platform", language_codes=[], currency_code="XXX")

    assert [violation.field for violation in caught.value.violations] == [
        "tenant.id",
        "tenant.language_codes",
        "tenant.currency_code",
    ]


async def test_a_deleted_tenants_name_is_never_used_again(running: Running) -> None:
    await create(running)

    await running.client.delete_tenant("acme")
    await running.client.delete_tenant("acme")

    assert record_of(running).state == GroupRecord.DELETED
    with pytest.raises(AlreadyExistsError, match="never used again") as caught:
        await create(running)
    assert caught.value.reason == "TENANT_NAME_USED"
    assert [tenant.id async for tenant in running.client.list_tenants()] == []


@pytest.mark.parametrize("name", ["unknown", "", "../x", "x" * 1_000])
async def test_a_tenant_that_never_was_cannot_be_deleted(running: Running, name: str) -> None:
    with pytest.raises(NotFoundError):
        await running.client.delete_tenant(name)


async def test_tenants_are_listed_by_id_in_pages(running: Running) -> None:
    for name in ("mid", "acme", "zebra"):
        await create(running, name)

    first = await running.client.list_tenants_page(page_size=2)
    second = await running.client.list_tenants_page(page_size=2, page_token=first.next_page_token)

    assert [tenant.id for tenant in first.tenants] == ["acme", "mid"]
    assert [tenant.id for tenant in second.tenants] == ["zebra"]
    assert second.next_page_token == ""
    assert {tenant.state for tenant in first.tenants} == {admin_pb2.Tenant.SERVING}


@pytest.mark.parametrize("token", ["å", "%", "a", "_w=="])
async def test_a_page_token_of_something_else_is_refused(running: Running, token: str) -> None:
    with pytest.raises(InvalidArgumentError, match="page_token"):
        await running.client.list_tenants_page(page_token=token)


async def test_status_shows_how_each_tenant_is_and_which_is_down(
    running: Running,
) -> None:
    for name in ("acme", "mid"):
        await create(running, name)
    await running.supervisor.kill("mid")
    here = own_id()
    write_supervisor_state(
        running.paths,
        SupervisorState(
            here.pid,
            here.start_time,
            (ReplicaEntry("acme", record_of(running).primary, 4711, 1, 5, ""),),
        ),
    )

    status = await running.client.get_status()

    acme, mid = status.tenants
    assert (acme.tenant.state, acme.pid, acme.product_count) == (admin_pb2.Tenant.SERVING, 4711, 3)
    assert (acme.position, acme.epoch, acme.message) == (9, 1, "")
    assert (acme.restart_count, mid.restart_count) == (5, 0)
    assert acme.directory == str(running.paths.store(record_of(running).primary))
    assert mid.tenant.state == admin_pb2.Tenant.DOWN
    assert mid.message


async def test_nobody_without_an_operators_certificate_gets_in(running: Running) -> None:
    credentials = channel_credentials(ca_path(running.paths).read_bytes())

    with pytest.raises(aio.AioRpcError) as caught:
        await raw_call(running, credentials, timeout=5)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_call_without_a_deadline_is_refused(running: Running) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await raw_call(running, operator_credentials(running), timeout=None)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_call_whose_body_never_comes_is_cut(running: Running) -> None:
    async with aio.secure_channel(running.address, operator_credentials(running)) as channel:
        call = channel.stream_unary("/saluhall.v1.AdminService/GetStatus")(timeout=30)

        code = await asyncio.wait_for(call.code(), 5)

    assert code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_bytes_that_are_no_request_are_refused(running: Running) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await raw_call(running, operator_credentials(running), timeout=5, body=b"\xff\xff")

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_port_in_use_ends_the_process_with_what_to_do(running: Running) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "node.front.operator",
        f"--data={running.paths.data}",
        f"--listen={running.address}",
        stderr=subprocess.PIPE,
    )

    _, complaint = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 1
    assert f"{running.address}: cannot be listened on" in complaint.decode()


def operator_credentials(running: Running) -> grpc.ChannelCredentials:
    identity = read_identity(operator_path(running.paths))
    ca_pem = ca_path(running.paths).read_bytes()
    return channel_credentials(ca_pem, identity.certificate_pem, identity.key_pem)


async def raw_call(
    running: Running,
    credentials: grpc.ChannelCredentials,
    *,
    timeout: float | None,  # noqa: ASYNC109 - gRPC's name
    body: bytes = b"",
) -> bytes:
    async with aio.secure_channel(running.address, credentials) as channel:
        method = channel.unary_unary("/saluhall.v1.AdminService/GetStatus")
        return await method(body, timeout=timeout)  # type: ignore[no-any-return]


def test_codes_are_those_of_grpc() -> None:
    assert {code.name: code.value for code in Code} == {
        code.name: code.value[0] for code in grpc.StatusCode
    }


async def test_readers_are_written_into_the_record_and_shown_with_their_memory(
    running: Running,
) -> None:
    await create(running)
    assert record_of(running).reader_count == 0
    own = own_id()
    entry = ReaderEntry("acme", record_of(running).primary, 0, own.pid, own.start_time, 2, "")
    down = ReaderEntry("acme", record_of(running).primary, 1, 0, 0, 1, "its process ended")
    write_supervisor_state(
        running.paths, SupervisorState(own.pid, own.start_time, (), (down, entry))
    )

    await running.client.set_readers("acme", 2)

    assert record_of(running).reader_count == 2
    (tenant,) = (await running.client.get_status()).tenants
    first, second = tenant.readers
    assert (first.index, first.pid, first.restart_count, first.message) == (0, own.pid, 2, "")
    assert first.anonymous_memory_bytes > 0
    assert (second.index, second.pid, second.anonymous_memory_bytes) == (1, 0, 0)
    assert second.message == "its process ended"


async def test_readers_beyond_the_limits_or_of_no_tenant_are_refused(running: Running) -> None:
    await create(running)
    for count in (-1, 9):
        with pytest.raises(InvalidArgumentError, match="0 to 8"):
            await running.client.set_readers("acme", count)
    with pytest.raises(NotFoundError, match="nobody"):
        await running.client.set_readers("nobody", 1)
    await running.client.delete_tenant("acme")
    with pytest.raises(NotFoundError, match="acme"):
        await running.client.set_readers("acme", 1)

    assert record_of(running).reader_count == 0
