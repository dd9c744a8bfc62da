"""The scratch file between builder and owner: key and value pairs, with a checksum at the end.

A pair is the lengths of key and value (u32 each, little-endian), the key, the value. The last pair has
an empty key and the xxh3_128 of everything before it, so a file that was cut short is told apart.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import xxhash

from node.config import MIB
from node.errors import StorageError

CHUNK_SIZE_BYTES_MAX: Final = MIB
"""What one transaction copies: a longer one would make writers wait (4 ms at 1 MiB)."""

_LENGTHS: Final = struct.Struct("<II")
Entry = tuple[bytes, bytes]


class ScratchDamagedError(StorageError):
    """The builder's file is not whole; the merge is done again."""

    reason = "SCRATCH_DAMAGED"


def write_scratch(path: Path, entries: Iterable[Entry]) -> None:
    """Write all entries and the closing checksum."""
    digest = xxhash.xxh3_128()
    with path.open("wb") as file:
        for key, value in entries:
            head = _LENGTHS.pack(len(key), len(value)) + key
            digest.update(head)
            digest.update(value)
            file.write(head)
            file.write(value)
        file.write(_LENGTHS.pack(0, 16) + digest.digest())


def read_chunks(path: Path) -> Iterator[list[Entry]]:
    """The entries in order, in chunks of at most 1 MiB of values (or one entry).

    Raises:
        ScratchDamagedError: before the last chunk is given, when the file is not whole.
    """
    digest = xxhash.xxh3_128()
    chunk: list[Entry] = []
    size_bytes = 0
    with path.open("rb") as file:
        while True:  # Ends at the closing pair, or with an error where there is none.
            key, value = _read_pair(file, path)
            if not key:
                if value != digest.digest():
                    raise ScratchDamagedError(f"{path.name}: the checksum is wrong")
                break
            digest.update(_LENGTHS.pack(len(key), len(value)) + key)
            digest.update(value)
            if chunk and size_bytes + len(value) > CHUNK_SIZE_BYTES_MAX:
                yield chunk
                chunk, size_bytes = [], 0
            chunk.append((key, value))
            size_bytes += len(value)
    if chunk:
        yield chunk


def _read_pair(file: BinaryIO, path: Path) -> Entry:
    lengths = file.read(_LENGTHS.size)
    if len(lengths) == _LENGTHS.size:
        key_length, value_length = _LENGTHS.unpack(lengths)
        key, value = file.read(key_length), file.read(value_length)
        if len(key) == key_length and len(value) == value_length:
            return key, value
    raise ScratchDamagedError(f"{path.name}: the file is cut short")
