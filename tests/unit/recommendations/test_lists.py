"""Lists: whatever is asked for, no product twice, every limit held, and never empty without cause."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lamp_shop import SCHEMA, Shop, lamp

from actors.events.learnt import LearntEvent
from actors.index.document import IndexedProduct
from actors.model.storefront import Storefront
from actors.recommendations.asked import Moment, read_placements
from actors.recommendations.content import Content
from actors.recommendations.counts import CountedProducts
from actors.recommendations.history import NO_HISTORY
from actors.recommendations.lists import FilledList, fill_lists
from actors.recommendations.memory import RecommendMemory
from actors.recommendations.question import Known, Question
from actors.recommendations.reasons import reason_of
from actors.recommendations.shelf import shelf_of
from actors.search.merchandise import PLAIN
from protos.internal.records_pb2 import ProductCountsRecord
from protos.v1.event_pb2 import Event
from protos.v1.product_pb2 import Product
from protos.v1.recommend_pb2 import Placement, RecommendRequest

NOW_MS = 1_700_000_000_000
IDS = [f"p{number}" for number in range(24)]
PRODUCTS = {
    product_id: lamp(
        product_id,
        f"{('table', 'floor', 'ceiling')[number % 3]} lamp {product_id}",
        stock=0 if number % 8 == 7 else 5,
        brand=f"brand {number % 4}" if number % 5 else "",
        categories=[f"Lamps > {('Table', 'Floor', 'Ceiling')[number % 3]}"] if number % 7 else [],
    )
    for number, product_id in enumerate(IDS)
}


def memory_of(events) -> RecommendMemory:
    """Events, each (visitor, product, minute, whether it is a purchase)."""
    memory = RecommendMemory(None)  # type: ignore[arg-type] - no history is asked for
    for number, (visitor, products, minute, is_purchase) in enumerate(events):
        memory.learn(
            [
                LearntEvent(
                    bytes([visitor]) * 16,
                    b"",
                    Event.PURCHASE if is_purchase else Event.VIEW,
                    tuple(products),
                    NOW_MS - minute * 60_000,
                    number.to_bytes(16, "big"),
                )
            ]
        )
        for product in products:
            memory.counts.write(
                product.encode(),
                ProductCountsRecord(time_ms=NOW_MS, lasting=number + 1, recent=number % 3),
            )
    memory.ready()
    return memory


def lists(
    request: RecommendRequest, memory: RecommendMemory, *, segment_size: int = 1_000
) -> tuple[Question, list[FilledList]]:
    items: list[IndexedProduct] = list(PRODUCTS.values())
    view = Shop(*items, segment_size=segment_size).view
    shelf = shelf_of(view, Storefront(now_ms=NOW_MS), SCHEMA, PLAIN, language_code="")
    context = request.context

    def read(product_id: bytes) -> Product | None:
        item = PRODUCTS.get(product_id.decode())
        return None if item is None else item.product

    question = Question(
        Moment(
            "",
            "",
            tuple(one.encode() for one in context.product_ids),
            tuple(one.encode() for one in context.cart_product_ids),
            tuple(one.encode() for one in context.session_product_ids),
            context.category,
            context.query,
        ),
        Known(NO_HISTORY, ()),
        shelf=shelf,
        content=Content(shelf.catalogue, read, SCHEMA),
        counted=CountedProducts(shelf.catalogue, memory.counts),
        memory=memory,
        language_code="",
        now_ms=NOW_MS,
    )
    return question, fill_lists(question, read_placements(request, SCHEMA))


def shown(question: Question, filled: FilledList) -> list[str]:
    return [question.catalogue.id_of(pick.number).decode() for pick in filled.picks]


SOME = st.lists(st.sampled_from([*IDS, "gone"]), max_size=4, unique=True)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True),
        st.integers(0, 200),
        st.booleans(),
    ),
    max_size=30,
)
PLACEMENT = st.builds(
    Placement,
    strategy=st.sampled_from(Placement.Strategy.values()),
    page_size=st.integers(1, 12),
    filter=st.sampled_from(
        ("", 'brand = "brand 1"', "stock_quantity > 0", 'NOT brand = "brand 2"')
    ),
    include_seen=st.booleans(),
    include_bought=st.booleans(),
    include_out_of_stock=st.booleans(),
    diversity=st.sampled_from((0.0, 0.4, 1.0)),
    brand_count_max=st.integers(0, 3),
    category_count_max=st.integers(0, 3),
    pinned_product_ids=SOME,
    strict=st.booleans(),
    category_rule=st.sampled_from(Placement.CategoryRule.values()),
)


def as_request(page, cart, session, placements) -> RecommendRequest:
    request = RecommendRequest(placements=placements)
    request.context.product_ids.extend(page)
    request.context.cart_product_ids.extend(cart)
    request.context.session_product_ids.extend(session)
    for number, placement in enumerate(request.placements):
        placement.id = str(number)
    return request


REQUEST = st.builds(as_request, SOME, SOME, SOME, st.lists(PLACEMENT, min_size=1, max_size=4))


@settings(deadline=None, max_examples=60)
@given(REQUEST, EVENTS)
def test_no_product_stands_twice_in_a_call_nor_is_the_one_on_the_page(request_, events) -> None:
    question, filled = lists(request_, memory_of(events))

    everything = [product for one in filled for product in shown(question, one)]
    assert len(everything) == len(set(everything))
    assert set(everything).isdisjoint(request_.context.product_ids)
    for one, placement in zip(filled, request_.placements, strict=True):
        assert len(one.picks) <= placement.page_size
        assert all(reason_of(question, one, pick) for pick in one.picks)


@settings(deadline=None, max_examples=60)
@given(REQUEST, EVENTS)
def test_filters_stock_and_limits_hold_whatever_the_source(request_, events) -> None:
    question, filled = lists(request_, memory_of(events))

    for one, placement in zip(filled, request_.placements, strict=True):
        found = [PRODUCTS[product] for product in shown(question, one)]
        for item in found:
            brand, stock = item.product.brand, item.inventory.product.stock_quantity
            assert placement.include_out_of_stock or stock > 0
            assert placement.filter != 'brand = "brand 1"' or brand == "brand 1"
            assert placement.filter != 'NOT brand = "brand 2"' or brand != "brand 2"
        others = [
            PRODUCTS[product].product
            for product, pick in zip(shown(question, one), one.picks, strict=True)
            if product not in placement.pinned_product_ids or pick.source != 1
        ]
        for limit, values in (
            (placement.brand_count_max, [other.brand for other in others]),
            (placement.category_count_max, [other.categories[:1] for other in others]),
        ):
            counts = Counter(str(value) for value in values if value)
            assert not limit or max(counts.values(), default=0) <= limit


@settings(deadline=None, max_examples=60)
@given(REQUEST, EVENTS)
def test_a_list_is_empty_only_if_it_is_strict_or_nothing_passes(request_, events) -> None:
    question, filled = lists(request_, memory_of(events))

    taken = set(request_.context.product_ids)
    for one, placement in zip(filled, request_.placements, strict=True):
        mask = question.shelf.mask(one.plan).copy()
        mask[question.numbers([product.encode() for product in sorted(taken)])] = False
        same = question.same_category
        if placement.category_rule and same is not None:
            mask &= same if placement.category_rule == Placement.SAME else ~same
        assert one.picks or placement.strict or not mask.any()
        taken.update(shown(question, one))


@settings(deadline=None, max_examples=40)
@given(REQUEST, EVENTS, st.integers(1, 24))
def test_answers_do_not_depend_on_how_products_are_cut_into_segments(
    request_, events, segment_size: int
) -> None:
    memory = memory_of(events)
    question, filled = lists(request_, memory)
    other_question, other = lists(request_, memory, segment_size=segment_size)

    for one, two in zip(filled, other, strict=True):
        assert shown(question, one) == shown(other_question, two)
        assert [(pick.source, pick.score) for pick in one.picks] == [
            (pick.source, pick.score) for pick in two.picks
        ]


@pytest.mark.parametrize("events_count", [0, 1, 30])
def test_lists_are_full_however_few_events_there_are(events_count: int) -> None:
    events = [(n % 5, [IDS[n % 24], IDS[(n * 7 + 1) % 24]], n, False) for n in range(events_count)]
    request = as_request(["p1"], [], [], [Placement(page_size=12, strategy=Placement.NEXT)])

    _, filled = lists(request, memory_of(events))

    assert len(filled[0].picks) == 12
