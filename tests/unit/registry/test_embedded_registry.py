"""What is true of the embedded registry's file alone."""

import stat
from pathlib import Path

import lmdb
import pytest

from node.errors import StorageError
from node.registry.embedded import FORMAT, EmbeddedRegistry


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    EmbeddedRegistry(tmp_path / "registry").close()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}

    assert modes == {"registry": 0o700, "data.mdb": 0o600, "lock.mdb": 0o600}


def test_a_registry_of_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    EmbeddedRegistry(tmp_path).close()
    with lmdb.open(str(tmp_path), max_dbs=3) as environment:
        meta = environment.open_db(b"meta")
        with environment.begin(meta, write=True) as transaction:
            transaction.put(b"format", (FORMAT + 1).to_bytes(4, "big"))

    with pytest.raises(StorageError, match="start the release that wrote it") as caught:
        EmbeddedRegistry(tmp_path)

    assert caught.value.reason == "FORMAT_TOO_NEW"


def test_a_file_of_the_other_lmdb_format_is_refused(tmp_path: Path) -> None:
    lmdb.open(str(tmp_path), lib_version=1).close()

    with pytest.raises(StorageError, match="cannot be opened"):
        EmbeddedRegistry(tmp_path)


def test_a_path_that_is_no_directory_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file")

    with pytest.raises(StorageError, match=str(tmp_path / "registry")):
        EmbeddedRegistry(tmp_path / "registry")
