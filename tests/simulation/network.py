"""The virtual network: messages are delayed, lost, doubled, reordered, or stopped in one direction."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

LATE_US_MAX: Final = 4_000_000


class Schedule(Protocol):
    """Calls a function after some microseconds."""

    def __call__(self, delay_us: int, call: Callable[..., None], *arguments: Any) -> None: ...


@dataclass(slots=True)
class Weather:
    """How bad the network is at the moment."""

    delay_us_max: int = 2_000
    loss: float = 0.0
    duplication: float = 0.0
    lateness: float = 0.0
    """How often a message arrives long after those that were sent later."""


class Network:
    """Delivers calls between named places."""

    def __init__(self, random: Random, schedule: Schedule, weather: Weather) -> None:
        self._random = random.random
        self._schedule = schedule
        self.weather = weather
        self._cuts: dict[tuple[str, str], int] = {}

    def send(self, source: str, target: str, call: Callable[..., None], *arguments: Any) -> bool:
        """Deliver once, twice, late or never; whether it is on its way."""
        weather, random = self.weather, self._random
        if (source, target) in self._cuts or random() < weather.loss:
            return False
        delay_us = random() * weather.delay_us_max
        if random() < weather.lateness:
            delay_us = self._late_us()
        self._schedule(int(200 + delay_us), call, *arguments)
        if random() < weather.duplication:
            self._schedule(int(200 + self._late_us()), call, *arguments)
        return True

    def _late_us(self) -> float:
        """Rather soon than late, at most some seconds."""
        return LATE_US_MAX * self._random() ** 4

    def is_cut(self, source: str, target: str) -> bool:
        """Whether nothing gets through from one place to another."""
        return (source, target) in self._cuts

    def cut(self, source: str, target: str) -> None:
        """Stop everything in one direction, until it was healed as often as it was cut."""
        self._cuts[source, target] = self._cuts.get((source, target), 0) + 1

    def heal(self, source: str, target: str) -> None:
        """Take back one cut."""
        count = self._cuts.get((source, target), 0) - 1
        if count > 0:
            self._cuts[source, target] = count
        else:
            self._cuts.pop((source, target), None)

    def heal_all(self) -> None:
        """Everything gets through again."""
        self._cuts.clear()
