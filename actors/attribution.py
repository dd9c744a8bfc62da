"""Attribution tokens: what an answer says of itself, signed, so that an event that brings it back needs no look-up.

A token is the URL-safe base64 of an AttributionContent and the first 10 bytes of its HMAC-SHA256 under the tenant's
token key. It holds no secret and names nobody: equal answers of one state have equal tokens. One that was forged, cut,
or made by another tenant reads as none, and credits nothing.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from google.protobuf.message import DecodeError

from protos.internal.records_pb2 import AttributionContent

TOKEN_LENGTH_MAX: Final = 512
_SIGNATURE_SIZE: Final = 10


def make_token(content: AttributionContent, key: bytes) -> str:
    """The token that says this."""
    body = content.SerializeToString(deterministic=True)
    return base64.urlsafe_b64encode(body + _signature(body, key)).rstrip(b"=").decode()


def read_token(text: str, key: bytes) -> AttributionContent | None:
    """What a token says; None when this key has not signed it."""
    if not text or len(text) > TOKEN_LENGTH_MAX or not text.isascii():
        return None
    padded = text + "=" * (-len(text) % 4)
    try:
        signed = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, signature = signed[:-_SIGNATURE_SIZE], signed[-_SIGNATURE_SIZE:]
    if not hmac.compare_digest(signature, _signature(body, key)):
        return None
    try:
        return AttributionContent.FromString(body)
    except DecodeError:
        return None


def _signature(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"attribution/" + body, hashlib.sha256)[:_SIGNATURE_SIZE]
