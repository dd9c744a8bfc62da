"""One agent for a data directory: a locked file that the kernel unlocks however the agent ends."""

import fcntl
import os
from types import TracebackType
from typing import Self

from node.agent.state import read_agent_state
from node.config import ServerPaths
from node.errors import AlreadyExistsError


class AlreadyRunningError(AlreadyExistsError):
    """An agent holds this data directory."""

    reason = "ALREADY_RUNNING"


class AgentLock:
    """Held by the agent while it runs, and by `down` while it clears up after one that died."""

    def __init__(self, paths: ServerPaths) -> None:
        self._path = paths.agent_lock
        self._paths = paths
        self._descriptor = -1

    def take(self) -> None:
        """Raises AlreadyRunningError when another process holds it."""
        while True:  # Ends with the lock or an error: whoever removes the file ends soon.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise AlreadyRunningError(_explanation(self._paths)) from None
            if self._is_still_there(descriptor):
                self._descriptor = descriptor
                return
            os.close(descriptor)

    def release(self) -> None:
        """Remove the file, then let go, so that nobody locks a file that has no name."""
        if self._descriptor < 0:
            return
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _is_still_there(self, descriptor: int) -> bool:
        """Whether the locked file is the one that the name leads to."""
        try:
            return os.fstat(descriptor).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False


def _explanation(paths: ServerPaths) -> str:
    state = read_agent_state(paths)
    where = "" if state is None else f" (process {state.pid}, {state.listen})"
    return (
        f"{paths.data}: is already running{where}; "
        "see `saluhall status`, or stop it with `saluhall down`"
    )
