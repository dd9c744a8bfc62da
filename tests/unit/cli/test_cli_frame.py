"""The command line as a whole: how it starts, and how it fails."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.cli.main import COMMANDS, run
from cluster.cli.quantities import count_text, read_duration_s, read_time, size_text
from node.errors import InvalidArgumentError


@pytest.fixture(autouse=True)
def _own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUHALL_PROFILE", str(tmp_path / "profile.json"))


def _imported_by(code: str) -> set[str]:
    report = f"{code}; import sys; sys.stderr.write(' '.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in result.stderr.split()}


def test_help_answers_without_loading_what_only_commands_need() -> None:
    imported = _imported_by("from cluster.cli.main import run; run(['--help'])")

    assert imported & {"ray", "grpc", "rich", "numpy", "lmdb", "cryptography"} == set()


def test_no_command_ever_loads_ray() -> None:
    modules = sorted({place.module for place in COMMANDS.values()})

    imported = _imported_by("; ".join(f"import cluster.cli.{name}" for name in modules))

    assert "ray" not in imported


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        assert f"Usage: saluhall {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["up", "--fronts", "0"],
        ["tenants", "create"],
        ["keys", "issue", "shop", "--role", "king"],
    ],
)
def test_a_wrong_call_ends_with_2_and_shows_the_right_one(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert "Usage: saluhall" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tenants", "list"], "names no server; start one with `saluhall up`"),
        (["keys", "list", "shop"], "names no server; start one with `saluhall up`"),
        (["down", "--data", "/nowhere/at/all"], "is no data directory of Saluhall"),
        (["status", "--data", "/nowhere/at/all"], "is not running; start it with"),
        (["up", "--data", "/proc/nowhere"], "choose another --data"),
        (["keys", "issue", "shop", "--role", "search", "--expires", "soon"], "is not a duration"),
    ],
)
def test_a_failure_ends_with_1_and_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert sentence in said
    assert said.count("\n") == 1


def test_a_tenant_is_not_deleted_without_a_yes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    assert run(["tenants", "delete", "shop"]) == 1
    said = capsys.readouterr()
    assert "cannot be undone" in said.out
    assert said.err == "Nothing was deleted.\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("2w", 1209600)]
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert read_duration_s(text, option="--expires") == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5h", "9y", "٣d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--expires"):
        read_duration_s(text, option="--expires")


def test_a_time_without_a_zone_is_this_machines() -> None:
    assert read_time("2026-12-01T08:00+01:00", option="--at").timestamp() == 1_796_108_400
    assert read_time("2026-12-01T08:00", option="--at").replace(tzinfo=None).hour == 8
    with pytest.raises(InvalidArgumentError, match="--at: 'soon' is not a time"):
        read_time("soon", option="--at")


def test_sizes_and_counts_are_readable() -> None:
    assert [size_text(size) for size in (0, 1_023, 1_536, 200 * 1_024, 5 * 1_024**3)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "200 KiB",
        "5.0 GiB",
    ]
    assert count_text(19_406) == "19,406"
