"""GetAnalytics: the shop's own figures, summed over days.

A purchase is credited to the answer whose attribution token came with it; without one, each of its products to the
visitor's last click with a token on that product in the 7 days before. What is not credited stands in the totals.

Queries are named only when at least 20 different visitors have searched them within one period of 32 days; those that
fewer have stand in the totals only. Reading goes day by day in transactions of their own, since a busy shop has
millions of rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import sqrt
from typing import Final

from actors.catalog.fields import SETTINGS_KEY
from actors.learning.figures import FigureKind, figures_key
from actors.learning.marks import DAY_MS
from actors.storage.environment import ReadView
from actors.storage.tables import FIGURES, POPULAR_QUERIES, SETTINGS
from node.errors import InvalidArgumentError
from protos.internal.records_pb2 import FiguresRecord, TenantSettings
from protos.v1.analytics_pb2 import Figures, GetAnalyticsRequest, GetAnalyticsResponse

DAYS_DEFAULT: Final = 28
DAYS_MAX: Final = 400
ROWS_DEFAULT: Final = 20
ROWS_MAX: Final = 200
TRENDING_SEARCHES_MIN: Final = 10
TRENDING_DEVIATIONS: Final = 3.0
"""How many standard deviations of a difference of two counts make a trend."""

_EPOCH: Final = date(1970, 1, 1)
_SUMMED: Final = (
    "searches",
    "no_result_searches",
    "impressions",
    "clicks",
    "add_to_carts",
    "purchases",
    "revenue_micros",
    "attributed_revenue_micros",
    "other_currency_purchases",
    "views",
)

OpenView = Callable[[], tuple[ReadView, Callable[[], None]]]


def get_analytics(
    request: GetAnalyticsRequest, open_view: OpenView, *, now_ms: int
) -> GetAnalyticsResponse:
    """The figures of the days asked for; its position is the caller's to set.

    Args:
        request: which days.
        open_view: a view of the last commit, and what ends it. Called once for each day.
        now_ms: milliseconds since 1970.

    Raises:
        InvalidArgumentError: a day is none, or there are too many.
    """
    first, last = _days(request, now_ms)
    count = _row_count(request)
    view, end = open_view()
    try:
        names, currency_code = _named_queries(view), _currency_code(view)
    finally:
        end()
    summing = _Summing(names, middle=(first + last + 1) / 2)
    for day in range(first, last + 1):
        view, end = open_view()
        try:
            summing.add_day(view, day)
        finally:
            end()
    return summing.response(count, currency_code)


class _Summing:
    """The sums so far."""

    def __init__(self, names: Mapping[bytes, str], *, middle: float) -> None:
        """`names`: words of queries, by hash; `middle`: days before it are the earlier half."""
        self._names = names
        self._middle = middle
        self._total = Figures(name="total")
        self._days: list[Figures] = []
        self._queries: dict[str, Figures] = {}
        self._lists: dict[str, Figures] = {}
        self._strategies: dict[str, Figures] = {}
        self._halves: dict[str, list[int]] = {}

    def add_day(self, view: ReadView, day: int) -> None:
        """Add the rows of a day."""
        value = view.get(FIGURES, figures_key(day, FigureKind.TOTAL, bytes(16)))
        total = FiguresRecord.FromString(b"" if value is None else bytes(value))
        figures = Figures(name=_text_of(day))
        _sum(figures, total)
        _sum(self._total, total)
        self._days.append(figures)
        for key, stored in view.range(FIGURES, figures_key(day, FigureKind.QUERY, b"")):
            name = self._names.get(bytes(key[3:]))
            if name is not None:
                row = FiguresRecord.FromString(bytes(stored))
                _sum(_of(self._queries, name), row)
                self._halves.setdefault(name, [0, 0])[day >= self._middle] += row.searches
        for kind, named in (
            (FigureKind.LIST, self._lists),
            (FigureKind.STRATEGY, self._strategies),
        ):
            for _, stored in view.range(FIGURES, figures_key(day, kind, b"")):
                row = FiguresRecord.FromString(bytes(stored))
                _sum(_of(named, row.name), row)

    def response(self, count: int, currency_code: str) -> GetAnalyticsResponse:
        """All of it, the largest rows of each table."""
        queries = self._queries.values()
        return GetAnalyticsResponse(
            total=self._total,
            days=self._days,
            queries=_largest(queries, count, lambda one: one.searches),
            no_result_queries=_largest(
                [one for one in queries if one.no_result_searches],
                count,
                lambda one: one.no_result_searches,
            ),
            lists=_largest(self._lists.values(), count, _weight),
            strategies=_largest(self._strategies.values(), count, _weight),
            trending_queries=self._trending(count),
            currency_code=currency_code,
        )

    def _trending(self, count: int) -> list[Figures]:
        """Those whose later half is clearly above the earlier, the clearest first."""
        growths: dict[str, float] = {}
        for name, (earlier, later) in self._halves.items():
            if later < TRENDING_SEARCHES_MIN:
                continue
            growth = (later - earlier) / sqrt(later + earlier)
            if growth >= TRENDING_DEVIATIONS:
                growths[name] = growth
        ordered = sorted(growths, key=lambda name: (-growths[name], name))
        return [self._queries[name] for name in ordered[:count]]


def _named_queries(view: ReadView) -> Mapping[bytes, str]:
    return {bytes(key): bytes(words).decode() for words, key in view.range(POPULAR_QUERIES)}


def _currency_code(view: ReadView) -> str:
    value = view.get(SETTINGS, SETTINGS_KEY)
    return TenantSettings.FromString(b"" if value is None else bytes(value)).currency_code


def _days(request: GetAnalyticsRequest, now_ms: int) -> tuple[int, int]:
    """The first and the last day, since 1970."""
    last = now_ms // DAY_MS
    if request.last_day:
        last = _day_of("last_day", request.last_day)
    first = last - DAYS_DEFAULT + 1
    if request.first_day:
        first = _day_of("first_day", request.first_day)
    if first > last:
        raise InvalidArgumentError.of(
            "first_day", f"{_text_of(first)} is after the last day, {_text_of(last)}"
        )
    if last - first >= DAYS_MAX:
        raise InvalidArgumentError.of(
            "first_day", f"{last - first + 1} days are asked for; at most {DAYS_MAX} are allowed"
        )
    return first, last


def _day_of(field: str, text: str) -> int:
    try:
        day = (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        day = -1
    # Days are stored in 16 bits: until the year 2149.
    if not 0 <= day < 1 << 16:
        raise InvalidArgumentError.of(field, f'"{text[:32]}" is no day like 2026-11-27')
    return day


def _text_of(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def _row_count(request: GetAnalyticsRequest) -> int:
    if request.row_count < 0:
        raise InvalidArgumentError.of("row_count", f"is {request.row_count}; it must be at least 0")
    return min(request.row_count or ROWS_DEFAULT, ROWS_MAX)


def _of(named: dict[str, Figures], name: str) -> Figures:
    figures = named.get(name)
    if figures is None:
        figures = named[name] = Figures(name=name)
    return figures


def _sum(figures: Figures, row: FiguresRecord) -> None:
    for name in _SUMMED:
        value = getattr(row, name)
        if value:
            setattr(figures, name, min(getattr(figures, name) + value, _INT64_MAX))


_INT64_MAX: Final = (1 << 63) - 1


def _weight(figures: Figures) -> int:
    """How much happened in a list or by a strategy."""
    return figures.impressions + figures.searches + figures.clicks + figures.purchases


def _largest(
    rows: Iterable[Figures], count: int, size: Callable[[Figures], int]
) -> Sequence[Figures]:
    return sorted(rows, key=lambda one: (-size(one), one.name))[:count]
