"""The replication protocol, one rule at a time; the simulator shows that the rules suffice."""

from dataclasses import replace

from protocol_bench import Bench

from actors.replication.protocol.effects import Answer, End, Ended, Refusal, Refuse
from actors.replication.protocol.state import Role
from tests.simulation.disk import EMPTY_IMAGE
from tests.simulation.world import LIMITS


def test_a_write_is_answered_with_the_number_of_copies_that_have_it() -> None:
    bench = Bench(copies=3)

    bench.write()

    assert bench.answers == [Answer(1, 1, durable_copies=3)]
    assert [store.durable.position for store in bench.stores.values()] == [1, 1, 1]


def test_a_silent_backup_is_removed_before_anything_is_answered_without_it() -> None:
    bench = Bench(copies=2)
    bench.cut_off = {"b"}
    bench.is_registry_up = False

    bench.write()
    bench.advance(2 * LIMITS.silence_ms_max)
    while_registry_is_down = bench.answers
    bench.is_registry_up = True
    bench.advance(LIMITS.registry_wait_ms_max + LIMITS.silence_ms_max)

    assert while_registry_is_down == []
    assert bench.group.in_sync == ("a",)
    assert bench.answers == [Answer(1, 1, durable_copies=1)]


def test_a_healthy_group_writes_and_reads_while_the_registry_is_down() -> None:
    bench = Bench(copies=3)
    bench.is_registry_up = False

    bench.advance(10_000)
    bench.write()
    bench.read(1)

    assert len(bench.taken(Answer)) == 1
    assert bench.group.in_sync == ("a", "b", "c")


def test_a_copy_that_was_away_once_is_admitted_as_soon_as_it_has_caught_up() -> None:
    bench = Bench(copies=2)
    bench.cut_off = {"b"}
    bench.advance(2 * LIMITS.silence_ms_max)
    bench.write()

    bench.cut_off = set()
    bench.advance(400)

    assert bench.group.in_sync == ("a", "b")
    assert bench.stores["b"].durable.position == 1


def test_a_copy_that_flaps_is_admitted_only_after_quiet_minutes() -> None:
    bench = Bench(copies=2)
    for _ in range(2):
        bench.cut_off = {"b"}
        bench.advance(2 * LIMITS.silence_ms_max)
        bench.cut_off = set()
        bench.advance(400)

    bench.advance(LIMITS.quiet_ms - 1_000)
    before = bench.group.in_sync
    bench.advance(1_500)

    assert before == ("a",)
    assert bench.group.in_sync == ("a", "b")


def test_a_backup_with_a_full_disk_leaves_instead_of_blocking() -> None:
    """The answer comes without waiting for the time that silence takes."""
    bench = Bench(copies=3)
    bench.stores["c"].is_full = True

    bench.write()

    assert bench.group.in_sync == ("a", "b")
    assert bench.answers == [Answer(1, 1, durable_copies=2)]


def test_a_backup_whose_disk_has_room_again_comes_back() -> None:
    bench = Bench(copies=2)
    bench.stores["b"].is_full = True
    bench.write()

    bench.stores["b"].is_full = False
    bench.advance(400)

    assert bench.group.in_sync == ("a", "b")


def test_a_primary_with_a_full_disk_hands_over() -> None:
    bench = Bench(copies=2)
    bench.stores["a"].is_full = True

    bench.write()
    bench.advance(500)
    bench.write("b")

    assert bench.group.primary == "b"
    assert bench.group.in_sync == ("b",)
    assert [answer.last for answer in bench.answers] == [2]


def test_a_lone_primary_with_a_full_disk_refuses_and_has_done_nothing() -> None:
    bench = Bench(copies=1)
    bench.stores["a"].is_full = True

    bench.write()
    refused = bench.taken(Refuse)
    bench.stores["a"].is_full = False
    bench.write()

    assert refused == [Refuse(Refusal.DISK_FULL)]
    assert bench.answers == [Answer(1, 1, durable_copies=1)]


def test_with_too_few_copies_writes_are_refused_and_strong_reads_go_on() -> None:
    bench = Bench(copies=2, min_copies=2)
    bench.cut_off = {"b"}
    bench.advance(2 * LIMITS.silence_ms_max)

    bench.write()
    refused = bench.taken(Refuse)
    bench.read(1)

    assert refused == [Refuse(Refusal.TOO_FEW_COPIES)]
    assert [served.reads for served in bench.served] == [(1,)]


def test_strong_reads_that_wait_share_the_next_round() -> None:
    bench = Bench(copies=2)
    bench.cut_off = {"b"}
    for number in range(1, 6):
        bench.read(number)
    bench.sent.clear()

    bench.cut_off = set()
    bench.advance(100)

    assert [served.reads for served in bench.served] == [(1,), (2, 3, 4, 5)]
    assert bench.sent["Confirm"] == 2


def test_a_planned_hand_over_keeps_the_old_primary_in_sync() -> None:
    bench = Bench(copies=2)
    bench.write()
    epoch = bench.group.epoch

    bench.hand_over("a", "b")
    bench.write("b")

    assert (bench.group.primary, bench.group.epoch) == ("b", epoch + 1)
    assert bench.group.in_sync == ("a", "b")
    assert [answer.durable_copies for answer in bench.answers] == [2, 2]
    assert bench.replicas["a"].role is Role.BACKUP


def test_only_a_member_is_promoted() -> None:
    bench = Bench(copies=2)
    bench.cut_off = {"b"}
    bench.advance(2 * LIMITS.silence_ms_max)
    bench.crash("a")

    bench.promote("b")

    assert [declined.refusal for declined in bench.declined] == [Refusal.NOT_A_MEMBER]
    assert bench.group.primary == "a"


def test_a_store_keeps_its_place_whatever_its_process_did() -> None:
    bench = Bench(copies=2)
    bench.write()

    for store_id in ("b", "a", "b"):
        bench.crash(store_id)
        bench.start(store_id)
    bench.advance(500)

    assert set(bench.group.in_sync) == {"a", "b"}


def test_two_crashes_in_a_row_while_opening_cost_no_store_its_place() -> None:
    """After the first, only `opening` is the registry's number; it must not be lost by the second."""
    bench = Bench(copies=1)
    bench.crash("a")
    store = bench.stores["a"]
    bench.is_registry_up = False

    bench.start("a")  # It has written nothing: the registry does not answer.
    bench.raise_incarnation("a")  # As if it had, and the last step had not come.
    store.durable = type(store.durable)(1, opening=2, open=1)
    bench.crash("a")
    bench.is_registry_up = True
    bench.start("a")
    bench.advance(200)

    assert bench.replicas["a"].is_open_primary
    assert store.durable.open == store.durable.opening == 3


def test_a_directory_from_an_earlier_opening_becomes_a_learner_and_catches_up() -> None:
    bench = Bench(copies=2)
    image = bench.stores["b"].image()
    bench.crash("b")
    bench.start("b")
    bench.write()
    bench.crash("b")

    bench.stores["b"].put_back(image)
    bench.start("b")
    as_it_opened = bench.group.in_sync
    bench.advance(500)

    assert as_it_opened == ("a",)
    assert bench.group.in_sync == ("a", "b")
    assert bench.stores["b"].durable.position == 1


def test_a_stale_store_that_is_alone_in_sync_stays_closed() -> None:
    bench = Bench(copies=1)
    bench.write()
    bench.crash("a")

    bench.stores["a"].put_back(EMPTY_IMAGE)
    bench.start("a")
    bench.advance(1_000)

    assert bench.replicas["a"].is_refused
    assert bench.replicas["a"].role is Role.OPENING
    assert bench.group.in_sync == ("a",)


def test_a_primary_ends_when_it_learns_that_its_tenant_was_deleted() -> None:
    bench = Bench(copies=2)
    bench.group = replace(bench.group, is_deleted=True)
    bench.revision += 1

    bench.advance(2 * LIMITS.low_water_period_ms)

    assert bench.taken(Ended) == [Ended(End.DELETED)]


def test_a_process_ends_when_its_store_was_opened_anew() -> None:
    """It would answer for a store that is another process's now."""
    bench = Bench(copies=2)

    bench.raise_incarnation("b")
    bench.advance(2 * LIMITS.low_water_period_ms)

    assert bench.taken(Ended) == [Ended(End.FENCED)]
