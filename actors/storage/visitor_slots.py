"""Which slot of a keyring holds which visitor's key: 12 bytes of memory for each visitor.

Most stand in two arrays sorted by the tag's first eight bytes; those that came since the arrays were made
stand in a small dictionary, which is merged into them when it has grown. Two tags may share their first
eight bytes, so what is found are candidates: the slot itself says whose it is.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from actors.storage.slots import TAG_SIZE

_MERGE_AT: Final = 16_384
"""New visitors in the dictionary: merging then costs about 5 ms with a million others."""

_PREFIX_SIZE: Final = 8


class VisitorSlots:
    """Finds the slots of a tag. Used by one thread at a time: the keyring has a lock."""

    def __init__(self, tags: bytes, numbers: npt.NDArray[np.uint32]) -> None:
        """`tags`: the ten bytes of each, one after the other."""
        rows = np.frombuffer(tags, np.uint8).reshape(len(numbers), TAG_SIZE)
        prefixes = np.ascontiguousarray(rows[:, :_PREFIX_SIZE]).view(">u8").reshape(-1)
        order = np.argsort(prefixes, kind="stable")
        self._sorted = (prefixes[order].astype(np.uint64), numbers[order])
        """Prefixes (u64, ascending) and slot numbers (u32)."""
        self._recent: dict[bytes, int] = {}
        self._destroyed: set[int] = set()
        """Slots in the arrays that hold nobody's key any more."""

    def __len__(self) -> int:
        return len(self._sorted[0]) + len(self._recent) - len(self._destroyed)

    def candidates(self, tag: bytes) -> list[int]:
        """Slots that may be the tag's, the newest first."""
        recent = self._recent.get(tag)
        found = [] if recent is None else [recent]
        prefixes, numbers = self._sorted
        prefix = np.uint64(int.from_bytes(tag[:_PREFIX_SIZE], "big"))
        at = int(prefixes.searchsorted(prefix))
        while at < len(prefixes) and prefixes[at] == prefix:
            number = int(numbers[at])
            if number not in self._destroyed:
                found.append(number)
            at += 1
        return found

    def add(self, tag: bytes, number: int) -> None:
        """A slot now holds this tag's key."""
        self._recent[tag] = number
        if len(self._recent) >= _MERGE_AT:
            self._merge()

    def remove(self, tag: bytes, number: int) -> None:
        """The slot holds nobody's key any more, and may be used again."""
        if self._recent.get(tag) == number:
            del self._recent[tag]
        else:
            self._destroyed.add(number)
            if len(self._destroyed) >= _MERGE_AT:
                self._merge()

    def _merge(self) -> None:
        prefixes, numbers = self._sorted
        if self._destroyed:
            kept = ~np.isin(numbers, np.fromiter(self._destroyed, np.uint32))
            prefixes, numbers = prefixes[kept], numbers[kept]
        new = np.array(
            [int.from_bytes(tag[:_PREFIX_SIZE], "big") for tag in self._recent], dtype=np.uint64
        )
        prefixes = np.concatenate([prefixes, new])
        numbers = np.concatenate([numbers, np.fromiter(self._recent.values(), np.uint32)])
        order = np.argsort(prefixes, kind="stable")
        self._sorted = (prefixes[order], numbers[order])
        self._recent = {}
        self._destroyed = set()
