"""A front with its registry, certificates and clock, and small replicas behind it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path

import grpc

from node.clock import ManualClock
from node.config import ServerPaths
from node.errors import SaluhallError
from node.front.config import FrontConfig
from node.front.server import Front
from node.ids import StoreId, TenantId
from node.keys import ApiKey, mint_key, tenant_key
from node.link import LinkServer
from node.registry.embedded import EmbeddedRegistry
from node.status import STATUS_METADATA_KEY, error_from_status_bytes
from node.tls.credentials import channel_credentials, server_credentials
from node.tls.files import ca_path, ensure_certificates
from protos.internal.link_pb2 import Answer, Call, VerifyKeyRequest, VerifyKeyResponse
from protos.internal.records_pb2 import GroupRecord
from protos.v1.account_pb2 import Key

TENANT = TenantId("demo")
STORE = StoreId("ab" * 16)
PLATFORM_KEY = bytes(range(32))
SEARCH = "/saluhall.v1.SearchService/Search"
WRITE_PRODUCTS = "/saluhall.v1.CatalogService/WriteProducts"
IMPORT_PRODUCTS = "/saluhall.v1.CatalogService/ImportProducts"
VERIFY_KEY = "/saluhall.internal.Replica/VerifyKey"
ROLES = (Key.SEARCH, Key.WRITE, Key.ADMIN)

Behaviour = Callable[[Call], Awaitable[Answer]]


@cache
def key_of(role: int, *, tenant_id: str = TENANT, key_id: str | None = None) -> ApiKey:
    """A key with a good checksum, always the same; its id tells the small replica its role."""
    return mint_key(
        role=role,
        tenant_id=tenant_id,
        key_id=key_id or f"role{role}".ljust(10, "0"),
        checksum_key=tenant_key(PLATFORM_KEY, tenant_id),
    )


class Replica:
    """Answers as the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.verifications = 0
        self.verdicts: dict[str, VerifyKeyResponse] = {
            key_of(role).key_id: VerifyKeyResponse(verdict=VerifyKeyResponse.VALID, role=role)
            for role in ROLES
        }
        self.behaviour: Behaviour | None = None

    async def handle(self, call: Call) -> Answer:
        if call.method == VERIFY_KEY:
            self.verifications += 1
            request = VerifyKeyRequest.FromString(call.body)
            unknown = VerifyKeyResponse(verdict=VerifyKeyResponse.UNKNOWN)
            return Answer(body=self.verdicts.get(request.key_id, unknown).SerializeToString())
        self.calls.append(call)
        if self.behaviour is not None:
            return await self.behaviour(call)
        return Answer(body=b"answer to " + call.body)


class Hall:
    """What a test has in hand."""

    def __init__(self, data: Path, config: FrontConfig) -> None:
        self.paths = ServerPaths.of(data)
        self.paths.data.mkdir(mode=0o700)
        self.paths.runtime.mkdir(mode=0o700)
        ensure_certificates(self.paths, ["127.0.0.1"])
        self.registry = EmbeddedRegistry.of(self.paths)
        self.clock = ManualClock()
        self.front = Front(
            paths=self.paths,
            registry=self.registry,
            platform_key=PLATFORM_KEY,
            credentials=partial(server_credentials, self.paths),
            clock=self.clock,
            config=config,
        )
        self.replica = Replica()
        self.channel: grpc.aio.Channel
        self._servers: list[LinkServer] = []

    async def open_replica(
        self, *, incarnation: int = 1, serves: TenantId = TENANT, replica: Replica | None = None
    ) -> LinkServer:
        """Start a process, as the front sees one: it listens, then the registry says so."""
        server = LinkServer(
            replica or self.replica, serves, self.paths.replica_socket(STORE, incarnation)
        )
        await server.start()
        self._servers.append(server)
        self.record(incarnation=incarnation)
        return server

    async def open_reader(self, index: int, *, reader: Replica, incarnation: int = 1) -> LinkServer:
        """Start a reader's process: it listens; nobody is told."""
        path = self.paths.reader_socket(STORE, incarnation, index)
        server = LinkServer(reader, TENANT, path)
        await server.start()
        self._servers.append(server)
        return server

    def record(
        self,
        *,
        incarnation: int = 0,
        state: "GroupRecord.State.ValueType" = GroupRecord.OPEN,
        reader_count: int = 0,
    ) -> None:
        """Write the tenant's record."""
        stored = self.registry.get(TENANT)
        record = GroupRecord(tenant_id=TENANT, epoch=1, primary=STORE, state=state)
        record.reader_count = reader_count
        record.replicas.add(store_id=STORE, server="local", incarnation=incarnation)
        self.registry.compare_and_set(
            TENANT, expected_revision=stored.revision if stored else 0, record=record
        )

    async def kill(self, server: LinkServer) -> None:
        """As `kill -9` looks from the front: the connection ends, nothing was answered."""
        for connection in tuple(server.connections):
            connection.hang_up_at_once()
        await server.close(grace_ms=0)

    async def call(
        self,
        body: bytes = b"q",
        *,
        method: str = SEARCH,
        key: str | None = None,
        metadata: tuple[tuple[str, str], ...] = (),
        deadline_s: float | None = 5,
    ) -> bytes:
        """One call over TLS. Raises the platform's error when it failed."""
        call = self.begin(body, method=method, key=key, metadata=metadata, deadline_s=deadline_s)
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise error_of(error) from None

    def begin(
        self,
        body: bytes = b"q",
        *,
        method: str = SEARCH,
        key: str | None = None,
        metadata: tuple[tuple[str, str], ...] = (),
        deadline_s: float | None = 5,
    ) -> "grpc.aio.UnaryUnaryCall[bytes, bytes]":
        """The same, as gRPC's call object."""
        return self.channel.unary_unary(method)(
            body, metadata=(*self.authorization(key), *metadata), timeout=deadline_s
        )

    def authorization(self, key: str | None = None) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {key or key_of(Key.ADMIN).text}"),)

    async def close(self) -> None:
        for server in self._servers:
            await server.close(grace_ms=0)
        self.registry.close()
        shutil.rmtree(self.paths.runtime)


@asynccontextmanager
async def open_hall(
    data: Path, config: FrontConfig | None = None, *, with_replica: bool = True
) -> AsyncIterator[Hall]:
    """A front that listens, with one tenant and its replica."""
    hall = Hall(data / "data", config or FrontConfig(stop_grace_ms=500))
    try:
        if with_replica:
            await hall.open_replica()
        else:
            hall.record()
        _, own = await hall.front.start(listen="127.0.0.1:0", own_listen="127.0.0.1:0")
        assert own is not None
        credentials = channel_credentials(ca_path(hall.paths).read_bytes())
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.secure_channel(own, credentials, options=options) as hall.channel:
            try:
                yield hall
            finally:
                await hall.front.stop()
    finally:
        await hall.close()


def error_of(error: grpc.aio.AioRpcError) -> SaluhallError:
    """What the server explained."""
    for key, value in error.trailing_metadata():
        if key == STATUS_METADATA_KEY:
            assert isinstance(value, bytes)
            return error_from_status_bytes(value)
    raise AssertionError(f"an error without details: {error}")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event of its own."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)
