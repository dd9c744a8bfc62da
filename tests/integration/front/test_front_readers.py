"""Where searches go while a tenant has readers, and that nothing depends on these."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from front_harness import STORE, WRITE_PRODUCTS, Hall, Replica, open_hall, until

from node.errors import InvalidArgumentError, UnavailableError
from node.front.config import FrontConfig, RoutingConfig
from node.status import status_bytes
from protos.internal.link_pb2 import Answer, Call

ROUTING = RoutingConfig(reader_answer_ms_max=100, reader_silence_ms_max=150)
CONFIG = replace(FrontConfig(stop_grace_ms=500), routing=ROUTING)
SUGGEST = "/saluhall.v1.SearchService/Suggest"


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_hall(tmp_path, CONFIG) as opened:
        yield opened


async def never(_: Call) -> Answer:
    await asyncio.Event().wait()
    return Answer()


async def with_readers(hall: Hall, *readers: Replica) -> None:
    """Let the tenant have these readers, each linked to the front."""
    await hall.call()
    for index, reader in enumerate(readers):
        await hall.open_reader(index, reader=reader)
    hall.record(incarnation=1, reader_count=len(readers))
    await until(lambda: ready_count(hall) == len(readers))
    hall.replica.calls.clear()


def ready_count(hall: Hall) -> int:
    routes = hall.front._router._routes.values()
    return sum(link.is_ready for route in routes for link in route._readers._links.values())


async def test_searches_go_to_the_reader_and_the_rest_to_the_primary(hall: Hall) -> None:
    reader = Replica()
    await with_readers(hall, reader)

    await hall.call(b"search")
    await hall.call(b"suggest", method=SUGGEST)
    await hall.call(b"write", method=WRITE_PRODUCTS)

    assert [call.body for call in reader.calls] == [b"search", b"suggest"]
    assert [call.body for call in hall.replica.calls] == [b"write"]


async def test_a_search_goes_to_the_reader_with_the_fewest_calls_under_way(hall: Hall) -> None:
    slow, other = Replica(), Replica()
    await with_readers(hall, slow, other)
    slow.behaviour = never
    waiting = asyncio.create_task(hall.call(b"slow"))
    await until(lambda: len(slow.calls) == 1)

    assert await hall.call(b"q") == b"answer to q"

    assert [call.body for call in other.calls] == [b"q"]
    assert await waiting == b"answer to slow"


async def test_what_a_stopped_reader_leaves_is_asked_of_the_primary_once_and_then_at_once(
    hall: Hall,
) -> None:
    stopped = Replica()
    await with_readers(hall, stopped)
    stopped.behaviour = never

    assert await hall.call(b"first") == b"answer to first"
    started = time.monotonic()
    assert await hall.call(b"second") == b"answer to second"

    assert time.monotonic() - started < 0.09
    assert [call.body for call in stopped.calls] == [b"first"]
    assert [call.body for call in hall.replica.calls] == [b"first", b"second"]


async def test_a_reader_that_answers_late_is_asked_again(hall: Hall) -> None:
    reader, release = Replica(), asyncio.Event()
    await with_readers(hall, reader)

    async def late(_: Call) -> Answer:
        await release.wait()
        return Answer(body=b"late")

    reader.behaviour = late
    assert await hall.call(b"first") == b"answer to first"
    release.set()
    await until(lambda: ready_count(hall) == 1)

    assert await hall.call(b"second") == b"late"


async def test_a_silent_reader_is_hung_up_on_and_linked_again_when_it_greets(hall: Hall) -> None:
    reader = Replica()
    await with_readers(hall, reader)
    reader.behaviour = never
    await hall.call(b"first")
    link_before = _link(hall)

    reader.behaviour = None
    await until(lambda: _link(hall) is not link_before and ready_count(hall) == 1)
    await hall.call(b"second")

    assert [call.body for call in reader.calls] == [b"first", b"second"]


def _link(hall: Hall) -> object:
    (route,) = hall.front._router._routes.values()
    (reader,) = route._readers._links.values()
    return reader._link


async def test_a_call_whose_reader_dies_is_answered_by_the_primary(hall: Hall) -> None:
    reader = Replica()
    await with_readers(hall, reader)
    reader.behaviour = never
    call = asyncio.create_task(hall.call(b"q"))
    await until(lambda: len(reader.calls) == 1)

    await hall.kill(hall._servers[-1])

    assert await call == b"answer to q"
    assert hall.front.metrics.snapshot()["readers_failed"] == 1


async def test_what_a_reader_cannot_answer_the_primary_does_and_a_bad_request_stays_bad(
    hall: Hall,
) -> None:
    reader = Replica()
    await with_readers(hall, reader)

    async def behind(_: Call) -> Answer:
        return Answer(error=status_bytes(UnavailableError("not here yet")))

    async def refuse(_: Call) -> Answer:
        return Answer(error=status_bytes(InvalidArgumentError("no filter")))

    reader.behaviour = behind
    assert await hall.call(b"q") == b"answer to q"
    reader.behaviour = refuse
    with pytest.raises(InvalidArgumentError, match="no filter"):
        await hall.call(b"bad")

    assert [call.body for call in hall.replica.calls] == [b"q"]


async def test_searches_go_on_through_readers_while_the_primary_is_away(hall: Hall) -> None:
    await with_readers(hall, Replica())
    primary = hall._servers[0]
    await hall.kill(primary)
    await until(lambda: not primary.connections)

    assert await hall.call(b"q") == b"answer to q"
    assert hall.replica.calls == []


async def test_more_or_fewer_readers_leave_the_primarys_link_alone(hall: Hall) -> None:
    reader = Replica()
    await with_readers(hall, reader)
    link = next(iter(hall.front._router._routes.values())).link

    hall.record(incarnation=1, reader_count=0)
    await until(lambda: ready_count(hall) == 0)

    assert await hall.call(b"q") == b"answer to q"
    assert reader.calls == []
    assert next(iter(hall.front._router._routes.values())).link is link


async def test_readers_of_an_earlier_incarnation_get_no_call(hall: Hall) -> None:
    reader = Replica()
    await with_readers(hall, reader)

    await hall.open_replica(incarnation=2, replica=Replica())
    await until(lambda: ready_count(hall) == 0)
    await hall.call(b"q")

    assert reader.calls == []
    assert hall.paths.reader_socket(STORE, 2, 0) != hall.paths.reader_socket(STORE, 1, 0)
