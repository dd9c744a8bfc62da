"""API keys of a tenant: issued, listed, revoked and verified here, in the tenant's own store."""

import hmac
import secrets
from typing import Final

from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring
from actors.storage.tables import API_KEYS
from node.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError
from node.keys import mint_key
from protos.internal.link_pb2 import VerifyKeyRequest, VerifyKeyResponse
from protos.internal.records_pb2 import KeyRecord
from protos.v1.account_pb2 import (
    IssueKeyRequest,
    IssueKeyResponse,
    Key,
    ListKeysResponse,
    RevokeKeyRequest,
    RevokeKeyResponse,
)

KEYS_MAX: Final = 100
LIFETIME_SECONDS_MAX: Final = 10 * 365 * 86_400
KEPT_MS: Final = 30 * 86_400 * 1_000
"""How long a key that no longer works is still listed."""


def read_keys(view: ReadView) -> list[KeyRecord]:
    """Every key that is kept, by id."""
    return [KeyRecord.FromString(bytes(value)) for _, value in view.range(API_KEYS)]


def list_keys(view: ReadView) -> ListKeysResponse:
    """Every key that is kept, newest first."""
    records = sorted(read_keys(view), key=lambda record: (-record.create_time_ms, record.id))
    return ListKeysResponse(keys=[to_key(record) for record in records])


def resolve_issue_key(
    request: IssueKeyRequest,
    context: WriteContext,
    *,
    tenant_id: str,
    keyring: Keyring,
    checksum_key: bytes,
) -> Resolution:
    """A new key; its secret is in the answer alone, neither in the log nor in the store."""
    role = request.role
    if role not in {Key.SEARCH, Key.WRITE, Key.ADMIN}:
        raise InvalidArgumentError.of("role", "must be SEARCH, WRITE or ADMIN")
    if not 0 <= request.lifetime_seconds <= LIFETIME_SECONDS_MAX:
        raise InvalidArgumentError.of("lifetime_seconds", "must be 0 (no end) to ten years")
    records = read_keys(context.view)
    if sum(1 for record in records if _works(record, context.now_ms)) >= KEYS_MAX:
        raise ResourceExhaustedError(
            f"the tenant has {KEYS_MAX} keys that work; revoke one first", reason="KEYS_FULL"
        )
    key_id = _new_id({record.id for record in records})
    minted = mint_key(role=role, tenant_id=tenant_id, key_id=key_id, checksum_key=checksum_key)
    record = KeyRecord(
        id=key_id,
        role=role,
        secret_hmac=keyring.secret_hmac(minted.secret),
        create_time_ms=context.now_ms,
    )
    if request.lifetime_seconds:
        record.expire_time_ms = context.now_ms + request.lifetime_seconds * 1_000
    response = IssueKeyResponse(key=to_key(record), secret=minted.text)
    resolution = Resolution(response, secrets=("secret",))
    resolution.put(API_KEYS, key_id.encode(), record)
    for old in records:
        end_ms = _end_ms(old)
        if end_ms and end_ms + KEPT_MS < context.now_ms:
            resolution.delete(API_KEYS, old.id.encode())
    return resolution


def resolve_revoke_key(request: RevokeKeyRequest, context: WriteContext) -> Resolution:
    """The key stops working; revoking it again changes nothing."""
    value = context.view.get(API_KEYS, request.id.encode()[:64])
    if value is None or not request.id:
        raise NotFoundError(
            f"id: there is no key {request.id[:40]!r}; ListKeys names them", reason="KEY_NOT_FOUND"
        )
    record = KeyRecord.FromString(bytes(value))
    if record.revoke_time_ms:
        return Resolution(RevokeKeyResponse(key=to_key(record)))
    record.revoke_time_ms = context.now_ms
    resolution = Resolution(RevokeKeyResponse(key=to_key(record)))
    resolution.put(API_KEYS, record.id.encode(), record)
    return resolution


def verify_key(
    request: VerifyKeyRequest, view: ReadView, *, keyring: Keyring, now_ms: int
) -> VerifyKeyResponse:
    """Whether a key works, and for what. An unknown id costs the same work as a known one."""
    value = view.get(API_KEYS, request.key_id.encode()[:64] or b"-")
    record = KeyRecord() if value is None else KeyRecord.FromString(bytes(value))
    given = keyring.secret_hmac(request.secret)
    if not hmac.compare_digest(given, record.secret_hmac or bytes(32)):
        return VerifyKeyResponse(verdict=VerifyKeyResponse.UNKNOWN)
    verdict = VerifyKeyResponse.VALID
    if record.revoke_time_ms:
        verdict = VerifyKeyResponse.REVOKED
    elif record.expire_time_ms and record.expire_time_ms <= now_ms:
        verdict = VerifyKeyResponse.EXPIRED
    return VerifyKeyResponse(
        verdict=verdict, role=record.role, expire_time_ms=record.expire_time_ms
    )


def to_key(record: KeyRecord) -> Key:
    """A key as the API shows it: never its secret."""
    key = Key(id=record.id, role=record.role)
    key.create_time.FromMilliseconds(record.create_time_ms)
    if record.expire_time_ms:
        key.expire_time.FromMilliseconds(record.expire_time_ms)
    if record.revoke_time_ms:
        key.revoke_time.FromMilliseconds(record.revoke_time_ms)
    return key


def _works(record: KeyRecord, now_ms: int) -> bool:
    return not record.revoke_time_ms and not 0 < record.expire_time_ms <= now_ms


def _end_ms(record: KeyRecord) -> int:
    """When a key stopped working, as far as it has an end; 0 for none."""
    ends = [time for time in (record.revoke_time_ms, record.expire_time_ms) if time]
    return min(ends, default=0)


def _new_id(taken: set[str]) -> str:
    while True:  # Ends at once: 36^10 ids, at most a few hundred taken.
        key_id = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(10))
        if key_id not in taken:
            return key_id
