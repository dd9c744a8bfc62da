"""Which replicas are started and stopped, and when."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.plan.names import new_replica_name, read_replica_name
from cluster.plan.replicas import (
    ObservedReplica,
    Phase,
    ReplicasState,
    StartReplica,
    StopReplica,
    WantedReplica,
    plan_replicas,
    wanted_replicas,
)
from node.agent.backoff import DELAY_MS_OPEN, Failures
from node.ids import StoreId, TenantId, new_store_id
from protos.internal.records_pb2 import GroupRecord

NOW_MS = 1_000_000


def _wanted(*names: str) -> tuple[WantedReplica, ...]:
    return tuple(WantedReplica(TenantId(n), StoreId(f"store-{n}")) for n in names)


def _observed(
    name: str, phase: Phase, *, failure_count: int = 0, down_since_ms: int = NOW_MS
) -> ObservedReplica:
    failures = Failures(count=failure_count, restart_count=failure_count)
    return ObservedReplica(TenantId(name), StoreId(f"store-{name}"), phase, failures, down_since_ms)


def _plan(
    wanted: tuple[WantedReplica, ...],
    *observed: ObservedReplica,
    is_stopping: bool = False,
    starts_max: int = 4,
) -> list[StartReplica | StopReplica]:
    state = ReplicasState(NOW_MS, is_stopping, wanted, observed)
    return plan_replicas(state, starts_max=starts_max)


def _start(name: str) -> StartReplica:
    return StartReplica(TenantId(name), StoreId(f"store-{name}"))


def test_a_tenant_without_a_process_gets_one() -> None:
    assert _plan(_wanted("a")) == [_start("a")]


def test_a_tenant_that_serves_or_starts_or_stops_is_left_alone() -> None:
    for phase in (Phase.SERVING, Phase.STARTING, Phase.STOPPING):
        assert _plan(_wanted("a"), _observed("a", phase)) == []


def test_after_a_first_death_it_is_started_at_once() -> None:
    assert _plan(_wanted("a"), _observed("a", Phase.DOWN, failure_count=1)) == [_start("a")]


def test_what_keeps_dying_waits_its_time() -> None:
    just_died = _observed("a", Phase.DOWN, failure_count=3)
    waited = _observed("a", Phase.DOWN, failure_count=3, down_since_ms=NOW_MS - 200)

    assert _plan(_wanted("a"), just_died) == []
    assert _plan(_wanted("a"), waited) == [_start("a")]


def test_only_so_many_start_at_a_time() -> None:
    wanted = _wanted("a", "b", "c", "d")

    plan = _plan(wanted, _observed("a", Phase.STARTING), starts_max=2)

    assert plan == [_start("b")]


def test_a_tenant_in_a_crash_loop_never_holds_up_a_healthy_one() -> None:
    looping = _observed("a", Phase.DOWN, failure_count=40, down_since_ms=NOW_MS - DELAY_MS_OPEN)

    plan = _plan(_wanted("a", "b"), looping, starts_max=1)

    assert plan == [_start("b")]


def test_what_is_not_wanted_any_more_is_stopped() -> None:
    assert _plan((), _observed("a", Phase.SERVING)) == [StopReplica(StoreId("store-a"))]
    assert _plan((), _observed("a", Phase.DOWN)) == []


def test_when_everything_stops_all_are_stopped_and_none_is_started() -> None:
    plan = _plan(_wanted("a", "b", "c"), _observed("a", Phase.SERVING), is_stopping=True)

    assert plan == [StopReplica(StoreId("store-a"))]


_PHASES = st.sampled_from(Phase)
_OBSERVED = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(_PHASES, st.integers(0, 20), st.integers(0, 60_000))
)


@given(st.sets(st.sampled_from("abcdef")), _OBSERVED, st.integers(1, 4), st.booleans())
def test_no_store_ever_gets_a_second_process_nor_too_many_start(
    wanted: set[str],
    seen: dict[str, tuple[Phase, int, int]],
    starts_max: int,
    is_stopping: bool,  # noqa: FBT001 - Hypothesis passes it
) -> None:
    observed = [
        _observed(name, phase, failure_count=count, down_since_ms=NOW_MS - ago_ms)
        for name, (phase, count, ago_ms) in seen.items()
    ]

    plan = _plan(
        _wanted(*sorted(wanted)), *observed, starts_max=starts_max, is_stopping=is_stopping
    )

    started = [action.tenant_id for action in plan if isinstance(action, StartReplica)]
    starting = [phase for phase, _, _ in seen.values() if phase is Phase.STARTING]
    assert len(started) == len(set(started))
    assert len(started) + len(starting) <= max(starts_max, len(starting))
    assert all(name in wanted and not is_stopping for name in started)
    assert all(seen[name][0] is Phase.DOWN for name in started if name in seen)


def test_only_stores_of_open_tenants_on_this_server_are_wanted() -> None:
    here = GroupRecord.Replica(store_id="store-a", server="local")
    there = GroupRecord.Replica(store_id="store-b", server="other")
    groups = [
        GroupRecord(tenant_id="z", state=GroupRecord.OPEN, replicas=[here, there]),
        GroupRecord(tenant_id="gone", state=GroupRecord.DELETED, replicas=[here]),
    ]

    assert wanted_replicas(groups, server="local") == (
        WantedReplica(TenantId("z"), StoreId("store-a")),
    )


def test_a_replicas_name_says_whose_it_is_and_is_never_used_twice() -> None:
    store_id = new_store_id()
    name = new_replica_name(TenantId("shop-1"), store_id)

    read = read_replica_name(name)

    assert read is not None
    assert (read.tenant_id, read.store_id) == ("shop-1", store_id)
    assert new_replica_name(TenantId("shop-1"), store_id) != name
    assert read_replica_name("supervisor") is None
    assert read_replica_name(f"replica/../{store_id}/0") is None
