"""Counts that fade: half of one is left after its half-life.

A row holds its counts as they were worth at one time, so adding one that is older or newer gives the same row in
whatever order they come.
"""

from math import exp2
from typing import Final

from actors.learning.marks import DAY_MS

LASTING_MS: Final = 14 * DAY_MS
RECENT_MS: Final = DAY_MS
"""Half-lives."""


def remaining(passed_ms: int, half_life_ms: int) -> float:
    """The share of a count that is left after a time; 1 for none."""
    return exp2(-passed_ms / half_life_ms) if passed_ms else 1.0
