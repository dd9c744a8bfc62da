"""The public API is what is checked in, and stays compatible."""

import json
import sys
from pathlib import Path

from protos import generate
from protos.compatibility import API_FILE, describe, incompatibilities, load_files

ROOT = Path(__file__).resolve().parents[2]


def test_the_generated_code_is_what_the_protos_say(tmp_path: Path, monkeypatch) -> None:
    """Generated into a fresh folder, every file equals the one that is checked in."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")

    generate.generate(tmp_path)

    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*_pb2*")}
    checked_in = {
        path.relative_to(ROOT): path.read_bytes()
        for path in (ROOT / "protos").rglob("*_pb2*")
        if "__pycache__" not in path.parts
    }
    assert {str(path) for path in fresh} == {str(path) for path in checked_in}
    assert [str(path) for path in fresh if fresh[path] != checked_in[path]] == []


def test_nothing_of_the_recorded_api_is_gone_or_different() -> None:
    recorded = json.loads(API_FILE.read_text(encoding="utf-8"))

    assert incompatibilities(recorded, describe(load_files())) == []


def test_every_addition_to_the_api_is_recorded() -> None:
    """`make protos` records additions, so that they are protected from then on."""
    assert json.loads(API_FILE.read_text(encoding="utf-8")) == describe(load_files())


def test_a_changed_type_a_lost_field_and_a_lost_method_are_refused() -> None:
    old = {"m": {"1": "id 9 single implicit", "2": "size 5 single implicit"}, "s": {"Get": "x"}}
    new = {"m": {"1": "id 5 single implicit"}, "s": {}}

    found = incompatibilities(old, new)

    assert len(found) == 3


def test_a_field_may_go_when_its_number_is_reserved() -> None:
    old = {"m": {"1": "id 9 single implicit"}}
    new = {"m": {"1": "reserved"}}

    assert incompatibilities(old, new) == []
