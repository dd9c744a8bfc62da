"""What the index needs of the place its arrays live in."""

from collections.abc import Iterator
from typing import Protocol


class ArrayReader(Protocol):
    """One consistent view of the index's arrays: a read transaction, a scratch file, a dict in tests."""

    def get_array(self, key: bytes) -> memoryview | None:
        """The value, without a copy; valid only until the view ends. At most 1 MiB long."""
        ...

    def array_keys(self, prefix: bytes) -> Iterator[bytes]:
        """Keys that start with `prefix`, in byte order."""
        ...


class ArrayWriter(ArrayReader, Protocol):
    """A view that also writes; its own writes are visible to it at once."""

    def put_array(self, key: bytes, value: bytes | memoryview) -> None:
        """Keys are at most 500 bytes, values at most 1 MiB: longer arrays are split by the caller."""
        ...

    def delete_array(self, key: bytes) -> None:
        """Deleting what is not there is no error."""
        ...


class MemoryArrays:
    """Arrays in a dict: for the load-test runner's engine, and for tests."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def get_array(self, key: bytes) -> memoryview | None:
        value = self._values.get(key)
        return None if value is None else memoryview(value)

    def array_keys(self, prefix: bytes) -> Iterator[bytes]:
        return iter(sorted(key for key in self._values if key.startswith(prefix)))

    def put_array(self, key: bytes, value: bytes | memoryview) -> None:
        self._values[key] = bytes(value)

    def delete_array(self, key: bytes) -> None:
        self._values.pop(key, None)
