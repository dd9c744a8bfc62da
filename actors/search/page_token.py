"""Page tokens of searches: where the next page begins, bound to the request that it continues."""

import base64
import binascii
import struct
from typing import Final

import xxhash

from actors.search.query import DEPTH_MAX, SearchQuery
from node.errors import InvalidArgumentError

_FORM: Final = struct.Struct(">BH8s")
_VERSION: Final = 1


def page_token(query: SearchQuery, offset: int) -> str:
    """The token of the page that begins with the product of index `offset`."""
    return base64.urlsafe_b64encode(_FORM.pack(_VERSION, offset, _digest(query))).decode()


def page_offset(query: SearchQuery) -> int:
    """Where the query's page begins; 0 without a token.

    Raises:
        InvalidArgumentError: the token is none, or continues another request.
    """
    token = query.page_token
    if not token:
        return 0
    try:
        content = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        version, offset, digest = _FORM.unpack(content)
    except (binascii.Error, ValueError, struct.error):
        raise _refused("is no page token of this service") from None
    if version != _VERSION or not 0 < offset < DEPTH_MAX:
        raise _refused("is no page token of this service")
    if digest != _digest(query):
        raise _refused("belongs to another request: only page_size may differ between pages")
    return int(offset)


def _digest(query: SearchQuery) -> bytes:
    """xxh3 of all that decides which products come in which order."""
    parts = (
        query.branch,
        query.text,
        query.market,
        query.language_code,
        query.filter,
        query.order_by,
        query.as_typed,
        query.price_list,
        query.store,
        query.without_rules,
        query.without_synonyms,
        sorted(query.preview_rules),
        query.show_duplicates,
        query.without_learned_popularity,
        query.without_click_evidence,
    )
    # The repr of a tuple of texts tells any two of them apart, as joining them would not.
    return xxhash.xxh3_64_digest(repr(parts).encode())


def _refused(problem: str) -> InvalidArgumentError:
    return InvalidArgumentError.of(
        "page_token",
        f"{problem}; leave it empty to begin with the first page",
        reason="INVALID_PAGE_TOKEN",
    )
