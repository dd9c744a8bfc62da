"""How the operator's process reaches replicas: one call to whichever process holds a tenant's
store.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf.message import Message

from node.config import ServerPaths
from node.errors import SaluhallError, UnavailableError
from node.ids import TenantId
from node.link import LinkClient
from node.status import error_from_status_bytes
from protos.internal.link_pb2 import Caller, GetStateRequest, GetStateResponse
from protos.internal.records_pb2 import GroupRecord

GET_STATE: Final = "/saluhall.internal.Replica/GetState"
STATE_DEADLINE_MS: Final = 1_000
PROBES_MAX: Final = 32
"""Replicas asked at a time: 1,000 of them would want 1,000 sockets at once."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """What a tenant's primary said of itself, or why it said nothing."""

    state: GetStateResponse | None
    message: str
    """Empty when it answered."""


def socket_of(paths: ServerPaths, record: GroupRecord) -> Path | None:
    """Where the tenant's primary listens; None before its store was opened for the first time."""
    for replica in record.replicas:
        if replica.store_id == record.primary and replica.incarnation > 0:
            return paths.replica_socket(replica.store_id, replica.incarnation)
    return None


async def call_replica(
    paths: ServerPaths,
    record: GroupRecord,
    *,
    method: str,
    request: Message,
    deadline_ms: int,
) -> bytes:
    """Call the tenant's primary as the platform; the answer's bytes.

    Raises UnavailableError when no process answers there, and whatever error it answers.
    """
    socket = socket_of(paths, record)
    if socket is None:
        raise UnavailableError(f"{record.tenant_id}: no process has opened its store yet")
    link = LinkClient(socket, TenantId(record.tenant_id))
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            answer = await link.call(
                method,
                request.SerializeToString(),
                caller=Caller(kind=Caller.PLATFORM),
                deadline_ms=deadline_ms,
                position_min=0,
            )
    except TimeoutError:
        raise UnavailableError(
            f"{record.tenant_id}: its process did not answer within {deadline_ms} ms"
        ) from None
    finally:
        await link.close()
    if answer.error:
        raise error_from_status_bytes(answer.error)
    return answer.body


async def probe_replica(paths: ServerPaths, record: GroupRecord) -> ReplicaState:
    """Ask a tenant's primary for its state; never raises an error of ours."""
    try:
        answer = await call_replica(
            paths,
            record,
            method=GET_STATE,
            request=GetStateRequest(),
            deadline_ms=STATE_DEADLINE_MS,
        )
    except SaluhallError as error:
        return ReplicaState(state=None, message=error.message)
    return ReplicaState(state=GetStateResponse.FromString(answer), message="")


async def probe_replicas(paths: ServerPaths, records: Sequence[GroupRecord]) -> list[ReplicaState]:
    """Ask many at once, a bounded number at a time; in the order of `records`."""
    gate = asyncio.Semaphore(PROBES_MAX)

    async def probe(record: GroupRecord) -> ReplicaState:
        async with gate:
            return await probe_replica(paths, record)

    return list(await asyncio.gather(*(probe(record) for record in records)))
