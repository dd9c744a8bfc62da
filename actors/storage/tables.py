"""Every table of a store: what its keys and values are, and which class it belongs to. Read this first.

One LMDB environment holds all of them, so one transaction changes them together.

- `LOGICAL`: what the tenant has. In the log, in the state hash, in images. Changed only by log entries.
- `INDEX`: derived from logical tables, local to the store, never logged or hashed; may be rebuilt.
- `LOCAL`: the log itself and the store's own bookkeeping: durable, never logged or hashed.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class TableClass(Enum):
    """Who is the source of a table, and so what may become of it."""

    LOGICAL = "logical"
    INDEX = "index"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `number` stands in log entries and in the state hash, so it never changes."""

    number: int
    name: str
    table_class: TableClass
    key: str
    value: str


SETTINGS: Final = Table(1, "settings", TableClass.LOGICAL, "b'tenant'", "TenantSettings")
BRANCHES: Final = Table(2, "branches", TableClass.LOGICAL, "branch number, u32", "BranchRecord")
FIELDS: Final = Table(3, "fields", TableClass.LOGICAL, "field key, UTF-8", "FieldRecord")
PRODUCTS: Final = Table(
    4, "products", TableClass.LOGICAL, "branch number u32, product id UTF-8", "ProductRecord"
)
INVENTORIES: Final = Table(
    5, "inventories", TableClass.LOGICAL, "branch number u32, product id UTF-8", "InventoryRecord"
)
API_KEYS: Final = Table(6, "api_keys", TableClass.LOGICAL, "key id", "KeyRecord")
REQUESTS: Final = Table(
    7, "requests", TableClass.LOGICAL, "xxh3_128 of the request id", "RequestRecord, kept 24 h"
)
REQUEST_TIMES: Final = Table(
    8, "request_times", TableClass.LOGICAL, "log time ms u64, key in requests", "empty"
)
RULES: Final = Table(9, "rules", TableClass.LOGICAL, "rule id", "saluhall.v1.Rule")
SYNONYMS: Final = Table(10, "synonyms", TableClass.LOGICAL, "synonym id", "saluhall.v1.Synonym")
SEARCH_SETTINGS: Final = Table(
    11,
    "search_settings",
    TableClass.LOGICAL,
    "b'tenant'",
    "saluhall.v1.SearchSettings, what was set of it",
)

EVENTS: Final = Table(
    12,
    "events",
    TableClass.LOGICAL,
    "day u16, xxh3_128 of the event's keyed id",
    "EventRecord; empty for an event that is tied to nobody",
)
VISITOR_EVENTS: Final = Table(
    13,
    "visitor_events",
    TableClass.LOGICAL,
    "storage id (16), day u16, sequence u32",
    "the event's hash (16)",
)
VISITORS: Final = Table(14, "visitors", TableClass.LOGICAL, "storage id (16)", "VisitorRecord")
ERASURES: Final = Table(15, "erasures", TableClass.LOGICAL, "receipt id", "ErasureRecord")
RETENTION: Final = Table(
    16,
    "retention",
    TableClass.LOGICAL,
    "b'tenant', b'progress'",
    "RetentionRecord, RetentionProgressRecord",
)
MARKS: Final = Table(
    17,
    "marks",
    TableClass.LOGICAL,
    "day u16, hash (16) under the visitor's key of what they did",
    "empty: this visitor was counted for this on this day",
)
PRODUCT_COUNTS: Final = Table(
    18, "product_counts", TableClass.LOGICAL, "product id UTF-8", "ProductCountsRecord"
)
QUERY_CLICKS: Final = Table(
    19, "query_clicks", TableClass.LOGICAL, "keyed hash of the query (16)", "QueryClicksRecord"
)
QUERIES: Final = Table(
    20, "queries", TableClass.LOGICAL, "keyed hash of the query (16)", "QueryRecord"
)
POPULAR_QUERIES: Final = Table(
    21,
    "popular_queries",
    TableClass.LOGICAL,
    "words of a query that enough visitors searched, UTF-8",
    "its key in queries",
)
FIGURES: Final = Table(
    22,
    "figures",
    TableClass.LOGICAL,
    "day u16, kind u8, keyed hash of its name (16)",
    "FiguresRecord",
)
RECOMMEND_MODEL: Final = Table(
    23, "recommend_model", TableClass.LOGICAL, "b'tenant'", "RecommendModelRecord"
)

ARRAYS: Final = Table(
    32, "arrays", TableClass.INDEX, "branch, segment, piece: see actors/index", "numpy arrays"
)
CARDS: Final = Table(
    33,
    "cards",
    TableClass.INDEX,
    "branch number u32, product id UTF-8",
    "a Product with the fields that a listing shows",
)

LOG: Final = Table(64, "log", TableClass.LOCAL, "position u64", "LogEntry")
LOCAL: Final = Table(
    65,
    "local",
    TableClass.LOCAL,
    "identity, epoch, opening, open, position, entry_hash, state_hash, log_bytes, log_first, "
    "index_position, settings_position, publication_count",
    "see store.py and marks.py",
)

TABLES: Final = (
    SETTINGS,
    BRANCHES,
    FIELDS,
    PRODUCTS,
    INVENTORIES,
    API_KEYS,
    REQUESTS,
    REQUEST_TIMES,
    RULES,
    SYNONYMS,
    SEARCH_SETTINGS,
    EVENTS,
    VISITOR_EVENTS,
    VISITORS,
    ERASURES,
    RETENTION,
    MARKS,
    PRODUCT_COUNTS,
    QUERY_CLICKS,
    QUERIES,
    POPULAR_QUERIES,
    FIGURES,
    RECOMMEND_MODEL,
    ARRAYS,
    CARDS,
    LOG,
    LOCAL,
)
BY_NUMBER: Final = {table.number: table for table in TABLES}

UNSEARCHED: Final = frozenset(
    table.number
    for table in (
        API_KEYS,
        REQUESTS,
        REQUEST_TIMES,
        EVENTS,
        VISITOR_EVENTS,
        VISITORS,
        ERASURES,
        RETENTION,
        MARKS,
        PRODUCT_COUNTS,
        QUERY_CLICKS,
        QUERIES,
        POPULAR_QUERIES,
        FIGURES,
        RECOMMEND_MODEL,
    )
)
"""Logical tables that no search looks at: an entry that changes these alone leaves what readers have opened as good
as it was. What visitors have taught is among them: searches see it a second later at most, when their view has become
old. A new table counts as searched until it stands here."""


def branch_prefix(branch: int) -> bytes:
    """The start of every key of this branch in `products`, `inventories` and `cards`."""
    return branch.to_bytes(4, "big")


def product_key(branch: int, product_id: bytes) -> bytes:
    """The key of a product in `products`, `inventories` and `cards`."""
    return branch.to_bytes(4, "big") + product_id


def branch_of(key: bytes) -> int:
    """The branch number in a product's key."""
    return int.from_bytes(key[:4], "big")
