"""How long to wait before something that died is started again: pure decisions."""

from dataclasses import dataclass
from typing import Final

SETTLED_MS: Final = 5_000
"""Who ran this long and then died is started again at once, as if for the first time."""

DELAY_MS_FIRST: Final = 100
DELAY_MS_MAX: Final = 5_000
BREAKER_FAILURE_COUNT: Final = 10
"""So many deaths in a row, none after a settled run, are a crash loop: it opens the breaker."""

DELAY_MS_OPEN: Final = 30_000
"""With the breaker open: long enough to cost nothing, short enough to notice a repair."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What is known of the deaths of one process."""

    count: int = 0
    """Deaths in a row, none of them after a settled run."""

    restart_count: int = 0
    """Deaths in all."""

    @property
    def is_crash_loop(self) -> bool:
        """Whether the breaker is open."""
        return self.count >= BREAKER_FAILURE_COUNT

    def after_death(self, *, ran_ms: int) -> "Failures":
        """With one more death, of a process that had worked for `ran_ms`."""
        count = 1 if ran_ms >= SETTLED_MS else self.count + 1
        return Failures(count=count, restart_count=self.restart_count + 1)


def restart_delay_ms(failures: Failures) -> int:
    """Nothing after the first death, then 100 ms doubling to 5 s, and 30 s in a crash loop."""
    if failures.count <= 1:
        return 0
    if failures.is_crash_loop:
        return DELAY_MS_OPEN
    return int(min(DELAY_MS_MAX, DELAY_MS_FIRST * 2 ** (failures.count - 2)))
