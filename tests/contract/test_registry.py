"""What every registry must do, whatever it is made of; a new implementation joins `FACTORIES`."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.errors import AbortedError, InvalidArgumentError
from node.ids import TenantId
from node.registry.embedded import EmbeddedRegistry
from node.registry.port import VALUE_SIZE_MAX, ConflictError, Registry
from protos.internal.records_pb2 import GroupRecord

FACTORIES: dict[str, tuple[Callable[[Path], Registry], str]] = {
    # How to open one in a test's own directory, and the same as code for another process.
    "embedded": (
        EmbeddedRegistry,
        "from node.registry.embedded import EmbeddedRegistry as open_registry",
    ),
}

ACME = TenantId("acme")


@pytest.fixture(params=sorted(FACTORIES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def registry(kind: str, tmp_path: Path) -> Iterator[Registry]:
    opened = FACTORIES[kind][0](tmp_path / "registry")
    yield opened
    opened.close()


def group(tenant_id: str, **fields: object) -> GroupRecord:
    return GroupRecord(tenant_id=tenant_id, state=GroupRecord.OPEN, **fields)  # type: ignore[arg-type]


def test_a_tenant_that_never_was_has_no_record(registry: Registry) -> None:
    assert registry.get(ACME) is None
    assert registry.list() == []
    assert registry.revision() == 0


def test_a_written_record_comes_back_with_its_revision(registry: Registry) -> None:
    revision = registry.compare_and_set(ACME, expected_revision=0, record=group("acme", epoch=7))

    found = registry.get(ACME)

    assert found is not None
    assert (found.record.epoch, found.revision) == (7, revision)


def test_a_record_that_exists_is_not_created_again(registry: Registry) -> None:
    revision = registry.compare_and_set(ACME, expected_revision=0, record=group("acme", epoch=1))

    with pytest.raises(ConflictError) as caught:
        registry.compare_and_set(ACME, expected_revision=0, record=group("acme", epoch=2))

    assert isinstance(caught.value, AbortedError)
    assert caught.value.actual_revision == revision
    found = registry.get(ACME)
    assert found is not None
    assert found.record.epoch == 1


def test_a_writer_that_read_too_early_is_refused(registry: Registry) -> None:
    first = registry.compare_and_set(ACME, expected_revision=0, record=group("acme", epoch=1))
    second = registry.compare_and_set(ACME, expected_revision=first, record=group("acme", epoch=2))

    with pytest.raises(ConflictError):
        registry.compare_and_set(ACME, expected_revision=first, record=group("acme", epoch=3))

    assert second > first


def test_a_record_that_is_absent_is_not_replaced(registry: Registry) -> None:
    with pytest.raises(ConflictError):
        registry.compare_and_set(ACME, expected_revision=5, record=group("acme"))

    assert registry.get(ACME) is None


def test_a_change_of_one_tenant_leaves_the_revision_of_another(registry: Registry) -> None:
    acme = registry.compare_and_set(ACME, expected_revision=0, record=group("acme"))
    registry.compare_and_set(TenantId("other"), expected_revision=0, record=group("other"))

    found = registry.get(ACME)

    assert found is not None
    assert found.revision == acme
    assert registry.revision() > acme


def test_records_are_listed_by_tenant_id(registry: Registry) -> None:
    for name in ("mid", "zebra", "acme"):
        registry.compare_and_set(TenantId(name), expected_revision=0, record=group(name))

    assert [found.record.tenant_id for found in registry.list()] == ["acme", "mid", "zebra"]


@pytest.mark.parametrize("name", ["", "A", "a", "x" * 600, "../etc", "a b"])
def test_a_name_that_no_tenant_can_have_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        registry.compare_and_set(TenantId(name), expected_revision=0, record=group(name))

    assert registry.get(TenantId(name)) is None


def test_a_record_is_only_written_under_its_own_tenant(registry: Registry) -> None:
    with pytest.raises(InvalidArgumentError):
        registry.compare_and_set(ACME, expected_revision=0, record=group("other"))


def test_a_value_is_compared_and_set_like_a_record(registry: Registry) -> None:
    assert registry.get_value("lease") is None
    first = registry.set_value("lease", expected_revision=0, value=b"")

    with pytest.raises(ConflictError):
        registry.set_value("lease", expected_revision=0, value=b"other")
    second = registry.set_value("lease", expected_revision=first, value=b"\x00mine")

    found = registry.get_value("lease")
    assert found is not None
    assert (found.value, found.revision) == (b"\x00mine", second)
    assert registry.revision() == second


@pytest.mark.parametrize(
    ("name", "value"), [("", b""), ("n" * 201, b""), ("Upper", b""), ("big", b"x" * 65_537)]
)
def test_a_value_out_of_bounds_is_refused(registry: Registry, name: str, value: bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        registry.set_value(name, expected_revision=0, value=value)


def test_the_largest_value_is_kept(registry: Registry) -> None:
    registry.set_value("n" * 200, expected_revision=0, value=b"x" * VALUE_SIZE_MAX)

    found = registry.get_value("n" * 200)

    assert found is not None
    assert len(found.value) == VALUE_SIZE_MAX


def test_what_was_written_is_there_when_opened_again(kind: str, tmp_path: Path) -> None:
    registry = FACTORIES[kind][0](tmp_path / "registry")
    revision = registry.compare_and_set(ACME, expected_revision=0, record=group("acme", epoch=4))
    registry.close()

    again = FACTORIES[kind][0](tmp_path / "registry")

    found = again.get(ACME)
    assert found is not None
    assert (found.record.epoch, found.revision, again.revision()) == (4, revision, revision)
    again.close()


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["acme", "other"]), st.integers(0, 6), st.integers(0, 99)),
        max_size=12,
    )
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_it_agrees_with_a_dictionary_of_revisions(
    kind: str, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    """The model: one counter, and for each key the counter's value at its last change."""
    registry = FACTORIES[kind][0](tmp_path_factory.mktemp("model") / "registry")
    model: dict[str, tuple[int, int]] = {}
    counter = 0

    for name, expected, epoch in steps:
        record = group(name, epoch=epoch)
        if expected == model.get(name, (0, 0))[0]:
            counter += 1
            model[name] = (counter, epoch)
            assert counter == registry.compare_and_set(
                TenantId(name), expected_revision=expected, record=record
            )
        else:
            with pytest.raises(ConflictError):
                registry.compare_and_set(TenantId(name), expected_revision=expected, record=record)

    held = {f.record.tenant_id: (f.revision, f.record.epoch) for f in registry.list()}
    assert held == model
    assert registry.revision() == counter
    registry.close()


_RACER = """
    import sys
    from pathlib import Path
    from node.registry.port import ConflictError
    from protos.internal.records_pb2 import GroupRecord
    {open_code}
    registry = open_registry(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    won = 0
    while won < int(sys.argv[2]):
        found = registry.get("acme")
        record = GroupRecord(tenant_id="acme", epoch=1 if found is None else found.record.epoch + 1)
        try:
            registry.compare_and_set(
                "acme", expected_revision=found.revision if found else 0, record=record
            )
            won += 1
        except ConflictError:
            pass
    registry.close()
"""


def test_no_increment_is_lost_when_processes_race(kind: str, tmp_path: Path) -> None:
    """Each process adds one 50 times by compare-and-set; together they must have added them all."""
    path = tmp_path / "registry"
    FACTORIES[kind][0](path).close()
    code = textwrap.dedent(_RACER).format(open_code=FACTORIES[kind][1])
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), "50"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"

    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate(timeout=60)

    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    registry = FACTORIES[kind][0](path)
    found = registry.get(ACME)
    assert found is not None
    assert found.record.epoch == 200
    registry.close()


_DIES = """
    import os, signal, sys
    from pathlib import Path
    from protos.internal.records_pb2 import GroupRecord
    {open_code}
    registry = open_registry(Path(sys.argv[1]))
    revision = 0
    while True:
        record = GroupRecord(tenant_id="acme", epoch=revision + 1)
        revision = registry.compare_and_set("acme", expected_revision=revision, record=record)
        print(revision, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_was_told_and_blocks_nobody(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "registry"
    code = textwrap.dedent(_DIES).format(open_code=FACTORIES[kind][1])
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    while (told := int(writer.stdout.readline())) < 20:
        pass
    writer.kill()
    told = max([told, *(int(line) for line in writer.stdout.read().splitlines()[:-1])])
    writer.wait()
    writer.stdout.close()

    registry = FACTORIES[kind][0](path)

    found = registry.get(ACME)
    assert found is not None
    assert found.revision >= told
    assert found.record.epoch == found.revision
    registry.compare_and_set(ACME, expected_revision=found.revision, record=group("acme", epoch=1))
    registry.close()
