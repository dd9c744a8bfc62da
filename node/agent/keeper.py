"""Keeps one process running: starts it, waits for its end, starts it again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from node.agent.backoff import Failures, restart_delay_ms
from node.agent.child import Running, ended
from node.agent.state import ProcessEntry
from node.clock import Clock
from node.errors import SaluhallError
from node.telemetry import PROCESS_ENDED, PROCESS_NOT_STARTED, PROCESS_STARTED

_log = structlog.get_logger()


class Keeper:
    """One role and the process that has it."""

    def __init__(
        self,
        role: str,
        *,
        start: Callable[[], Awaitable[Running]],
        clean: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
        clock: Clock,
    ) -> None:
        """Nothing starts before `run`.

        Args:
            role: what the process is.
            start: starts it and returns when it is ready, or raises an error of ours.
            clean: removes what it left behind when it ended, however it ended.
            changed: is called when `entry` or `message` say something new.
            clock: tells how long it ran.
        """
        self.role = role
        self.message = "is being started"
        self.running: Running | None = None
        self._start = start
        self._clean = clean
        self._changed = changed
        self._clock = clock
        self._failures = Failures()

    @property
    def entry(self) -> ProcessEntry:
        """The process as it is now."""
        running = self.running
        return ProcessEntry(
            role=self.role,
            pid=running.id.pid if running else 0,
            start_time=running.id.start_time if running else 0,
            address=running.address if running else "",
            restart_count=self._failures.restart_count,
        )

    async def run(self) -> None:
        """Keep it running."""
        while True:  # Ends when it is cancelled: the agent stops.
            ran_ms = await self._run_once()
            self._failures = self._failures.after_death(ran_ms=ran_ms)
            self._changed()
            await self._clean()
            await asyncio.sleep(restart_delay_ms(self._failures) / 1_000)

    async def _run_once(self) -> int:
        """Start it and wait for its end; how many milliseconds it worked."""
        try:
            running = await self._start()
        except (SaluhallError, OSError) as error:
            self.message = str(error)
            _log.warning(PROCESS_NOT_STARTED, role=self.role, message=self.message)
            return 0
        started_ms = self._clock.monotonic_ms()
        self.running, self.message = running, ""
        _log.info(PROCESS_STARTED, role=self.role, pid=running.id.pid, address=running.address)
        self._changed()
        await ended(running.id)
        self.running, self.message = None, "has ended and is being started again"
        ran_ms = self._clock.monotonic_ms() - started_ms
        _log.warning(PROCESS_ENDED, role=self.role, pid=running.id.pid, ran_ms=ran_ms)
        return ran_ms
