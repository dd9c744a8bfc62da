"""Sessions that write and read: one call at a time, tried again elsewhere with the same request id."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

KEYS = ("kettle", "teapot", "lamp")


@dataclass(slots=True)
class Call:
    """One call of a session, over all its tries."""

    number: int
    request: str
    key: str
    is_write: bool
    is_strong: bool
    position_min: int
    acknowledged_before: int
    """What was answered, to writes and strong reads, when the call began."""

    epoch_before: int
    """The highest epoch that had answered a write when the call began."""

    tries_left: int


class Client:
    """One session."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.place = f"client{number}"
        self.position = 0
        """The highest position seen."""

        self.done_writes = 0
        self.done_reads = 0
        self.is_only_strong = False
        """At the end of a seed: nothing but writes and strong reads, to see that they work."""

        self._number = 0
        self._call: Call | None = None
        self._target = world.store_ids[0]
        world.schedule(world.random.randrange(500_000), self.begin)

    def begin(self) -> None:
        """Start the next call."""
        world, random = self.world, self.world.random
        self._number += 1
        kind = random.random()
        if self.is_only_strong:
            kind *= 0.75
        checker = world.checker
        call = Call(
            number=self._number,
            request=f"{self.place}-{self._number}",
            key=random.choice(KEYS),
            is_write=kind < 0.5,
            is_strong=kind < 0.75,
            position_min=self.position,
            acknowledged_before=max(checker.acknowledged, checker.read_strongly),
            epoch_before=checker.epoch_acknowledged,
            tries_left=random.choice((1, 3, 8, 20)),
        )
        self._call = call
        self._try(call)

    def _try(self, call: Call) -> None:
        world = self.world
        if call is not self._call:
            return
        if call.tries_left == 0:
            self._call = None
            world.schedule(1, self.begin)
            return
        call.tries_left -= 1
        target = self._target
        if not call.is_strong and not call.is_write:
            target = world.random.choice(world.store_ids)
        world.network.send(self.place, target, world.ask, target, self, call)
        world.schedule(300_000, self._timed_out, call, call.tries_left)

    def _timed_out(self, call: Call, tries_left: int) -> None:
        if call is self._call and call.tries_left == tries_left:
            self._target = self.world.random.choice(self.world.store_ids)
            self._try(call)

    def answered(self, process: "Process", call: Call, position: int | None) -> None:
        """A reply arrived; None: not here, or not now."""
        if call is not self._call:
            return
        world = self.world
        if position is None:
            hint = process.replica.primary
            if hint is None or hint == self._target or world.random.random() < 0.2:
                hint = world.random.choice(world.store_ids)
            self._target = hint
            call.tries_left = max(1, call.tries_left)
            world.schedule(20_000 + world.random.randrange(60_000), self._try, call)
            return
        self._call = None
        self.position = max(self.position, position)
        if call.is_write:
            self.done_writes += 1
        else:
            self.done_reads += 1
            if call.is_strong:
                world.checker.read_strongly = max(world.checker.read_strongly, position)
        world.schedule(world.think_us(), self.begin)
