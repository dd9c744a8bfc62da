"""What visitors do changes what a tenant answers: through its service, over a real store."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_tenant import SHOP, STORE, Shop, kettle, make_paths, open_shop

from actors.attribution import read_token
from actors.reading import ReadingTenant
from actors.storage.keyring import wrapping_key
from node.clock import ManualClock
from node.config import ServerPaths
from protos.internal.link_pb2 import Caller
from protos.internal.records_pb2 import AttributionContent
from protos.v1 import analytics_pb2, event_pb2, search_pb2

NOW_MS = 1_800_000_000_000


@pytest.fixture
def paths(tmp_path: Path) -> ServerPaths:
    return make_paths(tmp_path)


@pytest.fixture
async def shop(paths: ServerPaths) -> AsyncIterator[Shop]:
    async with open_shop(paths, ManualClock(NOW_MS)) as opened:
        await opened.write(*[kettle(number) for number in range(6)])
        yield opened


class Visitor:
    """Sends events with consent, each with an id of its own."""

    count = 0

    def __init__(self, shop: Shop, name: str) -> None:
        self._shop = shop
        self._name = name

    async def does(self, kind: event_pb2.Event.Type.ValueType, *products: str, **fields) -> None:
        Visitor.count += 1
        event = event_pb2.Event(
            event_id=f"event {Visitor.count}",
            type=kind,
            visitor_id=self._name,
            consent=event_pb2.PROFILE,
            **fields,
        )
        for product in products:
            event.products.add(product_id=product, price_micros=9_000_000)
        answer = await self._shop.call(
            "/saluhall.v1.EventService/WriteEvents",
            event_pb2.WriteEventsRequest(events=[event]),
            event_pb2.WriteEventsResponse,
        )
        assert answer.results[0].outcome == event_pb2.EventResult.ACCEPTED, answer


async def figures(shop: Shop) -> analytics_pb2.GetAnalyticsResponse:
    return await shop.call(
        "/saluhall.v1.AnalyticsService/GetAnalytics",
        analytics_pb2.GetAnalyticsRequest(),
        analytics_pb2.GetAnalyticsResponse,
    )


async def suggested(shop: Shop, text: str) -> list[search_pb2.QuerySuggestion]:
    answer = await shop.call(
        "/saluhall.v1.SearchService/Suggest",
        search_pb2.SuggestRequest(query=text),
        search_pb2.SuggestResponse,
    )
    return list(answer.queries)


async def test_clicks_move_a_product_up_for_their_words_alone(shop: Shop) -> None:
    before = await shop.ids("kettle")
    for number in range(8):
        await Visitor(shop, f"v{number}").does(
            event_pb2.Event.CLICK, "kettle-4", query="Kettle", position=5
        )
    shop.tenant.reader.release()

    after = await shop.ids("kettle")

    assert before[0] != "kettle-4"
    assert after[0] == "kettle-4"
    assert (await shop.ids("steel"))[0] == before[0]
    assert await shop.ids("kettle", without_click_evidence=True) == before


async def test_popularity_is_learned_in_the_background(shop: Shop) -> None:
    before = await shop.ids("kettle")
    for number in range(3):
        await Visitor(shop, f"v{number}").does(event_pb2.Event.PURCHASE, "kettle-5", order_id="o")

    shop.tenant.reader.learned.refresh()

    assert before[0] != "kettle-5"
    assert (await shop.ids("kettle"))[0] == (await shop.ids(""))[0] == "kettle-5"
    assert await shop.ids("kettle", without_learned_popularity=True) == before
    explained = await shop.search("kettle", explain=True)
    names = [one.name for one in explained.results[0].explanation.business]
    assert "learned_popularity" in names


async def test_the_picture_of_counts_is_taken_by_itself(shop: Shop) -> None:
    await Visitor(shop, "v").does(event_pb2.Event.VIEW, "kettle-5")
    reader = shop.tenant.reader
    deadline_s = time.monotonic() + 10

    while reader.learned.popularity is None:
        reader.release_if_old()
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)

    assert reader.learned.popularity.most > 0


async def test_what_many_search_is_suggested_first(shop: Shop) -> None:
    for number in range(20):
        await Visitor(shop, f"v{number}").does(event_pb2.Event.SEARCH, query="steel kettle")
        await Visitor(shop, f"v{number}").does(event_pb2.Event.SEARCH, query="stone age axe")
    shop.tenant.reader.learned.refresh()

    queries = await suggested(shop, "st")

    assert (queries[0].query, queries[0].popular) == ("steel kettle", True)
    assert "stone age axe" not in [one.query for one in queries]
    assert (await suggested(shop, ""))[0].popular


async def test_a_purchase_is_credited_to_the_search_it_came_from(shop: Shop) -> None:
    """By its own token, and without one by that of the visitor's click before."""
    found = await shop.search("kettle")
    with_token, without = Visitor(shop, "a"), Visitor(shop, "b")
    await with_token.does(
        event_pb2.Event.PURCHASE,
        "kettle-1",
        order_id="1",
        attribution_token=found.attribution_token,
    )
    await without.does(event_pb2.Event.CLICK, "kettle-2", attribution_token=found.attribution_token)
    await without.does(event_pb2.Event.PURCHASE, "kettle-2", "kettle-3", order_id="2")
    await Visitor(shop, "c").does(
        event_pb2.Event.PURCHASE, "kettle-1", order_id="3", attribution_token="forged"
    )

    answer = await figures(shop)

    assert answer.total.revenue_micros == 4 * 9_000_000
    assert answer.total.attributed_revenue_micros == 2 * 9_000_000
    (strategy,) = answer.strategies
    assert (strategy.name, strategy.purchases) == ("search", 2)
    assert answer.currency_code == "SEK"


async def test_a_reader_answers_with_the_primarys_token(paths: ServerPaths) -> None:
    clock = ManualClock(NOW_MS)
    async with open_shop(paths, clock) as shop:
        await shop.write(*[kettle(number) for number in range(6)])
        await Visitor(shop, "v").does(event_pb2.Event.CLICK, "kettle-4", query="kettle")
        shop.tenant.reader.release()
        expected = await shop.search("kettle", explain=True)
        key = shop.tenant._store.keyring.token_key()
    wrapping = wrapping_key(paths.platform_key.read_bytes(), SHOP)
    reading = ReadingTenant.open(paths.store(STORE), SHOP, clock, wrapping_key=wrapping)

    request = search_pb2.SearchRequest(query="kettle", explain=True)
    answer = search_pb2.SearchResponse.FromString(
        reading.reader.search(request.SerializeToString(), Caller())
    )
    reading.close()

    assert answer == expected
    content = read_token(answer.attribution_token, key)
    assert content is not None
    assert (content.kind, len(content.query_hash)) == (AttributionContent.SEARCH, 16)
