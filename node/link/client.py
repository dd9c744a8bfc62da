"""The front's end of the link: many calls share one connection to one replica."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError

from node.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SaluhallError,
    UnavailableError,
)
from node.ids import TenantId
from node.link.frames import PROTOCOL_VERSION, FrameProtocol, LinkLimits, batches
from node.status import error_from_status_bytes
from protos.internal.link_pb2 import (
    Answer,
    AnswerBatch,
    Call,
    CallBatch,
    Caller,
    LinkHello,
    LinkWelcome,
)

SWEEP_S: Final = 0.02
"""Deadlines are checked this often, for all calls in one go: a timer for each call costs more."""

_BUSY_RETRY_MS: Final = 100


class LinkBrokenError(UnavailableError):
    """The replica's process or its socket is gone."""

    reason = "REPLICA_GONE"

    def __init__(self, message: str, *, may_have_run: bool) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run
        """False: the call was never sent, so sending it again cannot do it twice."""


class LinkClient:
    """One connection to one incarnation of one tenant's store; once broken it stays so."""

    def __init__(
        self,
        socket_path: Path,
        tenant_id: TenantId,
        *,
        limits: LinkLimits | None = None,
        on_broken: Callable[[], None] | None = None,
    ) -> None:
        self._socket_path = socket_path
        self._tenant_id = tenant_id
        self._limits = limits or LinkLimits()
        self._on_broken = on_broken
        self._protocol: _Connection | None = None
        self._opening: asyncio.Task[_Connection] | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls can be sent now."""
        return self._protocol is not None and self._protocol.is_open

    @property
    def unanswered_count(self) -> int:
        return 0 if self._protocol is None else len(self._protocol.unanswered)

    @property
    def heard_count(self) -> int:
        """Messages that have come: grows while the other end works."""
        return 0 if self._protocol is None else self._protocol.heard_count

    async def connect(self) -> None:
        """Open the connection, if it is not open.

        Raises LinkBrokenError when nobody listens, and what the replica says when it refuses us
        (PermissionDeniedError: it serves another tenant).
        """
        if self._protocol is not None:
            if not self._protocol.is_open:
                raise LinkBrokenError(f"{self._socket_path}: is closed", may_have_run=False)
            return
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(_look_at)
        # Whoever stops waiting must not stop the others.
        self._protocol = await asyncio.shield(self._opening)

    async def call(
        self, method: str, body: bytes, *, caller: Caller, deadline_ms: int, position_min: int
    ) -> Answer:
        """The answer to one call, which may hold an error; connects when that is needed.

        Raises LinkBrokenError (says whether the call may have run), DeadlineExceededError, and
        ResourceExhaustedError when too many calls wait.
        """
        if self._protocol is None:
            await self.connect()
        return await self.submit(
            method, body, caller=caller, deadline_ms=deadline_ms, position_min=position_min
        )

    def submit(
        self, method: str, body: bytes, *, caller: Caller, deadline_ms: int, position_min: int
    ) -> asyncio.Future[Answer]:
        """Like `call` on an open connection, without a coroutine of its own."""
        protocol = self._protocol
        if protocol is None or not protocol.is_open:
            raise LinkBrokenError(f"{self._socket_path}: is not open", may_have_run=False)
        return protocol.submit(
            Call(
                method=method,
                body=body,
                caller=caller,
                deadline_ms=deadline_ms,
                position_min=position_min,
            )
        )

    def hang_up(self) -> None:
        """Close; calls without an answer fail."""
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
        if self._protocol is not None:
            self._protocol.close()

    async def close(self) -> None:
        """Hang up and wait until that is done."""
        self.hang_up()
        # asyncio tells a connection of its end one turn later.
        await asyncio.sleep(0)

    async def _open(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.hello_ms_max / 1_000):
                _, protocol = await loop.create_unix_connection(
                    lambda: _Connection(self._limits, self._socket_path, self._on_broken),
                    str(self._socket_path),
                )
                try:
                    await protocol.greet(self._tenant_id)
                except BaseException:
                    protocol.close()
                    raise
        except (OSError, TimeoutError) as error:
            raise LinkBrokenError(
                f"{self._socket_path}: {error or 'no welcome in time'}", may_have_run=False
            ) from error
        return protocol


class _Connection(FrameProtocol):
    def __init__(
        self, limits: LinkLimits, socket_path: Path, on_broken: Callable[[], None] | None
    ) -> None:
        super().__init__(limits)
        self._loop = asyncio.get_running_loop()
        self._socket_path = socket_path
        self._on_broken = on_broken
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        self.unanswered: dict[int, tuple[asyncio.Future[Answer], float]] = {}
        self._waiting: list[Call] = []
        self._waiting_bytes = 0
        self._last_id = 0
        self._last_sent_id = 0
        self._may_write = True
        self._is_flush_due = False
        self._sweeper: asyncio.TimerHandle | None = None
        self.is_open = False
        self.heard_count = 0

    async def greet(self, tenant_id: TenantId) -> None:
        """Name the tenant and wait until the replica agrees."""
        hello = LinkHello(tenant_id=tenant_id, version=PROTOCOL_VERSION)
        self.write_frame(hello.SerializeToString())
        await self._welcome
        self.is_open = True

    def submit(self, call: Call) -> asyncio.Future[Answer]:
        """Queue one call; it leaves with all others that this turn of the loop brings."""
        size = len(call.body)
        if size > self.limits.body_size_bytes_max:
            raise InvalidArgumentError(
                f"the request has {size} bytes; at most {self.limits.body_size_bytes_max} "
                "are allowed",
                reason="REQUEST_TOO_LARGE",
            )
        if (
            len(self.unanswered) >= self.limits.calls_max
            or self._waiting_bytes + size > self.limits.waiting_bytes_max
        ):
            raise ResourceExhaustedError(
                f"{len(self.unanswered)} calls of this tenant wait for an answer",
                reason="TENANT_BUSY",
                retry_delay_ms=_BUSY_RETRY_MS,
            )
        self._last_id = call.id = self._last_id + 1
        future: asyncio.Future[Answer] = self._loop.create_future()
        self.unanswered[call.id] = (future, self._loop.time() + call.deadline_ms / 1_000)
        self._waiting.append(call)
        self._waiting_bytes += size
        if not self._is_flush_due and self._may_write:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)
        return future

    def frame_received(self, frame: bytes) -> None:
        self.heard_count += 1
        try:
            if not self.is_open and not self._welcome.done():
                self._welcomed(LinkWelcome.FromString(frame))
                return
            answers = AnswerBatch.FromString(frame).answers
        except DecodeError:
            self.hang_up_at_once()
            return
        for answer in answers:
            entry = self.unanswered.pop(answer.id, None)
            if entry is not None and not entry[0].done():
                entry[0].set_result(answer)

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        if self._waiting and not self._is_flush_due:
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        was_open, self.is_open = self.is_open, False
        if self._sweeper is not None:
            self._sweeper.cancel()
        reason = exc or "the replica hung up"
        if not self._welcome.done():
            self._welcome.set_exception(
                LinkBrokenError(f"{self._socket_path}: {reason}", may_have_run=False)
            )
        unanswered, self.unanswered, self._waiting = self.unanswered, {}, []
        for call_id, (future, _) in unanswered.items():
            if not future.done():
                may_have_run = call_id <= self._last_sent_id
                future.set_exception(
                    LinkBrokenError(f"{self._socket_path}: {reason}", may_have_run=may_have_run)
                )
        if was_open and self._on_broken is not None:
            self._on_broken()

    def close(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.close()

    def _welcomed(self, welcome: LinkWelcome) -> None:
        if welcome.error:
            self._welcome.set_exception(error_from_status_bytes(welcome.error))
        else:
            self._welcome.set_result(None)

    def _flush(self) -> None:
        self._is_flush_due = False
        if self.transport is None or self.transport.is_closing():
            return  # connection_lost follows and fails what waits: never sent
        calls = [call for call in self._waiting if not self._is_abandoned(call.id)]
        self._waiting, self._waiting_bytes = [], 0
        sizes = (len(call.body) for call in calls)
        for start, end in batches(sizes, size_max=self.limits.batch_size_bytes):
            batch = CallBatch()
            batch.calls.extend(calls[start:end])
            self._last_sent_id = calls[end - 1].id
            self.write_frame(batch.SerializeToString())

    def _is_abandoned(self, call_id: int) -> bool:
        entry = self.unanswered.get(call_id)
        return entry is None or entry[0].done()

    def _sweep(self) -> None:
        now = self._loop.time()
        for call_id in [i for i, (f, ends) in self.unanswered.items() if ends <= now or f.done()]:
            future, _ = self.unanswered.pop(call_id)
            if not future.done():
                future.set_exception(_late())
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep) if self.unanswered else None


def _look_at(opening: asyncio.Task[_Connection]) -> None:
    """Everyone may have stopped waiting for this: asyncio then must not report it as forgotten."""
    if not opening.cancelled():
        opening.exception()


def _late() -> SaluhallError:
    return DeadlineExceededError("The tenant's process did not answer before the deadline")
