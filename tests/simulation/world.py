"""One seed: everything that happens in it, in an order that depends on nothing but the seed."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import xxhash

from actors.replication.protocol.effects import Send
from actors.replication.protocol.group import Group, StoreRecord
from actors.replication.protocol.limits import Limits
from actors.replication.protocol.messages import Message
from node.errors import InvariantError
from node.ids import StoreId
from tests.simulation.clients import Call, Client
from tests.simulation.disk import Store
from tests.simulation.faults import Faults
from tests.simulation.invariants import Checker, Violation
from tests.simulation.mutants import CORRECT, Mutant
from tests.simulation.network import Network, Weather
from tests.simulation.process import Process
from tests.simulation.registry import Registry
from tests.simulation.supervisor import Supervisor

EVENTS_MAX = 40_000
"""A seed that has not ended by then is one that goes round in circles."""

HEALING_US_MAX = 40_000_000

RECONNECT_SHARE = 0.1
"""How often a connection is made anew, to the store's present owner."""

LIMITS = Limits(
    silence_ms_max=800,
    registry_wait_ms_max=400,
    resend_ms=150,
    pause_ms=500,
    low_water_period_ms=3_000,
    flap_window_ms=6_000,
    quiet_ms=4_000,
    drain_ms_max=1_000,
    entries_per_message_max=8,
    reads_waiting_max=16,
    deferred_messages_max=4,
)


@dataclass(slots=True)
class Outcome:
    """What became of a seed."""

    seed: int
    violation: str | None = None
    events: int = 0
    faults: int = 0
    writes: int = 0
    reads: int = 0
    happened: dict[str, int] = field(default_factory=dict)
    """How often what the report counts happened."""

    digest: str = ""
    """Equal for equal runs."""


class World:
    """A group, its clients, and what goes wrong with them."""

    def __init__(self, seed: int, *, mutant: Mutant = CORRECT, is_traced: bool = False) -> None:
        self.seed = seed
        self.mutant = mutant
        self.random = Random(seed)
        self.limits = LIMITS
        self.now_us = 0
        self.trace: list[str] | None = [] if is_traced else None
        self.declined = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._scheduled = 0
        self._events = 0
        self._digest = xxhash.xxh3_64()
        self.disk_slowness = 1
        self._pace_us = self.random.choice((20_000, 60_000, 200_000, 1_500_000))
        count = self.random.choice((2, 3, 3, 3, 3, 4))
        self.store_ids = tuple(StoreId(name) for name in "abcd"[:count])
        self.checker = Checker(self)
        self.network = Network(self.random, self.schedule, self._weather())
        entries_kept = self.random.choice((4, 10, 40))
        self.stores = {
            store_id: mutant.prepared(Store(store_id, self.checker, entries_kept=entries_kept))
            for store_id in self.store_ids
        }
        self.registry = Registry(
            self._first_group(), self.random, self.schedule, self.network, self.checker
        )
        self.owners: dict[str, Process] = {}
        self._links: dict[tuple[str, str], Process] = {}
        """Which process of a store another store's messages go to."""

        self.last_answers: dict[str, Send] = {}
        """The last append that each store has answered: faults make it arrive again, much later."""

        self._process_count = 0
        for store_id in self.store_ids:
            self.start(store_id)
        self.clients = [Client(self, number) for number in range(3)]
        self.supervisor = Supervisor(self)
        self.faults = Faults(self)

    def run(self) -> Outcome:
        """Let it all happen; a violation is an outcome."""
        violation = None
        try:
            self._run_until(self.faults.end_us)
            self.faults.heal_everything()
            self._come_to_rest()
        except (Violation, InvariantError, AssertionError) as error:
            violation = f"{type(error).__name__}: {error}"
            self.note(f"VIOLATION {violation}")
        self._digest.update(b"%d %d" % (self.checker.state_hash, self.checker.acknowledged))
        return Outcome(
            seed=self.seed,
            violation=violation,
            events=self._events,
            faults=self.faults.count,
            writes=sum(client.done_writes for client in self.clients),
            reads=sum(client.done_reads for client in self.clients),
            happened={
                **self.faults.happened,
                "truncation": sum(store.truncations for store in self.stores.values()),
                "full copy": sum(store.full_copies for store in self.stores.values()),
                "lost compare-and-set answer": self.registry.lost_answers,
                **self.checker.happened,
            },
            digest=self._digest.hexdigest(),
        )

    def schedule(self, delay_us: int, call: Callable[..., None], *arguments: Any) -> None:
        """Call a function later."""
        self._scheduled += 1
        heapq.heappush(self._heap, (self.now_us + delay_us, self._scheduled, call, arguments))

    def note(self, line: str) -> None:
        """Add a line to the trace, if there is one."""
        if self.trace is not None:
            self.trace.append(f"{self.now_us / 1_000:10.1f} {line}")

    def start(self, store_id: str) -> None:
        """Start a process that owns a store from now on, whatever became of the one before."""
        self._process_count += 1
        self.owners[store_id] = Process(self, self.stores[StoreId(store_id)], self._process_count)

    def ended(self, process: Process) -> None:
        """A process ended by itself; where it was the last one started, there has to be another."""
        if self.owners.get(process.store.id) is process:
            self.schedule(100_000, self._start_again, process)

    def _start_again(self, process: Process) -> None:
        if self.owners[process.store.id] is process:
            self.start(process.store.id)

    def deliver(self, sender: StoreId, target: StoreId, message: Message) -> None:
        """A message arrives at the process that the sender is connected to, even one that lost its store."""
        process = self._links.get((sender, target))
        if process is None or not process.is_alive or self.random.random() < RECONNECT_SHARE:
            process = self.owners[target]
            self._links[sender, target] = process
        process.received(sender, message)

    def ask(self, target: str, client: Client, call: Call) -> None:
        """A client's call arrives."""
        process = self.owners.get(target)
        if process is not None:
            process.asked(client, call)

    def reply(self, process: Process, client: Client, call: Call, position: int | None) -> None:
        """Send an answer back to a client."""
        self.network.send(process.store.id, client.place, client.answered, process, call, position)

    def disk_delay_us(self) -> int:
        """How long a durable transaction takes."""
        return int((200 + self.random.random() * 1_500) * self.disk_slowness)

    def think_us(self) -> int:
        """How long a client waits between calls."""
        return int(self.random.random() * self._pace_us)

    def _first_group(self) -> Group:
        """Some stores are in sync from the start, the others are new and learn."""
        members = self.random.randrange(1, len(self.store_ids) + 1)
        min_copies = self.random.choice((1, 2)) if len(self.store_ids) > 2 else 1
        return Group(
            epoch=1,
            primary=self.store_ids[0],
            in_sync=self.store_ids[:members],
            stores=tuple(StoreRecord(store_id, 0, 0) for store_id in self.store_ids),
            min_copies=min_copies,
        )

    def _weather(self) -> Weather:
        random = self.random
        return Weather(
            delay_us_max=random.choice((2_000, 2_000, 10_000, 40_000)),
            loss=random.choice((0.0, 0.002, 0.02, 0.08)),
            duplication=random.choice((0.0, 0.01, 0.1)),
            lateness=random.choice((0.0, 0.002, 0.02)),
        )

    def _run_until(self, end_us: int) -> None:
        heap, digest = self._heap, self._digest
        while heap and heap[0][0] <= end_us:  # Ends: time goes on, and so few events fit in.
            self.now_us, number, call, arguments = heapq.heappop(heap)
            self._events += 1
            if self._events > EVENTS_MAX:
                raise Violation(f"I10: more than {EVENTS_MAX} events")
            call(*arguments)
            if not self._events % 16:
                digest.update(b"%d %d" % (self.now_us, number))

    def _come_to_rest(self) -> None:
        """I10: with everything healed, all work again and everyone comes in sync."""
        before = [client.done_writes + client.done_reads for client in self.clients]
        for client in self.clients:
            client.is_only_strong = True
        give_up_us = self.now_us + HEALING_US_MAX
        while not self._is_at_rest(before):  # Ends at the latest after `HEALING_US_MAX`.
            if self.now_us > give_up_us:
                raise Violation(f"I10: not at rest: {self.registry.group}")
            self._run_until(self.now_us + 500_000)

    def _is_at_rest(self, before: list[int]) -> bool:
        in_sync = self.registry.group.in_sync
        return all(store_id in in_sync for store_id in self.store_ids) and all(
            client.done_writes + client.done_reads > count + 3
            for client, count in zip(self.clients, before, strict=True)
        )
