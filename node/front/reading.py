"""The first message of a call, which must come soon.

A client that opens streams and sends nothing would hold a handler for each. gRPC itself bounds
this by nothing (keepalive and idle limits see a living connection), so all first reads stand in one
list, in the order in which they are due, and one timer cuts those that are late.
"""

import asyncio
from typing import Any, Final

import grpc

from node.errors import DeadlineExceededError, InvalidArgumentError

SWEEP_S: Final = 0.05


class FirstReads:
    """All calls of one front whose first message has not come yet."""

    def __init__(self, *, wait_ms_max: int) -> None:
        self._wait_ms_max = wait_ms_max
        self._loop = asyncio.get_running_loop()
        # In the order of their times, since all wait equally long.
        self._waiting: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    async def read(self, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        """The first message. Raises DeadlineExceededError when it is late, InvalidArgumentError
        when the client ended the call without one.
        """
        task = asyncio.current_task()
        assert task is not None
        self._waiting[task] = self._loop.time() + self._wait_ms_max / 1_000
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)
        try:
            message = await context.read()
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            raise DeadlineExceededError(
                f"The request's body did not come within {self._wait_ms_max} ms",
                reason="BODY_LATE",
            ) from None
        finally:
            self._waiting.pop(task, None)
        if isinstance(message, bytes):
            return message
        raise InvalidArgumentError("The call ended without a request", reason="BODY_MISSING")

    def close(self) -> None:
        """Watch no longer."""
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        now = self._loop.time()
        late = []
        for task, due in self._waiting.items():
            if due > now:
                break
            late.append(task)
        for task in late:
            del self._waiting[task]
            self._late.add(task)
            task.cancel()
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep) if self._waiting else None
