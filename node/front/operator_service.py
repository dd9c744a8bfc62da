"""The operator's port as gRPC sees it: who may call, for how long, and errors on the wire."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc import aio

from node.config import KIB, ServerPaths
from node.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    SaluhallError,
    UnavailableError,
)
from node.front.operator_tenants import Tenants
from node.status import STATUS_METADATA_KEY, status_bytes
from node.telemetry import CALL_FAILED
from node.tls.credentials import operator_of, operator_server_credentials
from protos.v1 import admin_pb2

SERVICE: Final = "saluhall.v1.AdminService"
DEADLINE_S_MAX: Final = 120.0
FIRST_MESSAGE_S_MAX: Final = 0.5
"""A call whose body does not come is cut: half-open calls must not add up."""

CALLS_MAX: Final = 64
SERVER_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 32),
    ("grpc.max_receive_message_length", 64 * KIB),
    ("grpc.max_metadata_size", 8 * KIB),
    ("grpc.absolute_max_metadata_size", 16 * KIB),
    ("grpc.server_handshake_timeout_ms", 3_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

_Answer = Callable[[bytes, float], Awaitable[Message]]
_Context = aio.ServicerContext[bytes, bytes]

_log = structlog.get_logger()


def open_server(paths: ServerPaths, tenants: Tenants, listen: str) -> tuple[aio.Server, int]:
    """A server for operators that is bound, not started, and its port.

    Raises UnavailableError when the address cannot be had.
    """
    server = aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, _handlers(tenants)),)
    )
    try:
        return server, server.add_secure_port(listen, operator_server_credentials(paths))
    except RuntimeError as error:
        raise UnavailableError(
            f"{listen}: cannot be listened on; is another server running there?"
        ) from error


def _handlers(tenants: Tenants) -> "dict[str, grpc.RpcMethodHandler[bytes, bytes]]":
    async def create(body: bytes, left_s: float) -> Message:
        return await tenants.create(admin_pb2.CreateTenantRequest.FromString(body), left_s=left_s)

    async def list_page(body: bytes, _: float) -> Message:
        return await tenants.list(admin_pb2.ListTenantsRequest.FromString(body))

    async def delete(body: bytes, _: float) -> Message:
        return tenants.delete(admin_pb2.DeleteTenantRequest.FromString(body))

    async def set_readers(body: bytes, _: float) -> Message:
        return tenants.set_readers(admin_pb2.SetReadersRequest.FromString(body))

    async def status(body: bytes, _: float) -> Message:
        admin_pb2.GetStatusRequest.FromString(body)
        return await tenants.status()

    return {
        "CreateTenant": _handler(create),
        "ListTenants": _handler(list_page),
        "DeleteTenant": _handler(delete),
        "SetReaders": _handler(set_readers),
        "GetStatus": _handler(status),
    }


def _handler(answer: _Answer) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """A unary method that reads its request itself, so that it decides how long that may take."""

    async def handle(_: object, context: _Context) -> bytes:
        try:
            return (await _guarded(answer, context)).SerializeToString()
        except SaluhallError as error:
            await _abort(context, error)
        except Exception as error:  # noqa: BLE001 - a bug must not reach the caller as text
            _log.exception(CALL_FAILED, service=SERVICE)
            await _abort(context, error)
        raise AssertionError("abort has raised")

    return grpc.stream_unary_rpc_method_handler(handle)


async def _guarded(answer: _Answer, context: _Context) -> Message:
    operator_of(context.auth_context())
    left_s = context.time_remaining()
    if left_s is None or left_s > DEADLINE_S_MAX:
        raise InvalidArgumentError(
            f"Set a deadline of at most {DEADLINE_S_MAX:g} s", reason="DEADLINE_REQUIRED"
        )
    try:
        async with asyncio.timeout(min(left_s, FIRST_MESSAGE_S_MAX)):
            body = await context.read()
    except TimeoutError:
        raise DeadlineExceededError("The request's body did not come") from None
    if not isinstance(body, bytes):
        raise InvalidArgumentError("The call carries no request")
    try:
        async with asyncio.timeout(left_s):
            return await answer(body, left_s)
    except DecodeError:
        raise InvalidArgumentError("The request cannot be read as its message") from None
    except TimeoutError:
        raise DeadlineExceededError("There was no answer before the deadline") from None


async def _abort(context: _Context, error: Exception) -> None:
    code = error.code if isinstance(error, SaluhallError) else grpc.StatusCode.INTERNAL.value[0]
    message = error.message if isinstance(error, SaluhallError) else "Internal error"
    await context.abort(
        next(status for status in grpc.StatusCode if status.value[0] == code),
        message,
        ((STATUS_METADATA_KEY, status_bytes(error)),),
    )
