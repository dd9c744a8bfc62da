"""Imports: a stream of messages, each a call of its own, answered in order.

Reading goes on while messages are answered, but never more than a few ahead; a client that sends
faster is held back by gRPC's flow control. A message whose replica died is sent again as it was:
its request id, which is required, makes that harmless.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from node.errors import (
    Code,
    DeadlineExceededError,
    ResourceExhaustedError,
    SaluhallError,
    UnavailableError,
)
from node.front.answers import body_of, fail, set_duration
from node.front.config import FrontConfig
from node.front.gate import Context, Entrance, Gate
from node.front.methods import Method
from node.front.metrics import IMPORT_MESSAGES, REQUESTS, FrontMetrics
from node.status import error_from_status_bytes
from protos.internal.link_pb2 import Answer

ImportBehaviour = Callable[[object, Context], Awaitable[None]]

_BUSY_DELAY_MS: Final = 100


class Imports:
    """All imports of one front."""

    def __init__(self, *, gate: Gate, config: FrontConfig, metrics: FrontMetrics) -> None:
        self._gate = gate
        self._config = config
        self._metrics = metrics
        self._running: set[_Import] = set()

    def behaviour(self, method: Method) -> ImportBehaviour:
        """What gRPC calls for each import."""

        async def behave(_: object, context: Context) -> None:
            started_ns = time.perf_counter_ns()
            self._metrics.count(REQUESTS)
            try:
                await self._run(method, context)
            except Exception as error:  # noqa: BLE001 - translated here, once for every import
                await fail(
                    context,
                    error,
                    started_ns=started_ns,
                    path=method.path,
                    metrics=self._metrics,
                )
            set_duration(context, started_ns)

        return behave

    def stop(self) -> None:
        """Every import ends after the messages that were read; its client goes on elsewhere."""
        for running in self._running:
            running.stop()

    async def _run(self, method: Method, context: Context) -> None:
        entrance = self._gate.enter(method, context)
        try:
            await self._gate.check_key(entrance)
            running = _Import(self._gate, self._config, self._metrics, entrance, context)
            self._running.add(running)
            try:
                await running.run()
            finally:
                self._running.discard(running)
        finally:
            entrance.leave()


class _Import:
    def __init__(
        self,
        gate: Gate,
        config: FrontConfig,
        metrics: FrontMetrics,
        entrance: Entrance,
        context: Context,
    ) -> None:
        self._gate = gate
        self._config = config
        self._metrics = metrics
        self._entrance = entrance
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._places = asyncio.Semaphore(config.import_unanswered_max)
        # Bounded by the places: each entry holds one.
        self._unanswered: asyncio.Queue[asyncio.Future[Answer] | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[Answer]] = set()
        self._is_stopping = False

    async def run(self) -> None:
        """Answer messages in order until the client has sent its last."""
        self._reader = self._loop.create_task(self._read_all())
        try:
            async with asyncio.timeout_at(self._entrance.ends_s):
                # Ends with the reader, which puts None, or a failure, after its last message.
                while (answer := await self._unanswered.get()) is not None:
                    await self._context.write(body_of(await answer))
                    self._places.release()
        except TimeoutError:
            raise DeadlineExceededError("The import's deadline has passed") from None
        finally:
            started = [self._reader, *self._sending]
            for task in started:
                task.cancel()
            await asyncio.gather(*started, return_exceptions=True)

    def stop(self) -> None:
        """Read no further message."""
        self._is_stopping = True
        if self._reader is not None:
            self._reader.cancel()

    async def _read_all(self) -> None:
        try:
            # Ends when the client sends no more, breaks a rule, or the front stops.
            while (message := await self._read()) is not None:
                self._metrics.count(IMPORT_MESSAGES)
                sending = self._loop.create_task(self._send(message))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)
                self._unanswered.put_nowait(sending)
            self._unanswered.put_nowait(None)
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            self._put_failure(
                UnavailableError(
                    "This front is stopping; go on with the import on another connection",
                    reason="FRONT_STOPPING",
                )
            )
        except Exception as error:  # noqa: BLE001 - told to the client after the answers before it
            self._put_failure(error)

    def _put_failure(self, error: Exception) -> None:
        failure: asyncio.Future[Answer] = self._loop.create_future()
        failure.set_exception(error)
        failure.exception()  # the writer may never come to it, if the client leaves first
        self._unanswered.put_nowait(failure)

    async def _read(self) -> bytes | None:
        """The next message, when there is a place for it and the limits and the key allow it."""
        await self._places.acquire()
        try:
            async with asyncio.timeout(self._config.import_idle_ms_max / 1_000):
                message: object = await self._context.read()
        except TimeoutError:
            raise DeadlineExceededError(
                f"The import sent nothing for {self._config.import_idle_ms_max} ms",
                reason="IMPORT_IDLE",
            ) from None
        if not isinstance(message, bytes):
            return None  # EOF
        await self._check_key()
        # A limit slows an import down. Ends: each round waits until the limit has room again.
        while (refused := self._gate.charge(self._entrance)) is not None:  # noqa: ASYNC110
            await asyncio.sleep(refused.retry_delay_ms / 1_000)
        return message

    async def _check_key(self) -> None:
        """The key may be revoked while the import runs; the replica that knows may be away."""
        # Ends with a verdict, or the import's deadline (`run` cancels this).
        while True:
            try:
                await self._gate.check_key(self._entrance)
            except UnavailableError as error:
                await asyncio.sleep((error.retry_delay_ms or _BUSY_DELAY_MS) / 1_000)
            else:
                return

    async def _send(self, message: bytes) -> Answer:
        # Ends with an answer, an error, or the import's deadline (`run` cancels this).
        while True:
            try:
                answer = await self._gate.send(self._entrance, message)
                error = _busy_error(answer)
            except ResourceExhaustedError as refused:
                error = refused
            if error is None:
                return answer
            await asyncio.sleep((error.retry_delay_ms or _BUSY_DELAY_MS) / 1_000)


def _busy_error(answer: Answer) -> SaluhallError | None:
    """What the replica said, if it was that this call should come again later."""
    if not answer.error:
        return None
    error = error_from_status_bytes(answer.error)
    is_passing = error.code is Code.RESOURCE_EXHAUSTED and error.retry_delay_ms is not None
    return error if is_passing else None
