"""What a batch of events adds to counts, queries, clicks and figures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from learning_state import DAY_MS, NOW_MS, State, Told, Visitor, hash_text

from actors.learning.figures import FigureKind, figures_key
from actors.learning.queries import PRODUCTS_PER_QUERY_MAX, place_weight, worth
from actors.storage.environment import ReadView
from actors.storage.tables import (
    BY_NUMBER,
    FIGURES,
    MARKS,
    POPULAR_QUERIES,
    PRODUCT_COUNTS,
    QUERIES,
    QUERY_CLICKS,
    TableClass,
)
from protos.internal.records_pb2 import (
    AttributionContent,
    FiguresRecord,
    ProductCountsRecord,
    QueryClicksRecord,
    QueryRecord,
)
from protos.v1.event_pb2 import Event
from protos.v1.recommend_pb2 import Placement

TODAY = NOW_MS // DAY_MS


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path, ["kettle", "teapot", *(f"cup-{number}" for number in range(60))])
    yield state
    state.close()


def counts_of(state: State, product: str) -> ProductCountsRecord:
    with state.read() as view:
        return ProductCountsRecord.FromString(
            bytes(view.get(PRODUCT_COUNTS, product.encode()) or b"")
        )


def query_of(state: State, words: str) -> QueryRecord:
    with state.read() as view:
        return QueryRecord.FromString(bytes(view.get(QUERIES, hash_text(words)) or b""))


def clicks_of(state: State, words: str) -> dict[str, float]:
    with state.read() as view:
        row = QueryClicksRecord.FromString(bytes(view.get(QUERY_CLICKS, hash_text(words)) or b""))
        return {one.product_id: worth(one) for one in row.products}


def total_of(state: State, day: int = TODAY) -> FiguresRecord:
    with state.read() as view:
        key = figures_key(day, FigureKind.TOTAL, bytes(16))
        return FiguresRecord.FromString(bytes(view.get(FIGURES, key) or b""))


def named_figures(state: State, kind: FigureKind) -> dict[str, FiguresRecord]:
    with state.read() as view:
        prefix = figures_key(TODAY, kind, b"")
        rows = [FiguresRecord.FromString(bytes(value)) for _, value in view.range(FIGURES, prefix)]
        return {row.name: row for row in rows}


def everything(view: ReadView) -> bytes:
    return b"".join(
        bytes(key) + bytes(value)
        for table in BY_NUMBER.values()
        if table.table_class is TableClass.LOGICAL
        for key, value in view.range(table)
    )


def test_a_visitor_who_clicks_a_thousand_times_counts_once_a_day(state: State) -> None:
    click = Told(Event.CLICK, "kettle", visitor="eager", query="kettle", position=1)
    once = Told(Event.CLICK, "teapot", visitor="calm", query="kettle", position=1)

    for _ in range(10):
        state.write(*[click] * 100)
    state.write(once)

    clicks = clicks_of(state, "kettle")
    assert clicks["kettle"] == pytest.approx(clicks["teapot"])
    assert counts_of(state, "kettle").lasting == pytest.approx(counts_of(state, "teapot").lasting)


def test_one_anonymous_source_does_not_outweigh_a_shop(state: State) -> None:
    """Without consent nobody is told apart, so what may be one source is held to a share of all others."""
    honest = [Told(Event.VIEW, f"cup-{number}") for number in range(60)] * 20
    flood = [Told(Event.VIEW, "kettle")] * 5_000

    state.write(*honest)
    state.write(*flood)

    assert counts_of(state, "cup-0").views == pytest.approx(20)
    assert counts_of(state, "kettle").views <= 20 + len(honest) / 50


def test_what_a_restricted_visitor_does_changes_nothing(state: State) -> None:
    state.write(
        Told(Event.PURCHASE, "kettle", visitor="restricted", is_restricted=True),
        Told(Event.SEARCH, visitor="restricted", query="kettle", is_restricted=True),
    )

    with state.read() as view:
        assert not any(view.count(one) for one in (MARKS, PRODUCT_COUNTS, QUERIES, FIGURES))


def test_without_consent_only_products_and_totals_are_counted(state: State) -> None:
    state.write(
        Told(Event.SEARCH, query="my secret", list="home"),
        Told(Event.CLICK, "kettle", query="my secret", list="home"),
    )

    with state.read() as view:
        assert not any(view.count(one) for one in (MARKS, QUERIES, QUERY_CLICKS, POPULAR_QUERIES))
        assert view.count(FIGURES) == 1
    assert total_of(state).searches == total_of(state).clicks == 1
    assert counts_of(state, "kettle").views == 1


def test_words_are_stored_in_clear_from_the_twentieth_visitor_on(state: State) -> None:
    searches = [
        Told(Event.SEARCH, visitor=f"visitor {number}", query=" Blå  KOPP ") for number in range(20)
    ]
    for told in searches[:19]:
        state.write(told, told)
    with state.read() as view:
        before = everything(view)

    state.write(searches[19])

    assert b"kopp" not in before.lower()
    assert query_of(state, "blå kopp").words == "blå kopp"
    with state.read() as view:
        assert bytes(view.get(POPULAR_QUERIES, "blå kopp".encode()) or b"") == hash_text("blå kopp")


def test_one_visitor_on_twenty_days_is_one_visitor(state: State) -> None:
    start = NOW_MS // (32 * DAY_MS) * 32 * DAY_MS

    for day in range(25):
        now_ms = start + day * DAY_MS
        told = Told(Event.SEARCH, visitor="faithful", query="kettle", time_ms=now_ms)
        state.write(told, now_ms=now_ms)

    assert query_of(state, "kettle").visitor_count == 1
    assert not query_of(state, "kettle").words


def test_ids_that_are_no_products_are_not_stored(state: State) -> None:
    """A shop may put anything into a cart, an e-mail address for one."""
    state.write(
        Told(Event.ADD_TO_CART, "anna@example.com", visitor="a", query="kettle"),
        Told(Event.PURCHASE, "anna@example.com"),
    )

    with state.read() as view:
        assert b"anna" not in everything(view)


def test_counts_fade_by_half_in_their_half_life_whatever_the_order(state: State) -> None:
    old, new = NOW_MS - 14 * DAY_MS, NOW_MS

    state.write(
        Told(Event.VIEW, "kettle", visitor="a", time_ms=old),
        Told(Event.VIEW, "kettle", visitor="b", time_ms=new),
        Told(Event.VIEW, "teapot", visitor="b", time_ms=new),
        Told(Event.VIEW, "teapot", visitor="a", time_ms=old),
    )

    kettle, teapot = counts_of(state, "kettle"), counts_of(state, "teapot")
    assert kettle.lasting == pytest.approx(1.5)
    assert kettle.recent == pytest.approx(1 + 0.5**14)
    assert (kettle.lasting, kettle.time_ms) == (pytest.approx(teapot.lasting), teapot.time_ms)


def test_a_click_far_down_is_worth_more_up_to_five() -> None:
    weights = [place_weight(position) for position in (0, 1, 2, 10, 1_000)]

    assert weights == sorted(weights)
    assert weights[0] == weights[1] == 1
    assert weights[-1] == 5


def test_a_query_keeps_the_products_chosen_most(state: State) -> None:
    state.write(
        *[
            Told(Event.CLICK, "kettle", visitor=f"visitor {number}", query="cup")
            for number in range(3)
        ],
        *[Told(Event.CLICK, f"cup-{number}", visitor="a", query="cup") for number in range(60)],
    )

    clicks = clicks_of(state, "cup")
    assert len(clicks) == PRODUCTS_PER_QUERY_MAX
    assert clicks["kettle"] == pytest.approx(3)


def test_a_purchase_with_a_token_is_credited_to_its_list(state: State) -> None:
    token = AttributionContent(
        kind=AttributionContent.RECOMMEND,
        placement="cart-bottom",
        strategy=Placement.BOUGHT_TOGETHER,
    )
    bought = Told(Event.PURCHASE, "kettle", visitor="a", attribution=token)
    bought.event.products[0].price_micros, bought.event.products[0].quantity = 5_000_000, 2

    state.write(bought)

    lists = named_figures(state, FigureKind.LIST)
    strategies = named_figures(state, FigureKind.STRATEGY)
    assert lists["cart-bottom"].attributed_revenue_micros == 10_000_000
    assert strategies["bought_together"].purchases == 1
    assert total_of(state).revenue_micros == total_of(state).attributed_revenue_micros == 10_000_000


def test_a_purchase_without_a_token_is_credited_to_the_visitors_last_click(state: State) -> None:
    clicked = AttributionContent(kind=AttributionContent.SEARCH, query_hash=hash_text("tea"))
    bought = Told(Event.PURCHASE, "kettle", "teapot", visitor="a")
    for product in bought.event.products:
        product.price_micros = 3_000_000

    class Clicked:
        def of(self, _visitor: Visitor, product_id: str) -> AttributionContent | None:
            return clicked if product_id == "teapot" else None

        def note(self, _visitor: Visitor, product_id: str, _said: AttributionContent) -> None:
            raise AssertionError(product_id)

    state.write(bought, recent_clicks=Clicked())

    total = total_of(state)
    assert (total.revenue_micros, total.attributed_revenue_micros) == (6_000_000, 3_000_000)
    assert (
        named_figures(state, FigureKind.STRATEGY)["search"].attributed_revenue_micros == 3_000_000
    )
    assert clicks_of(state, "tea") == {"teapot": pytest.approx(4)}


def test_revenue_in_another_currency_is_counted_apart(state: State) -> None:
    bought = Told(Event.PURCHASE, "kettle", visitor="a", currency_code="EUR")
    bought.event.products[0].price_micros = 5_000_000

    state.write(bought)

    assert total_of(state).other_currency_purchases == 1
    assert total_of(state).revenue_micros == 0
