"""The registry of one server: a small LMDB that every process of the server opens.

    meta     "format" -> uint32: newer ones are refused;  "revision" -> uint64: of the latest change
    groups   tenant id -> uint64 revision, GroupRecord
    values   name      -> uint64 revision, bytes

LMDB's writer lock makes each compare-and-set one step among processes; a process that dies in the
middle leaves nothing behind. Open it once in a process: LMDB refuses a second handle to one file.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import lmdb

from node.config import MIB, ServerPaths
from node.errors import StorageError
from node.ids import TenantId, is_tenant_id
from node.registry.port import (
    ConflictError,
    Versioned,
    VersionedValue,
    check_record,
    check_value,
)
from protos.internal.records_pb2 import GroupRecord

FORMAT: Final = 1
"""Of this file. Grows when an older release could not read what a newer one wrote."""

MAP_SIZE_BYTES: Final = 256 * MIB
"""Thousands of records of some hundred bytes each; address space, not memory."""

READERS_MAX: Final = 4096
"""Each process keeps a slot: 2,000 replicas and what is around them must fit."""

_LMDB_ENGINE: Final = 0
"""LMDB 0.9: its file format is stable; 1.0 writes another that 0.9 cannot read."""

_FORMAT_KEY: Final = b"format"
_REVISION_KEY: Final = b"revision"
_REVISION: Final = struct.Struct(">Q")
_FORMAT: Final = struct.Struct(">I")


class EmbeddedRegistry:
    """`Registry` for one server."""

    def __init__(self, directory: Path) -> None:
        """Open the registry, or make an empty one where there is none.

        Raises StorageError when it cannot be opened or was written by a newer release.
        """
        self._directory = directory
        with self._explained():
            is_new = not (directory / "data.mdb").exists()
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._environment = lmdb.open(
                str(directory),
                map_size=MAP_SIZE_BYTES,
                max_dbs=3,
                max_readers=READERS_MAX,
                mode=0o600,
                sync=True,
                metasync=True,
                lib_version=_LMDB_ENGINE,
            )
        try:
            with self._explained():
                # Slots of readers that were killed would keep old pages from being used again.
                self._environment.reader_check()
                self._open_tables()
                if is_new:
                    # LMDB syncs its file; the names that lead to the file are ours to sync.
                    _sync_directory(directory)
                    _sync_directory(directory.parent)
        except BaseException:
            self._environment.close()
            raise

    @classmethod
    def of(cls, paths: ServerPaths) -> "EmbeddedRegistry":
        """The registry of this server."""
        return cls(paths.registry)

    def get(self, tenant_id: TenantId) -> Versioned | None:
        if not is_tenant_id(tenant_id):
            return None
        stored = self._get(self._groups, tenant_id.encode())
        return None if stored is None else _versioned(stored)

    def list(self) -> list[Versioned]:
        with self._explained(), self._environment.begin(self._groups) as transaction:
            return [_versioned(stored) for _, stored in transaction.cursor()]

    def compare_and_set(
        self, tenant_id: TenantId, *, expected_revision: int, record: GroupRecord
    ) -> int:
        check_record(tenant_id, record)
        body = record.SerializeToString(deterministic=True)
        return self._compare_and_set(self._groups, tenant_id, expected_revision, body)

    def revision(self) -> int:
        return self._revision_of(self._get(self._meta, _REVISION_KEY))

    def get_value(self, name: str) -> VersionedValue | None:
        check_value(name)
        stored = self._get(self._values, name.encode())
        if stored is None:
            return None
        return VersionedValue(value=stored[_REVISION.size :], revision=self._revision_of(stored))

    def set_value(self, name: str, *, expected_revision: int, value: bytes) -> int:
        check_value(name, value)
        return self._compare_and_set(self._values, name, expected_revision, value)

    def close(self) -> None:
        self._environment.close()

    def _get(self, table: lmdb._Database, key: bytes) -> bytes | None:
        with self._explained(), self._environment.begin(table) as transaction:
            return transaction.get(key)

    def _compare_and_set(
        self, table: lmdb._Database, key: str, expected_revision: int, body: bytes
    ) -> int:
        with self._explained(), self._environment.begin(write=True) as transaction:
            actual = self._revision_of(transaction.get(key.encode(), db=table))
            if actual != expected_revision:
                raise ConflictError(
                    key, expected_revision=expected_revision, actual_revision=actual
                )
            revision = self._revision_of(transaction.get(_REVISION_KEY, db=self._meta)) + 1
            transaction.put(key.encode(), _REVISION.pack(revision) + body, db=table)
            transaction.put(_REVISION_KEY, _REVISION.pack(revision), db=self._meta)
        return revision

    def _open_tables(self) -> None:
        self._meta = self._environment.open_db(b"meta")
        self._groups = self._environment.open_db(b"groups")
        self._values = self._environment.open_db(b"values")
        with self._environment.begin(self._meta) as transaction:
            stored = transaction.get(_FORMAT_KEY)
        if stored is None:
            with self._environment.begin(self._meta, write=True) as transaction:
                transaction.put(_FORMAT_KEY, _FORMAT.pack(FORMAT), overwrite=False)
        elif _FORMAT.unpack(stored)[0] > FORMAT:
            raise StorageError(
                f"{self._directory}: the registry has format {_FORMAT.unpack(stored)[0]}, this "
                f"release knows formats up to {FORMAT}; start the release that wrote it",
                reason="FORMAT_TOO_NEW",
            )

    @staticmethod
    def _revision_of(stored: bytes | None) -> int:
        return 0 if stored is None else int(_REVISION.unpack_from(stored)[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """LMDB's and the system's errors, said with the path and what to do."""
        try:
            yield
        except (lmdb.DiskError, lmdb.MapFullError) as error:
            raise StorageError(
                f"{self._directory}: the registry cannot grow ({error}); free space on this disk"
            ) from error
        except (lmdb.Error, OSError) as error:
            raise StorageError(
                f"{self._directory}: the registry cannot be opened or read ({error})"
            ) from error


def _versioned(stored: bytes) -> Versioned:
    record = GroupRecord.FromString(stored[_REVISION.size :])
    return Versioned(record=record, revision=int(_REVISION.unpack_from(stored)[0]))


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
