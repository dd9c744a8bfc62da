"""The link over a real unix socket: one tenant, any order, and the truth about what was sent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node.errors import (
    Code,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    InvariantError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from node.ids import TenantId
from node.link import LinkBrokenError, LinkClient, LinkLimits, LinkServer
from node.status import error_from_status_bytes
from protos.internal.link_pb2 import Answer, Call, Caller

TENANT = TenantId("demo")
CALLER = Caller(kind=Caller.KEY, key_id="a" * 10, role=1)

Behaviour = Callable[[Call], Awaitable[Answer]]


class Handler:
    """Does what the test says; without a word it returns the body."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.calls: list[Call] = []
        self._behaviour = behaviour

    async def handle(self, call: Call) -> Answer:
        self.calls.append(call)
        if self._behaviour is not None:
            return await self._behaviour(call)
        return Answer(body=call.body)


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    directory = tmp_path / "s"
    directory.mkdir(mode=0o700)
    return directory / "r.sock"


@asynccontextmanager
async def linked(
    socket_path: Path, handler: Handler, limits: LinkLimits | None = None
) -> AsyncIterator[tuple[LinkServer, LinkClient]]:
    server = LinkServer(handler, TENANT, socket_path, limits=limits)
    await server.start()
    client = LinkClient(socket_path, TENANT, limits=limits)
    try:
        yield server, client
    finally:
        await client.close()
        await server.close(grace_ms=0)


async def send(
    client: LinkClient, body: bytes = b"q", *, method: str = "/m", deadline_ms: int = 5_000
) -> Answer:
    return await client.call(method, body, caller=CALLER, deadline_ms=deadline_ms, position_min=7)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


async def test_a_call_arrives_whole_and_its_answer_returns(socket_path: Path) -> None:
    handler = Handler()
    async with linked(socket_path, handler) as (_, client):
        answer = await send(client, b"words", method="/saluhall.v1.SearchService/Search")

    (call,) = handler.calls
    assert answer.body == b"words"
    assert call.method == "/saluhall.v1.SearchService/Search"
    assert (call.caller, call.deadline_ms, call.position_min) == (CALLER, 5_000, 7)


async def test_another_tenant_is_refused_before_any_call(socket_path: Path) -> None:
    """A routing mistake must never show one tenant another's data."""
    handler = Handler()
    async with linked(socket_path, handler):
        stranger = LinkClient(socket_path, TenantId("other"))
        with pytest.raises(PermissionDeniedError) as caught:
            await send(stranger)

    assert caught.value.reason == "WRONG_TENANT"
    assert not handler.calls


async def test_a_directory_that_others_may_enter_is_refused(socket_path: Path) -> None:
    socket_path.parent.chmod(0o755)

    with pytest.raises(FailedPreconditionError, match="0700"):
        await LinkServer(Handler(), TENANT, socket_path).start()


async def test_answers_come_in_any_order(socket_path: Path) -> None:
    release = asyncio.Event()

    async def behave(call: Call) -> Answer:
        if call.body == b"slow":
            await release.wait()
        return Answer(body=call.body)

    async with linked(socket_path, Handler(behave)) as (_, client):
        slow = asyncio.create_task(send(client, b"slow"))
        assert (await send(client, b"quick")).body == b"quick"
        assert not slow.done()
        release.set()
        assert (await slow).body == b"slow"


async def test_hundreds_of_calls_at_once_each_get_their_own_answer(socket_path: Path) -> None:
    async def behave(call: Call) -> Answer:
        if call.body[-1] % 2:
            await asyncio.sleep(0)
        return Answer(body=call.body)

    async with linked(socket_path, Handler(behave)) as (_, client):
        bodies = [f"{n}".encode() for n in range(900)]
        answers = await asyncio.gather(*(send(client, body) for body in bodies))

    assert [answer.body for answer in answers] == bodies


async def test_large_bodies_and_answers_pass(socket_path: Path) -> None:
    limits = LinkLimits()

    async def behave(call: Call) -> Answer:
        return Answer(body=call.body * 4)

    async with linked(socket_path, Handler(behave)) as (_, client):
        body = b"x" * limits.body_size_bytes_max
        answers = await asyncio.gather(*(send(client, body) for _ in range(3)))

    assert [len(answer.body) for answer in answers] == [limits.answer_size_bytes_max] * 3


async def test_a_body_above_the_limit_is_not_sent(socket_path: Path) -> None:
    handler = Handler()
    async with linked(socket_path, handler, LinkLimits(body_size_bytes_max=10)) as (_, client):
        with pytest.raises(InvalidArgumentError, match="at most 10"):
            await send(client, b"x" * 11)

    assert not handler.calls


async def test_an_answer_above_the_limit_says_what_to_do(socket_path: Path) -> None:
    async def behave(_: Call) -> Answer:
        return Answer(body=b"x" * 101)

    limits = LinkLimits(body_size_bytes_max=10, answer_size_bytes_max=100)
    async with linked(socket_path, Handler(behave), limits) as (_, client):
        answer = await send(client)

    error = error_from_status_bytes(answer.error)
    assert error.reason == "ANSWER_TOO_LARGE"
    assert "smaller page" in error.message


async def test_a_deadline_ends_the_wait_and_the_link_goes_on(socket_path: Path) -> None:
    release = asyncio.Event()

    async def behave(call: Call) -> Answer:
        if call.body == b"slow":
            await release.wait()
        return Answer(body=call.body)

    async with linked(socket_path, Handler(behave)) as (_, client):
        with pytest.raises(DeadlineExceededError):
            await send(client, b"slow", deadline_ms=50)
        release.set()  # the late answer finds nobody
        assert (await send(client, b"next")).body == b"next"
        assert client.unanswered_count == 0


async def test_what_broke_in_the_middle_may_have_run(socket_path: Path) -> None:
    handler = Handler(lambda _: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    async with linked(socket_path, handler) as (server, client):
        calls = [asyncio.create_task(send(client, deadline_ms=60_000)) for _ in range(3)]
        await until(lambda: len(handler.calls) == 3)

        await server.close(grace_ms=0)
        results = await asyncio.gather(*calls, return_exceptions=True)

    errors = [error for error in results if isinstance(error, LinkBrokenError)]
    assert [error.may_have_run for error in errors if not error.may_have_run] == []
    assert not client.is_open


async def test_what_was_never_sent_has_certainly_not_run(socket_path: Path) -> None:
    client = LinkClient(socket_path, TENANT)
    with pytest.raises(LinkBrokenError) as nobody:
        await send(client)

    async with linked(socket_path, Handler()) as (server, client):
        await send(client)
        await server.close(grace_ms=0)
        await until(lambda: not client.is_open)
        with pytest.raises(LinkBrokenError) as closed:
            await send(client)

    assert not nobody.value.may_have_run
    assert not closed.value.may_have_run


async def test_calls_waiting_behind_a_stuck_replica_have_certainly_not_run(
    socket_path: Path,
) -> None:
    """A process that is stopped reads nothing: what did not fit the socket was never sent."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(socket_path))
    listener.listen()
    client = LinkClient(socket_path, TENANT)
    opening = asyncio.create_task(client.connect())
    loop = asyncio.get_running_loop()
    peer, _ = await loop.run_in_executor(None, listener.accept)
    peer.sendall((0).to_bytes(4, "little"))  # an empty LinkWelcome; then silence
    await opening

    first = asyncio.create_task(send(client, b"x" * 4_000_000, deadline_ms=60_000))
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    second = asyncio.create_task(send(client, deadline_ms=60_000))
    await asyncio.sleep(0.01)
    peer.close()
    listener.close()
    results = await asyncio.gather(first, second, return_exceptions=True)

    assert [getattr(error, "may_have_run", None) for error in results] == [True, False]
    await client.close()


async def test_too_many_calls_at_once_are_told_to_come_back(socket_path: Path) -> None:
    release = asyncio.Event()

    async def behave(_: Call) -> Answer:
        await release.wait()
        return Answer()

    handler = Handler(behave)
    async with linked(socket_path, handler, LinkLimits(calls_max=2)) as (_, client):
        calls = [asyncio.create_task(send(client)) for _ in range(2)]
        await until(lambda: len(handler.calls) == 2)
        with pytest.raises(ResourceExhaustedError) as here:
            await send(client)
        other = LinkClient(socket_path, TENANT)
        there = error_from_status_bytes((await send(other)).error)
        release.set()
        await asyncio.gather(*calls)
        await other.close()

    assert here.value.retry_delay_ms is not None
    assert (there.code, there.reason) == (Code.RESOURCE_EXHAUSTED, "TENANT_BUSY")


async def test_errors_travel_and_text_of_bugs_does_not(socket_path: Path) -> None:
    async def behave(call: Call) -> Answer:
        if call.body == b"later":
            await asyncio.sleep(0)
        raise NotFoundError("no such product") if call.body != b"bug" else ValueError("secret")

    async with linked(socket_path, Handler(behave)) as (_, client):
        errors = [
            error_from_status_bytes((await send(client, body)).error)
            for body in (b"now", b"later", b"bug")
        ]

    assert [error.code for error in errors] == [Code.NOT_FOUND, Code.NOT_FOUND, Code.INTERNAL]
    assert "secret" not in errors[2].message


async def test_a_broken_invariant_is_answered_and_then_reported(socket_path: Path) -> None:
    async def behave(_: Call) -> Answer:
        raise InvariantError("the log has a hole")

    reported: list[InvariantError] = []
    server = LinkServer(Handler(behave), TENANT, socket_path, on_invariant_broken=reported.append)
    await server.start()
    client = LinkClient(socket_path, TENANT)
    answer = await send(client)
    await client.close()
    await server.close(grace_ms=0)

    assert error_from_status_bytes(answer.error).code is Code.INTERNAL
    assert [error.message for error in reported] == ["the log has a hole"]


async def test_closing_lets_calls_under_way_end(socket_path: Path) -> None:
    release = asyncio.Event()

    async def behave(_: Call) -> Answer:
        await release.wait()
        return Answer(body=b"done")

    handler = Handler(behave)
    async with linked(socket_path, handler) as (server, client):
        call = asyncio.create_task(send(client))
        await until(lambda: bool(handler.calls))
        closing = asyncio.create_task(server.close(grace_ms=5_000))
        await asyncio.sleep(0)
        assert not socket_path.exists()
        release.set()
        await closing

        assert (await call).body == b"done"


async def test_calls_whose_caller_left_still_run(socket_path: Path) -> None:
    """A write must not stop in the middle because its caller hung up."""
    release, finished = asyncio.Event(), asyncio.Event()

    async def behave(_: Call) -> Answer:
        await release.wait()
        finished.set()
        return Answer()

    handler = Handler(behave)
    async with linked(socket_path, handler) as (_, client):
        call = asyncio.create_task(send(client))
        await until(lambda: bool(handler.calls))
        await client.close()
        with pytest.raises(LinkBrokenError):
            await call
        release.set()
        async with asyncio.timeout(5):
            await finished.wait()


@pytest.mark.parametrize("garbage", [b"\xff" * 64, (5).to_bytes(4, "little") + b"\xff" * 5])
async def test_whoever_speaks_another_protocol_is_hung_up_on(
    socket_path: Path, garbage: bytes
) -> None:
    async with linked(socket_path, Handler()) as (_, client):
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        writer.write(garbage)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()

        assert (await send(client)).body == b"q"


async def test_whoever_says_nothing_is_hung_up_on(socket_path: Path) -> None:
    async with linked(socket_path, Handler(), LinkLimits(hello_ms_max=50)):
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_a_socket_left_by_a_killed_process_is_taken_over(socket_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(socket_path))
    left.close()

    async with linked(socket_path, Handler()) as (_, client):
        assert (await send(client)).body == b"q"
