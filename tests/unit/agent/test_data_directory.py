"""The data directory: made, recognised, refused."""

import json
from pathlib import Path

import pytest

from node.agent.directory import (
    FormatTooNewError,
    is_data_directory,
    make_runtime_directory,
    open_data_directory,
    remove_runtime_directory,
    write_atomically,
)
from node.config import ServerPaths
from node.errors import StorageError


def test_a_new_directory_is_private_and_knows_its_format(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path / "deep" / "data")

    identity = open_data_directory(paths)

    assert paths.data.stat().st_mode & 0o777 == 0o700
    assert (identity.format, identity.name) == (1, "local")
    assert is_data_directory(paths)
    assert open_data_directory(paths) == identity


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path / "data")
    open_data_directory(paths)
    (paths.data / "server.json").write_text(json.dumps({"format": 2, "server": "local"}))

    with pytest.raises(FormatTooNewError, match=r"format 2.*Start the release that wrote it"):
        open_data_directory(paths)


def test_a_directory_of_other_things_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()

    with pytest.raises(StorageError, match=r"holds 'holiday.jpg'"):
        open_data_directory(ServerPaths.of(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_directory_that_others_could_read_is_closed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)

    open_data_directory(ServerPaths.of(data))

    assert data.stat().st_mode & 0o777 == 0o700


def test_a_damaged_identity_is_said_so(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path / "data")
    open_data_directory(paths)
    (paths.data / "server.json").write_text("{")

    with pytest.raises(StorageError, match="cannot be read"):
        open_data_directory(paths)


def test_the_runtime_directory_starts_empty_and_private(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path / "data")
    paths.runtime.mkdir()
    (paths.runtime / "stale.sock").touch()
    try:
        make_runtime_directory(paths)

        assert list(paths.runtime.iterdir()) == []
        assert paths.runtime.stat().st_mode & 0o777 == 0o700
    finally:
        remove_runtime_directory(paths)
    assert not paths.runtime.exists()


def test_a_link_in_the_place_of_the_runtime_directory_is_not_followed(tmp_path: Path) -> None:
    """Its place is where everyone may write: someone may have put something there."""
    paths = ServerPaths.of(tmp_path / "data")
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "ring").touch()
    paths.runtime.symlink_to(treasure)
    try:
        with pytest.raises(StorageError, match="remove it"):
            make_runtime_directory(paths)
        assert (treasure / "ring").exists()
    finally:
        paths.runtime.unlink()


def test_a_file_is_replaced_as_a_whole_and_privately(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, "one")
    write_atomically(path, "two")

    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
