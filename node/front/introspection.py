"""Health and reflection: what load balancers and tools like grpcurl ask, without a key.

The standard services' messages, with handlers of our own: theirs wait without limit for a request
that never comes, and keep streams open for ever.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha.reflection import SERVICE_NAME as REFLECTION_SERVICE
from grpc_reflection.v1alpha.reflection import aio as reflection_aio
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from node.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from node.front.answers import fail
from node.front.config import FrontConfig
from node.front.gate import Context
from node.front.metrics import FrontMetrics
from node.front.reading import FirstReads

HEALTH_SERVICE: Final = "grpc.health.v1.Health"
_BUSY_RETRY_MS: Final = 1_000


class Introspection:
    """Health and reflection of one front."""

    def __init__(
        self,
        service_names: Iterable[str],
        *,
        reads: FirstReads,
        config: FrontConfig,
        metrics: FrontMetrics,
    ) -> None:
        names = sorted(service_names)
        self._statuses = dict.fromkeys(["", *names], HealthCheckResponse.SERVING)
        self._reads = reads
        self._config = config
        self._metrics = metrics
        self._reflection: Any = reflection_aio.ReflectionServicer(
            [*names, HEALTH_SERVICE, REFLECTION_SERVICE]
        )
        self._stopping = asyncio.Event()
        self._stream_count = 0

    def handlers(self) -> "dict[str, grpc.RpcMethodHandler[bytes, bytes]]":
        """What gRPC calls, by path."""
        check: Any = self._answering(self._check)
        watch: Any = self._answering(self._watch)
        reflect: Any = self._answering(self._reflect)
        return {
            f"/{HEALTH_SERVICE}/Check": grpc.stream_unary_rpc_method_handler(check),
            f"/{HEALTH_SERVICE}/Watch": grpc.stream_stream_rpc_method_handler(watch),
            f"/{REFLECTION_SERVICE}/ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
                reflect
            ),
        }

    def stop(self) -> None:
        """Say NOT_SERVING from now on."""
        self._statuses = dict.fromkeys(self._statuses, HealthCheckResponse.NOT_SERVING)
        self._stopping.set()

    def _answering(
        self, behave: Callable[[Context], Awaitable[bytes | None]]
    ) -> Callable[[object, Context], Awaitable[bytes | None]]:
        async def answer(_: object, context: Context) -> bytes | None:
            started_ns = time.perf_counter_ns()
            try:
                return await behave(context)
            except Exception as error:  # noqa: BLE001 - translated here, once
                return await fail(
                    context,
                    error,
                    started_ns=started_ns,
                    path=behave.__name__,
                    metrics=self._metrics,
                )

        return answer

    async def _check(self, context: Context) -> bytes:
        name = _service_name(await self._reads.read(context))
        if name not in self._statuses:
            raise NotFoundError(f"There is no service {name[:100]!r}", reason="SERVICE_UNKNOWN")
        return _health(self._statuses[name])

    async def _watch(self, context: Context) -> None:
        """The status now, and once more if the front stops meanwhile."""
        async with self._stream():
            name = _service_name(await self._reads.read(context))
            unknown = HealthCheckResponse.SERVICE_UNKNOWN
            await context.write(_health(self._statuses.get(name, unknown)))
            await self._stopping.wait()
            await context.write(_health(self._statuses.get(name, unknown)))

    async def _reflect(self, context: Context) -> None:
        async with self._stream():
            async for response in self._reflection.ServerReflectionInfo(
                self._reflection_requests(context), context
            ):
                await context.write(response.SerializeToString())

    async def _reflection_requests(self, context: Context) -> AsyncIterator[Any]:
        message: object = await self._reads.read(context)
        # Ends when the client sends no more, or with the stream's time.
        while isinstance(message, bytes):
            yield ServerReflectionRequest.FromString(message)
            message = await context.read()

    @asynccontextmanager
    async def _stream(self) -> AsyncIterator[None]:
        """A place among the few streams that may be open, for a while."""
        if self._stream_count >= self._config.introspections_max:
            raise ResourceExhaustedError(
                "Too many health and reflection streams are open; use Health/Check",
                retry_delay_ms=_BUSY_RETRY_MS,
            )
        self._stream_count += 1
        try:
            async with asyncio.timeout(self._config.introspection_ms_max / 1_000):
                yield
        except TimeoutError:
            raise DeadlineExceededError("The stream's time is over; open it again") from None
        finally:
            self._stream_count -= 1


def _service_name(message: bytes) -> str:
    try:
        return str(HealthCheckRequest.FromString(message).service)
    except ValueError as error:
        raise InvalidArgumentError("The request is not a HealthCheckRequest") from error


def _health(status: int) -> bytes:
    return bytes(HealthCheckResponse(status=status).SerializeToString())
