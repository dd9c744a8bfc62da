"""One LMDB environment: transactions over the tables, with the state hash kept up to date.

The 0.9 engine is named explicitly, since the library also carries an engine whose file format is
another one. Writes are durable when their transaction ends (LMDB's default: data and meta page are
synced).
"""

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import lmdb
import xxhash

from actors.storage.tables import LOCAL, TABLES, Table, TableClass
from node.config import GIB, MIB
from node.errors import InvariantError, SaluhallError, StorageError

MAP_SIZE_BYTES: Final = 256 * GIB
"""Address space, not disk: the file grows as needed. LMDB's default of 10 MiB is a trap."""

READERS_MAX: Final = 254

FULL_DISK_FREE_BYTES_MAX: Final = 4 * MIB
"""A write that was cut short has taken all there was; others may have freed a little since."""

_LMDB_ENGINE: Final = 0
_HASH_MODULUS: Final = 1 << 128
_HASH_PREFIX: Final = struct.Struct(">HH").pack
_STATE_HASH: Final = b"state_hash"

Databases = Mapping[str, lmdb._Database]  # noqa: SLF001 - the library has no public name for it


class ReadView:
    """One consistent state. Values are views into the file: copy what must outlive the view."""

    def __init__(self, transaction: lmdb.Transaction, databases: "Databases") -> None:
        self._transaction = transaction
        self._databases = databases
        # The library types values as bytes or views; with buffers=True they are views.
        self._get = cast("Callable[..., memoryview | None]", transaction.get)
        self._arrays = databases["arrays"]

    def end(self) -> None:
        """Let go of the pages, and of the slot that the transaction has among all readers.

        The library keeps the slot as long as the transaction's object lives, and whatever was opened from a view may
        live until the collector comes by: so the view forgets the transaction itself.
        """
        self._transaction.abort()
        del self._transaction, self._get

    @property
    def transaction_id(self) -> int:
        """Of the commit that is seen; grows by one with each."""
        return int(self._transaction.id())

    def get(self, table: Table, key: bytes) -> memoryview | None:
        """The value, without a copy."""
        return self._get(key, db=self._databases[table.name])

    def get_array(self, key: bytes) -> memoryview | None:
        """As `actors.index.ports.ArrayReader`."""
        return self._get(key, db=self._arrays)

    def array_keys(self, prefix: bytes) -> Iterator[bytes]:
        """As `actors.index.ports.ArrayReader`."""
        for key, _ in self._range(self._arrays, prefix, prefix, values=False):
            yield bytes(key)

    def range(
        self, table: Table, prefix: bytes = b"", start: bytes | None = None
    ) -> Iterator[tuple[memoryview, memoryview]]:
        """Keys that start with `prefix`, from `start` on, in byte order."""
        database = self._databases[table.name]
        return self._range(database, prefix, prefix if start is None else start, values=True)

    def count(self, table: Table) -> int:
        """How many keys a table has."""
        return int(self._transaction.stat(self._databases[table.name])["entries"])

    def _range(
        self,
        database: lmdb._Database,
        prefix: bytes,
        start: bytes,
        *,
        values: bool,
    ) -> Iterator[tuple[memoryview, memoryview]]:
        cursor = self._transaction.cursor(db=database)
        found = cursor.set_range(start) if start else cursor.first()
        while found:
            key = cast("memoryview", cursor.key())
            if bytes(key[: len(prefix)]) != prefix:
                return
            yield key, (cast("memoryview", cursor.value()) if values else key)
            found = cursor.next()

    @property
    def state_hash(self) -> int:
        """The sum modulo 2^128 of xxh3_128(table, key, value) over all logical tables."""
        value = self._get(_STATE_HASH, db=self._databases[LOCAL.name])
        return 0 if value is None else int.from_bytes(value, "big")


class WriteBatch(ReadView):
    """A write transaction: its reads see its own writes; all or nothing reaches the disk."""

    def __init__(self, transaction: lmdb.Transaction, databases: "Databases") -> None:
        super().__init__(transaction, databases)
        self._hash = self.state_hash
        self._hash_before = self._hash

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set a key's value."""
        database = self._databases[table.name]
        if table.table_class is TableClass.LOGICAL:
            old = self._get(key, db=database)
            self._hash += _entry_hash(table, key, value)
            if old is not None:
                self._hash -= _entry_hash(table, key, bytes(old))
        self._transaction.put(key, value, db=database)

    def delete(self, table: Table, key: bytes) -> bool:
        """Remove a key; False when there was none."""
        database = self._databases[table.name]
        if table.table_class is TableClass.LOGICAL:
            old = self._get(key, db=database)
            if old is None:
                return False
            self._hash -= _entry_hash(table, key, bytes(old))
        return bool(self._transaction.delete(key, db=database))

    def put_array(self, key: bytes, value: bytes | memoryview) -> None:
        """As `actors.index.ports.ArrayWriter`."""
        self._transaction.put(key, value, db=self._arrays)

    def delete_array(self, key: bytes) -> None:
        """As `actors.index.ports.ArrayWriter`."""
        self._transaction.delete(key, db=self._arrays)

    def clear(self, table: Table, prefix: bytes, *, count_max: int) -> int:
        """Delete up to `count_max` keys that start with `prefix`; how many were."""
        keys = []
        for key, _ in self.range(table, prefix):
            keys.append(bytes(key))
            if len(keys) == count_max:
                break
        for key_bytes in keys:
            self.delete(table, key_bytes)
        return len(keys)

    def finish(self) -> None:
        """Store the state hash; called once, before the transaction commits."""
        total = self._hash % _HASH_MODULUS
        if total != self._hash_before:
            value = total.to_bytes(16, "big")
            self._transaction.put(_STATE_HASH, value, db=self._databases[LOCAL.name])


class Environment:
    """The open file. One process opens it for writing: the replica that owns the store."""

    def __init__(self, directory: Path, *, writable: bool) -> None:
        self._directory = directory
        try:
            self._environment = lmdb.open(
                str(directory),
                map_size=MAP_SIZE_BYTES,
                max_dbs=len(TABLES),
                max_readers=READERS_MAX,
                readonly=not writable,
                create=writable,
                lib_version=_LMDB_ENGINE,
                readahead=False,
                mode=0o600,
            )
            self._environment.reader_check()
            self._databases = {
                table.name: self._environment.open_db(table.name.encode(), create=writable)
                for table in TABLES
            }
        except lmdb.Error as error:
            raise _storage_error(directory, error) from error

    @contextmanager
    def read(self) -> Iterator[ReadView]:
        """A view of the last committed state; keep it for milliseconds, since it pins old pages."""
        with self._environment.begin(buffers=True) as transaction:
            yield ReadView(transaction, self._databases)

    def open_view(self) -> tuple[ReadView, Callable[[], None]]:
        """A view that lives until the returned function is called; the caller bounds its life."""
        view = ReadView(self._environment.begin(buffers=True), self._databases)
        return view, view.end

    @contextmanager
    def write(self) -> Iterator[WriteBatch]:
        """A transaction that is durable when the block ends, and never happened when it raises."""
        try:
            with self._environment.begin(write=True, buffers=True) as transaction:
                batch = WriteBatch(transaction, self._databases)
                yield batch
                batch.finish()
        except lmdb.Error as error:
            raise _storage_error(self._directory, error) from error

    def last_transaction_id(self) -> int:
        """Of the last commit: what a view opened now would see.

        Measured: 0.4 µs, as the library keeps a transaction to open anew; the environment's own figures take 0.6.
        """
        transaction = self._environment.begin()
        number = int(transaction.id())
        transaction.abort()
        return number

    def reader_check(self) -> int:
        """Free the slots of readers that died; how many there were."""
        return int(self._environment.reader_check())

    def open_views(self) -> list[tuple[int, int]]:
        """Every view that any process holds: its process's number, and the id of the commit it sees."""
        rows = (line.split() for line in str(self._environment.readers()).splitlines()[1:])
        return [(int(row[0]), int(row[2])) for row in rows if len(row) == 3 and row[2].isdigit()]

    @property
    def size_bytes(self) -> int:
        """What the file takes on disk."""
        return (self._directory / "data.mdb").stat().st_blocks * 512

    def close(self) -> None:
        """Views and batches must have ended."""
        self._environment.close()


def _entry_hash(table: Table, key: bytes, value: bytes) -> int:
    """xxh3_128 of table number, key length, key and value: different entries never read the same."""
    return xxhash.xxh3_128_intdigest(_HASH_PREFIX(table.number, len(key)) + key + value)


def _storage_error(directory: Path, error: lmdb.Error) -> SaluhallError:
    if isinstance(error, lmdb.PanicError):
        # A meta page could not be written: LMDB refuses all further work until it is opened anew.
        return InvariantError(f"{directory.name}: {error}")
    if isinstance(error, lmdb.MapFullError) or _is_disk_full(directory, error):
        return StorageError(
            f"{directory.name}: the disk is full; free space, then send the request again",
            reason="DISK_FULL",
            retry_delay_ms=1_000,
        )
    return StorageError(
        f"{directory.name}: {error}; if this repeats, restore the store from an image",
        reason="STORE_FAILED",
    )


def _is_disk_full(directory: Path, error: lmdb.Error) -> bool:
    """LMDB calls a write that was cut short by a full disk an input/output error."""
    if "No space left" in str(error):
        return True
    disk = os.statvfs(directory)
    free_bytes = disk.f_bavail * disk.f_frsize
    return "Input/output error" in str(error) and free_bytes < FULL_DISK_FREE_BYTES_MAX
