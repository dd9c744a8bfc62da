"""The client process of `python -m loadtest path`: the same code, options and bytes for both
servers.

It reads one JSON object a line from stdin and answers with one a line: first its targets, then the
rounds to run. It is cheap on purpose (raw bytes, no parsing), since its own cost is the same on
both sides and dampens the ratio.
"""

import asyncio
import base64
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import grpc
from grpc import aio

from node.client.connection import CHANNEL_OPTIONS
from node.tls.credentials import channel_credentials

METHOD: Final = "/saluhall.v1.SearchService/Search"
DEADLINE_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to measure."""

    address: str
    ca_file: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What to do next: `concurrency` callers, each with one request under way, for `seconds`."""

    target: str
    concurrency: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """What came of it."""

    request_count: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def requests_per_second(self) -> float:
        """Throughput of the round."""
        return self.request_count / self.seconds


def encode_setup(targets: dict[str, Target], requests: list[bytes]) -> str:
    """The first line for the process."""
    return json.dumps(
        {
            "targets": {name: asdict(target) for name, target in targets.items()},
            "requests": [base64.b64encode(request).decode() for request in requests],
        }
    )


async def run_round(
    call: "aio.UnaryUnaryMultiCallable[bytes, bytes]",
    metadata: tuple[tuple[str, str], ...],
    requests: list[bytes],
    wanted: Round,
) -> RoundResult:
    """Callers that each send their next request when the one before is answered.

    Raises grpc's error when any call fails: a benchmark of failures says nothing.
    """
    latencies_s: list[float] = []
    started = time.perf_counter()
    ends = started + wanted.seconds

    async def caller(number: int) -> None:
        index = number * 7919  # Callers start at places far apart, so they do not go in step.
        now = time.perf_counter()
        while now < ends:
            request = requests[index % len(requests)]
            await call(request, timeout=DEADLINE_S, metadata=metadata)
            before, now = now, time.perf_counter()
            latencies_s.append(now - before)
            index += 1

    await asyncio.gather(*(caller(number) for number in range(wanted.concurrency)))
    seconds = time.perf_counter() - started
    latencies_s.sort()
    return RoundResult(
        request_count=len(latencies_s),
        seconds=seconds,
        p50_ms=_percentile_ms(latencies_s, 0.50),
        p95_ms=_percentile_ms(latencies_s, 0.95),
        p99_ms=_percentile_ms(latencies_s, 0.99),
    )


def _percentile_ms(sorted_s: list[float], share: float) -> float:
    return sorted_s[min(len(sorted_s) - 1, int(len(sorted_s) * share))] * 1000


def connect(target: Target, method: str) -> "aio.UnaryUnaryMultiCallable[bytes, bytes]":
    """A method of the target, with bytes in place of messages."""
    credentials = channel_credentials(Path(target.ca_file).read_bytes())
    channel = aio.secure_channel(target.address, credentials, options=CHANNEL_OPTIONS)
    call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return call


async def _main() -> None:
    setup = json.loads(sys.stdin.readline())
    requests = [base64.b64decode(text) for text in setup["requests"]]
    targets = {name: Target(**values) for name, values in setup["targets"].items()}
    calls = {name: connect(target, METHOD) for name, target in targets.items()}
    print("ready", flush=True)
    for line in sys.stdin:  # Blocks the loop on purpose: between rounds there is nothing to do.
        wanted = Round(**json.loads(line))
        metadata = (("authorization", f"Bearer {targets[wanted.target].api_key}"),)
        try:
            result = await run_round(calls[wanted.target], metadata, requests, wanted)
        except grpc.RpcError as error:
            raise SystemExit(f"{wanted.target}: {error}") from error
        print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
