"""The command line's profile: which server it speaks to, and the keys it holds."""

import multiprocessing
import os
from pathlib import Path

import pytest

from cluster.cli.profile import (
    Profile,
    ServerEntry,
    change_profile,
    chosen_paths,
    load_profile,
    open_client,
)
from node.errors import FailedPreconditionError, NotFoundError, StorageError


def _entry(data: str, **admin_keys: str) -> ServerEntry:
    return ServerEntry(
        data=data,
        listen="127.0.0.1:1",
        operator_listen="127.0.0.1:2",
        ca_file="ca.pem",
        operator_file="operator.pem",
        admin_keys=admin_keys,
    )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "profile.json"
    monkeypatch.setenv("SALUHALL_PROFILE", str(path))
    return path


def test_a_profile_is_read_as_it_was_written_by_its_owner_alone(path: Path) -> None:
    written = change_profile(lambda profile: profile.with_server(_entry("/data/a", shop="key")))

    assert load_profile() == written
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_profile_no_server_is_known(path: Path) -> None:
    assert load_profile() == Profile()
    with pytest.raises(FailedPreconditionError, match="saluhall up"):
        _ = load_profile().server


def test_starting_a_server_again_keeps_its_keys_and_makes_it_the_current_one() -> None:
    profile = Profile().with_server(_entry("/data/a", shop="key")).with_server(_entry("/data/b"))

    again = profile.with_server(_entry("/data/a"))

    assert profile.current == "/data/b"
    assert again.current == "/data/a"
    assert again.server.admin_keys == {"shop": "key"}


def test_two_servers_may_have_a_tenant_of_one_name() -> None:
    profile = Profile().with_server(_entry("/data/a", shop="key of a"))

    profile = profile.with_server(_entry("/data/b")).with_admin_key("shop", "key of b")

    assert profile.server.admin_keys == {"shop": "key of b"}
    assert profile.servers["/data/a"].admin_keys == {"shop": "key of a"}


def test_a_deleted_tenants_key_is_forgotten() -> None:
    profile = Profile().with_server(_entry("/data/a", shop="key", other="key"))

    assert profile.with_admin_key("shop", None).server.admin_keys == {"other": "key"}


def test_a_tenant_without_a_key_here_is_said_so_with_those_that_have_one(path: Path) -> None:
    change_profile(lambda profile: profile.with_server(_entry("/data/a", other="key")))

    with pytest.raises(NotFoundError, match=r"'shop' \(it knows: other\)"):
        open_client("shop")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"servers": 3, "current": ""}'])
def test_a_damaged_profile_is_never_taken_for_an_empty_one(path: Path, content: str) -> None:
    """Writing would then lose the keys in it."""
    path.parent.mkdir()
    path.write_text(content)

    with pytest.raises(StorageError, match="cannot be read"):
        change_profile(lambda profile: profile.with_server(_entry("/data/a")))
    assert path.read_text() == content


def test_a_command_is_for_the_server_started_last_unless_told_otherwise(
    path: Path, tmp_path: Path
) -> None:
    assert chosen_paths(None).data == Path.cwd() / ".saluhall"

    change_profile(lambda profile: profile.with_server(_entry(str(tmp_path / "a"))))

    assert chosen_paths(None).data == tmp_path / "a"
    assert chosen_paths(str(tmp_path / "b")).data == tmp_path / "b"


def _add_keys(path: str, prefix: str) -> None:
    os.environ["SALUHALL_PROFILE"] = path
    for number in range(20):
        name = f"{prefix}{number}"
        change_profile(lambda profile, name=name: profile.with_admin_key(name, "key"))


def test_of_two_commands_at_once_both_changes_stay(path: Path) -> None:
    change_profile(lambda profile: profile.with_server(_entry("/data/a")))
    spawned = multiprocessing.get_context("spawn")
    workers = [spawned.Process(target=_add_keys, args=(str(path), prefix)) for prefix in "xy"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(load_profile().server.admin_keys) == 40
