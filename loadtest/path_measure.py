"""Rounds against two servers in turn, with what each process spent on them."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from loadtest.path_client import Round, RoundResult, Target, encode_setup
from loadtest.path_echo import encode_sizes

ECHO: Final = "echo"
SALUHALL: Final = "saluhall"
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    concurrencies: Sequence[int]
    rounds: int
    seconds: float
    warm_up_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Medians over the rounds at one concurrency."""

    echo_rps: float
    echo_p50_ms: float
    saluhall_rps: float
    saluhall_p50_ms: float
    saluhall_p95_ms: float
    saluhall_p99_ms: float
    cpu_us: Mapping[str, float]
    """CPU time for one search, in microseconds, by process."""

    @property
    def ratio(self) -> float:
        """Our throughput as a share of the echo's."""
        return self.saluhall_rps / self.echo_rps


class ClientProcess:
    """The process of `path_client`, told what to do over its stdin."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, wanted: Round) -> RoundResult:
        """One round. Raises RuntimeError when the process gave up; its stderr said why."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(wanted)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The load client ended during a round against {wanted.target}")
        return RoundResult(**json.loads(line))


@contextmanager
def client_process(
    targets: Mapping[str, Target], requests: Sequence[bytes]
) -> Iterator[ClientProcess]:
    """A client that is connected to nothing yet and knows all targets."""
    with module_process("loadtest.path_client", []) as process:
        tell(process, encode_setup(dict(targets), list(requests)))
        yield ClientProcess(process)


@contextmanager
def echo_server(data: Path, sizes: Mapping[bytes, int]) -> Iterator[str]:
    """The address of a bare server that answers each request with that many bytes."""
    with module_process("loadtest.path_echo", [str(data)]) as process:
        yield f"127.0.0.1:{tell(process, encode_sizes(dict(sizes)))}"


def measure(client: ClientProcess, pids: Mapping[str, int], plan: Plan) -> dict[int, Level]:
    """Alternate between the two servers at each concurrency. `pids` are the platform's processes."""
    return {
        concurrency: _measure_level(client, pids, plan, concurrency)
        for concurrency in plan.concurrencies
    }


def _measure_level(
    client: ClientProcess, pids: Mapping[str, int], plan: Plan, concurrency: int
) -> Level:
    watched = {"client": client.pid, **pids}
    results: dict[str, list[RoundResult]] = {ECHO: [], SALUHALL: []}
    spent_s = dict.fromkeys(watched, 0.0)
    for target in results:
        client.run(Round(target=target, concurrency=concurrency, seconds=plan.warm_up_seconds))
    for number in range(plan.rounds):
        # Who comes first changes, so that neither always meets a warmer or a busier machine.
        for target in (ECHO, SALUHALL) if number % 2 == 0 else (SALUHALL, ECHO):
            before = {name: cpu_seconds(pid) for name, pid in watched.items()}
            results[target].append(
                client.run(Round(target=target, concurrency=concurrency, seconds=plan.seconds))
            )
            if target == SALUHALL:
                for name, pid in watched.items():
                    spent_s[name] += cpu_seconds(pid) - before[name]
    count = sum(result.request_count for result in results[SALUHALL])
    ours = results[SALUHALL]
    return Level(
        echo_rps=statistics.median(r.requests_per_second for r in results[ECHO]),
        echo_p50_ms=statistics.median(r.p50_ms for r in results[ECHO]),
        saluhall_rps=statistics.median(r.requests_per_second for r in ours),
        saluhall_p50_ms=statistics.median(r.p50_ms for r in ours),
        saluhall_p95_ms=statistics.median(r.p95_ms for r in ours),
        saluhall_p99_ms=statistics.median(r.p99_ms for r in ours),
        cpu_us={name: spent * 1e6 / count for name, spent in spent_s.items()},
    )


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, all threads, in user and kernel."""
    # The name in parentheses may hold spaces: fields are counted after it (proc(5), stat).
    fields = Path("/proc", str(pid), "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


@contextmanager
def module_process(module: str, arguments: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A Python program of ours that ends when its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def tell(process: "subprocess.Popen[str]", line: str) -> str:
    """Give the process its first line and return its first word."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    said = process.stdout.readline().strip()
    if not said:
        raise RuntimeError(f"{process.args!r} ended before it was ready")
    return said
