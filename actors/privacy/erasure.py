"""Erasing a visitor: an entry of the log, then their key, then what memory holds.

The entry puts a row into the ledger of erasures. When it is durable, and before it is answered, the keyring
overwrites the visitor's slot: from then on nothing that was sealed with the key can be read, wherever copies of it
are. Whoever opens the store goes through the ledger and does so again, for the case that the process died between the
two. Rows that nobody can read are deleted later, a bounded number at a time (`actors/event_care.py`).
"""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from actors.privacy.visitors import tag_of
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring
from actors.storage.tables import ERASURES, VISITORS
from protos.internal.records_pb2 import ErasureRecord
from protos.v1.privacy_pb2 import EraseVisitorRequest, EraseVisitorResponse

_REPLAYED_AT_ONCE: Final = 10_000


def resolve_erase_visitor(
    request: EraseVisitorRequest,
    context: WriteContext,
    *,
    keyring: Keyring,
    store_id: str,
    forget: Callable[[bytes], None],
) -> Resolution:
    """Erase; of who is not known nothing changes, and the answer names the latest erasure of this id.

    Args:
        request: whom to erase.
        context: the state before.
        keyring: the tenant's; destroys the key when the transaction has committed.
        store_id: of the copy whose keyring that is.
        forget: called on the event loop with the storage id when the erasure is durable.
    """
    tag = tag_of(request.visitor_id, keyring)
    # A hash of the id under a label of its own: it finds earlier erasures of the same id, and is not
    # what a slot is found by.
    prefix = keyring.id_hash("receipt", request.visitor_id)[:8].hex() + "-"
    key = None if keyring.is_retired(tag) else keyring.visitor(tag)
    if key is None:
        return Resolution(_latest(context.view, prefix, store_id))
    record = ErasureRecord(tag=tag, storage_id=key.storage_id, time_ms=context.now_ms)
    receipt_id = f"{prefix}{secrets.token_hex(4)}"
    response = _receipt(receipt_id, record, store_id)
    response.was_known = True
    resolution = Resolution(response)
    resolution.put(ERASURES, receipt_id.encode(), record)
    resolution.delete(VISITORS, key.storage_id)
    resolution.after_commit = partial(forget, key.storage_id)
    keyring.retire(tag, key.storage_id)
    return resolution


def replay_erasures(view: ReadView, keyring: Keyring) -> int:
    """Destroy the keys of everybody in the ledger who still has one; how many had."""
    destroyed = 0
    visitors: list[tuple[bytes, bytes]] = []
    for _, value in view.range(ERASURES):
        record = ErasureRecord.FromString(bytes(value))
        visitors.append((record.tag, record.storage_id))
        if len(visitors) == _REPLAYED_AT_ONCE:
            destroyed += keyring.destroy_all(visitors)
            visitors = []
    return destroyed + keyring.destroy_all(visitors)


def _latest(view: ReadView, prefix: str, store_id: str) -> EraseVisitorResponse:
    """The receipt of the latest erasure of an id, empty if there was none."""
    latest, latest_id = ErasureRecord(), ""
    for key, value in view.range(ERASURES, prefix.encode()):
        record = ErasureRecord.FromString(bytes(value))
        if record.time_ms >= latest.time_ms:
            latest, latest_id = record, bytes(key).decode()
    return _receipt(latest_id, latest, store_id) if latest_id else EraseVisitorResponse()


def _receipt(receipt_id: str, record: ErasureRecord, store_id: str) -> EraseVisitorResponse:
    response = EraseVisitorResponse(receipt_id=receipt_id, erased_stores=[store_id])
    response.erase_time.FromMilliseconds(record.time_ms)
    return response
