"""The calls for the visitor's rights and a tenant's retention; they need a key with the role admin."""

from typing import Final

from node.client.calls import READ_DEADLINE_MS, WRITE_DEADLINE_MS, Call, new_request_id
from protos.v1 import privacy_pb2

_PRIVACY: Final = "/saluhall.v1.PrivacyService/"
_EXPORT_DEADLINE_MS: Final = READ_DEADLINE_MS * 5


def export_visitor_page(
    visitor_id: str,
    *,
    page_size: int = 0,
    page_token: str = "",
    deadline_ms: int = _EXPORT_DEADLINE_MS,
) -> Call[privacy_pb2.ExportVisitorResponse]:
    """One signed page of what is kept of a visitor; see `node.client.visitor_export` for all of it."""
    request = privacy_pb2.ExportVisitorRequest(
        visitor_id=visitor_id, page_size=page_size, page_token=page_token
    )
    return Call(_PRIVACY + "ExportVisitor", request, privacy_pb2.ExportVisitorResponse, deadline_ms)


def sign_export(
    manifest_hash: str, *, deadline_ms: int = READ_DEADLINE_MS
) -> Call[privacy_pb2.SignExportResponse]:
    """The tenant's signature of an export's manifest, named by its hexadecimal SHA-256."""
    request = privacy_pb2.SignExportRequest(manifest_hash=manifest_hash)
    return Call(_PRIVACY + "SignExport", request, privacy_pb2.SignExportResponse, deadline_ms)


def erase_visitor(
    visitor_id: str, *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[privacy_pb2.EraseVisitorResponse]:
    """Make what is kept of a visitor unreadable, for ever; the answer is the receipt."""
    request = privacy_pb2.EraseVisitorRequest(
        visitor_id=visitor_id, request_id=request_id or new_request_id()
    )
    return Call(_PRIVACY + "EraseVisitor", request, privacy_pb2.EraseVisitorResponse, deadline_ms)


def update_visitor(
    visitor_id: str,
    *,
    restricted: bool | None = None,
    objected: bool | None = None,
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[privacy_pb2.UpdateVisitorResponse]:
    """Restrict the use of a visitor's data or object to a profile, or take it back; None: unchanged."""
    request = privacy_pb2.UpdateVisitorRequest(
        visitor_id=visitor_id,
        restricted=restricted,
        objected=objected,
        request_id=request_id or new_request_id(),
    )
    return Call(_PRIVACY + "UpdateVisitor", request, privacy_pb2.UpdateVisitorResponse, deadline_ms)


def get_retention(*, deadline_ms: int = READ_DEADLINE_MS) -> Call[privacy_pb2.Retention]:
    """How many days the tenant keeps events, and the words in them."""
    request = privacy_pb2.GetRetentionRequest()
    return Call(_PRIVACY + "GetRetention", request, privacy_pb2.Retention, deadline_ms)


def update_retention(
    *,
    events_days: int = 0,
    searches_days: int = 0,
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[privacy_pb2.UpdateRetentionResponse]:
    """Keep events, or the words in them, for so many days; 0: unchanged."""
    request = privacy_pb2.UpdateRetentionRequest(
        retention=privacy_pb2.Retention(events_days=events_days, searches_days=searches_days),
        request_id=request_id or new_request_id(),
    )
    return Call(
        _PRIVACY + "UpdateRetention", request, privacy_pb2.UpdateRetentionResponse, deadline_ms
    )
