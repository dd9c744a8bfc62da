"""The replica's end of the link: calls in, answers out, one tenant only."""

import asyncio
import os
import socket
import struct
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, Final, Protocol

import structlog
from google.protobuf.message import DecodeError

from node.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    InvariantError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SaluhallError,
)
from node.ids import TenantId
from node.link.frames import PROTOCOL_VERSION, FrameProtocol, LinkLimits, batches
from node.status import status_bytes
from node.telemetry import CALL_FAILED, LINK_REFUSED
from protos.internal.link_pb2 import (
    Answer,
    AnswerBatch,
    Call,
    CallBatch,
    LinkHello,
    LinkWelcome,
)

_log = structlog.get_logger(__name__)
_BUSY_RETRY_MS: Final = 100
_FLUSH_S: Final = 0.001
_CLOSE_POLL_S: Final = 0.005
_PEER_CREDENTIALS: Final = struct.Struct("3i")


class CallHandler(Protocol):
    """Answers calls: the tenant's dispatcher."""

    async def handle(self, call: Call) -> Answer:
        """The answer; errors of our tree may be raised or stand in it.

        The first step, up to the first await that waits, runs in the link's own turn and not in a
        task: what needs a current task there (asyncio.timeout, TaskGroup) must await first.
        """
        ...


class LinkServer:
    """Listens on a unix socket for the calls of one tenant."""

    def __init__(
        self,
        handler: CallHandler,
        tenant_id: TenantId,
        socket_path: Path,
        *,
        limits: LinkLimits | None = None,
        on_invariant_broken: Callable[[InvariantError], None] | None = None,
    ) -> None:
        """`on_invariant_broken` is called after the caller was told INTERNAL: a replica ends."""
        self.handler = handler
        self.tenant_id = tenant_id
        self.limits = limits or LinkLimits()
        self.on_invariant_broken = on_invariant_broken
        self.calls: set[asyncio.Task[None]] = set()
        self.connections: set[_Connection] = set()
        self.is_closing = False
        self._socket_path = socket_path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises FailedPreconditionError unless the socket's directory is this user's own
        and closed to others (mode 0700).
        """
        _check_private(self._socket_path.parent)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: _Connection(self), str(self._socket_path), backlog=self.limits.connections_max
        )
        self._socket_path.chmod(0o600)

    async def close(self, *, grace_ms: int) -> None:
        """Listen no more, let calls under way end within `grace_ms`, then hang up."""
        if self._server is None:
            return
        self._server.close()
        self._socket_path.unlink(missing_ok=True)
        self.is_closing = True
        for connection in self.connections:
            connection.pause()
        loop = asyncio.get_running_loop()
        ends = loop.time() + grace_ms / 1_000
        while self._is_working() and loop.time() < ends:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(_CLOSE_POLL_S)
        late = tuple(self.calls)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for connection in tuple(self.connections):
            connection.hang_up()

    def _is_working(self) -> bool:
        return bool(self.calls) or any(c.waiting_count for c in self.connections)


class _Connection(FrameProtocol):
    """One front's connection."""

    def __init__(self, server: LinkServer) -> None:
        super().__init__(server.limits)
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._is_welcome = False
        self._inbox: deque[tuple[float, Call]] = deque()
        self._is_working = False
        self._answers: list[Answer] = []
        self._is_flush_due = False
        self._hello_timer: asyncio.TimerHandle | None = None

    @property
    def waiting_count(self) -> int:
        """Calls that have arrived and not been begun."""
        return len(self._inbox)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self._server.connections) >= self.limits.connections_max:
            transport.close()
            return
        self._server.connections.add(self)
        self._hello_timer = self._loop.call_later(
            self.limits.hello_ms_max / 1_000, self._close_unless_welcome
        )

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        # Calls under way go on: a write must not stop in the middle because its caller left.
        self._server.connections.discard(self)
        self._inbox.clear()
        self._answers.clear()
        if self._hello_timer is not None:
            self._hello_timer.cancel()

    def frame_received(self, frame: bytes) -> None:
        try:
            if not self._is_welcome:
                self._greet(LinkHello.FromString(frame))
                return
            calls = CallBatch.FromString(frame).calls
        except DecodeError:
            self.hang_up_at_once()
            return
        now = self._loop.time()
        self._inbox.extend((now, call) for call in calls)
        if not self._is_working:
            self._work()

    def pause_writing(self) -> None:
        # A front that does not read its answers gets no more of its calls read.
        self.pause()

    def resume_writing(self) -> None:
        is_open = self.transport is not None and not self.transport.is_closing()
        if self.transport is not None and is_open and not self._server.is_closing:
            self.transport.resume_reading()

    def pause(self) -> None:
        """Read no further calls for now."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def hang_up(self) -> None:
        """Send what is ready and close."""
        self._flush()
        if self.transport is not None:
            self.transport.close()

    def _greet(self, hello: LinkHello) -> None:
        error = self._refusal(hello)
        if error is None:
            self._is_welcome = True
            self.write_frame(LinkWelcome().SerializeToString())
            return
        _log.warning(LINK_REFUSED, tenant=self._server.tenant_id, reason=error.reason)
        self.write_frame(LinkWelcome(error=status_bytes(error)).SerializeToString())
        self.hang_up()

    def _refusal(self, hello: LinkHello) -> SaluhallError | None:
        if hello.version != PROTOCOL_VERSION:
            return FailedPreconditionError(
                f"the link has version {PROTOCOL_VERSION}, the caller speaks {hello.version}",
                reason="LINK_VERSION",
            )
        if self._peer_user_id() != os.getuid():
            return PermissionDeniedError("another user's process", reason="WRONG_USER")
        if hello.tenant_id != self._server.tenant_id:
            return PermissionDeniedError(
                "this replica serves another tenant", reason="WRONG_TENANT"
            )
        return None

    def _peer_user_id(self) -> int:
        assert self.transport is not None
        connection: socket.socket = self.transport.get_extra_info("socket")
        size = _PEER_CREDENTIALS.size
        packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(_PEER_CREDENTIALS.unpack(packed)[1])

    def _close_unless_welcome(self) -> None:
        if not self._is_welcome:
            self.hang_up()

    def _work(self) -> None:
        """Begin calls that wait, for one turn at most."""
        self._is_working = True
        now = self._loop.time()
        turn_ends, flush_at = now + self.limits.turn_ms_max / 1_000, now + _FLUSH_S
        # Ends: each round takes a call away, and nothing is added within a turn.
        while self._inbox:
            arrived, call = self._inbox.popleft()
            self._begin(call, waited_s=now - arrived)
            now = self._loop.time()
            if now > flush_at:
                # The front can go on with these answers while we work on the others.
                self._flush()
                flush_at = now + _FLUSH_S
            if now > turn_ends and self._inbox:
                self._loop.call_soon(self._work)
                return
        self._is_working = False
        self._flush()

    def _begin(self, call: Call, *, waited_s: float) -> None:
        refusal = self._call_refusal(call, waited_s)
        if refusal is not None:
            self._put(call.id, Answer(error=status_bytes(refusal)))
            return
        coroutine = self._server.handler.handle(call)
        # A read never waits, so it is answered right here: no task, no turn of the loop.
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            self._put(call.id, stop.value)
        except Exception as error:  # noqa: BLE001 - translated, once, for every call
            self._fail(call, error)
        else:
            task = self._loop.create_task(self._finish(call, coroutine, awaited))
            self._server.calls.add(task)
            task.add_done_callback(self._server.calls.discard)

    async def _finish(
        self, call: Call, coroutine: Coroutine[Any, Any, Answer], awaited: object
    ) -> None:
        try:
            self._answer(call.id, await _rest(coroutine, awaited))
        except Exception as error:  # noqa: BLE001 - translated, once, for every call
            self._fail(call, error)

    def _call_refusal(self, call: Call, waited_s: float) -> SaluhallError | None:
        if len(self._server.calls) + len(self._inbox) >= self.limits.calls_max:
            return ResourceExhaustedError(
                f"{self.limits.calls_max} calls are under way for this tenant",
                reason="TENANT_BUSY",
                retry_delay_ms=_BUSY_RETRY_MS,
            )
        if waited_s * 1_000 >= call.deadline_ms:
            return DeadlineExceededError("the deadline passed before the call was begun")
        if len(call.body) > self.limits.body_size_bytes_max:
            return InvalidArgumentError(
                f"the request has {len(call.body)} bytes; "
                f"at most {self.limits.body_size_bytes_max} are allowed",
                reason="REQUEST_TOO_LARGE",
            )
        return None

    def _fail(self, call: Call, error: Exception) -> None:
        if not isinstance(error, SaluhallError) or isinstance(error, InvariantError):
            _log.error(
                CALL_FAILED, method=call.method, tenant=self._server.tenant_id, exc_info=error
            )
        self._answer(call.id, Answer(error=status_bytes(error)))
        if isinstance(error, InvariantError) and self._server.on_invariant_broken is not None:
            self._flush()
            self._server.on_invariant_broken(error)

    def _answer(self, call_id: int, answer: Answer) -> None:
        """Send an answer soon, with those of other tasks that end in the same turn."""
        self._put(call_id, answer)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _put(self, call_id: int, answer: Answer) -> None:
        size = len(answer.body)
        if size > self.limits.answer_size_bytes_max:
            answer = Answer(error=status_bytes(_too_large(size, self.limits)))
        answer.id = call_id
        self._answers.append(answer)

    def _flush(self) -> None:
        self._is_flush_due = False
        answers, self._answers = self._answers, []
        sizes = (len(answer.body) for answer in answers)
        for start, end in batches(sizes, size_max=self.limits.batch_size_bytes):
            batch = AnswerBatch()
            batch.answers.extend(answers[start:end])
            self.write_frame(batch.SerializeToString())


@types.coroutine
def _rest(
    coroutine: Coroutine[Any, Any, Answer], awaited: object
) -> Generator[object, Any, Answer]:
    """The rest of a coroutine whose first step was taken outside a task and waits for `awaited`."""
    try:
        # Ends with the coroutine, which says so by StopIteration.
        while True:
            try:
                value = yield awaited
            except BaseException as error:  # noqa: BLE001 - cancellation too belongs to it
                awaited = coroutine.throw(error)
            else:
                awaited = coroutine.send(value)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer


def _too_large(size: int, limits: LinkLimits) -> SaluhallError:
    return InvalidArgumentError(
        f"the answer has {size} bytes; at most {limits.answer_size_bytes_max} are allowed: "
        "ask for a smaller page or fewer fields",
        reason="ANSWER_TOO_LARGE",
    )


def _check_private(directory: Path) -> None:
    status = directory.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise FailedPreconditionError(
            f"{directory}: sockets must lie in a directory of this user with mode 0700, "
            f"this one has mode {status.st_mode & 0o777:04o} and user {status.st_uid}",
            reason="DIRECTORY_NOT_PRIVATE",
        )
