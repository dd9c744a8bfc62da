"""One front, composed: table, gate, routes, and gRPC's server around them."""

import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import grpc
import structlog

from node.clock import Clock
from node.config import ServerPaths
from node.errors import FailedPreconditionError
from node.front.callers import Callers
from node.front.config import SERVER_OPTIONS, FrontConfig
from node.front.gate import Gate
from node.front.imports import Imports
from node.front.introspection import Introspection
from node.front.methods import SERVICES, Kind, Method, method_table
from node.front.metrics import FrontMetrics
from node.front.reading import FirstReads
from node.front.routing import RegistryReader, Router
from node.front.unary import unary_behaviour
from node.limits import Admission
from node.telemetry import FRONT_STOPPED, FRONT_STOPS

_log = structlog.get_logger(__name__)


class Front:
    """The gRPC entrance of one server; several may share the public port."""

    def __init__(
        self,
        *,
        paths: ServerPaths,
        registry: RegistryReader,
        platform_key: bytes,
        credentials: Callable[[], grpc.ServerCredentials],
        clock: Clock,
        config: FrontConfig,
    ) -> None:
        """`credentials` is called for each port: gRPC wants an object of its own for each.

        Raises InvariantError when an RPC has no row in the method table.
        """
        self.metrics = FrontMetrics()
        self._config = config
        self._credentials = credentials
        self._router = Router(
            registry, paths, config=config.routing, limits=config.link, metrics=self.metrics
        )
        callers = Callers(
            platform_key,
            self._router,
            Admission(config.limits),
            clock=clock,
            config=config.verdicts,
            metrics=self.metrics,
        )
        gate = Gate(callers, self._router, clock)
        self._reads = FirstReads(wait_ms_max=config.body_ms_max)
        self._imports = Imports(gate=gate, config=config, metrics=self.metrics)
        self._introspection = Introspection(
            [service.full_name for service in SERVICES],
            reads=self._reads,
            config=config,
            metrics=self.metrics,
        )
        handlers = {
            path: self._handler(method, gate) for path, method in method_table().items()
        } | self._introspection.handlers()
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        self._server.add_generic_rpc_handlers((_Handlers(handlers),))

    async def start(self, *, listen: str, own_listen: str | None) -> tuple[str, str | None]:
        """Serve on the shared address and, if there is one, on this front's own; the addresses.

        Raises FailedPreconditionError when an address cannot be had.
        """
        bound = self._bind(listen)
        own_bound = None
        if own_listen is not None:
            # The port option that lets fronts share would let strangers share this one as well.
            check_free(own_listen)
            own_bound = self._bind(own_listen)
        self._router.start()
        await self._server.start()
        return bound, own_bound

    async def stop(self) -> None:
        """Take no more calls, let those under way end, and hang up."""
        _log.info(FRONT_STOPS)
        self._introspection.stop()
        self._imports.stop()
        await self._server.stop(self._config.stop_grace_ms / 1_000)
        self._reads.close()
        await self._router.close()
        _log.info(FRONT_STOPPED, counts=self.metrics.snapshot())

    def _handler(self, method: Method, gate: Gate) -> "grpc.RpcMethodHandler[bytes, bytes]":
        behaviour: Any
        if method.kind is Kind.IMPORT:
            behaviour = self._imports.behaviour(method)
            return grpc.stream_stream_rpc_method_handler(behaviour)
        behaviour = unary_behaviour(method, gate=gate, reads=self._reads, metrics=self.metrics)
        return grpc.stream_unary_rpc_method_handler(behaviour)

    def _bind(self, address: str) -> str:
        host, _, _ = address.rpartition(":")
        try:
            port = self._server.add_secure_port(address, self._credentials())
        except RuntimeError as error:
            raise _not_free(address) from error
        return f"{host}:{port}"


class _Handlers(grpc.GenericRpcHandler):
    """All handlers in one dictionary: gRPC asks this for every call."""

    def __init__(self, handlers: "Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]") -> None:
        self._handlers = MappingProxyType(dict(handlers))

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        return self._handlers.get(handler_call_details.method)


def check_free(address: str) -> None:
    """Raise FailedPreconditionError when somebody listens on this address already."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise _not_free(address) from error


def _not_free(address: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"{address}: cannot listen there; another process has the port, or the address is not "
        "this machine's",
        reason="ADDRESS_NOT_FREE",
    )
