"""What a front counts while it runs; written to the log when it stops."""

from collections import Counter
from typing import Final

REQUESTS: Final = "requests"
FAILED: Final = "failed"
"""Answered with an error of any kind; also counted under `failed.<REASON>`."""

HELD: Final = "held"
"""Waited because the tenant had no replica."""

RESENT: Final = "resent"
"""Sent again to another incarnation."""

READERS_ASKED: Final = "readers_asked"
READERS_FAILED: Final = "readers_failed"
"""Asked again of the primary, since a reader did not answer or could not."""

ROUTES_CHANGED: Final = "routes_changed"
"""A tenant's primary was opened, moved or lost its place."""

ROUTES_DROPPED: Final = "routes_dropped"
"""A tenant was deleted, or nobody asked for it for long."""

VERDICTS_ASKED: Final = "verdicts_asked"
IMPORT_MESSAGES: Final = "import_messages"


class FrontMetrics:
    """Counters in memory. Names are bounded: reasons come from our own error classes only."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Add one."""
        self._counts[name] += 1

    def snapshot(self) -> dict[str, int]:
        """All counts by name."""
        return dict(sorted(self._counts.items()))
