"""Directories of stores: those of deleted tenants are destroyed, strangers are set aside.

Keys first: a store's keyring is overwritten before anything is unlinked, since what a file system
unlinks stays on the disk for a while, and without its keys it says nothing.
"""

import os
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.config import ServerPaths
from node.ids import is_store_id
from protos.internal.records_pb2 import GroupRecord

_KEYRING: Final = "keyring"
_UNFINISHED: Final = ".new-"
"""In the name of a store that was being made when its process ended."""


@dataclass(frozen=True, slots=True)
class StorePlan:
    """Names of directories below `stores/`, sorted."""

    destroy: tuple[str, ...]
    set_aside: tuple[str, ...]


def plan_stores(names: Iterable[str], groups: Iterable[GroupRecord]) -> StorePlan:
    """What to do with these directories, before any process opens one of them.

    A store of a tombstone is destroyed; one that the registry does not know at all is set aside,
    never opened, never destroyed; one that was never finished is destroyed.
    """
    buried: set[str] = set()
    known: set[str] = set()
    for group in groups:
        stores = {replica.store_id for replica in group.replicas}
        if group.state == GroupRecord.DELETED:
            buried |= stores
        else:
            known |= stores
    names = sorted(names)
    return StorePlan(
        destroy=tuple(n for n in names if n in buried or _is_unfinished(n)),
        set_aside=tuple(n for n in names if is_store_id(n) and n not in buried | known),
    )


def store_names(paths: ServerPaths) -> list[str]:
    """The directories there are."""
    return [entry.name for entry in os.scandir(paths.stores) if entry.is_dir()]


def destroy_store(paths: ServerPaths, name: str) -> None:
    """Overwrite its keys and remove it; nothing happens if it is gone."""
    directory = paths.stores / name
    keyring = directory / _KEYRING
    if keyring.is_file():
        _overwrite(keyring)
    shutil.rmtree(directory, ignore_errors=True)


def set_store_aside(paths: ServerPaths, name: str) -> Path:
    """Move it where nothing opens it; the new place."""
    aside = paths.data / "aside"
    aside.mkdir(mode=0o700, exist_ok=True)
    place = aside / name
    if place.exists():
        place = aside / f"{name}-{secrets.token_hex(4)}"
    (paths.stores / name).rename(place)
    return place


def _is_unfinished(name: str) -> bool:
    store_id, separator, _ = name.partition(_UNFINISHED)
    return bool(separator) and is_store_id(store_id)


def _overwrite(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())
