"""What stands in for supervisor and replicas: the registry's records get a process that answers."""

import asyncio
import shutil

from node.config import ServerPaths
from node.errors import SaluhallError, UnavailableError
from node.ids import TenantId
from node.link import LinkServer
from node.registry.port import Registry
from protos.internal.link_pb2 import Answer, Call, Caller, GetStateResponse
from protos.internal.records_pb2 import GroupRecord
from protos.v1.account_pb2 import (
    IssueKeyRequest,
    IssueKeyResponse,
    Key,
    ListKeysResponse,
    RevokeKeyRequest,
    RevokeKeyResponse,
)


class ReplicaFake:
    """A tenant's dispatcher with keys and a state, in memory."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.keys: list[Key] = []
        self.failures_after_issuing = 0

    async def handle(self, call: Call) -> Answer:
        await asyncio.sleep(0)
        assert call.caller.kind == Caller.PLATFORM
        return Answer(id=call.id, body=self._answer(call).SerializeToString())

    def _answer(
        self, call: Call
    ) -> GetStateResponse | ListKeysResponse | RevokeKeyResponse | IssueKeyResponse:
        match call.method.rsplit("/", 1)[1]:
            case "GetState":
                return GetStateResponse(pid=4711, product_count=3, position=9, epoch=1)
            case "ListKeys":
                return ListKeysResponse(keys=self.keys)
            case "RevokeKey":
                return self._revoke(RevokeKeyRequest.FromString(call.body))
            case "IssueKey":
                return self._issue(IssueKeyRequest.FromString(call.body))
        raise SaluhallError(f"not answered here: {call.method}")

    def _revoke(self, request: RevokeKeyRequest) -> RevokeKeyResponse:
        (key,) = (key for key in self.keys if key.id == request.id)
        key.revoke_time.FromMilliseconds(1)
        return RevokeKeyResponse(key=key)

    def _issue(self, request: IssueKeyRequest) -> IssueKeyResponse:
        key = Key(id=f"key{len(self.keys)}", role=request.role)
        self.keys.append(key)
        if self.failures_after_issuing:
            self.failures_after_issuing -= 1
            raise UnavailableError("the replica was killed just then")
        return IssueKeyResponse(key=key, secret=f"secret of {key.id} of {self.tenant_id}")


class SupervisorFake:
    """Opens the stores of records that nobody has opened, until told to hold still."""

    def __init__(self, paths: ServerPaths, registry: Registry) -> None:
        self._paths = paths
        self._registry = registry
        self.replicas: dict[str, ReplicaFake] = {}
        self.starts = asyncio.Event()
        self.starts.set()
        self.failures_after_issuing = 0
        self._servers: dict[str, LinkServer] = {}
        paths.runtime.mkdir(mode=0o700)
        self._task = asyncio.create_task(self._run())

    async def kill(self, tenant_id: str) -> None:
        """End the tenant's process and do not start it again."""
        self.starts.clear()
        await self._servers.pop(tenant_id).close(grace_ms=0)

    async def close(self) -> None:
        self._task.cancel()
        for server in self._servers.values():
            await server.close(grace_ms=0)
        shutil.rmtree(self._paths.runtime)

    async def _run(self) -> None:
        while True:  # Ends when cancelled.
            await self.starts.wait()
            for found in self._registry.list():
                record = found.record
                is_open = record.state == GroupRecord.OPEN
                if is_open and record.tenant_id not in self._servers:
                    await self._open(record, found.revision)
            await asyncio.sleep(0.01)

    async def _open(self, record: GroupRecord, revision: int) -> None:
        record.replicas[0].incarnation += 1
        tenant_id = TenantId(record.tenant_id)
        self._registry.compare_and_set(tenant_id, expected_revision=revision, record=record)
        replica = self.replicas.setdefault(tenant_id, ReplicaFake(tenant_id))
        replica.failures_after_issuing = self.failures_after_issuing
        socket = self._paths.replica_socket(record.primary, record.replicas[0].incarnation)
        server = LinkServer(replica, tenant_id, socket)
        await server.start()
        self._servers[tenant_id] = server
