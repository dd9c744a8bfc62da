"""Tenants as the operator sees them: create, list, delete, and how each is."""

import asyncio
import base64
import binascii
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from node.agent.state import ReplicaEntry
from node.clock import Clock
from node.config import ServerPaths
from node.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from node.front.operator_checks import check_new_tenant, check_reader_count
from node.front.operator_processes import read_processes, read_readers, read_replicas
from node.front.operator_replicas import ReplicaState, call_replica, probe_replica, probe_replicas
from node.ids import TenantId, new_store_id
from node.registry.port import ConflictError, Registry, Versioned
from protos.internal.records_pb2 import GroupRecord, TenantSettings
from protos.v1 import account_pb2, admin_pb2

DATA_FORMAT: Final = 1
"""Of a new tenant's store; the supervisor raises it when a finalised release changes it."""

PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 1_000
STATUS_COUNT_MAX: Final = 1_000
OPENING_POLL_S: Final = 0.02
OPENING_RESERVE_S: Final = 1.0
"""Kept of the caller's time for issuing the key, once the replica serves."""

KEY_DEADLINE_MS: Final = 10_000
CONFLICTS_MAX: Final = 50
"""Compare-and-sets that may be lost in a row to replicas and supervisors before we give up."""

_ISSUE_KEY: Final = "/saluhall.v1.AccountService/IssueKey"
_LIST_KEYS: Final = "/saluhall.v1.AccountService/ListKeys"
_REVOKE_KEY: Final = "/saluhall.v1.AccountService/RevokeKey"


_Records = list[GroupRecord]

_Change = Callable[[GroupRecord], bool]
"""Changes a record in place; False: it is as it should be already."""


class Tenants:
    """The operator's work on tenants of this server."""

    def __init__(
        self, *, paths: ServerPaths, registry: Registry, server: str, release: str, clock: Clock
    ) -> None:
        self._paths = paths
        self._registry = registry
        self._server = server
        self._release = release
        self._clock = clock
        # One creation of a name at a time, so that no two hand out a first key.
        self._creating: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def create(
        self, request: admin_pb2.CreateTenantRequest, *, left_s: float
    ) -> admin_pb2.CreateTenantResponse:
        """Open a tenant and issue its first admin key.

        A creation that failed half-way is finished by repeating it: until the key was handed over,
        the record says so, and keys that nobody has seen are revoked.
        """
        settings = check_new_tenant(request.tenant, now_ms=self._clock.now_ms())
        tenant_id = TenantId(settings.tenant_id)
        gives_up_at = time.monotonic() + left_s - OPENING_RESERVE_S
        try:
            async with self._creating[tenant_id]:
                created = self._write_group(tenant_id, settings)
                serving = await self._wait_until_serving(tenant_id, gives_up_at)
                admin_key = await self._issue_first_key(serving.record)
                self._change(tenant_id, _mark_first_key_issued)
        finally:
            if not self._creating[tenant_id].locked():
                del self._creating[tenant_id]
        tenant = _tenant_of(created.record, admin_pb2.Tenant.SERVING)
        return admin_pb2.CreateTenantResponse(tenant=tenant, admin_key=admin_key)

    async def list(self, request: admin_pb2.ListTenantsRequest) -> admin_pb2.ListTenantsResponse:
        """A page of the tenants that are not deleted, by id."""
        if request.page_size < 0:
            raise InvalidArgumentError.of("page_size", "must not be negative")
        size = min(request.page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
        after = _read_page_token(request.page_token)
        following = [r for r in self._open_records() if r.tenant_id > after]
        page = following[:size]
        states = await probe_replicas(self._paths, page)
        is_last = len(following) <= size
        return admin_pb2.ListTenantsResponse(
            tenants=[
                _tenant_of(record, _state_of(record, replica))
                for record, replica in zip(page, states, strict=True)
            ],
            next_page_token="" if is_last else _write_page_token(page[-1].tenant_id),
        )

    def delete(self, request: admin_pb2.DeleteTenantRequest) -> admin_pb2.DeleteTenantResponse:
        """Bury a tenant; agents then destroy its stores. Doing so twice is no error."""
        tenant_id = TenantId(request.id)
        if self._registry.get(tenant_id) is None:
            raise NotFoundError(f"There is no tenant {request.id!r}")
        self._change(tenant_id, _bury)
        return admin_pb2.DeleteTenantResponse()

    def set_readers(self, request: admin_pb2.SetReadersRequest) -> admin_pb2.SetReadersResponse:
        """Say how many readers a tenant is to have; the supervisor starts and stops them."""
        check_reader_count(request.reader_count)
        self._change(TenantId(request.id), partial(_set_readers, request.reader_count))
        return admin_pb2.SetReadersResponse()

    async def status(self) -> admin_pb2.GetStatusResponse:
        """Every process of this server, and every tenant with what its replica says."""
        processes, release = read_processes(self._paths)
        records = self._open_records()[:STATUS_COUNT_MAX]
        replicas = await probe_replicas(self._paths, records)
        entries = read_replicas(self._paths)
        readers = read_readers(self._paths)
        return admin_pb2.GetStatusResponse(
            processes=processes,
            tenants=[
                self._tenant_status(
                    record,
                    replica,
                    entries.get(TenantId(record.tenant_id)),
                    readers.get(TenantId(record.tenant_id), []),
                )
                for record, replica in zip(records, replicas, strict=True)
            ],
            release=release or self._release,
        )

    def _write_group(self, tenant_id: TenantId, settings: TenantSettings) -> Versioned:
        """The tenant's record, made unless an unfinished creation left one."""
        found = self._registry.get(tenant_id)
        if found is None:
            record = self._new_group(settings)
            try:
                revision = self._registry.compare_and_set(
                    tenant_id, expected_revision=0, record=record
                )
            except ConflictError:
                raise AlreadyExistsError(f"{tenant_id}: was created by someone else") from None
            return Versioned(record=record, revision=revision)
        _check_unfinished(found.record, settings)
        return found

    def _new_group(self, settings: TenantSettings) -> GroupRecord:
        store_id = new_store_id()
        return GroupRecord(
            tenant_id=settings.tenant_id,
            epoch=1,
            primary=store_id,
            in_sync=[store_id],
            replicas=[GroupRecord.Replica(store_id=store_id, server=self._server)],
            min_copies=1,
            release=self._release,
            format=DATA_FORMAT,
            state=GroupRecord.OPEN,
            settings=settings,
        )

    async def _wait_until_serving(self, tenant_id: TenantId, gives_up_at: float) -> Versioned:
        """The record by which the tenant's replica answers; the supervisor starts it meanwhile."""
        while True:  # Ends when the replica answers or the caller's time runs out.
            found = self._registry.get(tenant_id)
            if found is None or found.record.state != GroupRecord.OPEN:
                raise NotFoundError(f"{tenant_id}: was deleted while it was being created")
            replica = await probe_replica(self._paths, found.record)
            if replica.state is not None:
                return found
            if time.monotonic() > gives_up_at:
                raise UnavailableError(
                    f"{tenant_id}: is registered, but does not serve yet ({replica.message}). "
                    "See `saluhall status`, then create it again to get its key",
                    reason="TENANT_OPENING",
                )
            await asyncio.sleep(OPENING_POLL_S)

    async def _issue_first_key(self, record: GroupRecord) -> str:
        listed = account_pb2.ListKeysResponse.FromString(
            await self._call_keys(record, _LIST_KEYS, account_pb2.ListKeysRequest())
        )
        for key in listed.keys:
            # Issued by a creation that failed before anyone saw it.
            if not key.HasField("revoke_time"):
                await self._call_keys(record, _REVOKE_KEY, account_pb2.RevokeKeyRequest(id=key.id))
        issued = await self._call_keys(
            record, _ISSUE_KEY, account_pb2.IssueKeyRequest(role=account_pb2.Key.ADMIN)
        )
        return account_pb2.IssueKeyResponse.FromString(issued).secret

    async def _call_keys(
        self,
        record: GroupRecord,
        method: str,
        request: account_pb2.ListKeysRequest
        | account_pb2.RevokeKeyRequest
        | account_pb2.IssueKeyRequest,
    ) -> bytes:
        return await call_replica(
            self._paths, record, method=method, request=request, deadline_ms=KEY_DEADLINE_MS
        )

    def _change(self, tenant_id: TenantId, change: _Change) -> None:
        """Change a record that replicas and supervisors change too."""
        for _ in range(CONFLICTS_MAX):
            found = self._registry.get(tenant_id)
            if found is None:
                raise NotFoundError(f"There is no tenant {tenant_id!r}")
            if not change(found.record):
                return
            try:
                self._registry.compare_and_set(
                    tenant_id, expected_revision=found.revision, record=found.record
                )
            except ConflictError:
                continue
            return
        raise UnavailableError(f"{tenant_id}: its record changes too fast; try again")

    def _open_records(self) -> _Records:
        return [
            found.record
            for found in self._registry.list()
            if found.record.state == GroupRecord.OPEN
        ]

    def _tenant_status(
        self,
        record: GroupRecord,
        replica: ReplicaState,
        entry: ReplicaEntry | None,
        readers: Sequence[admin_pb2.ReaderStatus],
    ) -> admin_pb2.TenantStatus:
        state = replica.state
        # The supervisor knows why a store could not be opened; the socket only that nobody answers.
        why_down = "" if entry is None else entry.message
        status = admin_pb2.TenantStatus(
            tenant=_tenant_of(record, _state_of(record, replica)),
            directory=str(self._paths.store(record.primary)),
            epoch=record.epoch,
            restart_count=0 if entry is None else entry.restart_count,
            message=(why_down or replica.message) if state is None else "",
            readers=readers,
        )
        if state is not None:
            status.pid = state.pid
            status.anonymous_memory_bytes = state.anonymous_memory_bytes
            status.product_count = state.product_count
            status.store_size_bytes = state.store_size_bytes
            status.directory = state.directory or status.directory
            status.position = state.position
            status.epoch = state.epoch
        return status


def _check_unfinished(record: GroupRecord, settings: TenantSettings) -> None:
    """Raise AlreadyExistsError unless the record is what an unfinished creation of this left."""
    if record.state == GroupRecord.DELETED:
        raise AlreadyExistsError(
            f"{record.tenant_id}: a deleted tenant had this name, and names are never used again; "
            "choose another",
            reason="TENANT_NAME_USED",
        )
    held = record.settings
    is_same = (
        list(held.language_codes) == list(settings.language_codes)
        and held.currency_code == settings.currency_code
    )
    if record.first_key_issued or not is_same:
        raise AlreadyExistsError(
            f"{record.tenant_id}: exists already; use its admin key, or choose another name"
        )


def _mark_first_key_issued(record: GroupRecord) -> bool:
    if record.first_key_issued:
        raise AlreadyExistsError(f"{record.tenant_id}: was created by someone else meanwhile")
    record.first_key_issued = True
    return True


def _bury(record: GroupRecord) -> bool:
    if record.state == GroupRecord.DELETED:
        return False
    record.state = GroupRecord.DELETED
    return True


def _set_readers(count: int, record: GroupRecord) -> bool:
    if record.state == GroupRecord.DELETED:
        raise NotFoundError(f"There is no tenant {record.tenant_id!r}")
    if record.reader_count == count:
        return False
    record.reader_count = count
    return True


def _state_of(record: GroupRecord, replica: ReplicaState) -> "admin_pb2.Tenant.State.ValueType":
    if replica.state is not None:
        return admin_pb2.Tenant.SERVING
    if all(r.incarnation == 0 for r in record.replicas):
        return admin_pb2.Tenant.OPENING
    return admin_pb2.Tenant.DOWN


def _tenant_of(record: GroupRecord, state: "admin_pb2.Tenant.State.ValueType") -> admin_pb2.Tenant:
    create_time = Timestamp()
    create_time.FromMilliseconds(record.settings.create_time_ms)
    return admin_pb2.Tenant(
        id=record.tenant_id,
        language_codes=record.settings.language_codes,
        currency_code=record.settings.currency_code,
        state=state,
        create_time=create_time,
    )


def _write_page_token(last_id: str) -> str:
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def _read_page_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidArgumentError.of(
            "page_token", "is not one that a page of tenants ended with"
        ) from None
