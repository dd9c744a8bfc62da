"""A cache with a maximum: the entry that was used least recently makes room."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """At most `count_max` entries, all of them evictable."""

    __slots__ = ("_count_max", "_entries")

    def __init__(self, *, count_max: int) -> None:
        if count_max < 1:
            raise ValueError(f"count_max is {count_max}; at least 1 is needed")
        self._count_max = count_max
        self._entries: dict[Key, Value] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """The entry, which now counts as used most recently; None if there is none."""
        value = self._entries.pop(key, None)
        if value is not None:
            self._entries[key] = value
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep an entry, in place of the one used least recently if the cache is full."""
        self._entries.pop(key, None)
        if len(self._entries) >= self._count_max:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value
