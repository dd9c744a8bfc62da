"""Page tokens of lists by key: opaque, bound to what they page through."""

import base64
import binascii

import xxhash

from node.errors import InvalidArgumentError


def encode_page_token(next_key: bytes, *, scope: str) -> str:
    """A token that continues the list `scope` at a key."""
    return base64.urlsafe_b64encode(_digest(next_key, scope) + next_key).decode()


def decode_page_token(token: str, *, scope: str) -> bytes | None:
    """The key to continue at; None for the first page.

    Raises:
        InvalidArgumentError: the token is not one of this list.
    """
    if not token:
        return None
    try:
        content = base64.urlsafe_b64decode(token.encode())
    except (binascii.Error, ValueError):
        content = b""
    if len(content) < 8 or _digest(content[8:], scope) != content[:8]:
        raise InvalidArgumentError.of(
            "page_token", "belongs to another request; leave it empty to start at the first page"
        )
    return content[8:]


def _digest(key: bytes, scope: str) -> bytes:
    return xxhash.xxh3_64_digest(scope.encode() + b"\0" + key)
