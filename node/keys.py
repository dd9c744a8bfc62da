"""API keys as text: made, read, and their checksum verified, without looking anything up.

A key reads `slk_<kind>_<tenant id>_<key id>_<secret>_<checksum>`:

    kind      s, w or a: what the key was issued for (search, write, admin); a hint for people
    key id    10 of a-z and 0-9, public
    secret    43 random characters of 0-9, A-Z and a-z: 256 bits
    checksum  16 of a-z and 2-7: the first 80 bits of HMAC-SHA256(tenant key, everything before)

The tenant key is derived from the platform key, which every front holds, so a mistyped or forged
key dies where it arrives. Whether a key that passes is known, expired or revoked is for the
tenant's own store to say.
"""

import base64
import hmac
import os
import re
import secrets
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node.errors import InvalidArgumentError, StorageError, UnauthenticatedError
from node.ids import KeyId, TenantId, is_tenant_id

PLATFORM_KEY_SIZE: Final = 32
KEY_LENGTH_MAX: Final = 4 + 2 + 33 + 11 + 44 + 16

_SECRET_LENGTH: Final = 43
_BASE62: Final = string.digits + string.ascii_letters
_CHECKSUM_SIZE: Final = 10
_DERIVATION: Final = b"saluhall/api-key/v1/"
_KINDS: Final = {1: "s", 2: "w", 3: "a"}
_KEY_ID: Final = re.compile(r"[a-z0-9]{10}")
_KEY: Final = re.compile(
    r"(?P<signed>slk_(?P<kind>[swa])_(?P<tenant>[a-z][a-z0-9-]{1,31})_(?P<id>[a-z0-9]{10})"
    r"_(?P<secret>[0-9A-Za-z]{43}))_(?P<checksum>[a-z2-7]{16})"
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key taken apart. Its checksum may still be wrong: see `has_good_checksum`."""

    kind: str
    """s, w or a."""

    tenant_id: TenantId
    key_id: KeyId
    secret: str = field(repr=False)
    checksum: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole key as its holder has it."""
        return f"{self._signed}_{self.checksum}"

    def has_good_checksum(self, checksum_key: bytes) -> bool:
        """Whether the checksum was made with this tenant key; compares in constant time."""
        return hmac.compare_digest(_checksum(self._signed, checksum_key), self.checksum)

    @property
    def _signed(self) -> str:
        return f"slk_{self.kind}_{self.tenant_id}_{self.key_id}_{self.secret}"


def parse_key(text: str) -> ApiKey:
    """Take a key apart. Raises UnauthenticatedError when it does not look like a key."""
    match = _KEY.fullmatch(text) if len(text) <= KEY_LENGTH_MAX else None
    if match is None or not is_tenant_id(match["tenant"]):
        raise KeyInvalidError
    return ApiKey(
        kind=match["kind"],
        tenant_id=TenantId(match["tenant"]),
        key_id=KeyId(match["id"]),
        secret=match["secret"],
        checksum=match["checksum"],
    )


def mint_key(*, role: int, tenant_id: str, key_id: str, checksum_key: bytes) -> ApiKey:
    """A new key with a random secret; `role` is a saluhall.v1.Key.Role.

    Raises InvalidArgumentError for a role, tenant or key id that no key can have.
    """
    if role not in _KINDS:
        raise InvalidArgumentError.of("role", "must be SEARCH, WRITE or ADMIN")
    if not is_tenant_id(tenant_id):
        raise InvalidArgumentError.of("tenant_id", f"{tenant_id!r} cannot name a tenant")
    if _KEY_ID.fullmatch(key_id) is None:
        raise InvalidArgumentError.of("key_id", f"{key_id!r} is not 10 of a-z and 0-9")
    secret = "".join(secrets.choice(_BASE62) for _ in range(_SECRET_LENGTH))
    signed = f"slk_{_KINDS[role]}_{tenant_id}_{key_id}_{secret}"
    return ApiKey(
        kind=_KINDS[role],
        tenant_id=TenantId(tenant_id),
        key_id=KeyId(key_id),
        secret=secret,
        checksum=_checksum(signed, checksum_key),
    )


def tenant_key(platform_key: bytes, tenant_id: str) -> bytes:
    """The key that checksums of this tenant's API keys are made with (32 bytes)."""
    return hmac.digest(platform_key, _DERIVATION + tenant_id.encode(), "sha256")


class KeyInvalidError(UnauthenticatedError):
    """The one answer to every key that is none: it never says which part is wrong."""

    reason = "KEY_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "The API key is not valid: send one from `saluhall keys issue` as the metadata "
            '"authorization: Bearer slk_..."'
        )


def ensure_platform_key(path: Path) -> bytes:
    """The platform key in this file, made first if there is none (mode 0600, whole or not at all).

    Raises StorageError when the file cannot be read or written, or others may read it.
    """
    try:
        if not path.exists():
            _create_exclusively(path, secrets.token_bytes(PLATFORM_KEY_SIZE))
        return read_platform_key(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def read_platform_key(path: Path) -> bytes:
    """The platform key in this file. Raises StorageError unless it is there, whole and private."""
    try:
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; `saluhall up` makes it") from error
    if mode & 0o077:
        raise StorageError(f"{path}: has mode {mode:04o}; run chmod 600, others must not read it")
    if len(content) != PLATFORM_KEY_SIZE:
        raise StorageError(f"{path}: has {len(content)} bytes instead of {PLATFORM_KEY_SIZE}")
    return content


def _checksum(signed: str, checksum_key: bytes) -> str:
    digest = hmac.digest(checksum_key, signed.encode(), "sha256")
    return base64.b32encode(digest[:_CHECKSUM_SIZE]).decode().lower()


def _create_exclusively(path: Path, content: bytes) -> None:
    """Make the file appear whole. Whoever comes second finds, and keeps, the first one's."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link does not replace what another process has just made.
            path.hardlink_to(scratch)
        except FileExistsError:
            return
    finally:
        scratch.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
