"""Many seeds: run them, count what happened in them, and say it in words and as JSON."""

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.simulation.mutants import CORRECT, Mutant
from tests.simulation.world import Outcome, World

EVENTS_MIN: Final = 500
FAULTS_MIN: Final = 5
SHARE_MIN: Final = 0.1
MUST_HAPPEN: Final = ("failover", "truncation", "full copy", "lost compare-and-set answer")
"""Each in at least a tenth of the seeds: else the simulator is not looking where it should."""

_SEEDS_PER_TASK: Final = 50
_VIOLATIONS_KEPT: Final = 20


@dataclass(slots=True)
class Report:
    """What became of many seeds."""

    first_seed: int
    seeds: int = 0
    events: int = 0
    faults: int = 0
    writes: int = 0
    reads: int = 0
    events_min: int = 0
    faults_min: int = 0
    cpu_s: float = 0.0
    """Of one core, whatever the number of jobs."""

    seeds_with: dict[str, int] = field(default_factory=dict)
    """In how many seeds something happened at least once."""

    violations: list[tuple[int, str]] = field(default_factory=list)
    """Seed and invariant; the first few."""

    def add(self, outcome: Outcome) -> None:
        """Count one seed."""
        is_first = self.seeds == 0
        self.seeds += 1
        self.events += outcome.events
        self.faults += outcome.faults
        self.writes += outcome.writes
        self.reads += outcome.reads
        self.events_min = outcome.events if is_first else min(self.events_min, outcome.events)
        self.faults_min = outcome.faults if is_first else min(self.faults_min, outcome.faults)
        for name, count in outcome.happened.items():
            if count:
                self.seeds_with[name] = self.seeds_with.get(name, 0) + 1
        if outcome.violation is not None and len(self.violations) < _VIOLATIONS_KEPT:
            self.violations.append((outcome.seed, outcome.violation))

    def share(self, name: str) -> float:
        """In which part of the seeds something happened."""
        return self.seeds_with.get(name, 0) / self.seeds if self.seeds else 0.0

    @property
    def shortcomings(self) -> list[str]:
        """Why this run proves less than it should; empty: it proves what was asked for."""
        found = [f"seed {seed}: {violation}" for seed, violation in self.violations]
        if self.events_min < EVENTS_MIN:
            found.append(f"a seed has {self.events_min} events, {EVENTS_MIN} are asked for")
        if self.faults_min < FAULTS_MIN:
            found.append(f"a seed has {self.faults_min} faults, {FAULTS_MIN} are asked for")
        found += [
            f"{name}: in {self.share(name):.1%} of the seeds, {SHARE_MIN:.0%} are asked for"
            for name in MUST_HAPPEN
            if self.share(name) < SHARE_MIN
        ]
        return found

    def write_json(self, path: Path) -> None:
        """The same, for other programs."""
        shares = {name: round(self.share(name), 4) for name in sorted(self.seeds_with)}
        content = {**asdict(self), "shares": shares, "shortcomings": self.shortcomings}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def lines(self) -> Iterable[str]:
        """For people."""
        rate = self.seeds / self.cpu_s if self.cpu_s else 0.0
        yield f"{self.seeds} seeds from {self.first_seed}: {rate:.1f} seeds per second of one core"
        yield f"{self.events:,} events (least {self.events_min}), {self.faults:,} faults (least {self.faults_min})"
        yield f"{self.writes:,} writes and {self.reads:,} reads answered"
        yield "in how many seeds it happened:"
        for name in sorted(self.seeds_with, key=lambda name: -self.seeds_with[name]):
            mark = "*" if name in MUST_HAPPEN else " "
            yield f"  {mark} {name:28} {self.share(name):7.1%}"
        yield from (f"FELL SHORT  {line}" for line in self.shortcomings)


def run_seeds(
    first_seed: int, count: int, *, jobs: int, progress: Callable[[Report], None]
) -> Report:
    """Run seeds, on several cores if wanted; the report is the same whatever the number of jobs."""
    report = Report(first_seed)
    tasks = [
        (start, min(_SEEDS_PER_TASK, first_seed + count - start))
        for start in range(first_seed, first_seed + count, _SEEDS_PER_TASK)
    ]
    if jobs == 1:
        _collect(report, map(_run_task, tasks), progress)
        return report
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        _collect(report, pool.map(_run_task, tasks), progress)
    return report


def find_violation(mutant: Mutant, *, seeds_max: int) -> tuple[int, str] | None:
    """The first seed that shows a deliberate bug, and what it breaks."""
    for seed in range(seeds_max):
        outcome = World(seed, mutant=mutant).run()
        if outcome.violation is not None:
            return seed, outcome.violation
    return None


def trace(seed: int, *, mutant: Mutant = CORRECT) -> tuple[Outcome, list[str]]:
    """One seed with everything that happened in it."""
    world = World(seed, mutant=mutant, is_traced=True)
    outcome = world.run()
    assert world.trace is not None
    return outcome, world.trace


def _collect(
    report: Report,
    results: Iterable[tuple[list[Outcome], float]],
    progress: Callable[[Report], None],
) -> None:
    for outcomes, cpu_s in results:
        for outcome in outcomes:
            report.add(outcome)
        report.cpu_s += cpu_s
        progress(report)


def _run_task(task: tuple[int, int]) -> tuple[list[Outcome], float]:
    start, count = task
    before_s = time.process_time()
    outcomes = [World(seed).run() for seed in range(start, start + count)]
    return outcomes, time.process_time() - before_s
