"""Frames on a unix socket: a size (4 bytes, little endian), then a protobuf message."""

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

from node.config import KIB, MIB

PROTOCOL_VERSION: Final = 1
SIZE_BYTES: Final = 4
_RECEIVE_SIZE: Final = 256 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """What both ends of a link agree on. A front and a replica must have equal sizes."""

    body_size_bytes_max: int = 4 * MIB
    """Of one call; an import message is the largest."""

    answer_size_bytes_max: int = 16 * MIB
    """Of one answer: a page of 120 whole products is the largest."""

    batch_size_bytes: int = 1 * MIB
    """A batch is closed when it has grown past this."""

    calls_max: int = 1_024
    """Calls of one client that are not answered yet, and calls under way in one server."""

    waiting_bytes_max: int = 32 * MIB
    """Bodies that wait in a client because the replica does not read."""

    connections_max: int = 64
    """Connections of one server: one for each front, and the agent's."""

    hello_ms_max: int = 2_000
    """Within this a new connection has named its tenant and was welcomed."""

    turn_ms_max: int = 5
    """How long a server works through waiting calls before its other tasks get a turn."""

    @property
    def frame_size_bytes_max(self) -> int:
        """A frame larger than this is damage, not data."""
        return self.batch_size_bytes + self.answer_size_bytes_max + 64 * KIB

    def __post_init__(self) -> None:
        if self.body_size_bytes_max > self.answer_size_bytes_max:
            raise ValueError("body_size_bytes_max must not exceed answer_size_bytes_max")


class FrameProtocol(asyncio.BufferedProtocol):
    """Cuts what arrives into frames and hands each to `frame_received`."""

    def __init__(self, limits: LinkLimits) -> None:
        self.limits = limits
        self.transport: asyncio.Transport | None = None
        # All connections of a thread's event loop share one buffer: each read is emptied before the
        # next begins, and thousands of quiet links must not hold a buffer each. (asyncio's plain
        # Protocol allocates 256 KiB for each read, which costs more than the read.)
        self._buffer = _shared_buffer()
        self._partial = bytearray()

    @abstractmethod
    def frame_received(self, frame: bytes) -> None:
        """One whole message."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._partial:
            self._partial += self._buffer[:nbytes]
            if len(self._partial) < self._expected_size():
                return
            received = bytes(self._partial)
            self._partial.clear()
        else:
            received = bytes(self._buffer[:nbytes])
        self._cut(received)

    def write_frame(self, content: bytes) -> None:
        """Send one message. Nothing happens when the connection is gone."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(len(content).to_bytes(SIZE_BYTES, "little") + content)

    def hang_up_at_once(self) -> None:
        """Close without sending what waits."""
        if self.transport is not None:
            self.transport.abort()

    def _cut(self, received: bytes) -> None:
        start, end = 0, len(received)
        while end - start >= SIZE_BYTES:
            body = start + SIZE_BYTES
            size = int.from_bytes(received[start:body], "little")
            if size > self.limits.frame_size_bytes_max:
                # The other end does not speak this protocol: nothing after this makes sense.
                self.hang_up_at_once()
                return
            if end - body < size:
                break
            start = body + size
            self.frame_received(received[body:start])
        if start < end:
            self._partial += received[start:]

    def _expected_size(self) -> int:
        if len(self._partial) < SIZE_BYTES:
            return SIZE_BYTES
        return SIZE_BYTES + int.from_bytes(self._partial[:SIZE_BYTES], "little")


def batches(sizes: Iterable[int], *, size_max: int) -> Iterable[tuple[int, int]]:
    """Cut items into runs [start, end) that each end once they have grown past `size_max` bytes."""
    start, total, end = 0, 0, 0
    for size in sizes:
        end += 1
        total += size
        if total > size_max:
            yield start, end
            start, total = end, 0
    if start < end:
        yield start, end


_thread = threading.local()


def _shared_buffer() -> memoryview:
    buffer = getattr(_thread, "buffer", None)
    if buffer is None:
        buffer = _thread.buffer = memoryview(bytearray(_RECEIVE_SIZE))
    return cast("memoryview", buffer)
