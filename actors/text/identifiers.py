"""Identifiers (ids, GTINs, part numbers) in the one form by which they are compared."""

import re
from typing import Final

import xxhash

_SEPARATORS: Final = re.compile(r"[\W_]+")
_GTIN_LENGTHS: Final = range(8, 15)


def normalize_identifier(text: str) -> str:
    """Lower case without separators; a GTIN without leading zeros, since EAN-13 pads UPC-12 with one."""
    joined = text.lower() if text.isalnum() else _SEPARATORS.sub("", text.lower())
    if joined.isdigit() and len(joined) in _GTIN_LENGTHS:
        return joined.lstrip("0")
    return joined


def identifier_hash(normalized: str) -> int:
    """64 bits (xxh3) that stand for a normalised identifier in the index."""
    return xxhash.xxh3_64_intdigest(normalized.encode())
