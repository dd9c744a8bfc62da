"""Every public RPC: who may call it, how often it may run, and how long and large it may be.

The one table of RPC and role. A front refuses to start when a service has an RPC without a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from google.protobuf.descriptor import ServiceDescriptor

from node.config import KIB, MIB
from node.errors import InvariantError
from protos.v1 import (
    account_pb2,
    analytics_pb2,
    catalog_pb2,
    event_pb2,
    merchandising_pb2,
    privacy_pb2,
    recommend_pb2,
    search_pb2,
)
from protos.v1.account_pb2 import Key

SERVICES: Final[tuple[ServiceDescriptor, ...]] = (
    search_pb2.DESCRIPTOR.services_by_name["SearchService"],
    catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"],
    account_pb2.DESCRIPTOR.services_by_name["AccountService"],
    merchandising_pb2.DESCRIPTOR.services_by_name["MerchandisingService"],
    event_pb2.DESCRIPTOR.services_by_name["EventService"],
    privacy_pb2.DESCRIPTOR.services_by_name["PrivacyService"],
    recommend_pb2.DESCRIPTOR.services_by_name["RecommendService"],
    analytics_pb2.DESCRIPTOR.services_by_name["AnalyticsService"],
)

_SECOND_MS: Final = 1_000
_HOUR_MS: Final = 3_600 * _SECOND_MS


class Kind(Enum):
    """How requests and answers travel."""

    UNARY = 1
    IMPORT = 2
    """A stream: each message is a call, answered in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One public RPC."""

    path: str
    role: int
    """The least saluhall.v1.Key.Role that may call it; each role includes those before it."""

    kind: Kind
    is_repeatable: bool
    """What happens when a replica dies with a call that it may have run. True: the front sends it
    again, since it reads, or its request id is required. False: the caller gets UNAVAILABLE and
    repeats it with the same request id, or decides not to.
    """

    may_ask_readers: bool
    """Whether a reader answers as well as the primary: it needs what is on disk and nothing else."""

    deadline_ms_max: int
    """A longer deadline is cut to this."""

    body_size_bytes_max: int
    """Of one message."""

    cost: float
    """Of one message, in units of a search."""


def method_table(
    services: Iterable[ServiceDescriptor] = SERVICES,
) -> MappingProxyType[str, Method]:
    """The rows by path. Raises InvariantError when an RPC has no row or a row has no RPC."""
    rows = {row.path: row for row in _ROWS}
    rpcs = {
        f"/{service.full_name}/{method.name}" for service in services for method in service.methods
    }
    if rpcs != rows.keys() or len(rows) != len(_ROWS):
        raise InvariantError(
            f"RPCs without a row in node/front/methods.py: {sorted(rpcs - rows.keys())}; "
            f"rows without an RPC: {sorted(rows.keys() - rpcs)}"
        )
    return MappingProxyType(rows)


def _search(name: str) -> Method:
    return Method(
        path=f"/saluhall.v1.SearchService/{name}",
        role=Key.SEARCH,
        kind=Kind.UNARY,
        is_repeatable=True,
        may_ask_readers=True,
        deadline_ms_max=10 * _SECOND_MS,
        body_size_bytes_max=256 * KIB,
        cost=1,
    )


def _read(
    service: str, name: str, *, role: int, body_size_bytes_max: int = 64 * KIB, cost: float = 1
) -> Method:
    return Method(
        path=f"/saluhall.v1.{service}/{name}",
        role=role,
        kind=Kind.UNARY,
        is_repeatable=True,
        may_ask_readers=False,
        deadline_ms_max=30 * _SECOND_MS,
        body_size_bytes_max=body_size_bytes_max,
        cost=cost,
    )


def _write(
    service: str,
    name: str,
    *,
    role: int,
    body_size_bytes_max: int = 64 * KIB,
    cost: float = 2,
    kind: Kind = Kind.UNARY,
) -> Method:
    is_import = kind is Kind.IMPORT
    return Method(
        path=f"/saluhall.v1.{service}/{name}",
        role=role,
        kind=kind,
        is_repeatable=is_import,
        may_ask_readers=False,
        deadline_ms_max=12 * _HOUR_MS if is_import else 60 * _SECOND_MS,
        body_size_bytes_max=body_size_bytes_max,
        cost=cost,
    )


_CATALOG: Final = "CatalogService"
_ACCOUNT: Final = "AccountService"
_MERCHANDISING: Final = "MerchandisingService"
_EVENTS: Final = "EventService"
_PRIVACY: Final = "PrivacyService"
_RECOMMEND: Final = "RecommendService"

_ROWS: Final = (
    _search("Search"),
    _search("Suggest"),
    _write(_CATALOG, "WriteProducts", role=Key.WRITE, body_size_bytes_max=4 * MIB, cost=10),
    _write(
        _CATALOG,
        "ImportProducts",
        role=Key.WRITE,
        kind=Kind.IMPORT,
        body_size_bytes_max=4 * MIB,
        cost=50,
    ),
    _write(_CATALOG, "SetInventory", role=Key.WRITE, body_size_bytes_max=2 * MIB, cost=10),
    _write(_CATALOG, "DeleteProducts", role=Key.WRITE, body_size_bytes_max=256 * KIB, cost=10),
    _read(_CATALOG, "GetProduct", role=Key.WRITE),
    _read(_CATALOG, "ListProducts", role=Key.WRITE),
    _write(_CATALOG, "CreateBranch", role=Key.WRITE),
    _read(_CATALOG, "ListBranches", role=Key.WRITE),
    _write(_CATALOG, "ActivateBranch", role=Key.ADMIN),
    _write(_CATALOG, "DeleteBranch", role=Key.ADMIN),
    _read(_CATALOG, "ListFields", role=Key.WRITE),
    _write(_CATALOG, "UpdateField", role=Key.ADMIN),
    _read("AnalyticsService", "GetAnalytics", role=Key.WRITE, cost=50),
    _write(_ACCOUNT, "IssueKey", role=Key.ADMIN),
    _read(_ACCOUNT, "ListKeys", role=Key.ADMIN),
    _write(_ACCOUNT, "RevokeKey", role=Key.ADMIN),
    _write(_MERCHANDISING, "WriteRules", role=Key.WRITE, body_size_bytes_max=4 * MIB, cost=10),
    _write(_MERCHANDISING, "DeleteRules", role=Key.WRITE, body_size_bytes_max=256 * KIB),
    _read(_MERCHANDISING, "ListRules", role=Key.WRITE),
    _write(_MERCHANDISING, "WriteSynonyms", role=Key.WRITE, body_size_bytes_max=4 * MIB, cost=10),
    _write(_MERCHANDISING, "DeleteSynonyms", role=Key.WRITE, body_size_bytes_max=256 * KIB),
    _read(_MERCHANDISING, "ListSynonyms", role=Key.WRITE),
    _read(_MERCHANDISING, "GetSearchSettings", role=Key.WRITE),
    _write(
        _MERCHANDISING,
        "UpdateSearchSettings",
        role=Key.ADMIN,
        body_size_bytes_max=4 * MIB,
        cost=10,
    ),
    _read(_RECOMMEND, "Recommend", role=Key.SEARCH, body_size_bytes_max=256 * KIB, cost=2),
    _read(_RECOMMEND, "GetRecommendModel", role=Key.WRITE),
    _write(_RECOMMEND, "TuneRecommendations", role=Key.ADMIN, cost=50),
    _write(_EVENTS, "WriteEvents", role=Key.SEARCH, body_size_bytes_max=2 * MIB, cost=5),
    _read(_PRIVACY, "ExportVisitor", role=Key.ADMIN),
    _read(_PRIVACY, "SignExport", role=Key.ADMIN),
    _write(_PRIVACY, "EraseVisitor", role=Key.ADMIN),
    _write(_PRIVACY, "UpdateVisitor", role=Key.ADMIN),
    _read(_PRIVACY, "GetRetention", role=Key.ADMIN),
    _write(_PRIVACY, "UpdateRetention", role=Key.ADMIN),
)
