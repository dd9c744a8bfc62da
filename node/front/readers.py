"""The readers of one tenant as a front sees them: processes that answer searches beside the primary.

Nothing depends on them. A call goes to the open link with the fewest calls under way; what a reader does
not answer in a part of the deadline, or cannot answer, is left to the primary. A reader that let a call
wait gets no other before it has been heard of, so one that is stopped costs each front a moment once.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from node.errors import Code, SaluhallError
from node.front.config import RoutingConfig
from node.front.metrics import READERS_ASKED, READERS_FAILED, FrontMetrics
from node.ids import TenantId
from node.link import LinkClient, LinkLimits
from node.status import error_from_status_bytes
from node.telemetry import LINK_REFUSED
from protos.internal.link_pb2 import Answer, Caller

_log = structlog.get_logger(__name__)
_QUIET_POLL_S: Final = 0.05
_READERS_OWN: Final = frozenset(
    {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.INTERNAL}
)
"""Errors that say something of the reader and nothing of the request."""


class ReaderCall(Protocol):
    """What is sent; see `routing.Outgoing`."""

    @property
    def method(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def position_min(self) -> int: ...
    @property
    def ends_s(self) -> float: ...


class Readers:
    """The links to the readers of one incarnation of a tenant's primary."""

    def __init__(
        self, tenant_id: TenantId, config: RoutingConfig, limits: LinkLimits, metrics: FrontMetrics
    ) -> None:
        self._tenant_id = tenant_id
        self._config = config
        self._limits = limits
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._links: dict[Path, _ReaderLink] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for a reader's answer."""
        return all(link.unanswered_count == 0 for link in self._links.values())

    def follow(self, sockets: Sequence[Path]) -> None:
        """The readers there are to be; calls under way to others end where they are."""
        for path in self._links.keys() - set(sockets):
            self._links.pop(path).retire()
        for path in sockets:
            if path not in self._links:
                self._links[path] = _ReaderLink(path, self._tenant_id, self._config, self._limits)

    async def ask(self, call: ReaderCall) -> Answer | None:
        """A reader's answer; None: ask the primary."""
        link = self._choose()
        if link is None:
            return None
        left_ms = int((call.ends_s - self._loop.time()) * 1_000)
        deadline_ms = min(self._config.reader_answer_ms_max, left_ms // 2)
        if deadline_ms <= 0:
            return None
        self._metrics.count(READERS_ASKED)
        answer = await link.ask(call, deadline_ms=deadline_ms)
        if answer is None or (answer.error and _is_the_readers_own(answer.error)):
            self._metrics.count(READERS_FAILED)
            return None
        return answer

    async def close(self) -> None:
        """Hang up."""
        links, self._links = self._links, {}
        for link in links.values():
            await link.close()

    def _choose(self) -> "_ReaderLink | None":
        chosen, fewest = None, 0
        for link in self._links.values():
            if link.is_ready and (chosen is None or link.unanswered_count < fewest):
                chosen, fewest = link, link.unanswered_count
        return chosen


class _ReaderLink:
    """The way to one reader, kept open while there is one."""

    def __init__(
        self, path: Path, tenant_id: TenantId, config: RoutingConfig, limits: LinkLimits
    ) -> None:
        self._path = path
        self._tenant_id = tenant_id
        self._config = config
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._link: LinkClient | None = None
        self._broken = asyncio.Event()
        self._heard_before: int | None = None
        """While it rests: how much had been heard of it when a call waited in vain."""
        self._task = self._loop.create_task(self._keep_open())

    @property
    def is_ready(self) -> bool:
        """Whether it may be sent a call."""
        link = self._link
        if link is None or not link.is_open:
            return False
        if self._heard_before is not None and link.heard_count != self._heard_before:
            self._heard_before = None
        return self._heard_before is None

    @property
    def unanswered_count(self) -> int:
        return 0 if self._link is None else self._link.unanswered_count

    async def ask(self, call: ReaderCall, *, deadline_ms: int) -> Answer | None:
        """Its answer; None when there is none in time."""
        link = self._link
        assert link is not None
        heard = link.heard_count
        try:
            return await link.submit(
                call.method,
                call.body,
                caller=call.caller,
                deadline_ms=deadline_ms,
                position_min=call.position_min,
            )
        except SaluhallError as error:
            if error.code == Code.DEADLINE_EXCEEDED and link.heard_count == heard:
                self._rest(link)
            return None

    def retire(self) -> None:
        """Let calls under way end, then hang up."""
        self._task.cancel()
        link, self._link = self._link, None
        if link is not None:
            self._hang_up_when_quiet(link)

    async def close(self) -> None:
        """Hang up now."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._link is not None:
            await self._link.close()

    async def _keep_open(self) -> None:
        delay_ms = self._config.reconnect_ms_min
        while True:  # Ends when it is cancelled: the reader is not wanted any more.
            if await self._reached():
                delay_ms = self._config.reconnect_ms_min
                await self._broken.wait()
                self._link = None
            await asyncio.sleep(delay_ms / 1_000)
            delay_ms = min(delay_ms * 2, self._config.reader_reconnect_ms_max)

    async def _reached(self) -> bool:
        self._broken.clear()
        link = LinkClient(
            self._path, self._tenant_id, limits=self._limits, on_broken=self._broken.set
        )
        try:
            await link.connect()
        except SaluhallError as error:
            if error.code != Code.UNAVAILABLE:
                _log.error(LINK_REFUSED, tenant=self._tenant_id, reason=error.reason)
            return False
        except asyncio.CancelledError:
            link.hang_up()
            raise
        self._link, self._heard_before = link, None
        return True

    def _rest(self, link: LinkClient) -> None:
        if link is self._link and self._heard_before is None:
            self._heard_before = link.heard_count
            delay_s = self._config.reader_silence_ms_max / 1_000
            self._loop.call_later(delay_s, self._hang_up_if_silent, link, link.heard_count)

    def _hang_up_if_silent(self, link: LinkClient, heard_before: int) -> None:
        """A stopped process keeps its connection; a new one is welcomed only by one that works."""
        if link.heard_count == heard_before:
            link.hang_up()

    def _hang_up_when_quiet(self, link: LinkClient) -> None:
        if link.is_open and link.unanswered_count:
            self._loop.call_later(_QUIET_POLL_S, self._hang_up_when_quiet, link)
        else:
            link.hang_up()


def _is_the_readers_own(error: bytes) -> bool:
    return error_from_status_bytes(error).code in _READERS_OWN
