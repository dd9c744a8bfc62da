"""How the arrays of a segment's columns become stored values of at most 1 MiB, and come back as views.

A group of arrays that is small enough is one value: a header of uint32 (how many arrays, then the bytes of each), and
the arrays, each at a multiple of 8 bytes. The arrays of a larger group are cut into parts of `PART_BYTES`, each a
value of its own, beside a value that holds the header alone.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.ports import ArrayReader
from node.errors import InvariantError

AnyArray = npt.NDArray[Any]

PART_BYTES: Final = 1 << 19
"""Half the largest value; a power of two, so that no element of an array is cut in two."""

_CUT: Final = 1 << 31


def encode_pieces(key: bytes, arrays: Sequence[AnyArray]) -> Iterator[tuple[bytes, bytes]]:
    """The values that hold a group of arrays; keys start with `key`."""
    sizes = [array.nbytes for array in arrays]
    header = struct.pack(f"<{len(sizes) + 1}I", len(sizes), *sizes)
    header += bytes(-len(header) % 8)
    if len(header) + sum(sizes) + 8 * len(sizes) <= PART_BYTES:
        pieces = [header]
        for array in arrays:
            pieces.append(array.tobytes())
            pieces.append(bytes(-array.nbytes % 8))
        yield key, b"".join(pieces)
        return
    yield key, struct.pack("<I", len(sizes) | _CUT) + header[4:]
    for index, array in enumerate(arrays):
        raw = np.ascontiguousarray(array).view(np.uint8)
        for part, start in enumerate(range(0, len(raw), PART_BYTES)):
            yield _part_key(key, index, part), raw[start : start + PART_BYTES].tobytes()


_JOINED_SHARE: Final = 16
"""Where one element in so many is asked for, all parts are joined: once, since such questions come again."""


class PieceArray:
    """A stored array, read part by part on demand: most queries touch only some of it."""

    __slots__ = ("_joined", "_load", "_parts", "_start", "_step", "_stop")

    def __init__(
        self,
        parts: dict[int, AnyArray],
        load: Callable[[int], AnyArray] | None,
        *,
        step: int,
        start: int,
        stop: int,
    ) -> None:
        """Elements `start` to `stop` of an array whose parts have `step` elements each."""
        self._parts = parts
        self._load = load
        self._step = step
        self._start = start
        self._stop = stop
        self._joined: AnyArray | None = None  # of several parts, once they were asked for together

    def __len__(self) -> int:
        return self._stop - self._start

    @property
    def is_one_part(self) -> bool:
        """Whether reading all elements makes no copy."""
        return self._start // self._step == max(self._stop - 1, self._start) // self._step

    def window(self, start: int, stop: int) -> "PieceArray":
        """The elements from `start` to `stop`, without reading them."""
        return PieceArray(
            self._parts,
            self._load,
            step=self._step,
            start=self._start + start,
            stop=self._start + stop,
        )

    def parts(self) -> Iterator[tuple[int, AnyArray]]:
        """The array's stretches in order, each with its first index."""
        at = self._start
        while at < self._stop:  # ends: every round passes the end of a part
            number = at // self._step
            end = min(self._stop, (number + 1) * self._step)
            base = number * self._step
            yield at - self._start, self._part(number)[at - base : end - base]
            at = end

    def whole(self) -> AnyArray:
        """All elements: a view when they lie in one part, else a copy."""
        if self._start >= self._stop:
            return self._part(0)[:0]
        if self._start // self._step == (self._stop - 1) // self._step:
            base = self._start // self._step * self._step
            return self._part(self._start // self._step)[self._start - base : self._stop - base]
        if self._joined is None:
            self._joined = np.concatenate([part for _, part in self.parts()])
        return self._joined

    def take(self, indices: npt.NDArray[np.int32]) -> AnyArray:
        """The elements at `indices`, which are sorted ascending."""
        if self._start // self._step == max(self._stop - 1, 0) // self._step:
            taken: AnyArray = self.whole().take(indices)
            return taken
        if not len(indices):
            return self._part(0)[:0]
        if self._joined is not None or len(indices) * _JOINED_SHARE > len(self):
            return self.whole().take(indices)
        numbers = range(self._start // self._step, (self._stop - 1) // self._step + 1)
        ends = [(number + 1) * self._step - self._start for number in numbers]
        taken_parts = []
        low = 0
        for number, high in zip(numbers, indices.searchsorted(ends).tolist(), strict=True):
            if low < high:
                shift = self._start - number * self._step
                taken_parts.append(self._part(number).take(indices[low:high] + shift))
            low = high
        return taken_parts[0] if len(taken_parts) == 1 else np.concatenate(taken_parts)

    def _part(self, number: int) -> AnyArray:
        part = self._parts.get(number)
        if part is None:
            if self._load is None:
                raise InvariantError(f"a stored array has no part {number}")
            part = self._parts[number] = self._load(number)
        return part


def open_pieces(
    reader: ArrayReader, key: bytes, dtypes: Sequence[type[np.generic]]
) -> tuple[PieceArray, ...] | None:
    """The arrays that `encode_pieces` stored under `key`, or None when there are none.

    The arrays are valid as long as the reader's view. Large ones are views of it; small ones are copied when the
    store did not align them.
    """
    value = reader.get_array(key)
    if value is None:
        return None
    (count,) = struct.unpack_from("<I", value)
    cut = bool(count & _CUT)
    count &= _CUT - 1
    if count != len(dtypes):
        raise InvariantError(f"{key!r} holds {count} arrays, not {len(dtypes)}: index damaged")
    sizes = struct.unpack_from(f"<{count}I", value, 4)
    if cut:
        return tuple(
            _cut_array(reader, key, index, size, dtype)
            for index, (size, dtype) in enumerate(zip(sizes, dtypes, strict=True))
        )
    raw = _aligned(value)
    at = 4 * (count + 1)
    opened = []
    for size, dtype in zip(sizes, dtypes, strict=True):
        at += -at % 8
        array = raw[at : at + size].view(dtype)
        opened.append(PieceArray({0: array}, None, step=len(array) + 1, start=0, stop=len(array)))
        at += size
    return tuple(opened)


def _aligned(value: memoryview) -> npt.NDArray[np.uint8]:
    """The bytes as an array at a multiple of 8: a view where the store aligned them, else a copy.

    The store aligns what is larger than a page, so only small values are copied.
    """
    raw = np.frombuffer(value, np.uint8) if len(value) else np.empty(0, np.uint8)
    return raw.copy() if raw.__array_interface__["data"][0] % 8 else raw


def _cut_array(
    reader: ArrayReader, key: bytes, index: int, size: int, dtype: type[np.generic]
) -> PieceArray:
    item_size = np.dtype(dtype).itemsize

    def load(number: int) -> AnyArray:
        value = reader.get_array(_part_key(key, index, number))
        if value is None:
            raise InvariantError(f"{key!r} lacks part {number} of array {index}: index damaged")
        return _aligned(value).view(dtype)

    parts: dict[int, AnyArray] = {} if size else {0: np.empty(0, dtype)}
    return PieceArray(parts, load, step=PART_BYTES // item_size, start=0, stop=size // item_size)


def _part_key(key: bytes, index: int, part: int) -> bytes:
    return key + struct.pack(">BI", index, part)
