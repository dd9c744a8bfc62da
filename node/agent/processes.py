"""Processes as the kernel knows them: who they are beyond doubt, whose they are, and how they end.

A process number is used again after its process has ended, so nothing here is ended by number
alone: a `ProcessId` also holds the start time, and the signal goes through a descriptor of the
process that was checked (pidfd).
"""

import contextlib
import ctypes
import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.config import ServerPaths

KILL_MS_MAX: Final = 5_000
"""A killed process that is still there after this time is stuck in the kernel."""

_PROC: Final = Path("/proc")
_PR_SET_CHILD_SUBREAPER: Final = 36
_PROGRAMS: Final = ("python", "raylet", "gcs_server")
"""What every process of the platform runs."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, never mistaken for another that has its number later."""

    pid: int
    start_time: int
    """Clock ticks between the machine's start and the process's."""


@dataclass(frozen=True, slots=True)
class _Status:
    """From /proc/PID/stat."""

    id: ProcessId
    has_ended: bool
    """No thread of it is left. The first thread may be gone while others still hold files and ports."""

    parent_pid: int
    session_pid: int
    """The process that began the session this one is in."""


def process_id(pid: int) -> ProcessId | None:
    """The process that has this number now; None if there is none, or it is only waited for."""
    status = _status(pid)
    return None if status is None or status.has_ended else status.id


def own_id() -> ProcessId:
    """This process."""
    found = process_id(os.getpid())
    assert found is not None
    return found


def is_alive(process: ProcessId) -> bool:
    """Whether this very process still runs."""
    return process_id(process.pid) == process


def open_descriptor(process: ProcessId) -> int | None:
    """A pidfd of this very process, readable when it ends; None if it is gone. Close it."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if not is_alive(process):
        os.close(descriptor)
        return None
    return descriptor


def send(process: ProcessId, number: signal.Signals) -> None:
    """Send a signal to this very process; nothing happens if it is gone."""
    descriptor = open_descriptor(process)
    if descriptor is None:
        return
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def wait_ended(process: ProcessId, *, wait_ms_max: int) -> bool:
    """Wait until this very process has ended; whether it has."""
    descriptor = open_descriptor(process)
    if descriptor is None:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(wait_ms_max))
    finally:
        os.close(descriptor)


def end(processes: Iterable[ProcessId], *, wait_ms_max: int) -> list[ProcessId]:
    """Kill these and wait; those that are still there afterwards (stuck in the kernel)."""
    remaining = list(processes)
    for process in remaining:
        send(process, signal.SIGKILL)
    deadline = time.monotonic() + wait_ms_max / 1_000
    while remaining and time.monotonic() < deadline:
        remaining = [process for process in remaining if is_alive(process)]
        if remaining:
            time.sleep(0.01)
    return remaining


def processes_of(paths: ServerPaths) -> list[ProcessId]:
    """Every process of this server, whoever started it, without the caller.

    All of them work in the server's private runtime directory, under this user, and run Python or a
    program of Ray: that tells them from everyone else's, also when no list of them was left.
    """
    found = []
    for pid in _pids():
        if pid == os.getpid() or not _works_in(pid, paths.runtime):
            continue
        process = process_id(pid)
        if process is not None:
            found.append(process)
    return found


def processes_of_session(paths: ServerPaths, session_pid: int) -> list[ProcessId]:
    """Those that one of the agent's children has started, also when that child has ended."""
    return [
        process
        for process in processes_of(paths)
        if (status := _status(process.pid)) is not None and status.session_pid == session_pid
    ]


def descendants(pid: int) -> list[ProcessId]:
    """Every living process that was started by this one, at any remove."""
    statuses = [status for status in map(_status, _pids()) if status is not None]
    family = {pid}
    found: list[ProcessId] = []
    while True:  # Ends when a round adds nobody.
        added = [s for s in statuses if s.parent_pid in family and s.id.pid not in family]
        if not added:
            return found
        family |= {s.id.pid for s in added}
        found += [s.id for s in added if not s.has_ended]


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended, so that none can be lost."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def reap_children() -> None:
    """Let children of this process go that have ended, adopted ones too."""
    own = os.getpid()
    for status in map(_status, _pids()):
        if status is not None and status.parent_pid == own and status.has_ended:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(status.id.pid, os.WNOHANG)


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _status(pid: int) -> _Status | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is a name in parentheses that may itself hold any character.
    fields = text[text.rindex(")") + 2 :].split()
    identity = ProcessId(pid=pid, start_time=int(fields[19]))
    return _Status(
        id=identity,
        has_ended=fields[0] in "ZX" and int(fields[17]) <= 1,
        parent_pid=int(fields[1]),
        session_pid=int(fields[3]),
    )


def _works_in(pid: int, directory: Path) -> bool:
    try:
        if (_PROC / str(pid)).stat().st_uid != os.getuid():
            return False
        place = str((_PROC / str(pid) / "cwd").readlink()).removesuffix(" (deleted)")
        program = (_PROC / str(pid) / "exe").readlink().name
    except OSError:
        return False
    return place == str(directory) and program.startswith(_PROGRAMS)
