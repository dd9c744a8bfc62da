"""What tests ask about a tenant beside the public API, and calls as no client library makes them."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from driven_server import Server, eventually

from actors.index.segments import SegmentRecord, read_segment_list
from actors.storage.store import open_read_only
from node.agent.processes import ProcessId, is_alive
from node.agent.state import read_supervisor_state
from node.client import Client, RetryPolicy
from node.config import ServerPaths
from node.front.operator_replicas import probe_replica
from node.ids import TenantId
from node.registry.embedded import EmbeddedRegistry
from node.status import STATUS_METADATA_KEY
from node.tls.files import ca_path
from protos.internal.link_pb2 import GetStateResponse
from protos.internal.records_pb2 import GroupRecord
from protos.v1.product_pb2 import Product

LIVE_BRANCH = 1
NO_RETRIES = RetryPolicy(attempts_max=1)


def admin_key(server: Server, tenant: str) -> str:
    """The first key, from the profile: the only place that has it."""
    entry = json.loads(server.profile.read_text())["servers"][str(server.paths.data)]
    return entry["admin_keys"][tenant]


def front_addresses(server: Server) -> list[str]:
    """Each front's own address, which it shares with no other."""
    fronts = [entry for entry in server.agent().processes if entry.role == "front"]
    return [entry.address.split(", ")[1] for entry in fronts]


def client_with(
    server: Server, key: str, address: str = "", retries: RetryPolicy | None = None
) -> Client:
    """A client of one front, or of whichever the kernel chooses."""
    return Client(
        address or server.agent().listen,
        api_key=key,
        ca_file=ca_path(server.paths),
        retries=retries,
    )


def group_of(paths: ServerPaths, tenant: str) -> GroupRecord:
    """What the registry says of a tenant."""
    registry = EmbeddedRegistry.of(paths)
    try:
        stored = registry.get(TenantId(tenant))
    finally:
        registry.close()
    assert stored is not None
    return stored.record


def store_of(server: Server, tenant: str) -> Path:
    """The directory of a tenant's store."""
    return server.paths.store(group_of(server.paths, tenant).primary)


def replica_state(server: Server, tenant: str) -> GetStateResponse:
    """What the tenant's process says of itself, asked as a front would."""
    probed = asyncio.run(probe_replica(server.paths, group_of(server.paths, tenant)))
    assert probed.state is not None, probed.message
    return probed.state


def segments_of(server: Server, tenant: str) -> tuple[SegmentRecord, ...]:
    """The segments of the live branch; their ids are never used twice."""
    environment = open_read_only(store_of(server, tenant))
    try:
        with environment.read() as view:
            return read_segment_list(view, LIVE_BRANCH).records
    finally:
        environment.close()


def replica_process(server: Server, tenant: str) -> ProcessId:
    """The process that serves a tenant, as soon as there is one: without a command's start-up."""
    found: list[ProcessId] = []

    def is_there() -> bool:
        state = read_supervisor_state(server.paths)
        entries = [] if state is None else [e for e in state.replicas if e.tenant == tenant]
        found[:] = [ProcessId(e.pid, e.start_time) for e in entries if e.pid]
        return bool(found) and is_alive(found[0])

    eventually(is_there)
    return found[0]


def write_feed(path: Path, products: Iterable[Product]) -> Path:
    """Id, title and price of products as JSON Lines."""
    path.write_text("".join(feed_line(product) + "\n" for product in products))
    return path


def feed_line(product: Product) -> str:
    """One line of a feed."""
    return json.dumps({"id": product.id, "title": product.title})


def kettles(prefix: str, count: int) -> list[Product]:
    """Products of which each has a word of its own: its id."""
    return [
        Product(id=f"{prefix}{number}", title=f"Steel kettle {prefix}{number}")
        for number in range(count)
    ]


def listed_ids(client: Client) -> list[str]:
    """The ids of all products of the live branch, each as often as it is there."""
    return [product.id for product in client.list_products()]


@dataclass(frozen=True)
class RawAnswer:
    """How a call ended, as it stands on the wire."""

    code: grpc.StatusCode
    message: str
    details: bytes
    body: bytes = b""


def raw_call(
    server: Server,
    method: str,
    body: bytes,
    *,
    metadata: Sequence[tuple[str, str]],
    timeout_s: float | None = 10.0,
) -> RawAnswer:
    """Send these bytes; None as time: without a deadline, which no client of ours does."""
    credentials = grpc.ssl_channel_credentials(ca_path(server.paths).read_bytes())
    with grpc.secure_channel(server.agent().listen, credentials) as channel:
        call = channel.unary_unary(method)
        try:
            return RawAnswer(
                grpc.StatusCode.OK, "", b"", call(body, timeout=timeout_s, metadata=metadata)
            )
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata() or ()).get(STATUS_METADATA_KEY, b"")
            return RawAnswer(error.code(), error.details() or "", bytes(details))


def bearer(key: str) -> list[tuple[str, str]]:
    """The metadata that carries a key."""
    return [("authorization", f"Bearer {key}")]
