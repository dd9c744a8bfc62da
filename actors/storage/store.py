"""A store: one copy of a tenant on disk, with its identity, its log and its opening numbers.

A directory named by the store's id holds `data.mdb` and `lock.mdb` (LMDB), `manifest.json` (what it is
and in which format), `keyring` and `OWNER`. It is made under another name and renamed when complete, so
a half-made store never has a store's name.

The table `local` holds, besides the state hash:

    identity       StoreIdentity as JSON
    epoch          u64: the highest epoch this store has promised; older writers are refused
    opening, open  u64: see `begin_opening`
    position       u64: of the last applied entry
    entry_hash     xxh3_128 of the last entry as stored
    log_first      u64: position of the oldest entry kept
    log_bytes      u64: size of the entries kept
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from actors.storage.environment import Environment, ReadView, WriteBatch
from actors.storage.keyring import Keyring
from actors.storage.overdue import OverdueReaders
from actors.storage.owner import Ownership
from actors.storage.tables import LOCAL
from node.errors import InvariantError, StorageError

FORMAT: Final = 1
"""Of everything in a store's directory; grows when an older release could not read it."""

_EPOCH: Final = b"epoch"
_OPENING: Final = b"opening"
_OPEN: Final = b"open"
_IDENTITY: Final = b"identity"


class StoreMissingError(StorageError):
    """The registry knows the store, its directory is not there; restore it from an image."""

    reason = "STORE_MISSING"


class StoreFormatError(StorageError):
    """The store was written by a newer release; install that release."""

    reason = "STORE_FORMAT_NEWER"


class StoreStaleError(StorageError):
    """The store is an older copy of itself; it must not serve what it has forgotten."""

    reason = "STORE_STALE"


class EpochFencedError(StorageError):
    """A newer primary has been promised; this writer must stop."""

    reason = "EPOCH_FENCED"


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Who a store is; never changes."""

    store_id: str
    tenant_id: str
    history_id: str
    """Changes at a restore; stores of unequal histories never replicate."""


class Store:
    """An owned, open store. Only the owning replica has one."""

    def __init__(
        self, directory: Path, environment: Environment, keyring: Keyring, ownership: Ownership
    ) -> None:
        self.directory = directory
        self.keyring = keyring
        self._environment = environment
        self._ownership = ownership
        self._overdue = OverdueReaders(directory)
        with environment.read() as view:
            self.identity = _identity(view, directory)

    @classmethod
    def create(
        cls, directory: Path, *, store_id: str, tenant_id: str, epoch: int, wrapping_key: bytes
    ) -> None:
        """Make an empty store, complete or not at all."""
        scratch = directory.with_name(f"{directory.name}.new-{secrets.token_hex(4)}")
        scratch.mkdir(mode=0o700, parents=True)
        try:
            _fill(
                scratch,
                StoreIdentity(store_id, tenant_id, secrets.token_hex(16)),
                epoch,
                wrapping_key,
            )
            scratch.rename(directory)
        except OSError as error:
            raise StorageError(
                f"{directory.name}: cannot be created ({error.strerror}); free space, then try again"
            ) from error
        finally:
            # On a full disk it is tried again and again: what is half made must not pile up.
            shutil.rmtree(scratch, ignore_errors=True)
        _sync_directory(directory.parent)

    @classmethod
    def open(cls, directory: Path, *, wrapping_key: bytes) -> "Store":
        """Own and open an existing store; a process that still holds it is ended first."""
        if not directory.is_dir():
            raise StoreMissingError(
                f"{directory.name}: no such directory; restore it from an image"
            )
        tenant_id = _check_manifest(directory)
        ownership = Ownership.take(directory / "OWNER")
        keyring = Keyring.open(
            directory / "keyring", wrapping_key=wrapping_key, tenant_id=tenant_id
        )
        return cls(directory, Environment(directory, writable=True), keyring, ownership)

    def begin_opening(self, *, incarnation: int, low_water: int) -> int:
        """Note in the store that it is being opened; the incarnation to compare-and-set next.

        Args:
            incarnation: how often the registry says this store was opened.
            low_water: a position the registry knows this store had reached.

        Raises:
            StoreStaleError: the directory is a copy from an earlier opening, or has lost entries.
        """
        with self._environment.read() as view:
            opened, opening = number(view, _OPEN), number(view, _OPENING)
            position = number(view, b"position")
        if incarnation not in {opened, opening} or position < low_water:
            raise StoreStaleError(
                f"{self.directory.name}: opened {opened} times at position {position}, the registry "
                f"knows {incarnation} and at least {low_water}; put the newest copy back"
            )
        with self._environment.write() as batch:
            # The opening before may have ended before its last step: then `open` is behind, and a second
            # one that is cut short would leave neither number equal to the registry's.
            batch.put(LOCAL, _OPEN, incarnation.to_bytes(8, "big"))
            batch.put(LOCAL, _OPENING, (incarnation + 1).to_bytes(8, "big"))
        return incarnation + 1

    def finish_opening(self, incarnation: int) -> None:
        """The registry has the new incarnation; the store may serve."""
        with self._environment.write() as batch:
            batch.put(LOCAL, _OPEN, incarnation.to_bytes(8, "big"))

    @contextmanager
    def read(self) -> Iterator[ReadView]:
        """A view of the last committed state."""
        with self._environment.read() as view:
            yield view

    def open_view(self) -> tuple[ReadView, Callable[[], None]]:
        """A view that lives until the returned function is called."""
        return self._environment.open_view()

    @contextmanager
    def write(self, *, epoch: int) -> Iterator[WriteBatch]:
        """A durable transaction, refused when a newer primary has been promised."""
        with self._environment.write() as batch:
            promised = number(batch, _EPOCH)
            if promised != epoch:
                raise EpochFencedError(f"epoch {epoch} writes, {promised} is promised; step down")
            yield batch

    @property
    def size_bytes(self) -> int:
        """What the store's data file takes on disk."""
        return self._environment.size_bytes

    def reader_check(self) -> int:
        """Free the slots of readers that died, and end those that hold a view for too long."""
        self._overdue.end(self._environment, now_ms=time.monotonic_ns() // 1_000_000)
        return self._environment.reader_check()

    def close(self) -> None:
        """Release the file and the ownership."""
        self._environment.close()
        self.keyring.close()
        self._ownership.release()


def open_read_only(directory: Path) -> Environment:
    """The environment for a process that helps the owner: it reads, and never writes."""
    _check_manifest(directory)
    return Environment(directory, writable=False)


def number(view: ReadView, key: bytes) -> int:
    """A u64 of the table `local`; 0 when it was never set."""
    value = view.get(LOCAL, key)
    return 0 if value is None else int.from_bytes(value, "big")


def _fill(directory: Path, identity: StoreIdentity, epoch: int, wrapping_key: bytes) -> None:
    """Everything that an empty store's directory holds, on disk."""
    Keyring.create(directory / "keyring", wrapping_key=wrapping_key)
    environment = Environment(directory, writable=True)
    try:
        with environment.write() as batch:
            batch.put(LOCAL, _IDENTITY, json.dumps(asdict(identity)).encode())
            batch.put(LOCAL, _EPOCH, epoch.to_bytes(8, "big"))
    finally:
        environment.close()
    manifest = {"format": FORMAT, "lmdb": "0.9", **asdict(identity)}
    _write_durably(directory / "manifest.json", json.dumps(manifest, indent=2).encode())
    _sync_directory(directory)


def _identity(view: ReadView, directory: Path) -> StoreIdentity:
    value = view.get(LOCAL, _IDENTITY)
    if value is None:
        raise InvariantError(f"{directory.name}: the store has no identity")
    return StoreIdentity(**json.loads(bytes(value)))


def _check_manifest(directory: Path) -> str:
    """The id of the tenant whose store this is."""
    try:
        manifest = json.loads((directory / "manifest.json").read_bytes())
        found, tenant_id = int(manifest["format"]), str(manifest["tenant_id"])
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{directory.name}: manifest.json cannot be read ({error}); restore the store",
            reason="STORE_DAMAGED",
        ) from error
    if found > FORMAT:
        raise StoreFormatError(
            f"{directory.name}: format {found}, this release reads up to {FORMAT}; "
            "install the release that wrote it"
        )
    return tenant_id


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
