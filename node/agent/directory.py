"""The data directory of a server and its runtime directory: made, checked, cleaned away."""

import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.config import MIB, ServerPaths
from node.errors import FailedPreconditionError, StorageError

FREE_BYTES_MIN: Final = 8 * MIB
"""Below this neither logs nor the agent's own state could be written."""

FORMAT: Final = 1
"""Of the data directory as a whole. Grows when an older release could not work with it."""

SERVER_NAME: Final = "local"
"""The first and, so far, only server; the registry says by this name where a store is."""


class FormatTooNewError(FailedPreconditionError):
    """A newer release wrote this; this one must not touch it."""

    reason = "FORMAT_TOO_NEW"


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """What `server.json` says."""

    format: int
    name: str


def open_data_directory(paths: ServerPaths) -> ServerIdentity:
    """Make the directory if there is none, and check that this release can work with it.

    Raises:
        FormatTooNewError: a newer release made it.
        StorageError: it cannot be made, is not ours, or holds something else.
    """
    try:
        paths.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(paths.data)
        _check_space(paths.data)
        if not _identity_path(paths).exists():
            _check_empty(paths.data)
            content = {"format": FORMAT, "server": SERVER_NAME}
            write_atomically(_identity_path(paths), json.dumps(content))
        for directory in (paths.logs, paths.stores):
            directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{paths.data}: {error.strerror}; choose another --data, or free space"
        ) from error
    return read_identity(paths)


def read_identity(paths: ServerPaths) -> ServerIdentity:
    """Which server's data this is. Raises FormatTooNewError or StorageError."""
    path = _identity_path(paths)
    try:
        content = json.loads(path.read_bytes())
        identity = ServerIdentity(format=int(content["format"]), name=str(content["server"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path}: cannot be read ({error}); restore it from a backup") from error
    if identity.format > FORMAT:
        raise FormatTooNewError(
            f"{paths.data} has format {identity.format}; this release knows formats up to "
            f"{FORMAT}. Start the release that wrote it"
        )
    return identity


def is_data_directory(paths: ServerPaths) -> bool:
    """Whether a server has ever been started on it."""
    return _identity_path(paths).exists()


def make_runtime_directory(paths: ServerPaths) -> None:
    """An empty, private directory for sockets and Ray's session.

    Raises StorageError when something that is not ours has its name.
    """
    remove_runtime_directory(paths)
    try:
        paths.runtime.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(f"{paths.runtime}: {error.strerror}; remove it") from error


def remove_runtime_directory(paths: ServerPaths) -> None:
    """Remove it with all it holds; nothing is kept there that is needed again."""
    try:
        status = paths.runtime.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise StorageError(f"{paths.runtime}: is not a directory of this user; remove it")
    shutil.rmtree(paths.runtime, ignore_errors=True)


def write_atomically(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Put a whole new file in the place of the old one: readers see the one or the other."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _identity_path(paths: ServerPaths) -> Path:
    return paths.data / "server.json"


def _check_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < FREE_BYTES_MIN:
        raise StorageError(
            f"{directory}: its disk has {free // MIB} MiB left, and a server needs "
            f"{FREE_BYTES_MIN // MIB} to start; free some space",
            reason="DISK_FULL",
        )


def _check_private(directory: Path) -> None:
    status = directory.stat()
    if status.st_uid != os.getuid():
        raise StorageError(f"{directory}: belongs to another user; choose another --data")
    if status.st_mode & 0o077:
        directory.chmod(0o700)


def _check_empty(directory: Path) -> None:
    """Other people's files are never mixed with ours."""
    present = sorted(
        entry.name for entry in directory.iterdir() if not entry.name.startswith(".server.json.")
    )
    if present:
        raise StorageError(
            f"{directory}: holds {present[0]!r} and is no data directory of Saluhall; "
            "choose an empty or new one"
        )
