"""The log of a segment's inventory patches: which ordinals were patched, so that a merge can catch up.

Ordinals stand in chunks; the oldest chunks are dropped, so a merge that took too long is done again.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.arrays import view_array
from actors.index.keys import PATCH_LOG, piece_key
from actors.index.ports import ArrayReader, ArrayWriter

_CHUNK_COUNT: Final = 1_024
_CHUNKS_KEPT_MAX: Final = 512


def log_patches(
    writer: ArrayWriter, prefix: bytes, patch_count: int, ordinals: NDArray[np.int32]
) -> None:
    """Append patched ordinals to the log of a segment that has seen `patch_count` so far."""
    end = patch_count + len(ordinals)
    for chunk in range(patch_count // _CHUNK_COUNT, -(-end // _CHUNK_COUNT)):
        low = max(chunk * _CHUNK_COUNT, patch_count)
        high = min((chunk + 1) * _CHUNK_COUNT, end)
        value = ordinals[low - patch_count : high - patch_count].astype(np.int32).tobytes()
        key = piece_key(prefix + PATCH_LOG, chunk)
        if low % _CHUNK_COUNT:
            begun = writer.get_array(key)
            value = (b"" if begun is None else bytes(begun)) + value
        writer.put_array(key, value)
        if chunk >= _CHUNKS_KEPT_MAX:
            writer.delete_array(piece_key(prefix + PATCH_LOG, chunk - _CHUNKS_KEPT_MAX))


def read_patches(
    reader: ArrayReader, prefix: bytes, *, start: int, stop: int
) -> NDArray[np.int32] | None:
    """The ordinals of patches `start` to `stop`, each once; None when the log no longer reaches back."""
    parts = list(_chunks(reader, prefix, start, stop))
    if any(part is None for part in parts):
        return None
    listed = [part for part in parts if part is not None]
    return np.unique(np.concatenate(listed)) if listed else np.empty(0, np.int32)


def _chunks(
    reader: ArrayReader, prefix: bytes, start: int, stop: int
) -> Iterator[NDArray[np.int32] | None]:
    for chunk in range(start // _CHUNK_COUNT, -(-stop // _CHUNK_COUNT)):
        value = reader.get_array(piece_key(prefix + PATCH_LOG, chunk))
        if value is None:
            yield None
            return
        low = max(start - chunk * _CHUNK_COUNT, 0)
        yield view_array(value, np.int32)[low : stop - chunk * _CHUNK_COUNT]
