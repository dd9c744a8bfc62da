"""When two queries are the same one."""

import unicodedata
from typing import Final

QUERY_LENGTH_MAX: Final = 256
"""Characters; a longer query is nobody else's, and nothing is learned from it."""


def normal_query(text: str) -> str:
    """A query's normal form: composed, lower case, single spaces; empty for one of no words or too many."""
    normal = " ".join(unicodedata.normalize("NFC", text).lower().split())
    return normal if len(normal) <= QUERY_LENGTH_MAX else ""
