"""What visitors do, written through one tenant's service: known again, sealed, counted, and deleted in time."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_tenant import STORE, Shop, kettle, make_paths, open_shop

from actors.event_care import EventCare
from actors.events.keys import DAY_MS, day_of
from actors.events.learnt import LearntEvent
from actors.events.sealing import open_event
from actors.replication.apply import Changed, apply_entry
from actors.replication.derive import derive
from actors.replication.resolution import Resolution, WriteCommand, WriteContext
from actors.storage.keyring import Keyring, wrapping_key
from actors.storage.log import read_entries
from actors.storage.store import Store
from actors.storage.tables import (
    ERASURES,
    EVENTS,
    FIGURES,
    MARKS,
    PRODUCT_COUNTS,
    RETENTION,
    VISITOR_EVENTS,
    VISITORS,
    Table,
)
from node.clock import ManualClock
from node.config import ServerPaths
from node.errors import StorageError, UnavailableError
from protos.internal.records_pb2 import (
    ErasureRecord,
    EventContent,
    EventRecord,
    LogEntry,
    ProductCountsRecord,
    RetentionRecord,
    VisitorRecord,
)
from protos.v1 import event_pb2
from protos.v1.event_pb2 import NONE, PROFILE, Event, EventResult, WriteEventsResponse

ACCEPTED, DUPLICATE, COUNTED = EventResult.ACCEPTED, EventResult.DUPLICATE, EventResult.COUNTED
REFUSED = EventResult.OUTCOME_UNSPECIFIED


def view(event_id: str, product: str = "kettle-1", **fields: object) -> Event:
    fields = {"visitor_id": "anna", "consent": PROFILE, "type": Event.VIEW} | fields
    time_ms = fields.pop("time_ms", None)
    event = Event(event_id=event_id, **fields)
    if event.type != Event.SEARCH:
        event.products.add(product_id=product)
    if time_ms is not None:
        event.event_time.FromMilliseconds(time_ms)
    return event


def search(event_id: str, query: str, **fields: object) -> Event:
    return view(event_id, type=Event.SEARCH, query=query, **fields)


async def write(shop: Shop, *events: Event, **fields: object) -> WriteEventsResponse:
    return await shop.call(
        "/saluhall.v1.EventService/WriteEvents",
        event_pb2.WriteEventsRequest(events=events, **fields),
        WriteEventsResponse,
    )


async def outcomes(shop: Shop, *events: Event) -> list[int]:
    return [result.outcome for result in (await write(shop, *events)).results]


def rows(shop: Shop, table: Table) -> dict[bytes, bytes]:
    with shop.tenant._store.read() as state:
        return {bytes(key): bytes(value) for key, value in state.range(table)}


def contents(shop: Shop, visitor_id: str = "anna") -> list[EventContent]:
    """What is kept of a visitor, opened with their key, as they were written."""
    keyring = shop.tenant._store.keyring
    key = keyring.visitor(keyring.tag_of(visitor_id))
    if key is None:
        return []
    events = rows(shop, EVENTS)
    places = [
        row[16:18] + event_hash
        for row, event_hash in rows(shop, VISITOR_EVENTS).items()
        if row.startswith(key.storage_id)
    ]
    return [open_event(key, at, EventRecord.FromString(events[at])) for at in places if events[at]]


def files_of(paths: ServerPaths) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(paths.data.rglob("*")) if path.is_file())


@pytest.fixture
def paths(tmp_path: Path) -> ServerPaths:
    return make_paths(tmp_path)


async def test_an_event_is_known_again_in_its_call_in_later_ones_and_after_a_restart(
    paths: ServerPaths,
) -> None:
    clock = ManualClock()
    async with open_shop(paths, clock) as shop:
        assert await outcomes(shop, view("1"), view("1"), view("2")) == [
            ACCEPTED,
            DUPLICATE,
            ACCEPTED,
        ]
        before = shop.tenant.reader.position
        answer = await write(shop, view("2"), view("1"))
        assert [result.outcome for result in answer.results] == [DUPLICATE, DUPLICATE]
        assert answer.position == before
        assert answer.durable_copies == 1

    async with open_shop(paths, clock) as shop:
        assert await outcomes(shop, view("2"), view("3")) == [DUPLICATE, ACCEPTED]
        assert len(contents(shop)) == 3


async def test_calls_at_the_same_time_take_an_event_once(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        answers = await asyncio.gather(
            *(outcomes(shop, view("1"), view(f"x{n}")) for n in range(9))
        )

        assert sorted(answer[0] for answer in answers) == [ACCEPTED] + [DUPLICATE] * 8
        assert len(contents(shop)) == 10


async def test_an_event_without_consent_is_known_again_too(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        assert await outcomes(shop, view("1", consent=NONE)) == [COUNTED]
        assert await outcomes(shop, view("1"), view("1", visitor_id="bo")) == [DUPLICATE] * 2


async def test_late_and_early_events_are_kept_in_the_order_in_which_they_came(
    paths: ServerPaths,
) -> None:
    async with open_shop(paths) as shop:
        now = shop.clock.now_ms()
        times = [now, now - 3 * DAY_MS, now - 300 * DAY_MS, now - 1, now + DAY_MS // 2]

        assert set(
            await outcomes(shop, *(view(f"{n}", time_ms=time) for n, time in enumerate(times)))
        ) == {ACCEPTED}

        kept = [content.event.event_time.ToMilliseconds() for content in contents(shop)]
        assert kept == sorted(times, key=day_of)
        assert {day_of(time) for time in times} == {
            int.from_bytes(key[:2], "big") for key in rows(shop, EVENTS)
        }


async def test_each_event_has_a_status_of_its_own_and_the_good_ones_are_kept(
    paths: ServerPaths,
) -> None:
    async with open_shop(paths) as shop:
        now = shop.clock.now_ms()
        answer = await write(
            shop,
            view("good"),
            view(""),
            view("no product", product=""),
            view("old", time_ms=now - 396 * DAY_MS),
            view("ahead", time_ms=now + 2 * DAY_MS),
            view("also good", consent=NONE),
        )

        assert [result.outcome for result in answer.results] == [
            ACCEPTED, REFUSED, REFUSED, REFUSED, REFUSED, COUNTED,
        ]  # fmt: skip
        fields = [result.status.message.split(":")[0] for result in answer.results]
        assert fields == ["", "event_id", "products[0].product_id", "event_time", "event_time", ""]
        assert [result.status.code for result in answer.results] == [0, 3, 3, 3, 3, 0]
        assert len(rows(shop, EVENTS)) == 2


async def test_a_trial_writes_nothing(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        before = shop.tenant.state().state_hash
        answer = await write(
            shop, view("1"), view("1"), view("2", visitor_id=""), view(""), validate_only=True
        )

        assert [result.outcome for result in answer.results] == [
            ACCEPTED, DUPLICATE, COUNTED, REFUSED,
        ]  # fmt: skip
        assert shop.tenant.state().state_hash == before
        assert shop.tenant._store.keyring.visitor_count == 0


async def test_a_call_with_a_request_id_is_answered_again(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        first = await write(shop, view("1"), request_id="call")
        again = await write(shop, view("1"), request_id="call")

        assert first == again
        assert first.results[0].outcome == ACCEPTED


CANARY = "canary-7f3a"


def canaries(number: int, **fields: object) -> list[Event]:
    own = {"visitor_id": f"{CANARY}-visitor-{number}", "session_id": f"{CANARY}-session-{number}"}
    return [
        search(f"{CANARY}-event-{number}-s", f"{CANARY} words {number}", **own | fields),
        view(
            f"{CANARY}-event-{number}-p",
            product=f"{CANARY}-product-{number}",
            type=Event.PURCHASE,
            order_id=f"{CANARY}-order-{number}",
            **own | fields,
        ),
    ]


async def test_nothing_that_visitors_send_stands_in_any_file_in_clear(paths: ServerPaths) -> None:
    """Neither with consent nor without, and neither what is refused: a raw search of all bytes."""
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
        for number in range(100):
            await write(
                shop,
                *canaries(number),
                *canaries(number + 1_000, consent=NONE),
                *canaries(number + 2_000, visitor_id=""),
                view(f"{CANARY}-refused", product=CANARY * 20),
                search(f"{CANARY}-long", CANARY * 200),
                request_id=f"{CANARY}-request-{number}",
            )
        assert len(rows(shop, EVENTS)) == 600

    everything = files_of(paths)
    assert len(everything) > 100_000
    assert CANARY.encode() not in everything
    assert CANARY.encode("utf-16-le") not in everything


async def test_without_consent_nothing_is_tied_to_anyone(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
        learnt: list[LearntEvent] = []
        shop.tenant.on_events = learnt.extend

        await outcomes(
            shop, view("1", consent=NONE), view("2", visitor_id=""), view("3", consent=0)
        )

        assert list(rows(shop, EVENTS).values()) == [b""] * 3
        for table in (VISITOR_EVENTS, VISITORS, MARKS):
            assert rows(shop, table) == {}
        assert shop.tenant._store.keyring.visitor_count == 0
        assert learnt == []
        # All the same, the product was looked at three times.
        counts = ProductCountsRecord.FromString(rows(shop, PRODUCT_COUNTS)[b"kettle-1"])
        assert counts.views == pytest.approx(3)


async def test_who_objects_is_counted_and_who_restricts_is_kept_and_not_used(
    paths: ServerPaths,
) -> None:
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
        await write(shop, view("1"), view("2", visitor_id="bo"))
        learnt: list[LearntEvent] = []
        shop.tenant.on_events = learnt.extend
        counted = rows(shop, PRODUCT_COUNTS)
        keyring = shop.tenant._store.keyring
        await put(shop, VISITORS, keyring.visitor(keyring.tag_of("anna")).storage_id,
                  VisitorRecord(object_time_ms=1, event_count=1))  # fmt: skip
        await put(shop, VISITORS, keyring.visitor(keyring.tag_of("bo")).storage_id,
                  VisitorRecord(restrict_time_ms=1, event_count=1))  # fmt: skip

        assert await outcomes(shop, view("4", visitor_id="bo")) == [ACCEPTED]
        assert rows(shop, PRODUCT_COUNTS) == counted
        assert await outcomes(shop, view("3")) == [COUNTED]

        assert len(contents(shop, "anna")) == 1
        assert len(contents(shop, "bo")) == 2
        assert learnt == []


async def test_what_is_kept_is_what_was_sent_with_hashes_for_ids(paths: ServerPaths) -> None:
    sent = search("1", "röd kaffekanna", session_id="s", filter="brand = 'x'", result_count=0)
    sent.placement, sent.list, sent.market, sent.position = "home", "top", "se", 3
    sent.products.add(product_id="kettle-1", variant_id="v", quantity=2, price_micros=5)
    sent.order_id, sent.currency_code, sent.experiment = "o", "SEK", "ranking=b"
    async with open_shop(paths) as shop:
        await write(shop, Event.FromString(sent.SerializeToString()))
        keyring = shop.tenant._store.keyring

        (content,) = contents(shop)

        sent.event_id = content.event.event_id
        sent.session_id = keyring.id_hash("session", "s")[:16].hex()
        sent.order_id = keyring.id_hash("order", "o")[:16].hex()
        sent.visitor_id = ""
        sent.event_time.FromMilliseconds(shop.clock.now_ms())
        assert content.event == sent
        assert content.server_time_ms == shop.clock.now_ms()
        assert len(bytes.fromhex(content.event.event_id)) == 16


async def test_memory_learns_what_is_durable_in_its_order(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        now = shop.clock.now_ms()
        learnt: list[LearntEvent] = []
        shop.tenant.on_events = learnt.extend

        await asyncio.gather(
            write(shop, view("1", session_id="s"), view("1", session_id="s"), view("")),
            write(shop, view("2", product="b", session_id="s", time_ms=now + 1_000)),
            write(shop, view("3", visitor_id="bo", session_id="s", type=Event.CLICK)),
        )

        assert [(one.type, one.product_ids, one.time_ms) for one in learnt] == [
            (Event.VIEW, ("kettle-1",), now),
            (Event.VIEW, ("b",), now),
            (Event.CLICK, ("kettle-1",), now),
        ]
        assert learnt[0].session_hash == learnt[1].session_hash == learnt[2].session_hash
        assert len(learnt[0].session_hash) == 16
        assert learnt[0].storage_id == learnt[1].storage_id != learnt[2].storage_id
        assert {one.event_hash for one in learnt} == {key[2:] for key in rows(shop, EVENTS)}


async def test_entries_of_the_log_carry_ciphertext_and_counts_only(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
        await write(shop, *canaries(1), view("v", visitor_id=f"{CANARY}-visitor-1"))

        with shop.tenant._store.read() as state:
            entry = list(read_entries(state))[-1]
        assert CANARY.encode() not in entry.SerializeToString()
        by_table = {change.table for change in entry.changes}
        assert {EVENTS.number, VISITOR_EVENTS.number, VISITORS.number, MARKS.number} <= by_table
        sealed = [
            EventRecord.FromString(change.value)
            for change in entry.changes
            if change.table == EVENTS.number
        ]
        keyring = shop.tenant._store.keyring
        key = keyring.visitor(keyring.tag_of(f"{CANARY}-visitor-1"))
        assert [record.storage_id for record in sealed] == [key.storage_id] * 3
        assert keyring.tag_of(f"{CANARY}-visitor-1") not in entry.SerializeToString()


async def test_a_replay_of_the_log_gives_the_same_state(paths: ServerPaths, tmp_path: Path) -> None:
    """A copy that has no key of any visitor comes to the same tables, byte for byte."""
    async with open_shop(paths) as shop:
        await shop.write(kettle(1), kettle(2))
        for number in range(30):
            events = [*canaries(number % 7), view(f"{number}", f"kettle-{number % 3}")]
            await write(shop, *events, view(f"n{number}", consent=NONE))
        shop.clock.advance(100 * DAY_MS)
        await shop.tenant._event_care.tick()
        expected = shop.tenant.state().state_hash
        with shop.tenant._store.read() as state:
            entries = [entry.SerializeToString(deterministic=True) for entry in read_entries(state)]
        schema = shop.tenant.writer.schema

    wrapping = wrapping_key(b"x" * 32, "shop")
    Store.create(
        tmp_path / "copy", store_id=STORE, tenant_id="shop", epoch=1, wrapping_key=wrapping
    )
    copy = Store.open(tmp_path / "copy", wrapping_key=wrapping)
    for stored in entries:
        with copy.write(epoch=1) as batch:
            changed = Changed()
            apply_entry(batch, LogEntry.FromString(stored), stored, changed)
            derive(batch, changed, schema)
    with copy.read() as state:
        assert f"{state.state_hash:032x}" == expected
    copy.close()


async def test_a_failed_transaction_leaves_no_usable_key_and_nothing_learnt(
    paths: ServerPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shop(paths) as shop:
        learnt: list[LearntEvent] = []
        shop.tenant.on_events = learnt.extend
        keyring = shop.tenant._store.keyring

        def full(self: Keyring) -> None:
            del self
            sync(keyring)
            raise StorageError("the disk is full", reason="DISK_FULL")

        sync = Keyring.sync
        with monkeypatch.context() as patch:
            patch.setattr(Keyring, "sync", full)
            with pytest.raises(UnavailableError):
                await write(shop, view("1"))

        assert keyring.visitor(keyring.tag_of("anna")) is None
        assert keyring.tag_of("anna") not in files_of(paths)
        assert rows(shop, EVENTS) == {}
        assert learnt == []
        assert await outcomes(shop, view("1")) == [ACCEPTED]


async def test_a_key_is_on_the_disk_before_what_it_has_sealed(
    paths: ServerPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shop(paths) as shop:
        seen: list[tuple[bool, bool]] = []
        sync = Keyring.sync

        def watched(self: Keyring) -> None:
            sync(self)
            tag = self.tag_of("anna")
            (ring,) = paths.stores.glob("*/keyring")
            (data,) = paths.stores.glob("*/data.mdb")
            seen.append(
                (tag in ring.read_bytes(), self.visitor(tag).storage_id in data.read_bytes())
            )

        monkeypatch.setattr(Keyring, "sync", watched)
        await write(shop, view("1"))

        assert seen == [(True, False)]


async def test_events_do_not_end_the_view_that_searches_share(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
        await shop.search("kettle")
        searched = shop.tenant.reader.searched()

        answer = await write(shop, view("1"), search("2", "kettle"))

        assert (await shop.search("kettle")).position == answer.position
        assert shop.tenant.reader.searched() is searched


async def test_words_are_dropped_before_the_rest_of_an_event(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        await write(shop, search("1", "kaffe", result_count=3), view("2"))
        await write(shop, search("3", "old words", time_ms=shop.clock.now_ms() - 91 * DAY_MS))
        by_type = {content.event.query for content in contents(shop)}
        assert by_type == {"kaffe", ""}

        shop.clock.advance(90 * DAY_MS)
        await shop.tenant._event_care.tick()
        assert [content.event.query for content in contents(shop)].count("kaffe") == 1
        shop.clock.advance(DAY_MS)
        await shop.tenant._event_care.tick()

        assert [content.event.query for content in contents(shop)] == ["", "", ""]
        assert not any(content.event.HasField("result_count") for content in contents(shop))
        assert sorted(content.event.type for content in contents(shop)) == [1, 1, 2]


async def test_old_events_their_visitors_and_their_keys_go(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
        await write(shop, view("1"), view("2", visitor_id="bo"), view("3", consent=NONE))
        shop.clock.advance(200 * DAY_MS)
        await write(shop, view("4", visitor_id="bo"))
        keyring = shop.tenant._store.keyring
        first = shop.tenant.reader.position

        shop.clock.advance(195 * DAY_MS)
        await care(shop)
        assert len(rows(shop, EVENTS)) == 4
        shop.clock.advance(DAY_MS)
        await care(shop)

        assert len(rows(shop, EVENTS)) == len(rows(shop, VISITOR_EVENTS)) == 1
        assert len(contents(shop, "bo")) == 1
        assert keyring.visitor(keyring.tag_of("anna")) is None
        assert keyring.visitor_count == len(rows(shop, VISITORS)) == 1
        assert rows(shop, MARKS) == {}
        with shop.tenant._store.read() as state:
            entries = list(read_entries(state, first=first + 1))
        deleted = {c.table for entry in entries for c in entry.changes if not c.HasField("value")}
        assert {EVENTS.number, VISITOR_EVENTS.number, VISITORS.number} <= deleted

        shop.clock.advance(10 * DAY_MS)
        await care(shop)
        assert await outcomes(shop, view("5")) == [ACCEPTED]


async def test_a_shorter_retention_holds_for_what_is_there(paths: ServerPaths) -> None:
    async with open_shop(paths) as shop:
        for number in range(5):
            await write(shop, view(f"{number}"), search(f"s{number}", "kaffe"))
            shop.clock.advance(DAY_MS)
        await put(shop, RETENTION, b"tenant", RetentionRecord(events_days=3, searches_days=1))

        await care(shop)

        days = sorted({key[16:18] for key in rows(shop, VISITOR_EVENTS)})
        assert len(days) == 3
        words = [content.event.query for content in contents(shop) if content.event.type == 1]
        assert words == ["", "", "kaffe"]

        # Kept longer again, then shorter again: what came meanwhile is found all the same.
        await put(shop, RETENTION, b"tenant", RetentionRecord(events_days=30, searches_days=20))
        late = shop.clock.now_ms() - 5 * DAY_MS
        await write(shop, search("late", "kaffe", time_ms=late))
        await care(shop)
        await put(shop, RETENTION, b"tenant", RetentionRecord(events_days=30, searches_days=1))
        await care(shop)
        words = [content.event.query for content in contents(shop) if content.event.type == 1]
        assert words == ["", "", "", "kaffe"]


async def test_retention_deletes_a_bounded_number_at_a_time_and_all_in_the_end(
    paths: ServerPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.events.retention.DELETIONS_MAX", 7)
    monkeypatch.setattr("actors.events.retention.WORDS_LOOKED_AT_MAX", 5)
    async with open_shop(paths) as shop:
        await write(shop, *(search(f"{n}", "kaffe", visitor_id=f"v{n % 4}") for n in range(60)))
        await write(shop, *(view(f"n{n}", consent=NONE) for n in range(20)))
        shop.clock.advance(91 * DAY_MS)
        await care(shop)
        assert len(rows(shop, EVENTS)) == 80
        assert all(
            not EventRecord.FromString(row).sealed_words for row in rows(shop, EVENTS).values()
        )
        first = shop.tenant.reader.position

        shop.clock.advance(400 * DAY_MS)
        await care(shop)

        assert rows(shop, EVENTS) == rows(shop, VISITOR_EVENTS) == rows(shop, VISITORS) == {}
        assert rows(shop, FIGURES) == {}
        with shop.tenant._store.read() as state:
            entries = list(read_entries(state, first=first + 1))
        assert max(len(entry.changes) for entry in entries) <= 4 * 7


async def test_rows_of_erased_visitors_are_emptied_and_their_events_stay_known(
    paths: ServerPaths,
) -> None:
    async with open_shop(paths) as shop:
        await write(shop, view("1"), view("2"), view("3", visitor_id="bo"))
        keyring = shop.tenant._store.keyring
        tag = keyring.tag_of("anna")
        storage_id = keyring.visitor(tag).storage_id
        await put(shop, ERASURES, b"receipt", ErasureRecord(tag=tag, storage_id=storage_id))
        keyring.destroy(tag, storage_id)

        await care(shop)

        assert len(rows(shop, VISITOR_EVENTS)) == 1
        assert sorted(len(row) > 0 for row in rows(shop, EVENTS).values()) == [False, False, True]
        assert await outcomes(shop, view("1")) == [DUPLICATE]
        assert len(contents(shop, "bo")) == 1


async def test_a_visitor_whose_key_is_being_destroyed_is_counted_only(paths: ServerPaths) -> None:
    """An event in the same transaction as the erasure counts as one that came just before it."""
    async with open_shop(paths) as shop:
        await write(shop, view("1"))
        keyring = shop.tenant._store.keyring
        tag = keyring.tag_of("anna")
        storage_id = keyring.visitor(tag).storage_id

        def erase(context: WriteContext) -> Resolution:
            del context
            keyring.retire(tag, storage_id)
            resolution = Resolution(WriteEventsResponse())
            resolution.put(ERASURES, b"r", ErasureRecord(tag=tag, storage_id=storage_id))
            resolution.delete(VISITORS, storage_id)
            return resolution

        erased = shop.tenant.writer.submit(WriteCommand("test", erase, WriteEventsResponse))
        results = await asyncio.gather(erased, outcomes(shop, view("2")))

        assert results[1] == [COUNTED]
        assert keyring.visitor(tag) is None
        assert not keyring.is_retired(tag)
        assert await outcomes(shop, view("3")) == [ACCEPTED]
        assert keyring.visitor(tag).storage_id != storage_id


async def test_keys_of_nobody_are_found_and_destroyed(
    paths: ServerPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by a process that ended between the key's sync and the commit."""
    monkeypatch.setattr("actors.event_care.SLOTS_PER_TICK", 3)
    async with open_shop(paths) as shop:
        await write(shop, *(view(f"{n}", visitor_id=f"v{n}") for n in range(4)))
        keyring = shop.tenant._store.keyring
        for name in ("orphan", "another"):
            keyring.create_visitor(keyring.tag_of(name))
        keyring.sync()
        keyring.settle()
        assert keyring.visitor_count == 6

        await care(shop)

        assert keyring.visitor_count == 4
        assert keyring.visitor(keyring.tag_of("orphan")) is None
        assert [len(contents(shop, f"v{n}")) for n in range(4)] == [1] * 4


IDS = st.sampled_from(["a", "b", "c", "d"])
VISITOR_IDS = st.sampled_from(["anna", "bo", ""])
CALLS = st.lists(
    st.lists(st.tuples(IDS, VISITOR_IDS, st.booleans(), st.integers(0, 2)), max_size=6), max_size=5
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(calls=CALLS, restart=st.integers(0, 4))
def test_whatever_is_sent_and_repeated_every_id_of_a_day_counts_once(
    tmp_path_factory: pytest.TempPathFactory,
    calls: Sequence[Sequence[tuple[str, str, bool, int]]],
    restart: int,
) -> None:
    """The first event with its id on its day decides; outcomes, rows and sequence numbers follow from it."""
    paths = make_paths(tmp_path_factory.mktemp("events"))
    asyncio.run(_check_once(paths, calls, restart))


async def _check_once(
    paths: ServerPaths, calls: Sequence[Sequence[tuple[str, str, bool, int]]], restart: int
) -> None:
    clock = ManualClock()
    expected: dict[tuple[str, int], str] = {}
    for part in (calls[:restart], calls[restart:]):
        async with open_shop(paths, clock) as shop:
            for call in part:
                events, wanted = [], []
                for event_id, visitor, is_agreed, days in call:
                    time_ms = clock.now_ms() - days * DAY_MS
                    consent = PROFILE if is_agreed else NONE
                    events.append(
                        view(event_id, visitor_id=visitor, consent=consent, time_ms=time_ms)
                    )
                    owner = visitor if is_agreed else ""
                    if (event_id, days) in expected:
                        wanted.append(DUPLICATE)
                    else:
                        wanted.append(ACCEPTED if owner else COUNTED)
                        expected[event_id, days] = owner
                assert await outcomes(shop, *events) == wanted
            for visitor in ("anna", "bo"):
                owned = [key for key, owner in expected.items() if owner == visitor]
                assert len(contents(shop, visitor)) == len(owned)
            kept = rows(shop, EVENTS)
            assert len(kept) == len(expected)
            sequences = [
                (record.storage_id, record.sequence)
                for record in map(EventRecord.FromString, filter(None, kept.values()))
            ]
            assert len(set(sequences)) == len(sequences)
            assert sum(
                VisitorRecord.FromString(row).event_count for row in rows(shop, VISITORS).values()
            ) == len(sequences)


async def put(shop: Shop, table: Table, key: bytes, value: object) -> None:
    """A write that another service would make."""

    def resolve(context: WriteContext) -> Resolution:
        del context
        resolution = Resolution(WriteEventsResponse())
        resolution.put(table, key, value)
        return resolution

    await shop.tenant.writer.submit(WriteCommand("test", resolve, WriteEventsResponse))


async def care(shop: Shop) -> None:
    """Until nothing is due any more, as over the seconds of a day."""
    event_care = EventCare(shop.tenant._store, shop.tenant.writer, shop.clock)
    for _ in itertools.repeat(None, 20):
        await event_care.tick()
