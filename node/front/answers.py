"""How a call of a front ends: with bytes, or with an error and its details."""

import time
from typing import Final, NoReturn, cast

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from node.errors import InvariantError, SaluhallError
from node.front.gate import Context
from node.front.metrics import FAILED, FrontMetrics
from node.status import STATUS_METADATA_KEY, error_from_status_bytes, status_bytes
from node.telemetry import CALL_FAILED
from protos.internal.link_pb2 import Answer

DURATION_METADATA_KEY: Final = "saluhall-duration-us"

_log = structlog.get_logger(__name__)
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def set_duration(context: Context, started_ns: int) -> None:
    """Say in the trailing metadata how long the platform took, so that equal answers stay equal."""
    duration_us = (time.perf_counter_ns() - started_ns) // 1_000
    context.set_trailing_metadata(((DURATION_METADATA_KEY, str(duration_us)),))


def body_of(answer: Answer) -> bytes:
    """The answer's body. Raises AnsweredError when the replica answered with an error."""
    if answer.error:
        raise AnsweredError(answer.error)
    return answer.body


class AnsweredError(Exception):
    """The replica's error: its bytes go to the client as they are."""

    def __init__(self, content: bytes) -> None:
        super().__init__("the replica answered with an error")
        self.content = content


async def fail(
    context: Context,
    error: Exception,
    *,
    started_ns: int,
    path: str,
    metrics: FrontMetrics,
) -> NoReturn:
    """End the call with this error. An error that is not ours is a bug: it goes to the log."""
    content = error.content if isinstance(error, AnsweredError) else status_bytes(error)
    if not isinstance(error, AnsweredError | SaluhallError) or isinstance(error, InvariantError):
        _log.error(CALL_FAILED, method=path, exc_info=error)
    try:
        status = Status.FromString(content)
        code = _CODES[status.code]
    except (DecodeError, KeyError):
        content = status_bytes(InvariantError("unreadable"))
        status, code = Status.FromString(content), grpc.StatusCode.INTERNAL
    metrics.count(FAILED)
    metrics.count(f"{FAILED}.{error_from_status_bytes(content).reason[:64]}")
    duration_us = (time.perf_counter_ns() - started_ns) // 1_000
    await context.abort(
        code,
        status.message,
        ((DURATION_METADATA_KEY, str(duration_us)), (STATUS_METADATA_KEY, content)),
    )
    raise cast("Exception", error)  # abort has raised; this tells the type checker so
