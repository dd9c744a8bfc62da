"""How often: GCRA, the leaky bucket as one number.

Source: ITU-T I.371, the "virtual scheduling" form. The number is the theoretical arrival time: when
the bucket would be empty again. A request of cost c moves it by c / rate; it is admitted while the
result lies at most burst / rate ahead of now.
"""

import math
from dataclasses import dataclass
from typing import Final

_ROUNDING_MS: Final = 1e-3
"""Sums of floats are off by less than this for a century of milliseconds."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Not now, and when."""

    limit: str
    """The name of the limit that was reached, for people and metrics."""

    retry_delay_ms: int
    """After this the same request would be admitted, if nobody else came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A sustained rate and how much may come at once after a pause."""

    name: str
    per_second: float
    burst: float

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError(f"{self}: the rate must be above 0, the burst at least 1")


class RateLimiter:
    """The state of one limit for one caller: a single number."""

    __slots__ = ("_arrival_ms", "_limit")

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._arrival_ms = -math.inf

    def admit(self, *, now_ms: float, cost: float) -> Refused | None:
        """None when the request may go on, and it is counted; else when to come back.

        A cost above the burst is counted as the burst, so that no request is refused for ever.
        """
        limit = self._limit
        step_ms = min(cost, limit.burst) * 1_000 / limit.per_second
        arrival_ms = max(self._arrival_ms, now_ms) + step_ms
        ahead_ms = arrival_ms - now_ms - limit.burst * 1_000 / limit.per_second
        if ahead_ms > _ROUNDING_MS:
            return Refused(limit.name, max(1, math.ceil(ahead_ms)))
        self._arrival_ms = arrival_ms
        return None
