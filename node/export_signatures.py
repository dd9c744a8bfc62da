"""What an export of a visitor's data is signed for, and how: the same at the server and where a file is verified.

Two things are signed with the tenant's Ed25519 key. Each page, by the server that read it: whose it is, where its
events stand among all, and whether it is the last, so that none can be changed, left out or added. And the manifest
that the file's maker puts together, which holds the hashes of all other files. Statements are lines of text.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStatement:
    """What the signature of a page vouches for."""

    tenant_id: str
    visitor_id: str
    """As the shop asked for it; only its SHA-256 stands in the statement."""

    first_index: int
    """How many events the pages before have."""

    page_hash: str
    """Hexadecimal SHA-256."""

    is_last: bool

    def content(self) -> bytes:
        """The bytes that are signed."""
        visitor_hash = hashlib.sha256(self.visitor_id.encode()).hexdigest()
        place = f"{self.first_index} {'last' if self.is_last else 'more'}"
        return _lines(
            "saluhall/export-page/v1", self.tenant_id, visitor_hash, place, self.page_hash
        )


def manifest_statement(tenant_id: str, manifest_hash: str) -> bytes:
    """The bytes that are signed for a manifest with this hexadecimal SHA-256."""
    return _lines("saluhall/export-manifest/v1", tenant_id, manifest_hash)


def sign(seed: bytes, statement: bytes) -> str:
    """Hexadecimal signature. `seed`: the 32 bytes of the private key."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(statement).hex()


def public_key_of(seed: bytes) -> str:
    """Hexadecimal; may be known to everybody."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def is_signed(public_key: str, signature: str, statement: bytes) -> bool:
    """Whether the key's owner has signed the statement; False for whatever is no key or signature."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), statement)
    except (ValueError, InvalidSignature):
        return False
    return True


def _lines(*texts: str) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()
