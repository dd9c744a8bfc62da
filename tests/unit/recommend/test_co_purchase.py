"""What is bought together: baskets are compared, and one put in or taken out changes the next answer."""

from hypothesis import given
from hypothesis import strategies as st

from actors.recommend.co_purchase import BasketParameters, CoPurchaseIndex
from actors.recommend.next_products import Scored

PARAMETERS = BasketParameters()
products = st.sampled_from([b"p%d" % number for number in range(9)])
baskets = st.dictionaries(
    st.sampled_from([b"b%d" % number for number in range(8)]),
    st.tuples(st.sets(products, min_size=1), st.integers(0, 50)),
)


def filled(held: dict[bytes, tuple[set[bytes], int]]) -> CoPurchaseIndex:
    index = CoPurchaseIndex(baskets_max=100, basket_products_max=100)
    for key, (of_one, time_ms) in held.items():
        index.add(key, of_one, time_ms)
    return index


def answer(index: CoPurchaseIndex, *asked: bytes) -> list[Scored]:
    return index.bought_with(asked, now_ms=60, parameters=PARAMETERS, count_max=50)


@given(baskets, st.sets(products, min_size=1), st.integers(0, 7))
def test_an_erased_basket_leaves_no_trace(held, asked, number) -> None:
    key = b"b%d" % number
    index = filled(held)

    index.remove(key)

    never_held = filled({one: basket for one, basket in held.items() if one != key})
    assert answer(index, *asked) == answer(never_held, *asked)
    assert index.basket_count == never_held.basket_count


@given(baskets, st.sets(products, min_size=1), st.randoms(use_true_random=False))
def test_the_order_in_which_baskets_arrive_does_not_matter(held, asked, chance) -> None:
    keys = list(held)
    chance.shuffle(keys)

    assert answer(filled({key: held[key] for key in keys}), *asked) == answer(filled(held), *asked)


@given(baskets, st.sets(products, min_size=1))
def test_nothing_asked_is_answered_and_no_score_is_negative(held, asked) -> None:
    scored = answer(filled(held), *asked)

    assert not {one.product for one in scored} & asked
    assert all(one.score >= 0 for one in scored)


@given(baskets, st.integers(1, 3))
def test_there_are_never_more_baskets_than_the_bound(held, baskets_max) -> None:
    index = CoPurchaseIndex(baskets_max=baskets_max, basket_products_max=4)
    for key, (of_one, time_ms) in held.items():
        index.add(key, of_one, time_ms)

        assert index.basket_count <= baskets_max


def test_a_basket_that_shares_more_says_more() -> None:
    index = filled(
        {
            b"one": ({b"pot", b"tea"}, 1),
            b"two": ({b"pot", b"lid", b"spoon"}, 1),
            b"other": ({b"sofa", b"lamp"}, 1),
        }
    )

    scored = answer(index, b"pot", b"lid")

    assert [one.product for one in scored] == [b"spoon", b"tea"]


def test_a_basket_older_than_asked_for_expires() -> None:
    index = filled({b"old": ({b"a", b"b"}, 1), b"new": ({b"a", b"c"}, 9)})

    assert index.expire(5) == 1

    assert [one.product for one in answer(index, b"a")] == [b"c"]


def test_products_never_bought_are_no_error() -> None:
    assert answer(filled({}), b"a") == []
    assert answer(filled({b"b": ({b"x", b"y"}, 1)}), b"a") == []
