"""Exactly one process owns a store: a lock file that names its holder, so that a stale one can be ended.

The same for each of its readers, by a file of their own.

LMDB would let two processes write in turn, so a process that was cut off but lives could still change
the file; and one that is stopped while it holds LMDB's write lock would block its successor for ever.
The successor therefore ends the recorded holder before it opens the environment.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Final

import psutil

from node.errors import StorageError

_WAIT_MS_MAX: Final = 5_000
_POLL_S: Final = 0.005


class StoreOwnedError(StorageError):
    """Another process holds the store and could not be ended."""

    reason = "STORE_OWNED"


class Ownership:
    """The held lock; the kernel releases it when the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "Ownership":
        """Become the holder; a process that still holds it is killed first."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _WAIT_MS_MAX / 1_000
        while not _try_lock(descriptor):
            _kill_holder(descriptor)
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StoreOwnedError(f"{path}: still held by another process; end it")
            time.sleep(_POLL_S)
        holder = {"pid": os.getpid(), "start_time": psutil.Process().create_time()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        os.close(self._descriptor)


def kill_holder(path: Path, *, pid: int) -> bool:
    """End the process `pid` if it is what holds this file; whether it was."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        if _try_lock(descriptor) or _recorded_pid(descriptor) != pid:
            return False
        _kill_holder(descriptor)
    finally:
        os.close(descriptor)
    return True


def _recorded_pid(descriptor: int) -> int:
    try:
        return int(json.loads(os.pread(descriptor, 4_096, 0))["pid"])
    except (ValueError, KeyError):
        return 0


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _kill_holder(descriptor: int) -> None:
    """End the recorded holder, if it is still the process that wrote the record."""
    try:
        holder = json.loads(os.pread(descriptor, 4_096, 0))
        process = psutil.Process(holder["pid"])
        if process.create_time() == holder["start_time"] and process.pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    except (ValueError, KeyError, psutil.NoSuchProcess):
        # The holder is between locking and writing its record, or already gone.
        return
