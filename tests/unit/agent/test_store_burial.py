"""Which store directories are destroyed, set aside, left alone."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from node.agent.stores import (
    destroy_store,
    plan_stores,
    set_store_aside,
    store_names,
)
from node.config import ServerPaths
from protos.internal.records_pb2 import GroupRecord

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


def _group(tenant: str, *stores: str, state: "GroupRecord.State.ValueType") -> GroupRecord:
    replicas = [GroupRecord.Replica(store_id=store) for store in stores]
    return GroupRecord(tenant_id=tenant, replicas=replicas, state=state)


def test_stores_of_tombstones_are_destroyed_strangers_set_aside_others_kept() -> None:
    groups = [
        _group("open", A, state=GroupRecord.OPEN),
        _group("gone", B, state=GroupRecord.DELETED),
    ]

    plan = plan_stores([A, B, C], groups)

    assert plan.destroy == (B,)
    assert plan.set_aside == (C,)


def test_what_was_never_finished_is_destroyed_and_what_is_no_store_is_left_alone() -> None:
    plan = plan_stores([f"{A}.new-0123abcd", "lost+found", "x.new-1"], [])

    assert plan.destroy == (f"{A}.new-0123abcd",)
    assert plan.set_aside == ()


_STATES = st.sampled_from([GroupRecord.OPEN, GroupRecord.DELETED])
_STORES = st.lists(st.integers(0, 15).map(lambda n: f"{n:032x}"), unique=True)


@given(_STORES, st.lists(st.tuples(_STATES, _STORES), max_size=4))
def test_a_store_of_an_open_tenant_alone_is_never_touched(
    names: list[str], groups: list[tuple["GroupRecord.State.ValueType", list[str]]]
) -> None:
    records = [_group(f"t{n}", *s, state=state) for n, (state, s) in enumerate(groups)]
    deleted = {s for state, ss in groups if state == GroupRecord.DELETED for s in ss}
    known = {s for _, ss in groups for s in ss}

    plan = plan_stores(names, records)

    assert set(plan.destroy) == set(names) & deleted
    assert set(plan.set_aside) == set(names) - known


def test_a_destroyed_stores_keys_are_overwritten_before_they_are_unlinked(tmp_path: Path) -> None:
    """What is unlinked stays on the disk; a second name for the file shows what stays."""
    paths = ServerPaths.of(tmp_path)
    store = paths.stores / A
    store.mkdir(parents=True)
    (store / "keyring").write_bytes(b"secret key" * 10)
    remains = tmp_path / "what-the-disk-keeps"
    remains.hardlink_to(store / "keyring")

    destroy_store(paths, A)
    destroy_store(paths, A)

    assert store_names(paths) == []
    assert len(remains.read_bytes()) == 100
    assert b"secret" not in remains.read_bytes()


def test_what_is_set_aside_is_kept_whole_even_twice(tmp_path: Path) -> None:
    paths = ServerPaths.of(tmp_path)
    for content in ("one", "two"):
        (paths.stores / C).mkdir(parents=True)
        (paths.stores / C / "data.mdb").write_text(content)
        set_store_aside(paths, C)

    assert store_names(paths) == []
    kept = sorted(path.read_text() for path in (tmp_path / "aside").glob("*/data.mdb"))
    assert kept == ["one", "two"]
