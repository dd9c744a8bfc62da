"""What everyone needs of the registry: small records, each changed by compare-and-set only."""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from node.config import KIB
from node.errors import AbortedError, InvalidArgumentError
from node.ids import TenantId, is_tenant_id
from protos.internal.records_pb2 import GroupRecord

VALUE_SIZE_MAX: Final = 64 * KIB
_NAME: Final = re.compile(r"[a-z0-9._/-]{1,200}")


@dataclass(frozen=True, slots=True)
class Versioned:
    """A tenant's record as it stood at one revision."""

    record: GroupRecord
    revision: int
    """The registry's revision when this record was last written: what the next writer must name."""


@dataclass(frozen=True, slots=True)
class VersionedValue:
    """A small cluster value as it stood at one revision."""

    value: bytes
    revision: int


class ConflictError(AbortedError):
    """The record is not at the revision that the writer had read; read again, then decide anew."""

    reason = "REGISTRY_CONFLICT"

    def __init__(self, key: str, *, expected_revision: int, actual_revision: int) -> None:
        super().__init__(
            f"{key}: expected revision {expected_revision}, found {actual_revision} (0: absent); "
            "read it again before you decide"
        )
        self.actual_revision = actual_revision


class Registry(Protocol):
    """The truth about where tenants live.

    Every change makes `revision` grow. A write that raised UnavailableError or StorageError may
    have happened or not: read again before acting.
    """

    def get(self, tenant_id: TenantId) -> Versioned | None:
        """The record of one tenant; None if there never was one."""
        ...

    def list(self) -> list[Versioned]:
        """Every record, tombstones too, by tenant id, all from one moment."""
        ...

    def compare_and_set(
        self, tenant_id: TenantId, *, expected_revision: int, record: GroupRecord
    ) -> int:
        """Write the record if it is still at `expected_revision` (0: absent); its new revision.

        Durable when this returns. Raises ConflictError when someone else was faster, and
        InvalidArgumentError when the record names another tenant.
        """
        ...

    def revision(self) -> int:
        """Grows with every change of a record or value; cheap enough to ask many times a second."""
        ...

    def get_value(self, name: str) -> VersionedValue | None:
        """A small value of the cluster, such as a lease or an address; None if it was never set."""
        ...

    def set_value(self, name: str, *, expected_revision: int, value: bytes) -> int:
        """Write the value if it is still at `expected_revision` (0: absent); its new revision.

        Names are 1 to 200 of a-z, 0-9 and "._/-"; values at most 64 KiB. Raises ConflictError.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. Nothing may be called afterwards."""
        ...


def check_record(tenant_id: TenantId, record: GroupRecord) -> None:
    """Raise InvalidArgumentError unless the record is one of this tenant."""
    if not is_tenant_id(tenant_id):
        raise InvalidArgumentError.of("tenant_id", f"{tenant_id!r} cannot name a tenant")
    if record.tenant_id != tenant_id:
        raise InvalidArgumentError.of(
            "record.tenant_id", f"is {record.tenant_id!r}; the record written is {tenant_id!r}'s"
        )


def check_value(name: str, value: bytes = b"") -> None:
    """Raise InvalidArgumentError unless a value may have this name and size."""
    if not _NAME.fullmatch(name):
        raise InvalidArgumentError.of("name", f"{name!r} is not 1 to 200 of a-z, 0-9 and ._/-")
    if len(value) > VALUE_SIZE_MAX:
        raise InvalidArgumentError.of(
            "value", f"has {len(value)} bytes; at most {VALUE_SIZE_MAX} are allowed"
        )
