"""The keyring: a file of 64-byte slots beside the store, overwritten in place and synced.

Keys never stand in LMDB, the log, a copy or an image, so destroying a slot destroys what it protects
everywhere. Each slot holds one 32-byte key wrapped (RFC 3394) under a key of the server, so that a
stolen disk image of the store alone opens nothing:

    offset  size  what
    0       4     b"SLK1"
    4       2     kind, u16
    6       10    zero
    16      40    the wrapped key
    56      8     xxh3_64 of bytes 0 to 55

Slot 0 is the key that API keys are stored with (HMAC-SHA256).
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

import xxhash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from node.errors import StorageError

SLOT_SIZE: Final = 64
_MAGIC: Final = b"SLK1"
_API_KEY_SLOT: Final = 0
_KIND_API_KEYS: Final = 1


class KeyringDamagedError(StorageError):
    """The keyring cannot be read with this server's key; put back the right file or platform key."""

    reason = "KEYRING_DAMAGED"


class Keyring:
    """The keys of one store, unwrapped in memory."""

    def __init__(self, api_key_hmac_key: bytes) -> None:
        self._api_key_hmac_key = api_key_hmac_key

    @classmethod
    def create(cls, path: Path, *, wrapping_key: bytes) -> None:
        """Write a new keyring with fresh keys, durably."""
        slot = _encode_slot(_KIND_API_KEYS, secrets.token_bytes(32), wrapping_key)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.pwrite(descriptor, slot, _API_KEY_SLOT * SLOT_SIZE)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @classmethod
    def open(cls, path: Path, *, wrapping_key: bytes) -> "Keyring":
        """Read and unwrap the keys."""
        content = path.read_bytes()
        slot = content[_API_KEY_SLOT * SLOT_SIZE : (_API_KEY_SLOT + 1) * SLOT_SIZE]
        return cls(_decode_slot(slot, _KIND_API_KEYS, wrapping_key, path))

    def secret_hmac(self, secret: str) -> bytes:
        """What is stored of an API key's random part. It has 256 bits, so no slow hash is needed."""
        return hmac.digest(self._api_key_hmac_key, secret.encode(), hashlib.sha256)


def wrapping_key(platform_key: bytes, tenant_id: str) -> bytes:
    """The key that wraps this tenant's keyring on this server."""
    label = b"saluhall/keyring/v1/" + tenant_id.encode()
    return hmac.digest(platform_key, label, hashlib.sha256)


def _encode_slot(kind: int, key: bytes, wrapping: bytes) -> bytes:
    body = _MAGIC + kind.to_bytes(2, "big") + bytes(10) + aes_key_wrap(wrapping, key)
    return body + xxhash.xxh3_64_digest(body)


def _decode_slot(slot: bytes, kind: int, wrapping: bytes, path: Path) -> bytes:
    body, checksum = slot[:56], slot[56:]
    expected_head = _MAGIC + kind.to_bytes(2, "big")
    if len(slot) != SLOT_SIZE or body[:6] != expected_head:
        raise KeyringDamagedError(f"{path.name}: not a keyring of this format; restore the file")
    if xxhash.xxh3_64_digest(body) != checksum:
        raise KeyringDamagedError(f"{path.name}: a slot's checksum is wrong; restore the file")
    try:
        return aes_key_unwrap(wrapping, body[16:56])
    except InvalidUnwrap as error:
        raise KeyringDamagedError(
            f"{path.name}: this server's platform.key does not open it; put the right one back"
        ) from error
