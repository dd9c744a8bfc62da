"""The keyring: the keys of one store, in a file of slots beside it (`slots.py` has their form).

Keys never stand in LMDB, the log, a copy or an image, so destroying a slot destroys what it protects
everywhere. They are wrapped under a key of the server, so that a stolen disk image of the store alone opens
nothing. The first 16 slots are the tenant's own:

    0  API keys are stored with it (HMAC-SHA256)
    1  ids that shops send (visitor, event, order, session) and queries are hashed with it
    2  attribution tokens are signed with it
    3  exports are signed with it (the seed of an Ed25519 key)

From slot 16 on each holds the key of one visitor, found by a tag: a hash of the visitor's id under slot 1.

A visitor's key exists before anything is stored under it: `create_visitor` makes it, `sync` writes it, the
transaction commits, `settle` makes it final. When the transaction fails, `forget_pending` destroys it.
"""

import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from actors.storage.slots import (
    KEY_SIZE,
    NO_TAG,
    SLOT_SIZE,
    TAG_SIZE,
    KeyringDamagedError,
    SlotFile,
    are_whole,
    encode_slot,
    tag_of,
    unwrap_slot,
)
from actors.storage.visitor_key import VisitorKey, storage_id_of
from actors.storage.visitor_slots import VisitorSlots
from node.errors import InvariantError, ResourceExhaustedError
from node.telemetry import KEYRING_SLOTS_TORN

__all__ = ["Keyring", "KeyringDamagedError", "VisitorKey", "wrapping_key"]

FIRST_VISITOR_SLOT: Final = 16
VISITORS_MAX: Final = 4_000_000
"""256 MB of slots, and 48 MB of memory."""

CACHED_KEYS_MAX: Final = 32_768
"""Unwrapped keys of visitors at hand, in each of two generations of at most 20 MB; unwrapping one costs about 12 us."""

_API_KEYS: Final = (0, 1)
_IDS: Final = (1, 2)
_TOKENS: Final = (2, 3)
_EXPORTS: Final = (3, 4)
_FIXED: Final = (_API_KEYS, _IDS, _TOKENS, _EXPORTS)
"""Slot number and kind of every key that a tenant has."""

_KIND_VISITOR: Final = 16


class Keyring:
    """The keys of one store. Visitors' keys change in the writer's thread; any thread may read."""

    def __init__(
        self, file: SlotFile, *, wrapping_key: bytes, tenant_id: str, fixed: dict[int, bytes]
    ) -> None:
        self._file = file
        self._wrapping = wrapping_key
        self._tenant_id = tenant_id
        self._fixed = fixed
        self._visitors = VisitorSlots(b"", np.zeros(0, np.uint32))
        self._free: list[int] = []
        """Slots before `_end` that hold nothing."""

        self._end = FIRST_VISITOR_SLOT
        self._pending: dict[bytes, tuple[int, VisitorKey, bytes]] = {}
        """Slot, key and encoded slot of visitors whose transaction has not committed, by tag."""

        self._retired: dict[bytes, bytes] = {}
        """Storage ids of visitors whose key a transaction on its way, or one just done, destroys; by tag."""

        self._is_written = False
        self._cache: dict[bytes, VisitorKey] = {}
        self._cache_before: dict[bytes, VisitorKey] = {}
        self._lock = threading.RLock()
        self._id_hmac = hmac.new(self._key(_IDS), b"", hashlib.sha256) if 1 in fixed else None

    @classmethod
    def create(cls, path: Path, *, wrapping_key: bytes) -> None:
        """Write a new keyring with fresh keys, durably."""
        content = b"".join(_fresh_slot(kind, wrapping_key) for _, kind in _FIXED)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.pwrite(descriptor, content, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @classmethod
    def open(cls, path: Path, *, wrapping_key: bytes, tenant_id: str) -> "Keyring":
        """Open for the owner: keys that an older release did not have are made, torn slots are freed.

        Raises:
            KeyringDamagedError: a key of the tenant is damaged, or the wrapping key is another one.
        """
        content = _read(path)
        fixed = _fixed_keys(content, wrapping_key, path)
        file = SlotFile(path, writable=True)
        missing = {slot: kind for slot, kind in _FIXED if slot not in fixed}
        if missing:
            made = {slot: _fresh_slot(kind, wrapping_key) for slot, kind in missing.items()}
            file.write(made)
            for slot, encoded in made.items():
                fixed[slot] = unwrap_slot(encoded, missing[slot], wrapping_key, path)
        keyring = cls(file, wrapping_key=wrapping_key, tenant_id=tenant_id, fixed=fixed)
        keyring._load(content)
        return keyring

    @classmethod
    def open_read_only(cls, path: Path, *, wrapping_key: bytes, tenant_id: str) -> "Keyring":
        """Open beside the owner: the tenant's own keys and nobody's else."""
        fixed = _fixed_keys(_read(path, FIRST_VISITOR_SLOT * SLOT_SIZE), wrapping_key, path)
        file = SlotFile(path, writable=False)
        return cls(file, wrapping_key=wrapping_key, tenant_id=tenant_id, fixed=fixed)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def secret_hmac(self, secret: str) -> bytes:
        """What is stored of an API key's random part. It has 256 bits, so no slow hash is needed."""
        return hmac.digest(self._key(_API_KEYS), secret.encode(), hashlib.sha256)

    def id_hash(self, label: str, text: str) -> bytes:
        """32 bytes that stand for an id the shop sent; `label` says what kind of id it is."""
        if self._id_hmac is None:
            raise self._missing(_IDS)
        digest = self._id_hmac.copy()
        digest.update(f"{label}/{text}".encode())
        return digest.digest()

    def tag_of(self, visitor_id: str) -> bytes:
        """What a visitor's slot is found by."""
        return self.id_hash("visitor", visitor_id)[:TAG_SIZE]

    def token_key(self) -> bytes:
        """Signs attribution tokens; 32 bytes."""
        return self._key(_TOKENS)

    def signing_key(self) -> bytes:
        """Signs exports: the 32-byte seed of an Ed25519 key."""
        return self._key(_EXPORTS)

    @property
    def visitor_count(self) -> int:
        """How many visitors have a key, pending ones included."""
        return len(self._visitors) + len(self._pending)

    def visitor(self, tag: bytes) -> VisitorKey | None:
        """The visitor's key; None when there is none."""
        with self._lock:
            key = self._cache.get(tag)
            if key is not None:
                return key
            key = self._cache_before.get(tag)
            if key is None and tag in self._pending:
                return self._pending[tag][1]
            if key is None:
                found = self._find(tag)
                if found is None:
                    return None
                key = VisitorKey(found[1], tag=tag, tenant_id=self._tenant_id)
            self._remember(key)
            return key

    def create_visitor(self, tag: bytes) -> VisitorKey:
        """A new key, which is written by `sync` and final after `settle`.

        Raises:
            ResourceExhaustedError: the tenant has as many visitors as it may.
        """
        with self._lock:
            if tag in self._pending or tag in self._cache:
                raise InvariantError("a visitor who has a key was to be given another")
            if self.visitor_count >= VISITORS_MAX:
                raise ResourceExhaustedError(
                    f"{VISITORS_MAX} visitors have a profile; keep events for fewer days",
                    reason="VISITORS_FULL",
                )
            secret = secrets.token_bytes(KEY_SIZE)
            number = self._take_slot()
            key = VisitorKey(secret, tag=tag, tenant_id=self._tenant_id)
            slot = encode_slot(_KIND_VISITOR, tag, secret, self._wrapping)
            self._pending[tag] = (number, key, slot)
            return key

    def sync(self) -> None:
        """Write the pending keys, durably: called before the transaction that uses them commits."""
        if self._pending:
            self._is_written = True
            self._file.write({number: slot for number, _, slot in self._pending.values()})

    def settle(self) -> None:
        """The transaction has committed: its visitors' keys stay, and those it retired are destroyed."""
        with self._lock:
            for tag, (number, key, _) in self._pending.items():
                self._visitors.add(tag, number)
                self._remember(key)
            self._pending = {}
            self._is_written = False
        if self._retired:
            self.destroy_all(self._retired.items())
            self._retired = {}

    def forget_pending(self) -> None:
        """The transaction failed: none of its visitors' keys is left, and none was retired."""
        with self._lock:
            numbers = [number for number, _, _ in self._pending.values()]
            self._pending = {}
            self._retired = {}
            self._free += numbers
        if self._is_written:
            self._is_written = False
            self._file.destroy(numbers)

    def storage_ids(self, first: int, count: int) -> list[tuple[bytes, bytes]] | None:
        """Tags and storage ids of the visitors in `count` slots from slot `first` on; None: there are no more slots."""
        if first >= self._end:
            return None
        found = []
        for number in range(first, min(first + count, self._end)):
            slot = self._file.read(number)
            if any(slot):
                key = unwrap_slot(slot, _KIND_VISITOR, self._wrapping, self._file.path)
                found.append((tag_of(slot), storage_id_of(key)))
        return found

    def retire(self, tag: bytes, storage_id: bytes) -> None:
        """Destroy this key as soon as the transaction has committed; until then it is given to nobody."""
        self._retired[tag] = storage_id

    def is_retired(self, tag: bytes) -> bool:
        """Whether a transaction on its way destroys this visitor's key: nothing may be tied to them."""
        return tag in self._retired

    def destroy(self, tag: bytes, storage_id: bytes) -> bool:
        """Overwrite the key of this visitor if it derives this storage id; False when no slot does."""
        return self.destroy_all([(tag, storage_id)]) > 0

    def destroy_all(self, visitors: Iterable[tuple[bytes, bytes]]) -> int:
        """The same of several visitors, with one sync; how many there were."""
        numbers = []
        with self._lock:
            for tag, storage_id in visitors:
                found = self._find(tag)
                if found is None or storage_id_of(found[1]) != storage_id:
                    continue
                self._cache.pop(tag, None)
                self._cache_before.pop(tag, None)
                self._visitors.remove(tag, found[0])
                numbers.append(found[0])
        if numbers:
            self._file.destroy(numbers)
            with self._lock:
                self._free += numbers
        return len(numbers)

    def _find(self, tag: bytes) -> tuple[int, bytes] | None:
        """Slot and key of a tag."""
        for number in self._visitors.candidates(tag):
            slot = self._file.read(number)
            if tag_of(slot) == tag:
                key = unwrap_slot(slot, _KIND_VISITOR, self._wrapping, self._file.path)
                return number, key
        return None

    def _remember(self, key: VisitorKey) -> None:
        self._cache[key.tag] = key
        if len(self._cache) >= CACHED_KEYS_MAX:
            self._cache_before, self._cache = self._cache, {}

    def _take_slot(self) -> int:
        if self._free:
            return self._free.pop()
        self._end += 1
        return self._end - 1

    def _load(self, content: bytes) -> None:
        """Find every visitor's slot, and free those that are not whole."""
        slots = np.frombuffer(content[: len(content) // SLOT_SIZE * SLOT_SIZE], np.uint8)
        slots = slots.reshape(-1, SLOT_SIZE)
        used = np.flatnonzero(slots.any(axis=1))
        used = used[used >= FIRST_VISITOR_SLOT]
        is_good = are_whole(slots[used], _KIND_VISITOR)
        numbers = used[is_good].astype(np.uint32)
        torn: list[int] = used[~is_good].tolist()
        self._visitors = VisitorSlots(slots[numbers, 6:16].tobytes(), numbers)
        self._end = int(numbers[-1]) + 1 if len(numbers) else FIRST_VISITOR_SLOT
        free = np.ones(self._end, bool)
        free[:FIRST_VISITOR_SLOT] = False
        free[numbers] = False
        self._free = np.flatnonzero(free).tolist()
        if torn:
            self._file.destroy(torn)
            structlog.get_logger(__name__).warning(KEYRING_SLOTS_TORN, count=len(torn))

    def _key(self, which: tuple[int, int]) -> bytes:
        key = self._fixed.get(which[0])
        if key is None:
            raise self._missing(which)
        return key

    def _missing(self, which: tuple[int, int]) -> KeyringDamagedError:
        return KeyringDamagedError(
            f"{self._file.path.name}: slot {which[0]} is empty; let the primary open the store first"
        )


def wrapping_key(platform_key: bytes, tenant_id: str) -> bytes:
    """The key that wraps this tenant's keyring on this server."""
    label = b"saluhall/keyring/v1/" + tenant_id.encode()
    return hmac.digest(platform_key, label, hashlib.sha256)


def _read(path: Path, size_max: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size_max)
    except FileNotFoundError as error:
        raise KeyringDamagedError(f"{path.name}: is missing; restore the file") from error


def _fresh_slot(kind: int, wrapping: bytes) -> bytes:
    return encode_slot(kind, NO_TAG, secrets.token_bytes(KEY_SIZE), wrapping)


def _fixed_keys(content: bytes, wrapping: bytes, path: Path) -> dict[int, bytes]:
    """The tenant's own keys that the file has; the first is in every keyring."""
    keys = {}
    for slot, kind in _FIXED:
        encoded = content[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE]
        if slot == _API_KEYS[0] or any(encoded):
            keys[slot] = unwrap_slot(encoded, kind, wrapping, path)
    return keys
