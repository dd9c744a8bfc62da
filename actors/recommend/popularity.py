"""What many look at lately: counts that fade, for the whole shop and for each category.

Forward decay (Cormode et al., ICDE 2009): an event weighs 2 ** (its day / half-life), so weights never need to be
touched again and the order of products does not depend on when it is asked for. Weights are integers: their sums
are exact, and equal events give equal answers in whatever order they came.

Counts cannot be linked to anybody: what is kept is how often a product was seen on a day, no visitor, no time of
day. They are robust: a product gains nothing from more than `day_count_max` events on a day, so a script that
reloads a page cannot hold the first place for long. Each half-life is a window of its own; days older than
`days_max` before the newest are forgotten.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from actors.recommend.neighbours import DAY_MS
from actors.recommend.next_products import Scored

WHOLE_SHOP: Final = b""
"""The category that every product is in."""

_LANDMARK_DAY: Final = 20_000
"""Day 20,000 since 1970 weighs `2 ** _PRECISION_BITS`; any day would do, all tenants share this one."""
_PRECISION_BITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PopularityBounds:
    """How much is counted."""

    half_lives_days: tuple[float, ...]
    """One list of each category for each; a day's lists show trends, a month's what sells."""
    days_max: int
    """Days before the newest event that still count."""
    day_count_max: int
    """Events of a product on one day that count."""
    products_max: int
    """Of a category; above it the least popular goes."""
    categories_max: int
    """Further ones are not counted."""

    def __post_init__(self) -> None:
        counts = (self.days_max, self.day_count_max, self.products_max, self.categories_max)
        if min(counts) < 1 or not self.half_lives_days or min(self.half_lives_days) <= 0:
            raise ValueError(f"bounds must be at least 1, half-lives above 0: {self}")


class Popularity:
    """Counts by category; product ids and categories are bytes."""

    def __init__(self, bounds: PopularityBounds) -> None:
        self.bounds = bounds
        self._boards: dict[bytes, _Board] = {}
        self._newest_day = -(10**9)

    def add(self, product: bytes, categories: Sequence[bytes], time_ms: int) -> None:
        """Count one event, in the categories of the product and in the whole shop."""
        day = time_ms // DAY_MS
        if day > self._newest_day:
            self._newest_day = day
            for board in self._boards.values():
                board.forget_before(day - self.bounds.days_max)
        if day < self._newest_day - self.bounds.days_max:
            return
        for category in sorted({WHOLE_SHOP, *categories}):
            if category not in self._boards and len(self._boards) < self.bounds.categories_max:
                self._boards[category] = _Board(self.bounds)
            if category in self._boards:
                self._boards[category].add(product, day)

    def ranked(self, category: bytes, *, half_life_days: float, now_ms: int) -> Iterator[Scored]:
        """The products of a category, the most popular first; equal ones by id.

        Args:
            category: or `WHOLE_SHOP`.
            half_life_days: one of the bounds'.
            now_ms: the score is in events of that day: an event one half-life before it counts 1/2.
        """
        board = self._boards.get(category)
        at = self.bounds.half_lives_days.index(half_life_days)
        today = _weight(now_ms // DAY_MS, half_life_days)
        for negative, product in board.ranked[at] if board is not None else ():
            yield Scored(product, -negative / today)

    def evidence(self, category: bytes) -> int:
        """The events that count in a category."""
        board = self._boards.get(category)
        return board.event_count if board is not None else 0


class _Board:
    """The products of one category by popularity, one list for each half-life."""

    def __init__(self, bounds: PopularityBounds) -> None:
        self._bounds = bounds
        self._days: dict[bytes, dict[int, int]] = {}  # product -> day -> events that count
        # (negative weight, product), ascending; one list for each half-life
        self.ranked: list[list[tuple[int, bytes]]] = [[] for _ in bounds.half_lives_days]
        self.event_count = 0

    def add(self, product: bytes, day: int) -> None:
        """Count an event, unless the product has had all that count on that day."""
        days = self._days.get(product, {})
        if days.get(day, 0) >= self._bounds.day_count_max:
            return
        self._put(product, {**days, day: days.get(day, 0) + 1})
        if len(self._days) > self._bounds.products_max:
            self._put(self.ranked[-1][-1][1], {})

    def forget_before(self, day: int) -> None:
        """Drop what was counted on earlier days."""
        for product, days in list(self._days.items()):
            if min(days) < day:
                self._put(product, {one: count for one, count in days.items() if one >= day})

    def _put(self, product: bytes, days: dict[int, int]) -> None:
        """Give a product other counts, and its places in the lists."""
        before = self._days.pop(product, {})
        self.event_count += sum(days.values()) - sum(before.values())
        if days:
            self._days[product] = days
        for ranked, half_life in zip(self.ranked, self._bounds.half_lives_days, strict=True):
            if before:
                del ranked[bisect_left(ranked, (-_total(before, half_life), product))]
            if days:
                insort(ranked, (-_total(days, half_life), product))


def _total(days: dict[int, int], half_life_days: float) -> int:
    return sum(count * _weight(day, half_life_days) for day, count in days.items())


@lru_cache(maxsize=4_096)
def _weight(day: int, half_life_days: float) -> int:
    """2 ** (day / half-life) as an integer, at least 1."""
    whole, part = divmod((day - _LANDMARK_DAY) / half_life_days + _PRECISION_BITS, 1)
    mantissa = round(2 ** (_PRECISION_BITS + part))
    shift = int(whole) - _PRECISION_BITS
    return max(1, mantissa << shift if shift >= 0 else mantissa >> -shift)
