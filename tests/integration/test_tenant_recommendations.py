"""Recommend of a tenant in this process: from the first event on, and never what must not be shown."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from test_tenant import Shop, make_paths, open_shop

from actors.recommend.session_index import SessionBounds
from node.clock import ManualClock
from node.errors import InvalidArgumentError
from protos.v1 import catalog_pb2, merchandising_pb2, privacy_pb2
from protos.v1.common_pb2 import OUT_OF_STOCK
from protos.v1.event_pb2 import (
    PROFILE,
    Event,
    EventProduct,
    WriteEventsRequest,
    WriteEventsResponse,
)
from protos.v1.product_pb2 import Price, Product
from protos.v1.recommend_pb2 import (
    GetRecommendModelRequest,
    Placement,
    ProductFactor,
    Recommendation,
    RecommendContext,
    RecommendModel,
    RecommendRequest,
    RecommendResponse,
    TuneRecommendationsRequest,
    TuneRecommendationsResponse,
)

RECOMMEND = "/saluhall.v1.RecommendService/"
EVENTS = "/saluhall.v1.EventService/WriteEvents"
KINDS = ("kettle", "teapot", "mug", "plate")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(make_paths(tmp_path)) as opened:
        await opened.write(*catalogue())
        yield opened


def catalogue() -> list[Product]:
    """Ten of each kind, of two brands, each kind in its own category."""
    return [
        Product(
            id=f"{kind}-{number}",
            title=f"{'Steel' if number % 2 else 'Glass'} {kind} model {kind[:2]}{number}",
            brand="Alfa" if number < 5 else "Beta",
            categories=[f"Kitchen > {kind.capitalize()}s"],
            prices=[Price(selling_micros=(100 + 10 * number) * 1_000_000, currency_code="SEK")],
            stock_quantity=5,
        )
        for kind in KINDS
        for number in range(10)
    ]


class Visitors:
    """Sends events, each with an id of its own."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._count = 0

    async def do(
        self,
        visitor: str,
        *products: str,
        kind: Event.Type.ValueType = Event.VIEW,
        session: str = "",
        **fields: Any,
    ) -> None:
        """One event for each product, a second apart; a purchase is one event of all."""
        groups: Iterable[tuple[str, ...]] = [(one,) for one in products]
        if kind == Event.PURCHASE:
            groups = [products]
        events = []
        for group in groups:
            self._count += 1
            self._shop.clock.advance(1_000)
            event = Event(
                event_id=f"e{self._count}",
                type=kind,
                visitor_id=visitor,
                session_id=session,
                consent=PROFILE,
                products=[EventProduct(product_id=one) for one in group],
                **fields,
            )
            event.event_time.FromMilliseconds(self._shop.clock.now_ms())
            events.append(event)
        await self._shop.call(EVENTS, WriteEventsRequest(events=events), WriteEventsResponse)


async def recommend(
    shop: Shop, *placements: Placement, context: RecommendContext | None = None, **fields: Any
) -> RecommendResponse:
    request = RecommendRequest(context=context, placements=placements, **fields)
    return await shop.call(RECOMMEND + "Recommend", request, RecommendResponse)


async def one_list(
    shop: Shop, strategy: Placement.Strategy.ValueType, *page: str, **fields: Any
) -> list[Recommendation]:
    context = fields.pop("context", None) or RecommendContext(product_ids=page)
    placement = Placement(id="list", strategy=strategy, **fields)
    answer = await recommend(shop, placement, context=context)
    return list(answer.placements[0].recommendations)


def ids(recommendations: Iterable[Recommendation]) -> list[str]:
    return [one.product.id for one in recommendations]


@pytest.mark.parametrize("strategy", Placement.Strategy.values()[1:])
async def test_a_shop_without_events_has_full_lists_that_say_where_they_come_from(
    shop: Shop, strategy: Placement.Strategy.ValueType
) -> None:
    """Content first, then the category, then the catalogue."""
    found = await one_list(shop, strategy, "kettle-1", page_size=30)

    assert len(found) == 30
    assert len(set(ids(found))) == 30
    assert "kettle-1" not in ids(found)
    assert all(one.reason and one.price.selling_micros and one.product.title for one in found)
    sources = [one.source for one in found]
    if strategy in {Placement.NEXT, Placement.SIMILAR, Placement.PERSONAL}:
        assert sources[0] == Recommendation.CONTENT
    if strategy == Placement.TRENDING:
        assert sources[0] == Recommendation.CATEGORY_POPULARITY
    assert sources[-1] in {Recommendation.CATALOGUE, Recommendation.CONTENT}
    assert found[0].fallback == (strategy not in {Placement.SIMILAR, Placement.PERSONAL})


async def test_products_alike_are_of_the_kind_and_say_what_they_share(shop: Shop) -> None:
    found = await one_list(shop, Placement.SIMILAR, "kettle-1", page_size=9)

    assert all(one.product.id.startswith("kettle") for one in found)
    assert all(one.source == Recommendation.CONTENT and not one.fallback for one in found)
    assert "same category" in found[0].reason
    assert "Steel kettle model ke1" in found[0].reason


async def test_the_next_answer_knows_of_an_event(shop: Shop) -> None:
    visitors = Visitors(shop)
    before = await one_list(shop, Placement.NEXT, "kettle-1", strict=True)

    await visitors.do("ann", "kettle-1", "plate-7")
    after = await one_list(shop, Placement.NEXT, "kettle-1", strict=True)

    assert before == []
    assert ids(after) == ["plate-7"]
    assert after[0].source in {Recommendation.SESSION_KNN, Recommendation.SUCCESSORS}
    assert not after[0].fallback


async def test_a_purchase_is_in_the_next_answer(shop: Shop) -> None:
    visitors = Visitors(shop)
    before = await one_list(shop, Placement.BOUGHT_TOGETHER, "mug-3", strict=True)

    await visitors.do("ann", "mug-3", "plate-4", "teapot-2", kind=Event.PURCHASE, order_id="o")
    after = await one_list(shop, Placement.BOUGHT_TOGETHER, "mug-3", strict=True)

    assert before == []
    assert sorted(ids(after)) == ["plate-4", "teapot-2"]
    assert {one.source for one in after} == {Recommendation.CO_PURCHASE}


async def test_what_visitors_do_most_with_is_popular_in_the_next_answer(shop: Shop) -> None:
    visitors = Visitors(shop)
    for number in range(4):
        await visitors.do(f"v{number}", "mug-8")
    await visitors.do("ann", "plate-1")

    everywhere = await one_list(shop, Placement.POPULAR, strict=True)
    mugs = await one_list(
        shop, Placement.POPULAR, context=RecommendContext(category="Kitchen > Mugs"), page_size=3
    )

    assert ids(everywhere) == ["mug-8", "plate-1"]
    assert everywhere[0].reason == "popular with visitors"
    assert ids(mugs)[0] == "mug-8"
    assert all(one.product.id.startswith("mug") for one in mugs)
    assert mugs[0].reason == "popular in Mugs"


async def test_what_is_looked_at_more_than_usual_is_a_trend(shop: Shop) -> None:
    visitors = Visitors(shop)
    for number in range(6):
        await visitors.do(f"v{number}", "plate-2")

    found = await one_list(shop, Placement.TRENDING, strict=True)

    assert ids(found) == ["plate-2"]
    assert found[0].source == Recommendation.TREND


async def test_recently_viewed_is_the_visitors_own_the_latest_first(shop: Shop) -> None:
    visitors = Visitors(shop)
    await visitors.do("ann", "mug-1", "mug-2", "mug-1", "plate-3")
    await visitors.do("bob", "teapot-1")

    found = await one_list(
        shop, Placement.RECENTLY_VIEWED, context=RecommendContext(visitor_id="ann"), strict=True
    )

    assert ids(found) == ["plate-3", "mug-1", "mug-2"]
    assert found[0].reason == "the last one looked at"


async def test_what_was_seen_or_bought_is_left_out_unless_it_is_wanted(shop: Shop) -> None:
    visitors = Visitors(shop)
    await visitors.do("ann", "kettle-2", "kettle-3")
    await visitors.do("ann", "kettle-4", kind=Event.PURCHASE)
    context = RecommendContext(
        visitor_id="ann", product_ids=["kettle-1"], cart_product_ids=["kettle-5"]
    )

    plain = ids(await one_list(shop, Placement.SIMILAR, context=context, page_size=60))
    everything = ids(
        await one_list(
            shop,
            Placement.SIMILAR,
            context=context,
            page_size=60,
            include_seen=True,
            include_bought=True,
        )
    )

    assert {f"kettle-{number}" for number in range(1, 6)}.isdisjoint(plain)
    assert "kettle-1" not in everything
    assert {f"kettle-{number}" for number in range(2, 6)} <= set(everything)


async def test_no_product_stands_in_two_lists_of_a_call(shop: Shop) -> None:
    answer = await recommend(
        shop,
        Placement(id="a", strategy=Placement.SIMILAR, page_size=12),
        Placement(id="b", strategy=Placement.POPULAR, page_size=12),
        Placement(id="c", strategy=Placement.NEXT, page_size=12),
        context=RecommendContext(product_ids=["kettle-1"]),
    )

    shown = [one for placement in answer.placements for one in ids(placement.recommendations)]
    assert [placement.id for placement in answer.placements] == ["a", "b", "c"]
    assert len(shown) == 36 == len(set(shown))
    assert all(placement.attribution_token for placement in answer.placements)


async def test_what_cannot_be_had_is_not_shown_from_the_next_answer_on(shop: Shop) -> None:
    update = catalog_pb2.InventoryUpdate(product_id="kettle-3", availability=OUT_OF_STOCK)
    update.set_time.FromMilliseconds(shop.clock.now_ms() + 1_000)
    request = catalog_pb2.SetInventoryRequest(updates=[update])
    before = ids(await one_list(shop, Placement.SIMILAR, "kettle-1", page_size=9))

    await shop.call(
        "/saluhall.v1.CatalogService/SetInventory", request, catalog_pb2.SetInventoryResponse
    )
    after = ids(await one_list(shop, Placement.SIMILAR, "kettle-1", page_size=9))
    with_it = await one_list(
        shop, Placement.SIMILAR, "kettle-1", page_size=9, include_out_of_stock=True
    )

    assert "kettle-3" in before
    assert "kettle-3" not in after
    assert len(after) == 9
    assert "kettle-3" in ids(with_it)


async def test_filters_price_bands_and_category_rules_hold_in_every_source(shop: Shop) -> None:
    beta = await one_list(
        shop, Placement.NEXT, "kettle-1", page_size=60, filter='brand = "Beta" AND price < 170'
    )
    band = await one_list(
        shop, Placement.NEXT, "kettle-5", page_size=60, price_ratio_min=0.9, price_ratio_max=1.1
    )
    same = await one_list(
        shop, Placement.POPULAR, "kettle-1", page_size=60, category_rule=Placement.SAME
    )
    other = await one_list(
        shop, Placement.SIMILAR, "kettle-1", page_size=60, category_rule=Placement.OTHER
    )

    assert sorted(ids(beta)) == sorted(f"{kind}-{n}" for kind in KINDS for n in (5, 6))
    assert {one.price.selling_micros for one in band} == {
        micros * 1_000_000 for micros in (140, 150, 160)
    }
    assert len(same) == 9
    assert len(other) == 30


async def test_caps_pins_factors_and_diversity_shape_a_list(shop: Shop) -> None:
    capped = await one_list(shop, Placement.SIMILAR, "kettle-1", page_size=12, category_count_max=3)
    pinned = await one_list(
        shop,
        Placement.SIMILAR,
        "kettle-1",
        page_size=3,
        pinned_product_ids=["plate-9", "gone", "kettle-1"],
    )
    buried = await one_list(
        shop,
        Placement.SIMILAR,
        "kettle-1",
        page_size=9,
        factors=[ProductFactor(filter='brand = "Alfa"', factor=0.4)],
    )
    diverse = await one_list(shop, Placement.POPULAR, page_size=4, diversity=1.0)

    kinds = [one.product.id.split("-")[0] for one in capped]
    assert len(capped) == 12
    assert max(map(kinds.count, kinds)) == 3
    assert ids(pinned)[0] == "plate-9"
    assert pinned[0].source == Recommendation.PINNED
    assert not pinned[0].fallback
    assert len(pinned) == 3
    assert buried[0].product.brand == "Beta"
    assert len({one.product.id.split("-")[0] for one in diverse}) == 4


async def test_a_list_is_never_empty_unless_it_is_strict_or_nothing_passes(shop: Shop) -> None:
    visitors = Visitors(shop)
    await visitors.do("ann", *[f"kettle-{number}" for number in range(10)])
    context = RecommendContext(visitor_id="ann")
    kettles = 'categories = "Kitchen > Kettles"'

    seen = await one_list(shop, Placement.NEXT, context=context, filter=kettles)
    nothing = await one_list(shop, Placement.NEXT, context=context, filter='brand = "Gamma"')
    strict = await one_list(shop, Placement.TRENDING, filter=kettles, strict=True)

    assert len(seen) == 10
    assert nothing == strict == []


async def test_equal_calls_get_equal_bytes(shop: Shop) -> None:
    visitors = Visitors(shop)
    await visitors.do("ann", "kettle-1", "plate-7", "mug-2")
    await visitors.do("bob", "kettle-1", "mug-3")
    placements = [
        Placement(id=str(strategy), strategy=strategy, page_size=6, diversity=0.3)
        for strategy in Placement.Strategy.values()[1:]
    ]
    context = RecommendContext(product_ids=["kettle-1"], visitor_id="ann")

    first = await recommend(shop, *placements, context=context)
    shop.clock.advance(5_000)
    shop.tenant.reader.release()
    again = await recommend(shop, *placements, context=context)

    assert first.SerializeToString(deterministic=True) == again.SerializeToString(
        deterministic=True
    )


async def test_the_read_mask_says_what_comes_of_each_product(shop: Shop) -> None:
    placement = Placement(id="p", page_size=1)

    answer = await recommend(shop, placement, read_mask={"paths": ["title"]})

    product = answer.placements[0].recommendations[0].product
    assert product.title
    assert not product.brand


async def test_products_that_rules_hide_from_everybody_are_not_recommended(shop: Shop) -> None:
    rule = merchandising_pb2.Rule(id="r")
    rule.actions.add(hide={"product_ids": ["kettle-2"]})
    request = merchandising_pb2.WriteRulesRequest(rules=[rule])

    await shop.call(
        "/saluhall.v1.MerchandisingService/WriteRules",
        request,
        merchandising_pb2.WriteRulesResponse,
    )

    assert "kettle-2" not in ids(await one_list(shop, Placement.SIMILAR, "kettle-1", page_size=60))


async def test_a_session_that_the_shop_sends_counts_and_is_not_kept(shop: Shop) -> None:
    visitors = Visitors(shop)
    await visitors.do("ann", "kettle-1", "plate-7")

    found = await one_list(
        shop,
        Placement.NEXT,
        context=RecommendContext(session_product_ids=["kettle-1"]),
        strict=True,
    )

    assert ids(found) == ["plate-7"]
    assert shop.tenant.recommendations.memory.index.session_count == 1


async def test_a_visitor_who_has_not_agreed_has_no_profile(shop: Shop) -> None:
    event = Event(
        event_id="1",
        type=Event.VIEW,
        visitor_id="ann",
        products=[EventProduct(product_id="mug-1")],
    )
    await shop.call(EVENTS, WriteEventsRequest(events=[event]), WriteEventsResponse)

    found = await one_list(
        shop, Placement.RECENTLY_VIEWED, context=RecommendContext(visitor_id="ann"), strict=True
    )

    assert found == []
    assert shop.tenant.recommendations.memory.index.session_count == 0


async def test_what_is_asked_for_wrongly_is_named(shop: Shop) -> None:
    for placement, field in (
        (Placement(), "placements[0].id"),
        (Placement(id="a", diversity=2), "placements[0].diversity"),
        (Placement(id="a", filter="price <"), "placements[0].filter"),
        (Placement(id="a", factors=[ProductFactor(factor=0)]), "placements[0].factors[0].factor"),
        (Placement(id="a", price_ratio_min=2, price_ratio_max=1), "placements[0].price_ratio_max"),
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            await recommend(shop, placement)
        assert [one.field for one in refused.value.violations] == [field]
    with pytest.raises(InvalidArgumentError, match="between 1 and 10"):
        await recommend(shop)


async def test_a_restart_reads_everything_back(tmp_path: Path) -> None:
    paths, clock = make_paths(tmp_path), ManualClock()
    async with open_shop(paths, clock) as shop:
        await shop.write(*catalogue())
        visitors = Visitors(shop)
        await visitors.do("ann", "kettle-1", "plate-7", "mug-2")
        await visitors.do("bob", "kettle-1", "mug-3")
        await visitors.do("bob", "mug-3", "plate-1", kind=Event.PURCHASE)
        before = await everything(shop)
    async with open_shop(paths, clock) as shop:
        warming = await recommend(shop, Placement(id="p", page_size=5))
        await ready(shop)
        after = await everything(shop)

    assert warming.warming_up
    assert len(warming.placements[0].recommendations) == 5
    assert after == before


async def test_after_forgetting_a_visitor_answers_are_those_of_a_shop_that_never_had_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        open_shop(make_paths(tmp_path / "a")) as erased,
        open_shop(make_paths(tmp_path / "b")) as other,
    ):
        for shop in (erased, other):
            await shop.write(*catalogue())
            visitors = Visitors(shop)
            await visitors.do("ann", "kettle-1", "plate-7", "mug-2")
            if shop is erased:
                await visitors.do("eve", "kettle-1", "mug-9", "plate-7")
                await visitors.do("eve", "kettle-1", "mug-9", kind=Event.PURCHASE)
                keyring = shop.tenant._store.keyring
                storage_id = keyring.visitor(keyring.tag_of("eve")).storage_id
                assert "mug-9" in ids(await one_list(shop, Placement.NEXT, "kettle-1", strict=True))
                shop.tenant.recommendations.forget(storage_id)
            else:
                shop.clock.advance(5_000)
            await visitors.do("bob", "kettle-1", "mug-3")

        for strategy in (Placement.NEXT, Placement.ALSO_VIEWED, Placement.BOUGHT_TOGETHER):
            answers = [
                await one_list(shop, strategy, "kettle-1", strict=True) for shop in (erased, other)
            ]
            assert [_without_name(one) for one in answers[0]] == [
                _without_name(one) for one in answers[1]
            ]


def _without_name(recommendation: Recommendation) -> bytes:
    return recommendation.SerializeToString(deterministic=True)


async def test_an_erased_visitor_is_in_no_answer_from_the_very_next_one_on(shop: Shop) -> None:
    visitors = Visitors(shop)
    await visitors.do("eve", "kettle-1", "mug-9")
    before = ids(await one_list(shop, Placement.NEXT, "kettle-1", strict=True))

    await shop.call(
        "/saluhall.v1.PrivacyService/EraseVisitor",
        privacy_pb2.EraseVisitorRequest(visitor_id="eve", request_id="r"),
        privacy_pb2.EraseVisitorResponse,
    )
    after = await one_list(shop, Placement.NEXT, "kettle-1", strict=True)
    recent = await one_list(
        shop, Placement.RECENTLY_VIEWED, context=RecommendContext(visitor_id="eve"), strict=True
    )

    assert before == ["mug-9"]
    assert after == recent == []


async def test_what_an_erased_visitor_had_pushed_out_comes_back(shop: Shop) -> None:
    """A full index is read again: its answers are those of one that never held the visitor."""
    memory = shop.tenant.recommendations.memory
    memory.__init__(shop.tenant._store.keyring, SessionBounds(sessions_max=2, session_events_max=9))
    memory.ready()
    visitors = Visitors(shop)
    for visitor, product in (("ann", "mug-1"), ("bob", "mug-2"), ("eve", "mug-3")):
        await visitors.do(visitor, "kettle-1", product)
    full = ids(await one_list(shop, Placement.NEXT, "kettle-1", strict=True))

    await shop.call(
        "/saluhall.v1.PrivacyService/EraseVisitor",
        privacy_pb2.EraseVisitorRequest(visitor_id="eve", request_id="r"),
        privacy_pb2.EraseVisitorResponse,
    )
    at_once = ids(await one_list(shop, Placement.NEXT, "kettle-1", strict=True))
    await ready(shop)
    afterwards = ids(await one_list(shop, Placement.NEXT, "kettle-1", strict=True))

    assert sorted(full) == ["mug-2", "mug-3"]
    assert at_once == ["mug-2"]
    assert sorted(afterwards) == ["mug-1", "mug-2"]


async def ready(shop: Shop) -> None:
    """Until everything that is stored has been read."""
    task = shop.tenant.recommendations._rebuild
    if task is not None:
        await task


async def everything(shop: Shop) -> list[list[tuple[str, int, str, float]]]:
    """What all strategies say of one page."""
    return [
        [
            (one.product.id, one.source, one.reason, one.score)
            for one in await one_list(shop, strategy, "kettle-1", page_size=8)
        ]
        for strategy in Placement.Strategy.values()[1:]
    ]


async def test_the_model_is_chosen_by_replaying_the_shops_own_sessions(shop: Shop) -> None:
    visitors = Visitors(shop)
    for number in range(60):
        first = number % 10
        await visitors.do(
            f"v{number}", f"kettle-{first}", f"teapot-{first}", f"mug-{first}", f"plate-{first}"
        )
    request = TuneRecommendationsRequest(request_id="r1")

    before = await shop.call(
        RECOMMEND + "GetRecommendModel", GetRecommendModelRequest(), RecommendModel
    )
    tuned = await shop.call(RECOMMEND + "TuneRecommendations", request, TuneRecommendationsResponse)
    again = await shop.call(RECOMMEND + "TuneRecommendations", request, TuneRecommendationsResponse)
    after = await shop.call(
        RECOMMEND + "GetRecommendModel", GetRecommendModelRequest(), RecommendModel
    )

    assert before.chosen.scorer == "vstan"
    assert before.session_count == 60
    assert not before.HasField("tune_time")
    assert tuned.model.chosen.hit_rate_20 > 0.9
    assert tuned.model.tried[0].mrr_20 >= tuned.model.tried[-1].mrr_20
    assert tuned.model.test_session_count == 12
    assert again == tuned
    assert after.chosen == tuned.model.chosen
    assert after.tune_time == tuned.model.tune_time
    assert shop.tenant.recommendations.memory.parameters.scorer == after.chosen.scorer


async def test_a_shop_with_enough_new_events_chooses_its_model_by_itself(shop: Shop) -> None:
    visitors = Visitors(shop)
    recommendations = shop.tenant.recommendations
    for number in range(60):
        await visitors.do(f"v{number}", f"kettle-{number % 10}", f"mug-{number % 10}")
    recommendations.tick(shop.clock.now_ms())
    too_few = recommendations._tuning

    recommendations.memory.event_count = 1_000
    shop.clock.advance(10_000)
    recommendations.tick(shop.clock.now_ms())
    assert recommendations._tuning is not None
    await recommendations._tuning
    model = await shop.call(
        RECOMMEND + "GetRecommendModel", GetRecommendModelRequest(), RecommendModel
    )

    assert too_few is None
    assert model.HasField("tune_time")
    assert model.test_session_count == 12
