"""Imports through a front: in order, never too far ahead, and through the death of a replica."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from front_harness import (
    IMPORT_PRODUCTS,
    Hall,
    Replica,
    error_of,
    key_of,
    open_hall,
    until,
)

from node.errors import InvalidArgumentError, ResourceExhaustedError
from node.front.config import FrontConfig
from node.limits import LimitsConfig, RateLimit
from node.status import status_bytes
from protos.internal.link_pb2 import Answer, Call, VerifyKeyResponse
from protos.v1.account_pb2 import Key

CONFIG = FrontConfig(stop_grace_ms=500)


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_hall(tmp_path, CONFIG) as opened:
        yield opened


def open_import(
    hall: Hall, *, key: str | None = None, deadline_s: float = 20
) -> "grpc.aio.StreamStreamCall[bytes, bytes]":
    return hall.channel.stream_stream(IMPORT_PRODUCTS)(
        metadata=hall.authorization(key), timeout=deadline_s
    )


async def write_all(
    stream: "grpc.aio.StreamStreamCall[bytes, bytes]", messages: list[bytes]
) -> None:
    for message in messages:
        await stream.write(message)
    await stream.done_writing()


async def read_all(stream: "grpc.aio.StreamStreamCall[bytes, bytes]") -> list[bytes]:
    answers = []
    while (answer := await stream.read()) is not grpc.aio.EOF:
        answers.append(answer)
    return answers


async def test_messages_are_answered_in_order_though_the_last_may_be_done_first(
    hall: Hall,
) -> None:
    async def behave(call: Call) -> Answer:
        for _ in range(int(call.body) % 4):
            await asyncio.sleep(0)
        return Answer(body=b"done " + call.body)

    hall.replica.behaviour = behave
    messages = [str(n).encode() for n in range(40)]
    stream = open_import(hall)
    writing = asyncio.create_task(write_all(stream, messages))

    assert await read_all(stream) == [b"done " + m for m in messages]
    await writing
    assert sorted(c.body for c in hall.replica.calls) == sorted(messages)


async def test_a_client_that_sends_faster_is_held_back(hall: Hall) -> None:
    """Four messages are under way, no more, however many the client would send.

    50 MB are more than what HTTP/2's window (16 MiB at most in gRPC) and the sockets hold on the way.
    """
    release = asyncio.Event()

    async def behave(call: Call) -> Answer:
        await release.wait()
        return Answer(body=call.body[:1])

    hall.replica.behaviour = behave
    stream = open_import(hall)
    writing = asyncio.create_task(write_all(stream, [b"x" * 500_000] * 100))
    await until(lambda: len(hall.replica.calls) == 4)
    await asyncio.sleep(0.1)

    assert len(hall.replica.calls) == 4
    assert not writing.done()
    release.set()
    assert await read_all(stream) == [b"x"] * 100
    await writing


async def test_an_import_goes_on_when_its_replica_dies(hall: Hall) -> None:
    """The same bytes go to the next incarnation; each message is answered once, in order."""
    answered = 0

    async def behave(call: Call) -> Answer:
        nonlocal answered
        if answered == 5:
            await asyncio.Event().wait()
        answered += 1
        return Answer(body=b"done " + call.body)

    hall.replica.behaviour = behave
    messages = [str(n).encode() for n in range(20)]
    stream = open_import(hall)
    writing = asyncio.create_task(write_all(stream, messages))
    reading = asyncio.create_task(read_all(stream))
    await until(lambda: len(hall.replica.calls) >= 6)

    await hall.kill(hall._servers[-1])
    successor = Replica()
    successor.behaviour = _done
    await hall.open_replica(incarnation=2, replica=successor)

    assert await reading == [b"done " + m for m in messages]
    await writing
    unanswered = [c.body for c in hall.replica.calls][5:]
    assert set(unanswered) <= {c.body for c in successor.calls}


async def _done(call: Call) -> Answer:
    return Answer(body=b"done " + call.body)


async def test_an_error_ends_the_import_after_the_answers_before_it(hall: Hall) -> None:
    async def behave(call: Call) -> Answer:
        if call.body == b"3":
            error = InvalidArgumentError.of("request_id", "is required")
            return Answer(error=status_bytes(error))
        return Answer(body=b"done " + call.body)

    hall.replica.behaviour = behave
    stream = open_import(hall)
    writing = asyncio.create_task(write_all(stream, [b"1", b"2", b"3", b"4"]))
    assert [await stream.read(), await stream.read()] == [b"done 1", b"done 2"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()

    assert error_of(caught.value).violations[0].field == "request_id"
    await asyncio.gather(writing, return_exceptions=True)


async def test_a_busy_replica_slows_an_import_down_and_does_not_end_it(hall: Hall) -> None:
    refusals = 0

    async def behave(call: Call) -> Answer:
        nonlocal refusals
        if refusals < 3:
            refusals += 1
            raise ResourceExhaustedError("busy", retry_delay_ms=5)
        return Answer(body=call.body)

    hall.replica.behaviour = behave
    stream = open_import(hall)
    await write_all(stream, [b"1", b"2"])

    assert await read_all(stream) == [b"1", b"2"]
    assert refusals == 3


async def test_a_rate_limit_slows_an_import_down_and_does_not_end_it(tmp_path: Path) -> None:
    rate = RateLimit(name="tenant-rate", per_second=5_000, burst=100)
    config = replace(CONFIG, limits=LimitsConfig(tenant_rate=rate))
    async with open_hall(tmp_path, config) as hall:
        stream = open_import(hall)
        writing = asyncio.create_task(write_all(stream, [b"m"] * 4))
        reading = asyncio.create_task(read_all(stream))
        while not reading.done():  # the manual clock is what the limit waits for
            hall.clock.advance(10)
            await asyncio.sleep(0.01)

        assert len(await reading) == 4
        await writing


async def test_a_key_revoked_during_an_import_ends_it(hall: Hall) -> None:
    key = key_of(Key.WRITE)
    stream = open_import(hall, key=key.text)
    await stream.write(b"1")
    assert await stream.read() == b"answer to 1"
    hall.replica.verdicts[key.key_id] = VerifyKeyResponse(verdict=VerifyKeyResponse.REVOKED)
    hall.clock.advance(1_000)
    await stream.write(b"2")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert error_of(caught.value).reason == "KEY_REVOKED"
    assert [c.body for c in hall.replica.calls] == [b"1"]


async def test_a_search_key_imports_nothing(hall: Hall) -> None:
    stream = open_import(hall, key=key_of(Key.SEARCH).text)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()

    assert error_of(caught.value).reason == "ROLE_TOO_LOW"


async def test_an_import_that_sends_nothing_is_ended(tmp_path: Path) -> None:
    async with open_hall(tmp_path, replace(CONFIG, import_idle_ms_max=100)) as hall:
        stream = open_import(hall)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()

    assert error_of(caught.value).reason == "IMPORT_IDLE"


async def test_an_import_ends_at_its_deadline(hall: Hall) -> None:
    stream = open_import(hall, deadline_s=0.2)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_front_that_stops_answers_what_it_read_and_sends_the_import_away(
    hall: Hall,
) -> None:
    release = asyncio.Event()

    async def behave(call: Call) -> Answer:
        await release.wait()
        return Answer(body=call.body)

    hall.replica.behaviour = behave
    stream = open_import(hall)
    await stream.write(b"1")
    await until(lambda: len(hall.replica.calls) == 1)
    stopping = asyncio.create_task(hall.front.stop())
    await asyncio.sleep(0)
    release.set()

    assert await stream.read() == b"1"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    await stopping
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert error_of(caught.value).reason == "FRONT_STOPPING"


async def test_a_client_that_leaves_gives_the_imports_place_back(tmp_path: Path) -> None:
    limits = LimitsConfig(tenant_concurrency_max=1, concurrency_max=1)
    async with open_hall(tmp_path, replace(CONFIG, limits=limits)) as hall:
        stream = open_import(hall)
        await stream.write(b"1")
        assert await stream.read() == b"answer to 1"
        stream.cancel()

        async with asyncio.timeout(5):
            while True:
                try:
                    assert await hall.call() == b"answer to q"
                    break
                except ResourceExhaustedError:
                    await asyncio.sleep(0.01)
