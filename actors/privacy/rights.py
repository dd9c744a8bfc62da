"""What a tenant does for its visitors' rights: its keyring, its store and its memory behind one door."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from actors.privacy.erasure import resolve_erase_visitor
from actors.privacy.export import export_visitor, sign_export
from actors.privacy.visitors import resolve_update_visitor
from actors.replication.resolution import Resolution, WriteCommand, WriteContext
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring, VisitorKey
from protos.v1.privacy_pb2 import (
    EraseVisitorRequest,
    ExportVisitorRequest,
    ExportVisitorResponse,
    SignExportRequest,
    SignExportResponse,
    UpdateVisitorRequest,
)


@dataclass(frozen=True, slots=True)
class VisitorRights:
    """The rights of one tenant's visitors."""

    keyring: Keyring
    tenant_id: str
    store_id: str
    forget: Callable[[bytes], None]
    """Takes a visitor, by storage id, out of the tenant's memory."""

    remember: Callable[[VisitorKey], None]
    """Takes a visitor's events into the tenant's memory again."""

    def conceal(self, command: WriteCommand) -> WriteCommand:
        """The same write, known again by keyed hashes: a plain hash of a request in the log would let whoever has
        the store alone try which visitor, and which request id, it was.
        """
        if not command.request_id:
            return command
        body_hash = hashlib.sha256(command.body).hexdigest()
        return replace(
            command,
            request_id=self.keyring.id_hash("request", command.request_id).hex(),
            body=self.keyring.id_hash("body", body_hash),
        )

    def export(self, request: ExportVisitorRequest, view: ReadView) -> ExportVisitorResponse:
        """A page of what is kept of a visitor."""
        return export_visitor(request, view, keyring=self.keyring, tenant_id=self.tenant_id)

    def sign(self, request: SignExportRequest) -> SignExportResponse:
        """The signature of an export's manifest."""
        return sign_export(request, keyring=self.keyring, tenant_id=self.tenant_id)

    def erase(self, request: EraseVisitorRequest, context: WriteContext) -> Resolution:
        """Resolve an erasure."""
        return resolve_erase_visitor(
            request, context, keyring=self.keyring, store_id=self.store_id, forget=self.forget
        )

    def update(self, request: UpdateVisitorRequest, context: WriteContext) -> Resolution:
        """Resolve a restriction or objection, or its end."""
        return resolve_update_visitor(
            request, context, keyring=self.keyring, forget=self.forget, remember=self.remember
        )
