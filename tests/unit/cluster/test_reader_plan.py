"""Which readers are started and stopped, and when."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.plan.names import (
    new_reader_name,
    new_replica_name,
    read_reader_name,
    read_replica_name,
)
from cluster.plan.readers import (
    Action,
    ForgetReader,
    ObservedReader,
    Reader,
    ReadersState,
    StartReader,
    StopReader,
    plan_readers,
    wanted_readers,
)
from cluster.plan.replicas import Phase
from node.agent.backoff import Failures
from node.ids import StoreId, TenantId, new_store_id
from protos.internal.records_pb2 import GroupRecord

NOW_MS = 1_000_000


def _reader(index: int = 0, *, tenant: str = "a", incarnation: int = 1) -> Reader:
    return Reader(TenantId(tenant), StoreId(f"store-{tenant}"), incarnation, index)


def _seen(
    reader: Reader, phase: Phase, *, failure_count: int = 0, down_since_ms: int = NOW_MS
) -> ObservedReader:
    failures = Failures(count=failure_count, restart_count=failure_count)
    return ObservedReader(reader, phase, failures, down_since_ms)


def _plan(
    wanted: tuple[Reader, ...],
    *observed: ObservedReader,
    is_stopping: bool = False,
    replicas_starting_count: int = 0,
    starts_max: int = 4,
) -> list[Action]:
    state = ReadersState(NOW_MS, is_stopping, replicas_starting_count, wanted, observed)
    return plan_readers(state, starts_max=starts_max)


def test_each_wanted_reader_gets_one_process() -> None:
    wanted = (_reader(0), _reader(1))

    assert _plan(wanted, _seen(_reader(1), Phase.SERVING)) == [StartReader(_reader(0))]
    assert _plan(wanted, *(_seen(reader, Phase.STARTING) for reader in wanted)) == []


def test_a_reader_that_died_is_started_at_once_and_one_that_keeps_dying_waits() -> None:
    wanted = (_reader(),)
    once = _seen(_reader(), Phase.DOWN, failure_count=1)
    often = _seen(_reader(), Phase.DOWN, failure_count=3)
    waited = _seen(_reader(), Phase.DOWN, failure_count=3, down_since_ms=NOW_MS - 200)

    assert _plan(wanted, once) == [StartReader(_reader())]
    assert _plan(wanted, often) == []
    assert _plan(wanted, waited) == [StartReader(_reader())]


def test_readers_wait_while_replicas_start() -> None:
    wanted = (_reader(0), _reader(1))

    assert _plan(wanted, replicas_starting_count=4) == []
    assert _plan(wanted, replicas_starting_count=3) == [StartReader(_reader(0))]


def test_a_reader_too_many_is_stopped_and_a_dead_one_forgotten() -> None:
    plan = _plan(
        (_reader(0),),
        _seen(_reader(0), Phase.SERVING),
        _seen(_reader(1), Phase.SERVING),
        _seen(_reader(2), Phase.DOWN),
        _seen(_reader(3), Phase.STOPPING),
    )

    assert plan == [StopReader(_reader(1)), ForgetReader(_reader(2))]


def test_readers_of_an_earlier_opening_are_replaced() -> None:
    earlier, now = _reader(incarnation=1), _reader(incarnation=2)

    assert _plan((now,), _seen(earlier, Phase.SERVING)) == [StopReader(earlier), StartReader(now)]


def test_when_everything_stops_no_reader_is_started() -> None:
    wanted = (_reader(0), _reader(1))

    plan = _plan(wanted, _seen(_reader(0), Phase.SERVING), is_stopping=True)

    assert plan == [StopReader(_reader(0))]


@given(
    st.sets(st.integers(0, 7)),
    st.dictionaries(
        st.integers(0, 7), st.tuples(st.sampled_from(Phase), st.integers(0, 20)), max_size=8
    ),
    st.integers(1, 4),
    st.integers(0, 4),
)
def test_no_reader_ever_has_two_processes_nor_do_too_many_start(
    wanted: set[int],
    seen: dict[int, tuple[Phase, int]],
    starts_max: int,
    replicas_starting_count: int,
) -> None:
    plan = _plan(
        tuple(_reader(index) for index in sorted(wanted)),
        *(_seen(_reader(index), phase, failure_count=n) for index, (phase, n) in seen.items()),
        starts_max=starts_max,
        replicas_starting_count=replicas_starting_count,
    )

    started = [action.reader.index for action in plan if isinstance(action, StartReader)]
    starting = sum(phase is Phase.STARTING for phase, _ in seen.values())
    assert len(started) == len(set(started))
    assert len(started) <= max(0, starts_max - starting - replicas_starting_count)
    assert all(index in wanted for index in started)
    assert all(seen[index][0] is Phase.DOWN for index in started if index in seen)


def test_readers_are_wanted_where_an_open_tenants_primary_was_opened() -> None:
    opened = GroupRecord.Replica(store_id="store-a", server="local", incarnation=3)
    backup = GroupRecord.Replica(store_id="store-b", server="local", incarnation=1)
    new = GroupRecord.Replica(store_id="store-c", server="local")
    groups = [
        GroupRecord(
            tenant_id="a",
            state=GroupRecord.OPEN,
            primary="store-a",
            replicas=[opened, backup],
            reader_count=2,
        ),
        GroupRecord(
            tenant_id="gone",
            state=GroupRecord.DELETED,
            primary="store-a",
            replicas=[opened],
            reader_count=2,
        ),
        GroupRecord(
            tenant_id="new",
            state=GroupRecord.OPEN,
            primary="store-c",
            replicas=[new],
            reader_count=2,
        ),
    ]

    wanted = wanted_readers(groups, server="local")

    assert wanted == (_reader(0, incarnation=3), _reader(1, incarnation=3))
    assert wanted_readers(groups, server="other") == ()


def test_a_readers_name_says_which_it_is_and_is_no_replicas() -> None:
    reader = Reader(TenantId("shop-1"), new_store_id(), 7, 2)
    name = new_reader_name(reader)

    read = read_reader_name(name)

    assert read is not None
    assert (read.reader, read.name) == (reader, name)
    assert new_reader_name(reader) != name
    assert read_replica_name(name) is None
    assert read_reader_name(new_replica_name(reader.tenant_id, reader.store_id)) is None
    assert read_reader_name(f"reader/../{reader.store_id}/1/0/x") is None
