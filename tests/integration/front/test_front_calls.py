"""What a front lets through and what dies there, over real TLS and a real link."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from front_harness import (
    ROLES,
    SEARCH,
    WRITE_PRODUCTS,
    Hall,
    error_of,
    key_of,
    open_hall,
    until,
)
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)

from node.errors import (
    Code,
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SaluhallError,
    UnauthenticatedError,
)
from node.front.config import FrontConfig
from node.front.methods import Kind, method_table
from node.limits import LimitsConfig, RateLimit
from node.status import status_bytes
from protos.internal.link_pb2 import Answer, Call, VerifyKeyResponse
from protos.v1.account_pb2 import Key


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_hall(tmp_path) as opened:
        yield opened


async def refused(hall: Hall, **arguments: object) -> SaluhallError:
    with pytest.raises(SaluhallError) as caught:
        await hall.call(**arguments)  # type: ignore[arg-type]
    return caught.value


async def test_a_search_reaches_the_replica_unparsed_and_returns(hall: Hall) -> None:
    body = bytes(range(256))

    call = hall.begin(body, metadata=(("saluhall-position-min", "42"),))

    assert await call == b"answer to " + body
    (seen,) = hall.replica.calls
    assert (seen.method, seen.body, seen.position_min) == (SEARCH, body, 42)
    assert seen.caller.key_id == key_of(Key.ADMIN).key_id
    assert seen.caller.role == Key.ADMIN
    assert 0 < seen.deadline_ms <= 5_000
    duration_us = dict(await call.trailing_metadata())["saluhall-duration-us"]
    assert int(duration_us) > 0


async def test_a_mistyped_key_dies_at_the_front(hall: Hall) -> None:
    """One wrong character anywhere: nobody is asked, nothing is woken."""
    text = key_of(Key.SEARCH).text
    for position in range(0, len(text), 7):
        wrong = "x" if text[position] != "x" else "y"
        error = await refused(hall, key=text[:position] + wrong + text[position + 1 :])
        assert error.reason == "KEY_INVALID"

    assert hall.replica.verifications == 0
    assert not hall.replica.calls


async def test_a_call_without_a_key_says_how_to_send_one(hall: Hall) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await hall.channel.unary_unary(SEARCH)(b"q", timeout=5)

    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "Bearer" in error_of(caught.value).message


async def test_tenants_cannot_be_probed(hall: Hall) -> None:
    """An unknown tenant, a forged checksum and an unknown key id: the same bytes."""
    good = key_of(Key.SEARCH)
    keys = [
        key_of(Key.SEARCH, tenant_id="nobody").text,
        good.text[:-1] + ("a" if good.text[-1] != "a" else "b"),
        key_of(Key.SEARCH, key_id="unknown000").text,
        "slk_nonsense",
    ]
    answers = []
    for key in keys:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hall.begin(key=key)
        metadata = [pair for pair in caught.value.trailing_metadata() if "duration" not in pair[0]]
        answers.append((caught.value.code(), caught.value.details(), metadata))

    assert answers[1:] == answers[:1] * 3


async def test_a_call_without_a_deadline_is_refused(hall: Hall) -> None:
    error = await refused(hall, deadline_s=None)

    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "DEADLINE_MISSING")
    assert "Set a deadline" in error.message


async def test_a_deadline_that_is_too_long_is_cut(hall: Hall) -> None:
    await hall.call(deadline_s=10_000)

    (seen,) = hall.replica.calls
    assert seen.deadline_ms <= method_table()[SEARCH].deadline_ms_max


async def test_every_rpc_wants_exactly_the_role_of_its_row(hall: Hall) -> None:
    """The whole matrix of RPCs and roles."""
    for method in method_table().values():
        if method.kind is Kind.IMPORT:
            continue
        for role in ROLES:
            call = hall.call(method=method.path, key=key_of(role).text)
            if role >= method.role:
                assert await call == b"answer to q"
            else:
                with pytest.raises(PermissionDeniedError) as caught:
                    await call
                assert caught.value.reason == "ROLE_TOO_LOW"


async def test_a_verdict_is_asked_once_a_second(hall: Hall) -> None:
    for _ in range(5):
        await hall.call()
    assert hall.replica.verifications == 1

    hall.clock.advance(1_000)
    await hall.call()
    assert hall.replica.verifications == 2


async def test_a_verdict_half_a_second_old_is_refreshed_beside_the_request(hall: Hall) -> None:
    await hall.call()
    hall.clock.advance(500)
    await hall.call()
    await until(lambda: hall.replica.verifications == 2)
    hall.clock.advance(600)
    await hall.call()  # 600 ms after the refresh: asked beside it again, not before it

    await until(lambda: hall.replica.verifications == 3)


async def test_a_revoked_key_stops_within_a_second(hall: Hall) -> None:
    key = key_of(Key.SEARCH)
    await hall.call(key=key.text)
    hall.replica.verdicts[key.key_id] = VerifyKeyResponse(verdict=VerifyKeyResponse.REVOKED)

    hall.clock.advance(1_000)
    error = await refused(hall, key=key.text)

    assert (error.code, error.reason) == (Code.UNAUTHENTICATED, "KEY_REVOKED")


async def test_an_expired_key_stops_at_its_time_without_asking(hall: Hall) -> None:
    key = key_of(Key.SEARCH)
    hall.replica.verdicts[key.key_id].expire_time_ms = hall.clock.now_ms() + 100
    await hall.call(key=key.text)

    hall.clock.advance(100)
    error = await refused(hall, key=key.text)

    assert error.reason == "KEY_EXPIRED"
    assert hall.replica.verifications == 1


async def test_a_flood_of_unknown_keys_does_not_reach_the_replica(tmp_path: Path) -> None:
    rate = RateLimit(name="verification-rate", per_second=1, burst=3)
    config = FrontConfig(stop_grace_ms=500, limits=LimitsConfig(verification_rate=rate))
    async with open_hall(tmp_path, config) as hall:
        errors = [
            await refused(hall, key=key_of(Key.SEARCH, key_id=f"unknown{n:03}").text)
            for n in range(20)
        ]

        assert hall.replica.verifications == 3
    assert [e.code for e in errors[3:]] == [Code.RESOURCE_EXHAUSTED] * 17
    assert all(e.retry_delay_ms for e in errors[3:])


async def test_many_calls_with_a_new_key_ask_once(hall: Hall) -> None:
    await asyncio.gather(*(hall.call() for _ in range(50)))

    assert hall.replica.verifications == 1


async def test_a_body_above_the_methods_limit_is_refused(hall: Hall) -> None:
    limit = method_table()[SEARCH].body_size_bytes_max

    error = await refused(hall, body=b"x" * (limit + 1))

    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "REQUEST_TOO_LARGE")
    assert not hall.replica.calls


async def test_a_body_above_everything_is_refused_by_grpc_itself(hall: Hall) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await hall.begin(b"x" * 9_000_000, method=WRITE_PRODUCTS)

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await hall.call() == b"answer to q"


@pytest.mark.parametrize(
    "metadata",
    [
        ("saluhall-consistency", "weak"),
        ("saluhall-position-min", "-1"),
        ("saluhall-position-min", "1" * 30),
    ],
)
async def test_metadata_that_makes_no_sense_is_refused(
    hall: Hall, metadata: tuple[str, str]
) -> None:
    error = await refused(hall, metadata=(metadata,))

    assert isinstance(error, InvalidArgumentError)
    assert error.violations[0].field == f"metadata {metadata[0]}"


@pytest.mark.parametrize("consistency", ["eventual", "strong"])
async def test_both_consistencies_are_served_by_the_primary(hall: Hall, consistency: str) -> None:
    assert await hall.call(metadata=(("saluhall-consistency", consistency),)) == b"answer to q"


async def test_the_replicas_error_arrives_with_its_details(hall: Hall) -> None:
    sent = InvalidArgumentError.of("filter", "there is no field brnd", reason="FIELD_UNKNOWN")

    async def behave(_: Call) -> Answer:
        return Answer(error=status_bytes(sent))

    hall.replica.behaviour = behave
    error = await refused(hall)

    assert (error.code, error.reason) == (sent.code, sent.reason)
    assert error.violations == sent.violations


async def test_a_bug_in_the_replica_says_nothing_of_its_inside(hall: Hall) -> None:
    async def behave(_: Call) -> Answer:
        raise ValueError("the secret")

    hall.replica.behaviour = behave
    error = await refused(hall)

    assert error.code is Code.INTERNAL
    assert "secret" not in error.message


async def test_unreadable_error_bytes_become_internal(hall: Hall) -> None:
    async def behave(_: Call) -> Answer:
        return Answer(error=b"\xff\xff")

    hall.replica.behaviour = behave

    assert (await refused(hall)).code is Code.INTERNAL


async def test_streams_that_never_send_a_body_are_cut(tmp_path: Path) -> None:
    """More of them than the front lets in at a time; afterwards everyone is served again."""
    limits = LimitsConfig(tenant_concurrency_max=8, concurrency_max=8)
    config = FrontConfig(stop_grace_ms=500, body_ms_max=100, limits=limits)
    async with open_hall(tmp_path, config) as hall:
        await hall.call()
        half_open = [
            hall.channel.stream_unary(SEARCH)(metadata=hall.authorization(), timeout=30)
            for _ in range(20)
        ]
        results = await asyncio.wait_for(asyncio.gather(*half_open, return_exceptions=True), 5)
        reasons = {error_of(error).reason for error in results}  # type: ignore[arg-type]

        assert reasons == {"BODY_LATE", "LIMIT_REACHED"}
        assert await hall.call() == b"answer to q"


async def test_a_stream_that_ends_without_a_body_is_refused(hall: Hall) -> None:
    call = hall.channel.stream_unary(SEARCH)(metadata=hall.authorization(), timeout=5)
    await call.done_writing()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert error_of(caught.value).reason == "BODY_MISSING"


async def test_a_tenant_above_its_rate_is_told_when_to_come_back(tmp_path: Path) -> None:
    rate = RateLimit(name="tenant-rate", per_second=10, burst=2)
    config = FrontConfig(stop_grace_ms=500, limits=LimitsConfig(tenant_rate=rate))
    async with open_hall(tmp_path, config) as hall:
        await hall.call()
        await hall.call()
        with pytest.raises(ResourceExhaustedError) as caught:
            await hall.call()
        assert caught.value.retry_delay_ms == 100

        hall.clock.advance(100)
        assert await hall.call() == b"answer to q"


async def test_a_client_that_goes_away_gives_its_place_back(tmp_path: Path) -> None:
    limits = LimitsConfig(tenant_concurrency_max=1, concurrency_max=1)
    config = FrontConfig(stop_grace_ms=500, limits=limits)
    async with open_hall(tmp_path, config) as hall:
        entered = asyncio.Event()

        async def behave(_: Call) -> Answer:
            entered.set()
            await asyncio.Event().wait()
            return Answer()

        hall.replica.behaviour = behave
        call = hall.begin()
        await entered.wait()
        with pytest.raises(ResourceExhaustedError):
            await hall.call()
        call.cancel()
        hall.replica.behaviour = None

        async with asyncio.timeout(5):
            while True:
                try:
                    assert await hall.call() == b"answer to q"
                    break
                except ResourceExhaustedError:
                    await asyncio.sleep(0.01)


async def test_an_unknown_method_is_unimplemented(hall: Hall) -> None:
    for path in ("/saluhall.v1.SearchService/Nothing", "/saluhall.internal.Replica/VerifyKey"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hall.begin(method=path)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    assert hall.replica.verifications == 0


async def test_health_says_serving_and_then_not(hall: Hall) -> None:
    def request(service: str) -> bytes:
        return HealthCheckRequest(service=service).SerializeToString()

    check = hall.channel.unary_unary("/grpc.health.v1.Health/Check")
    for service in ("", "saluhall.v1.SearchService"):
        answer = HealthCheckResponse.FromString(await check(request(service), timeout=5))
        assert answer.status == HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check(request("nothing"), timeout=5)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND

    watch = hall.channel.unary_stream("/grpc.health.v1.Health/Watch")(request(""), timeout=30)
    first = HealthCheckResponse.FromString(await watch.read())
    stopping = asyncio.create_task(hall.front.stop())
    second = HealthCheckResponse.FromString(await watch.read())
    await stopping

    assert first.status == HealthCheckResponse.SERVING
    assert second.status == HealthCheckResponse.NOT_SERVING


async def test_reflection_lists_the_public_services(hall: Hall) -> None:
    request = ServerReflectionRequest(list_services="*")
    stream = hall.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    )(timeout=5)
    await stream.write(request.SerializeToString())
    answer = ServerReflectionResponse.FromString(await stream.read())
    await stream.done_writing()

    names = {service.name for service in answer.list_services_response.service}
    assert {"saluhall.v1.SearchService", "saluhall.v1.CatalogService"} <= names
    assert "saluhall.v1.AdminService" not in names
    assert not any("internal" in name for name in names)


async def test_errors_of_keys_are_not_counted_by_what_callers_send(hall: Hall) -> None:
    """Names of counters come from our error classes: a caller cannot make new ones."""
    with pytest.raises(UnauthenticatedError):
        await hall.call(key="slk_nonsense")

    counts = hall.front.metrics.snapshot()
    assert counts["failed.KEY_INVALID"] == 1
    assert counts["requests"] == 1
