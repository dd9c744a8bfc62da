"""The names of everything the platform logs, and how a process sets logging up.

Events, not prose: `log.warning(LINK_BROKEN, tenant=..., socket=...)`. A visitor's query or id, a
key or a request's body never stands in an event.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Final, TextIO, cast

import structlog

from node.config import MIB

FRONT_LISTENS: Final = "front_listens"
FRONT_STOPS: Final = "front_stops"
FRONT_STOPPED: Final = "front_stopped"
CALL_FAILED: Final = "call_failed"
"""An exception that is not ours left a handler: a bug. The caller got INTERNAL."""

LINK_BROKEN: Final = "link_broken"
LINK_REFUSED: Final = "link_refused"
"""A replica was asked for another tenant than its own, or by another user of this machine."""

ROUTE_CHANGED: Final = "route_changed"
REGISTRY_UNREADABLE: Final = "registry_unreadable"

AGENT_STARTED: Final = "agent_started"
AGENT_STOPS: Final = "agent_stops"
AGENT_STOPPED: Final = "agent_stopped"
LEFTOVERS_ENDED: Final = "leftovers_ended"
"""Processes of an earlier agent that had died were ended."""

PROCESS_STARTED: Final = "process_started"
PROCESS_ENDED: Final = "process_ended"
PROCESS_NOT_STARTED: Final = "process_not_started"
WRITE_FAILED: Final = "write_failed"
"""A write met what cannot be: a bug, or damage. The replica ends and recovers from its log."""

KEYRING_SLOTS_TORN: Final = "keyring_slots_torn"
"""Slots that were being written when the power went were freed; nothing that was committed needs them."""

SEGMENTS_MERGED: Final = "segments_merged"
MERGE_FAILED: Final = "merge_failed"
"""The builder did not finish; it is tried again, searches go on over more segments meanwhile."""

STORE_DESTROYED: Final = "store_destroyed"
STORE_SET_ASIDE: Final = "store_set_aside"
"""The registry does not know it: it is neither opened nor destroyed. Someone should look."""

STATE_NOT_WRITTEN: Final = "state_not_written"
UPKEEP_FAILED: Final = "upkeep_failed"
SUPERVISOR_STARTED: Final = "supervisor_started"
SUPERVISOR_STOPPED: Final = "supervisor_stopped"
REPLICA_STARTED: Final = "replica_started"
REPLICA_ENDED: Final = "replica_ended"
REPLICA_STOPPED: Final = "replica_stopped"
REPLICA_NOT_STARTED: Final = "replica_not_started"
READER_STARTED: Final = "reader_started"
READER_ENDED: Final = "reader_ended"
READER_STOPPED: Final = "reader_stopped"
READER_NOT_STARTED: Final = "reader_not_started"
READER_OVERDUE: Final = "reader_overdue"
"""It held an old view, so that the store grew, and was ended by the store's owner."""

REPLICA_BROKEN: Final = "replica_broken"
"""An invariant does not hold: the process ends at once."""

LOG_SIZE_MAX: Final = 16 * MIB
"""A longer log is put aside when the next process opens it; one older is kept."""


def configure_logging() -> None:
    """One JSON object a line on stderr, with the time in UTC; call it once when a process starts."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )


def open_log(path: Path) -> int:
    """A descriptor that appends to this log (mode 0600)."""
    if path.exists() and path.stat().st_size > LOG_SIZE_MAX:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def log_to(path: Path) -> None:
    """Let this process write its stdout and stderr to a log."""
    descriptor = open_log(path)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)


class _Stderr:
    """Standard error; on a full disk a line is lost, and what it would have told goes on."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
