"""Every call of the operator's API, from plain arguments."""

from collections.abc import Sequence
from typing import Final

from node.client.calls import OPEN_DEADLINE_MS, READ_DEADLINE_MS, WRITE_DEADLINE_MS, Call
from protos.v1 import admin_pb2

_ADMIN: Final = "/saluhall.v1.AdminService/"


def create_tenant(
    tenant_id: str,
    *,
    language_codes: Sequence[str],
    currency_code: str,
    deadline_ms: int = OPEN_DEADLINE_MS,
) -> Call[admin_pb2.CreateTenantResponse]:
    """Open a tenant and get its first admin key. Repeating a creation that failed finishes it."""
    tenant = admin_pb2.Tenant(
        id=tenant_id, language_codes=language_codes, currency_code=currency_code
    )
    return Call(
        _ADMIN + "CreateTenant",
        admin_pb2.CreateTenantRequest(tenant=tenant),
        admin_pb2.CreateTenantResponse,
        deadline_ms,
    )


def list_tenants_page(
    *, page_size: int = 100, page_token: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[admin_pb2.ListTenantsResponse]:
    """One page of the tenants, by id."""
    request = admin_pb2.ListTenantsRequest(page_size=page_size, page_token=page_token)
    return Call(_ADMIN + "ListTenants", request, admin_pb2.ListTenantsResponse, deadline_ms)


def delete_tenant(
    tenant_id: str, *, deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[admin_pb2.DeleteTenantResponse]:
    """Destroy a tenant's data; its name is never used again."""
    request = admin_pb2.DeleteTenantRequest(id=tenant_id)
    return Call(_ADMIN + "DeleteTenant", request, admin_pb2.DeleteTenantResponse, deadline_ms)


def set_readers(
    tenant_id: str, reader_count: int, *, deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[admin_pb2.SetReadersResponse]:
    """Say how many processes (0 to 8) are to answer a tenant's searches beside its primary."""
    request = admin_pb2.SetReadersRequest(id=tenant_id, reader_count=reader_count)
    return Call(_ADMIN + "SetReaders", request, admin_pb2.SetReadersResponse, deadline_ms)


def get_status(*, deadline_ms: int = READ_DEADLINE_MS * 5) -> Call[admin_pb2.GetStatusResponse]:
    """What runs on this server, and how each tenant is."""
    request = admin_pb2.GetStatusRequest()
    return Call(_ADMIN + "GetStatus", request, admin_pb2.GetStatusResponse, deadline_ms)
