"""Everything that is kept of a visitor, opened with their key and read page by page; each page signed.

Events come by day and, within a day, as they were written, so that writing them again in this order gives the same
order. Their ids stand in the form that WriteEvents keeps as it is, so that they stay the same as well.
"""

import hashlib
from typing import Final

from actors.events.keys import event_key_of, shown_hash
from actors.events.sealing import open_event
from actors.model.pages import decode_page_token, encode_page_token
from actors.privacy.visitors import read_visitor, tag_of, to_visitor
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring, VisitorKey
from actors.storage.tables import EVENTS, VISITOR_EVENTS
from node.config import MIB
from node.errors import InvalidArgumentError
from node.export_signatures import PageStatement, manifest_statement, public_key_of, sign
from protos.internal.records_pb2 import EventRecord
from protos.v1.privacy_pb2 import (
    ExportedEvent,
    ExportVisitorRequest,
    ExportVisitorResponse,
    SignExportRequest,
    SignExportResponse,
)

PAGE_SIZE_DEFAULT: Final = 500
PAGE_SIZE_MAX: Final = 1_000
PAGE_SIZE_BYTES_MAX: Final = 1 * MIB
_STORAGE_ID_SIZE: Final = 16
_INDEX_SIZE: Final = 8


def export_visitor(
    request: ExportVisitorRequest, view: ReadView, *, keyring: Keyring, tenant_id: str
) -> ExportVisitorResponse:
    """One page; without a visitor and events when nothing is kept."""
    tag = tag_of(request.visitor_id, keyring)
    if not 0 <= request.page_size <= PAGE_SIZE_MAX:
        raise InvalidArgumentError.of("page_size", f"must be 0 (default) to {PAGE_SIZE_MAX}")
    scope = f"visitor/{tag.hex()}"
    token = decode_page_token(request.page_token, scope=scope)
    response = ExportVisitorResponse()
    digest = hashlib.sha256()
    visitor = keyring.visitor(tag)
    if visitor is not None:
        start = b"" if token is None else token[_INDEX_SIZE:]
        response.visitor.CopyFrom(to_visitor(read_visitor(view, visitor.storage_id)))
        response.first_index = int.from_bytes(token[:_INDEX_SIZE], "big") if token else 0
        following = _read_page(
            response, digest, view, visitor, start, request.page_size or PAGE_SIZE_DEFAULT
        )
        if following is not None:
            index = response.first_index + len(response.events)
            next_start = index.to_bytes(_INDEX_SIZE, "big") + following
            response.next_page_token = encode_page_token(next_start, scope=scope)
    response.page_hash = digest.hexdigest()
    seed = keyring.signing_key()
    statement = PageStatement(
        tenant_id=tenant_id,
        visitor_id=request.visitor_id,
        first_index=response.first_index,
        page_hash=response.page_hash,
        is_last=not response.next_page_token,
    )
    response.signature = sign(seed, statement.content())
    response.public_key = public_key_of(seed)
    return response


def sign_export(
    request: SignExportRequest, *, keyring: Keyring, tenant_id: str
) -> SignExportResponse:
    """The tenant's signature of a manifest."""
    try:
        is_hash = len(bytes.fromhex(request.manifest_hash)) == hashlib.sha256().digest_size
    except ValueError:
        is_hash = False
    if not is_hash:
        raise InvalidArgumentError.of("manifest_hash", "must be a SHA-256 as 64 hexadecimal digits")
    seed = keyring.signing_key()
    statement = manifest_statement(tenant_id, request.manifest_hash)
    return SignExportResponse(signature=sign(seed, statement), public_key=public_key_of(seed))


def _read_page(
    response: ExportVisitorResponse,
    digest: "hashlib._Hash",
    view: ReadView,
    visitor: VisitorKey,
    start: bytes,
    count_max: int,
) -> bytes | None:
    """Fill the page; where the next one starts (without the storage id), None: there is none."""
    size_bytes = 0
    prefix = visitor.storage_id
    for key, event_hash in view.range(VISITOR_EVENTS, prefix, prefix + start):
        if len(response.events) == count_max or size_bytes >= PAGE_SIZE_BYTES_MAX:
            return bytes(key[_STORAGE_ID_SIZE:])
        exported = _exported(view, visitor, event_key_of(key, event_hash))
        content = exported.event.SerializeToString(deterministic=True)
        digest.update(content)
        size_bytes += len(content)
        response.events.append(exported)
    return None


def _exported(view: ReadView, visitor: VisitorKey, key: bytes) -> ExportedEvent:
    value = view.get(EVENTS, key)
    record = EventRecord.FromString(b"" if value is None else bytes(value))
    content = open_event(visitor, key, record)
    event = content.event
    event.event_id = shown_hash(event.event_id)
    event.session_id = shown_hash(event.session_id)
    event.order_id = shown_hash(event.order_id)
    exported = ExportedEvent(event=event)
    exported.server_time.FromMilliseconds(content.server_time_ms)
    return exported
