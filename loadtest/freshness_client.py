"""A client process of `python -m loadtest freshness` and `events`: sends calls at a fixed rate, answered or not.

It reads one JSON object a line from stdin and answers with one a line: first its target, then the windows. A call's
latency counts from when it was due, so a server that falls behind cannot hide it (open loop). The times between calls
are random (a Poisson process, seeded): two clients in step would meet always or never.
"""

import asyncio
import base64
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import grpc
from grpc import aio

from loadtest.event_bodies import EventSetup, event_body
from loadtest.path_client import DEADLINE_S, Target, connect
from protos.v1.catalog_pb2 import SetInventoryRequest

SEARCH: Final = "/saluhall.v1.SearchService/Search"
SET_INVENTORY: Final = "/saluhall.v1.CatalogService/SetInventory"
WRITE_EVENTS: Final = "/saluhall.v1.EventService/WriteEvents"
UNDER_WAY_MAX: Final = 500
ATTEMPTS_MAX: Final = 3

PRICE_MICROS_MAX: Final = 5_000_000_000
STOCK_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What to do next: so many calls a second for so long."""

    calls_per_second: float
    seconds: float
    seed: int
    """Of the times at which calls are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """What came of it."""

    latencies_ms: list[float]
    """In the order of the calls; from when each was due until its answer."""
    seconds: float
    """Until the last answer."""


def encode_search_setup(target: Target, requests: Sequence[bytes]) -> str:
    """The first line for a process that searches."""
    bodies = [base64.b64encode(request).decode() for request in requests]
    return json.dumps({"target": asdict(target), "method": SEARCH, "requests": bodies})


def encode_update_setup(target: Target, skus: Sequence[tuple[str, str]], *, batch: int) -> str:
    """The first line for a process that sets prices and stock: `batch` SKUs (product, variant) in a call."""
    setup = {"target": asdict(target), "method": SET_INVENTORY, "skus": skus, "batch": batch}
    return json.dumps(setup)


def encode_event_setup(target: Target, events: EventSetup) -> str:
    """The first line for a process that writes events."""
    return json.dumps({"target": asdict(target), "method": WRITE_EVENTS, "events": asdict(events)})


async def run_window(
    call: "aio.UnaryUnaryMultiCallable[bytes, bytes]",
    metadata: tuple[tuple[str, str], ...],
    body: Callable[[int], bytes],
    wanted: Window,
) -> WindowResult:
    """Calls at their times, each as a task of its own.

    Raises grpc's error when any call fails: a benchmark of failures says nothing.
    """
    latencies_ms: list[float] = []
    due_s = due_times(wanted)
    started = time.perf_counter()

    async def send(number: int, due: float) -> None:
        request = body(number)
        for attempt in range(ATTEMPTS_MAX):
            try:
                await call(request, timeout=DEADLINE_S, metadata=metadata)
                break
            except grpc.aio.AioRpcError as error:
                # As any client of the platform: what the connection had no room for is sent again.
                if error.code() is not grpc.StatusCode.UNAVAILABLE or attempt + 1 == ATTEMPTS_MAX:
                    raise
        latencies_ms.append((time.perf_counter() - due) * 1_000)

    async with asyncio.TaskGroup() as group:
        for number, after_s in enumerate(due_s):
            due = started + after_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if number - len(latencies_ms) > UNDER_WAY_MAX:
                raise RuntimeError(f"{UNDER_WAY_MAX} calls wait for an answer; lower the rate")
            group.create_task(send(number, due))
    return WindowResult(latencies_ms=latencies_ms, seconds=time.perf_counter() - started)


def due_times(wanted: Window) -> list[float]:
    """Seconds after the window's start at which calls are due, ascending; exactly as many as the rate asks for."""
    chance = random.Random(wanted.seed)
    count = int(wanted.calls_per_second * wanted.seconds)
    return sorted(chance.random() * wanted.seconds for _ in range(count))


def update_body(skus: Sequence[Sequence[str]], chance: random.Random, *, batch: int) -> bytes:
    """A request that sets the price or the stock of `batch` SKUs, as of now."""
    request = SetInventoryRequest()
    for product_id, variant_id in chance.sample(skus, batch):
        update = request.updates.add(product_id=product_id, variant_id=variant_id)
        update.set_time.GetCurrentTime()
        if chance.random() < 0.5:
            update.prices.add(selling_micros=chance.randrange(PRICE_MICROS_MAX))
        else:
            update.stock_quantity = chance.randrange(STOCK_MAX)
    return request.SerializeToString()


def _body_of(setup: dict[str, object]) -> Callable[[int], bytes]:
    chance = random.Random(1)
    if setup["method"] == SEARCH:
        texts = setup["requests"]
        assert isinstance(texts, list)
        requests = [base64.b64decode(text) for text in texts]
        return lambda _: chance.choice(requests)
    if setup["method"] == WRITE_EVENTS:
        fields = setup["events"]
        assert isinstance(fields, dict)
        events = EventSetup(**fields)
        return lambda number: event_body(events, chance, number)
    skus, batch = setup["skus"], setup["batch"]
    assert isinstance(skus, list)
    assert isinstance(batch, int)
    return lambda _: update_body(skus, chance, batch=batch)


async def _main() -> None:
    setup = json.loads(sys.stdin.readline())
    target = Target(**setup["target"])
    call = connect(target, setup["method"])
    metadata = (("authorization", f"Bearer {target.api_key}"),)
    body = _body_of(setup)
    print("ready", flush=True)
    for line in sys.stdin:  # Blocks the loop on purpose: between windows there is nothing to do.
        try:
            result = await run_window(call, metadata, body, Window(**json.loads(line)))
        except* grpc.RpcError as errors:
            raise SystemExit(f"{setup['method']}: {errors.exceptions[0]}") from errors
        print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
