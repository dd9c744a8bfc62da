"""One visitor's key in memory, and what it is used for: sealing, marks, and the name of their rows.

Every use has a subkey of its own (BLAKE2b keyed with the slot's key, personalised by the use), and the
associated data of what is sealed names tenant, table and storage key, so that a ciphertext opens in its own place only.
"""

import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from actors.storage.tables import Table
from node.errors import StorageError

STORAGE_ID_SIZE: Final = 16
MARK_SIZE: Final = 16
KEY_GENERATION: Final = 1
"""Of the way keys are used; stands before every ciphertext and in its associated data."""

_GENERATION: Final = bytes([KEY_GENERATION])
_NONCE_SIZE: Final = 12


class SealDamagedError(StorageError):
    """A ciphertext does not open: it was changed, moved, or sealed with another key."""

    reason = "SEAL_DAMAGED"


class VisitorKey:
    """What belongs to one visitor is sealed and named with this."""

    __slots__ = ("_cipher", "_mark_key", "_place", "storage_id", "tag")

    def __init__(self, key: bytes, *, tag: bytes, tenant_id: str) -> None:
        self.tag = tag
        self.storage_id = storage_id_of(key)
        """Names the visitor's rows; says nothing once the key is gone."""

        self._cipher = AESGCM(_subkey(key, b"seal", 32))
        self._mark_key = _subkey(key, b"mark", 32)
        tenant = tenant_id.encode()
        self._place = bytes([KEY_GENERATION, len(tenant)]) + tenant

    def seal(self, table: Table, key: bytes, plaintext: bytes) -> bytes:
        """Generation, nonce and ciphertext (AES-256-GCM), to be stored at this key of this table."""
        nonce = os.urandom(_NONCE_SIZE)
        place = self._place + table.number.to_bytes(2, "big") + key
        return _GENERATION + nonce + self._cipher.encrypt(nonce, plaintext, place)

    def open(self, table: Table, key: bytes, sealed: bytes) -> bytes:
        """The plaintext of what was sealed for this key of this table.

        Raises:
            SealDamagedError: it was not sealed by this visitor's key, or for another place.
        """
        nonce, ciphertext = sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :]
        try:
            if sealed[:1] == _GENERATION:
                place = self._place + table.number.to_bytes(2, "big") + key
                return self._cipher.decrypt(nonce, ciphertext, place)
        except (InvalidTag, ValueError):
            pass
        raise SealDamagedError(
            f"{table.name}: a visitor's row does not open with their key; restore the store"
        )

    def mark(self, what: bytes) -> bytes:
        """16 bytes that stand for "this visitor did this"; tied to nobody without the key."""
        return hashlib.blake2b(what, key=self._mark_key, digest_size=MARK_SIZE).digest()


def storage_id_of(key: bytes) -> bytes:
    """The storage id that a visitor's key derives."""
    return _subkey(key, b"storage", STORAGE_ID_SIZE)


def _subkey(key: bytes, use: bytes, size: int) -> bytes:
    return hashlib.blake2b(key=key, person=use, digest_size=size).digest()
