"""The names of actors: `replica/<tenant>/<store>/<token>`, and of readers
`reader/<tenant>/<store>/<incarnation>/<index>/<token>`.

A name is unique for each process, so that nobody who holds an old one can reach a new process.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from cluster.plan.readers import Reader
from node.ids import StoreId, TenantId, is_store_id, is_tenant_id

_KIND: Final = "replica"
_READER_KIND: Final = "reader"


@dataclass(frozen=True, slots=True)
class NamedReader:
    """A reader's actor."""

    reader: Reader
    name: str


@dataclass(frozen=True, slots=True)
class NamedReplica:
    """A replica's actor."""

    tenant_id: TenantId
    store_id: StoreId
    name: str


def new_replica_name(tenant_id: TenantId, store_id: StoreId) -> str:
    """A name that no replica had before."""
    return f"{_KIND}/{tenant_id}/{store_id}/{secrets.token_hex(4)}"


def read_replica_name(name: str) -> NamedReplica | None:
    """Whose replica has this name; None when it names something else."""
    match name.split("/"):
        case [kind, tenant, store, _] if (
            kind == _KIND and is_tenant_id(tenant) and is_store_id(store)
        ):
            return NamedReplica(TenantId(tenant), StoreId(store), name)
    return None


def new_reader_name(reader: Reader) -> str:
    """A name that no reader had before."""
    return (
        f"{_READER_KIND}/{reader.tenant_id}/{reader.store_id}/"
        f"{reader.incarnation}/{reader.index}/{secrets.token_hex(4)}"
    )


def read_reader_name(name: str) -> NamedReader | None:
    """Which reader has this name; None when it names something else."""
    match name.split("/"):
        case [kind, tenant, store, incarnation, index, _] if (
            kind == _READER_KIND
            and is_tenant_id(tenant)
            and is_store_id(store)
            and incarnation.isdecimal()
            and index.isdecimal()
        ):
            reader = Reader(TenantId(tenant), StoreId(store), int(incarnation), int(index))
            return NamedReader(reader, name)
    return None
