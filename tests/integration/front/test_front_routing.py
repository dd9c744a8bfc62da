"""What happens to calls while a tenant's process dies, moves, or is not there yet."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from front_harness import SEARCH, WRITE_PRODUCTS, Hall, Replica, key_of, open_hall, until

from node.errors import ResourceExhaustedError, UnauthenticatedError, UnavailableError
from node.front.config import FrontConfig, RoutingConfig
from node.ids import TenantId
from protos.internal.link_pb2 import Answer, Call
from protos.internal.records_pb2 import GroupRecord

CONFIG = FrontConfig(stop_grace_ms=500)


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_hall(tmp_path, CONFIG) as opened:
        yield opened


async def never(_: Call) -> Answer:
    await asyncio.Event().wait()
    return Answer()


def with_routing(**routing: int) -> FrontConfig:
    return replace(CONFIG, routing=RoutingConfig(**routing))


async def test_a_read_whose_replica_dies_is_answered_by_the_next(hall: Hall) -> None:
    hall.replica.behaviour = never
    (first,) = hall._servers
    call = asyncio.create_task(hall.call(b"q", method=SEARCH))
    await until(lambda: len(hall.replica.calls) == 1)

    await hall.kill(first)
    successor = Replica()
    await hall.open_replica(incarnation=2, replica=successor)

    assert await call == b"answer to q"
    assert [seen.body for seen in successor.calls] == [b"q"]


async def test_a_write_whose_replica_dies_is_left_to_its_caller(hall: Hall) -> None:
    """The front cannot see whether it carries a request id, and it may have been done."""
    hall.replica.behaviour = never
    (first,) = hall._servers
    call = asyncio.create_task(hall.call(method=WRITE_PRODUCTS))
    await until(lambda: len(hall.replica.calls) == 1)

    await hall.kill(first)
    successor = Replica()
    await hall.open_replica(incarnation=2, replica=successor)
    with pytest.raises(UnavailableError) as caught:
        await call

    assert caught.value.reason == "REPLICA_GONE"
    assert "request_id" in caught.value.message
    assert not successor.calls


async def test_calls_wait_for_a_replica_that_is_on_its_way(tmp_path: Path) -> None:
    """Reads and writes alike: what was never sent can be sent."""
    async with open_hall(tmp_path, CONFIG, with_replica=False) as hall:
        calls = [
            asyncio.create_task(hall.call(method=method)) for method in (SEARCH, WRITE_PRODUCTS)
        ]
        await until(lambda: hall.front.metrics.snapshot().get("held", 0) >= 1)
        await hall.open_replica(incarnation=1)

        assert await asyncio.gather(*calls) == [b"answer to q"] * 2


async def test_calls_wait_while_a_killed_replica_starts_again(hall: Hall) -> None:
    await hall.call()
    (first,) = hall._servers
    await hall.kill(first)

    call = asyncio.create_task(hall.call(method=WRITE_PRODUCTS))
    await until(lambda: hall.front.metrics.snapshot().get("held", 0) >= 2)
    await hall.open_replica(incarnation=2)

    assert await call == b"answer to q"


async def test_a_search_with_a_known_key_waits_and_is_served_after_the_gap(hall: Hall) -> None:
    """Its verdict is prolonged, so the returning replica gets the search without a question."""
    await hall.call()
    (first,) = hall._servers
    await hall.kill(first)
    await until(lambda: not first.connections)
    hall.clock.advance(5_000)

    call = asyncio.create_task(hall.call())
    await until(lambda: hall.front.metrics.snapshot().get("held", 0) >= 2)
    await hall.open_replica(incarnation=2)

    assert await call == b"answer to q"


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    async with open_hall(tmp_path, with_routing(held_ms_max=50), with_replica=False) as hall:
        with pytest.raises(UnavailableError) as caught:
            await hall.call()

    assert caught.value.reason == "TENANT_DOWN"
    assert caught.value.retry_delay_ms is not None


async def test_only_so_many_wait(tmp_path: Path) -> None:
    config = with_routing(held_count_max=1, held_ms_max=500)
    async with open_hall(tmp_path, config) as hall:
        await hall.call()
        (first,) = hall._servers
        await hall.kill(first)
        results = await asyncio.gather(*(hall.call() for _ in range(5)), return_exceptions=True)

    kinds = [type(result) for result in results]
    assert kinds.count(UnavailableError) == 1
    assert kinds.count(ResourceExhaustedError) == 4


async def test_a_call_that_kills_replicas_is_not_sent_for_ever(hall: Hall) -> None:
    replica, deaths = hall.replica, 0

    async def die(_: Call) -> Answer:
        nonlocal deaths
        deaths += 1
        server = hall._servers[-1]
        await hall.kill(server)
        await hall.open_replica(incarnation=deaths + 1)
        await asyncio.Event().wait()
        return Answer()

    replica.behaviour = lambda call: asyncio.shield(asyncio.ensure_future(die(call)))
    with pytest.raises(UnavailableError) as caught:
        await hall.call()

    assert caught.value.reason == "REPLICA_GONE"
    assert deaths == CONFIG.routing.sends_max


async def test_calls_follow_the_registry_and_those_under_way_end_where_they_are(
    hall: Hall,
) -> None:
    release = asyncio.Event()

    async def slow(call: Call) -> Answer:
        await release.wait()
        return Answer(body=b"old")

    hall.replica.behaviour = slow
    under_way = asyncio.create_task(hall.call())
    await until(lambda: len(hall.replica.calls) == 1)

    await hall.open_replica(incarnation=2, replica=Replica())
    await until(lambda: hall.front.metrics.snapshot()["routes_changed"] == 2)
    assert await hall.call() == b"answer to q"
    release.set()

    assert await under_way == b"old"


async def test_keys_of_a_deleted_tenant_are_as_wrong_as_any(hall: Hall) -> None:
    await hall.call()
    hall.record(incarnation=1, state=GroupRecord.DELETED)

    await until(lambda: hall.front.metrics.snapshot().get("routes_dropped", 0) == 1)
    with pytest.raises(UnauthenticatedError) as caught:
        await hall.call()

    assert caught.value.reason == "KEY_INVALID"


async def test_a_socket_of_another_tenant_gets_no_call(tmp_path: Path) -> None:
    """Even if the registry were wrong, the replica refuses."""
    async with open_hall(tmp_path, with_routing(held_ms_max=200), with_replica=False) as hall:
        await hall.open_replica(incarnation=1, serves=TenantId("other"))
        with pytest.raises(UnavailableError):
            await hall.call()

        assert not hall.replica.calls
        assert hall.replica.verifications == 0


async def test_other_tenants_notice_nothing(hall: Hall) -> None:
    """A tenant without a process holds its own calls only."""
    other = TenantId("silent")
    record = GroupRecord(tenant_id=other, epoch=1, primary="cd" * 16, state=GroupRecord.OPEN)
    hall.registry.compare_and_set(other, expected_revision=0, record=record)
    waiting = [
        asyncio.create_task(hall.call(key=key_of(1, tenant_id=other).text, deadline_s=1))
        for _ in range(50)
    ]
    for _ in range(20):
        assert await hall.call() == b"answer to q"
    await asyncio.gather(*waiting, return_exceptions=True)
