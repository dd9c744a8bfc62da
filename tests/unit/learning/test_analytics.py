"""A shop's own figures."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learning_state import DAY_MS, NOW_MS, State, Told

from actors.analytics import get_analytics
from actors.storage.environment import ReadView
from node.errors import InvalidArgumentError
from protos.internal.records_pb2 import AttributionContent
from protos.v1.analytics_pb2 import GetAnalyticsRequest, GetAnalyticsResponse
from protos.v1.event_pb2 import Event
from protos.v1.recommend_pb2 import Placement


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path, ["kettle", "teapot"])
    yield state
    state.close()


def ask(state: State, **request: object) -> GetAnalyticsResponse:
    def open_view() -> tuple[ReadView, Callable[[], None]]:
        return state.environment.open_view()

    return get_analytics(GetAnalyticsRequest(**request), open_view, now_ms=NOW_MS)


def day(ago: int = 0) -> str:
    return (date(1970, 1, 1) + timedelta(days=NOW_MS // DAY_MS - ago)).isoformat()


def searched(words: str, count: int, *, days_ago: int = 0, results: int = 3) -> list[Told]:
    time_ms = NOW_MS - days_ago * DAY_MS
    return [
        Told(
            Event.SEARCH,
            visitor=f"visitor {number}",
            query=words,
            time_ms=time_ms,
            result_count=results,
        )
        for number in range(count)
    ]


def test_queries_are_named_from_twenty_visitors_on(state: State) -> None:
    state.write(*searched("kettle", 20), *searched("my own name", 19))

    answer = ask(state)

    assert [(one.name, one.searches) for one in answer.queries] == [("kettle", 20)]
    assert answer.total.searches == 39


def test_queries_without_results_are_a_table_of_their_own(state: State) -> None:
    state.write(*searched("kettle", 20), *searched("samovar", 25, results=0))

    answer = ask(state)

    assert [one.name for one in answer.no_result_queries] == ["samovar"]
    assert answer.total.no_result_searches == 25


def test_every_day_asked_for_is_there(state: State) -> None:
    state.write(*searched("kettle", 2, days_ago=2))

    answer = ask(state, first_day=day(3), last_day=day())

    assert [(one.name, one.searches) for one in answer.days] == [
        (day(3), 0),
        (day(2), 2),
        (day(1), 0),
        (day(), 0),
    ]
    assert len(ask(state).days) == 28


def test_a_query_that_grows_is_a_trend_and_a_steady_one_is_none(state: State) -> None:
    for ago in range(10):
        state.write(
            *searched("kettle", 30, days_ago=ago),
            *searched("teapot", 30 if ago < 5 else 2, days_ago=ago),
        )

    answer = ask(state, first_day=day(9), last_day=day())

    assert [one.name for one in answer.trending_queries] == ["teapot"]


def test_revenue_stands_with_the_list_and_strategy_that_it_is_credited_to(state: State) -> None:
    token = AttributionContent(
        kind=AttributionContent.RECOMMEND, placement="home", strategy=Placement.POPULAR
    )
    shown = Told(Event.IMPRESSION, "kettle", visitor="a", attribution=token)
    clicked = Told(Event.CLICK, "kettle", visitor="a", attribution=token)
    bought = Told(Event.PURCHASE, "kettle", visitor="a", attribution=token)
    other = Told(Event.PURCHASE, "teapot", visitor="a")
    for told in (bought, other):
        told.event.products[0].price_micros = 7_000_000

    state.write(shown, clicked, bought, other)

    answer = ask(state)
    assert (answer.total.revenue_micros, answer.total.attributed_revenue_micros) == (
        14_000_000,
        7_000_000,
    )
    (home,), (popular,) = answer.lists, answer.strategies
    assert (home.name, popular.name) == ("home", "popular")
    for row in (home, popular):
        assert (row.impressions, row.clicks, row.purchases) == (1, 1, 1)
        assert row.attributed_revenue_micros == 7_000_000


@pytest.mark.parametrize(
    "request_fields",
    [
        {"first_day": "yesterday"},
        {"last_day": "2026-02-30"},
        {"first_day": "2026-02-02", "last_day": "2026-02-01"},
        {"first_day": "2020-01-01", "last_day": "2026-01-01"},
        {"row_count": -1},
    ],
)
def test_what_are_no_days_is_refused(state: State, request_fields: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        ask(state, **request_fields)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Event.SEARCH, Event.VIEW, Event.CLICK, Event.PURCHASE]),
            st.integers(0, 40),
            st.sampled_from(["", "a", "b"]),
            st.integers(0, 10**16),
        ),
        max_size=40,
    ),
    st.data(),
)
def test_totals_are_the_sums_of_days_however_events_are_batched(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple], data: st.DataObject
) -> None:
    state = State(tmp_path_factory.mktemp("state"), ["kettle"])
    told = []
    for kind, ago, visitor, price in acts:
        one = Told(kind, "kettle", visitor=visitor, time_ms=NOW_MS - ago * DAY_MS, query="kettle")
        one.event.products[0].price_micros = price
        told.append(one)
    while told:
        size = data.draw(st.integers(1, len(told)))
        state.write(*told[:size])
        told = told[size:]

    answer = ask(state, first_day=day(40), last_day=day())
    state.close()

    kinds = [kind for kind, *_ in acts]
    assert answer.total.searches == kinds.count(Event.SEARCH)
    assert answer.total.views == kinds.count(Event.VIEW)
    assert answer.total.purchases == kinds.count(Event.PURCHASE)
    for name in ("searches", "clicks", "views", "purchases", "revenue_micros"):
        assert getattr(answer.total, name) == sum(getattr(one, name) for one in answer.days)
    assert answer.total.attributed_revenue_micros <= answer.total.revenue_micros
