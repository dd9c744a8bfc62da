"""When a failed call is tried again, and after how long: a pure decision."""

from dataclasses import dataclass

from node.errors import Code, SaluhallError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How a client goes on when a server is not there for a moment."""

    first_delay_ms: int = 25
    """A replica that was killed serves again within a second, a front at once: begin quickly."""

    delay_ms_max: int = 1_000
    """Long enough that many clients do not hold a server down that is starting."""

    attempts_max: int = 20
    """Attempts of one call; of an import, streams in a row that brought no answer."""

    def __post_init__(self) -> None:
        if not 0 < self.first_delay_ms <= self.delay_ms_max or self.attempts_max < 1:
            raise ValueError(f"{self}: delays must be positive and grow, attempts at least one")


def plan_retry(
    policy: RetryPolicy,
    error: SaluhallError,
    *,
    attempt_count: int,
    left_ms: float,
    jitter: float,
) -> float | None:
    """Milliseconds to wait before the next attempt; None: the caller gets this error.

    Only UNAVAILABLE is tried again. The delay doubles with each attempt and lies between half and
    the whole of that, by `jitter` (0 to 1), so that clients that failed together come back apart.
    A longer delay that the server asked for holds. Nothing is tried that cannot begin before the
    deadline.
    """
    if error.code is not Code.UNAVAILABLE or attempt_count >= policy.attempts_max:
        return None
    ceiling_ms = min(policy.delay_ms_max, policy.first_delay_ms * 2 ** (attempt_count - 1))
    delay_ms = max(ceiling_ms * (1 + jitter) / 2, error.retry_delay_ms or 0)
    return delay_ms if delay_ms < left_ms else None
