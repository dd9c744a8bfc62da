"""What many look at lately: exact sums that fade, capped, in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.recommend.neighbours import DAY_MS
from actors.recommend.popularity import WHOLE_SHOP, Popularity, PopularityBounds

BOUNDS = PopularityBounds(
    half_lives_days=(1.0, 30.0), days_max=60, day_count_max=5, products_max=100, categories_max=9
)
START = 20_700
events = st.lists(
    st.tuples(
        st.sampled_from([b"p%d" % number for number in range(6)]),
        st.sampled_from([(), (b"tents",), (b"tents", b"sale")]),
        st.integers(START, START + 90),
    ),
    max_size=60,
)


def filled(history: list[tuple[bytes, tuple[bytes, ...], int]]) -> Popularity:
    counted = Popularity(BOUNDS)
    for product, categories, day in history:
        counted.add(product, categories, day * DAY_MS + 7)
    return counted


def ranked(
    counted: Popularity, category: bytes = WHOLE_SHOP, half_life: float = 1.0, day: int = START
) -> list[tuple[bytes, float]]:
    found = counted.ranked(category, half_life_days=half_life, now_ms=day * DAY_MS)
    return [(one.product, one.score) for one in found]


@given(events, st.randoms(use_true_random=False), st.sampled_from([1.0, 30.0]))
def test_the_order_in_which_events_arrive_does_not_matter(history, chance, half_life) -> None:
    late = list(history)
    chance.shuffle(late)

    for category in (WHOLE_SHOP, b"tents", b"sale"):
        assert ranked(filled(late), category, half_life) == ranked(
            filled(history), category, half_life
        )


@given(events)
def test_lists_are_in_order_and_every_product_stands_once(history) -> None:
    found = ranked(filled(history), day=START + 90)

    # The order is that of exact sums; as floats, two of them may read the same.
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert len(dict(found)) == len(found)


def test_products_with_equal_counts_stand_by_id() -> None:
    counted = filled([(b"b", (), START), (b"c", (), START), (b"a", (), START)])

    assert [product for product, _ in ranked(counted)] == [b"a", b"b", b"c"]


def test_an_event_counts_half_after_its_half_life() -> None:
    counted = filled([(b"a", (), START), (b"b", (), START + 1)])

    assert ranked(counted, day=START + 1) == [(b"b", 1.0), (b"a", pytest.approx(0.5))]


def test_each_window_has_its_own_order() -> None:
    counted = filled([(b"old", (), START), (b"old", (), START), (b"new", (), START + 3)])

    assert [product for product, _ in ranked(counted, half_life=1.0)] == [b"new", b"old"]
    assert [product for product, _ in ranked(counted, half_life=30.0)] == [b"old", b"new"]


def test_a_flood_on_one_day_counts_no_more_than_the_cap() -> None:
    counted = filled([(b"a", (), START)] * 1_000)

    assert ranked(counted) == [(b"a", 5.0)]
    assert counted.evidence(WHOLE_SHOP) == 5


def test_days_long_ago_are_forgotten_and_not_taken() -> None:
    counted = filled([(b"a", (b"tents",), START), (b"b", (), START + 61), (b"c", (), START)])

    assert [product for product, _ in ranked(counted)] == [b"b"]
    assert counted.evidence(b"tents") == 0


def test_the_least_popular_makes_room() -> None:
    counted = Popularity(
        PopularityBounds(
            half_lives_days=(1.0,), days_max=9, day_count_max=9, products_max=2, categories_max=2
        )
    )
    for product in (b"a", b"a", b"b", b"b", b"c"):
        counted.add(product, (b"x", b"y"), START * DAY_MS)

    assert [product for product, _ in ranked(counted)] == [b"a", b"b"]
    assert [product for product, _ in ranked(counted, b"x")] == [b"a", b"b"]
    assert ranked(counted, b"y") == []


def test_bounds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="half-lives above 0"):
        PopularityBounds(
            half_lives_days=(), days_max=1, day_count_max=1, products_max=1, categories_max=1
        )
