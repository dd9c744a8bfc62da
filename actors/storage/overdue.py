"""Readers that hold a view for too long are ended: the pages of an old view cannot be used again.

A reader process lets go of its views within a second or two. One that is stopped does not, and the store
would grow with every write. The builder, which reads for as long as a merge takes, is no reader.
"""

from collections import deque
from pathlib import Path
from typing import Final

import structlog

from actors.storage.environment import Environment
from actors.storage.owner import kill_holder
from node.config import READER_COUNT_MAX
from node.telemetry import READER_OVERDUE

VIEW_AGE_MS_MAX: Final = 5_000


def reader_lock(directory: Path, index: int) -> Path:
    """The file that a store's reader of this index holds while it runs."""
    return directory / f"READER-{index}"


class OverdueReaders:
    """What the owner remembers from one look at the readers to the next."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: deque[tuple[int, int]] = deque()
        """When, and what the last commit was then; the first is as old as a view may be."""

    def end(self, environment: Environment, *, now_ms: int) -> list[int]:
        """Kill the readers whose view was outdated that long ago; their numbers."""
        self._seen.append((now_ms, environment.last_transaction_id()))
        while len(self._seen) > 1 and now_ms - self._seen[1][0] >= VIEW_AGE_MS_MAX:
            self._seen.popleft()
        since_ms, oldest = self._seen[0]
        if now_ms - since_ms < VIEW_AGE_MS_MAX:
            return []
        overdue = {pid for pid, seen in environment.open_views() if seen < oldest}
        return [pid for pid in sorted(overdue) if self._kill(pid)]

    def _kill(self, pid: int) -> bool:
        locks = (reader_lock(self._directory, index) for index in range(READER_COUNT_MAX))
        is_reader = any(kill_holder(lock, pid=pid) for lock in locks)
        if is_reader:
            structlog.get_logger(__name__).warning(READER_OVERDUE, pid=pid)
        return is_reader
