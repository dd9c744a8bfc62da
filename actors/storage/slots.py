"""The file of a keyring: 64-byte slots, each with one wrapped key, overwritten in place and synced.

    offset  size  what
    0       4     b"SLK1"
    4       2     kind, u16
    6       10    the visitor's tag; zero for the keys that every tenant has
    16      40    the 32-byte key, wrapped (RFC 3394) under a key of the server
    56      8     xxh3_64 of bytes 0 to 55

A slot of zeros is free. A slot whose checksum is wrong was being written or destroyed when the power went:
nothing that was committed needs it, so it counts as free.
"""

import os
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from node.errors import StorageError

SLOT_SIZE: Final = 64
TAG_SIZE: Final = 10
KEY_SIZE: Final = 32
NO_TAG: Final = bytes(TAG_SIZE)

_MAGIC: Final = b"SLK1"
_FREE: Final = bytes(SLOT_SIZE)
_GROWTH_SLOTS_MIN: Final = 1_024
_CHECKED_AT_A_TIME: Final = 65_536
_GROWTH_SHARE: Final = 8
"""A file grows by this part of itself: few syncs of its length, little room unused."""


class KeyringDamagedError(StorageError):
    """The keyring cannot be read with this server's key; put back the right file or platform key."""

    reason = "KEYRING_DAMAGED"


def encode_slot(kind: int, tag: bytes, key: bytes, wrapping: bytes) -> bytes:
    """A slot as it stands in the file."""
    body = _MAGIC + kind.to_bytes(2, "big") + tag + aes_key_wrap(wrapping, key)
    return body + xxhash.xxh3_64_digest(body)


def is_whole(slot: bytes) -> bool:
    """Whether it was written to its end."""
    return (
        len(slot) == SLOT_SIZE
        and slot[:4] == _MAGIC
        and xxhash.xxh3_64_digest(slot[:56]) == slot[56:]
    )


def are_whole(slots: npt.NDArray[np.uint8], kind: int) -> npt.NDArray[np.bool_]:
    """Which slots (rows of 64 bytes) are whole and of this kind: a quarter of a second for a million."""
    head = np.frombuffer(_MAGIC + kind.to_bytes(2, "big"), np.uint8)
    found: npt.NDArray[np.bool_] = (slots[:, :6] == head).all(axis=1)
    for start in range(0, len(slots), _CHECKED_AT_A_TIME):
        some = slots[start : start + _CHECKED_AT_A_TIME]
        content = some.tobytes()
        digests = b"".join(
            [
                xxhash.xxh3_64_digest(content[at : at + 56])
                for at in range(0, len(content), SLOT_SIZE)
            ]
        )
        sums = np.frombuffer(digests, np.uint8).reshape(-1, 8)
        found[start : start + len(some)] &= (some[:, 56:] == sums).all(axis=1)
    return found


def kind_of(slot: bytes) -> int:
    """What the slot's key is for."""
    return int.from_bytes(slot[4:6], "big")


def tag_of(slot: bytes) -> bytes:
    """Whose key the slot holds."""
    return slot[6:16]


def unwrap_slot(slot: bytes, kind: int, wrapping: bytes, path: Path) -> bytes:
    """The key in a slot.

    Raises:
        KeyringDamagedError: the slot is no whole slot of this kind, or of another server.
    """
    if len(slot) != SLOT_SIZE or slot[:4] != _MAGIC or kind_of(slot) != kind:
        raise KeyringDamagedError(f"{path.name}: not a keyring of this format; restore the file")
    if not is_whole(slot):
        raise KeyringDamagedError(f"{path.name}: a slot's checksum is wrong; restore the file")
    try:
        return aes_key_unwrap(wrapping, slot[16:56])
    except InvalidUnwrap as error:
        raise KeyringDamagedError(
            f"{path.name}: this server's platform.key does not open it; put the right one back"
        ) from error


class SlotFile:
    """The open file. Slots are named by their number; whoever holds it decides which are free."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        self._count = os.fstat(self._descriptor).st_size // SLOT_SIZE

    def read(self, number: int) -> bytes:
        """One slot; shorter or empty beyond the end of the file."""
        return os.pread(self._descriptor, SLOT_SIZE, number * SLOT_SIZE)

    def write(self, slots: dict[int, bytes]) -> None:
        """Overwrite slots in place; all of them are on the disk when this returns."""
        if not slots:
            return
        try:
            self._grow(max(slots) + 1)
            for first, content in _runs(slots):
                os.pwrite(self._descriptor, content, first * SLOT_SIZE)
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise StorageError(
                f"{self.path.name}: cannot be written ({error.strerror}); free space, then send the request again",
                reason="DISK_FULL",
                retry_delay_ms=1_000,
            ) from error

    def destroy(self, numbers: list[int]) -> None:
        """Overwrite slots with zeros, durably; those beyond the file's end were never written."""
        self.write({number: _FREE for number in numbers if number < self._count})

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _grow(self, count: int) -> None:
        """Fill the file with zeros ahead, so that a later sync has no new length to write."""
        if count <= self._count:
            return
        # A file of only the fixed slots stays as small as it is until the first visitor comes.
        ahead = 0 if count <= 16 else max(_GROWTH_SLOTS_MIN, self._count // _GROWTH_SHARE)
        target = count + ahead
        zeros = bytes((target - self._count) * SLOT_SIZE)
        os.pwrite(self._descriptor, zeros, self._count * SLOT_SIZE)
        os.fsync(self._descriptor)
        self._count = target


def _runs(slots: dict[int, bytes]) -> list[tuple[int, bytes]]:
    """Neighbouring slots together: one call of the system for each run."""
    runs: list[tuple[int, list[bytes]]] = []
    for number in sorted(slots):
        if runs and runs[-1][0] + len(runs[-1][1]) == number:
            runs[-1][1].append(slots[number])
        else:
            runs.append((number, [slots[number]]))
    return [(first, b"".join(contents)) for first, contents in runs]
