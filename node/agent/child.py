"""A process that the agent has started, or watches, until it ends."""

import asyncio
import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.agent.commands import Command
from node.agent.processes import ProcessId, open_descriptor, process_id
from node.errors import UnavailableError
from node.telemetry import open_log

_TAIL_SIZE: Final = 4_096


class StartFailedError(UnavailableError):
    """A process ended, or said nothing, before it was ready."""

    reason = "START_FAILED"


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is ready for work."""

    id: ProcessId
    address: str
    """Where it listens; empty if nowhere."""


class Child:
    """A started process, in a session of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log
        # Without an id it has ended already; then its own number with no start time matches none.
        self.id = process_id(process.pid) or ProcessId(process.pid, 0)
        self._first_line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pump = asyncio.create_task(self._read_output())

    @classmethod
    def start(cls, command: Command, *, directory: Path) -> "Child":
        """Start a command in this working directory."""
        log = open_log(command.log)
        try:
            process = subprocess.Popen(
                command.arguments,
                env=command.full_environment(),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
        return cls(process, command.log)

    async def first_line(self, *, wait_s_max: float) -> str:
        """The first line of its output. Raises StartFailedError when there is none in time."""
        try:
            async with asyncio.timeout(wait_s_max):
                line = await asyncio.shield(self._first_line)
        except TimeoutError:
            raise StartFailedError(f"nothing was heard of it for {wait_s_max:.0f} s") from None
        if not line:
            raise StartFailedError(last_words(self._log))
        return line

    async def _read_output(self) -> None:
        assert self._process.stdout is not None
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
        )
        try:
            with contextlib.suppress(ValueError):
                self._first_line.set_result((await reader.readline()).decode().strip())
            while await reader.read(_TAIL_SIZE):  # Ends when the process has.
                pass
        finally:
            if not self._first_line.done():
                self._first_line.set_result("")
            transport.close()


async def ended(process: ProcessId) -> None:
    """Wait until this very process has ended; it may be anyone's child."""
    descriptor = open_descriptor(process)
    if descriptor is None:
        return
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def ended_within(process: ProcessId, *, wait_s_max: float) -> bool:
    """Wait a bounded time; whether it has ended."""
    try:
        async with asyncio.timeout(wait_s_max):
            await ended(process)
    except TimeoutError:
        return False
    return True


def last_words(log: Path) -> str:
    """The last line of a log: what a process that failed had to say."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_SIZE))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return f"{lines[-1][:500]} ({log})" if lines else f"it ended without a word ({log})"
