"""What visitors' events do to the order of an answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_branch import SCHEMA, Shop, ids, lamp

from actors.index.products import id_hashes
from actors.search.learned import Chosen, Learned, LearnedPopularity
from actors.search.merchandise import PLAIN
from actors.search.query import SearchPage, SearchQuery
from actors.search.search import search


def popularity(counts: dict[str, float]) -> LearnedPopularity:
    hashes = id_hashes([product_id.encode() for product_id in counts])
    return LearnedPopularity(hashes, np.array(list(counts.values())))


def ask(shop: Shop, learned: Learned, text: str = "lamp", **options) -> SearchPage:
    return search(shop.view, SearchQuery(text, **options), SCHEMA, PLAIN, learned)


def part(page: SearchPage, name: str) -> dict[str, float]:
    return {
        hit.product_id.decode(): factor.value
        for hit in page.hits
        if hit.placing is not None
        for factor in hit.placing.business
        if factor.name == name
    }


SHOP = Shop(*[lamp(product_id) for product_id in "abcd"], segment_size=2)


def test_what_visitors_look_at_most_comes_first_inside_a_step() -> None:
    page = ask(SHOP, Learned(popularity({"d": 90, "b": 10})), explain=True)

    assert ids(page) == ["d", "b", "a", "c"]
    assert part(page, "learned_popularity")["d"] == 1
    assert part(page, "learned_popularity")["b"] == pytest.approx(
        np.log1p(10) / np.log1p(90), abs=1e-6
    )


def test_what_visitors_chose_for_the_words_comes_before_what_is_popular() -> None:
    learned = Learned(popularity({"d": 1_000, "b": 200}), Chosen({b"b": 0.9, b"gone": 0.5}))

    page = ask(SHOP, learned, explain=True)

    assert ids(page)[:2] == ["b", "d"]
    assert part(page, "clicks") == {"a": 0, "b": 0.9, "c": 0, "d": 0}


def test_the_shops_own_popularity_and_the_learned_one_weigh_the_same() -> None:
    shop = Shop(lamp("a", popularity=50), lamp("b"), lamp("c"))

    page = ask(shop, Learned(popularity({"b": 7})), explain=True)

    assert part(page, "popularity")["a"] == part(page, "learned_popularity")["b"] == 0.5
    assert ids(page) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("switched_off", "first"),
    [
        ({}, "b"),
        ({"without_click_evidence": True}, "d"),
        ({"without_learned_popularity": True}, "b"),
        ({"without_click_evidence": True, "without_learned_popularity": True}, "a"),
    ],
)
def test_each_can_be_left_out(switched_off: dict[str, bool], first: str) -> None:
    learned = Learned(popularity({"d": 90}), Chosen({b"b": 1.0}))

    page = ask(SHOP, learned, explain=True, **switched_off)

    assert ids(page)[0] == first
    assert bool(part(page, "clicks")) is ("without_click_evidence" not in switched_off)
    assert bool(part(page, "learned_popularity")) is (
        "without_learned_popularity" not in switched_off
    )


def test_pages_of_different_switches_do_not_continue_each_other() -> None:
    learned = Learned(popularity({"d": 90}))
    first = ask(SHOP, learned, page_size=2)

    with pytest.raises(Exception, match="another request"):
        ask(
            SHOP,
            learned,
            page_size=2,
            page_token=first.next_page_token,
            without_learned_popularity=True,
        )


def test_a_listing_page_shows_what_is_in_stock_then_what_is_popular() -> None:
    """Each popularity counts as a share of the most popular product's."""
    shop = Shop(
        lamp("a", popularity=100),
        lamp("b"),
        lamp("c", stock=0),
        lamp("d", popularity=40),
        segment_size=2,
    )

    page = ask(shop, Learned(popularity({"b": 5, "c": 500, "d": 60})), text="")

    assert ids(page) == ["d", "a", "b", "c"]
    assert ids(ask(shop, Learned(), text="")) == ["a", "d", "b", "c"]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1e6), max_size=8),
    st.dictionaries(st.sampled_from([b"a", b"c", b"e", b"zz"]), st.floats(0, 1), max_size=4),
    st.lists(st.sampled_from([0.0, 3.0, 80.0]), min_size=8, max_size=8),
    st.integers(1, 8),
    st.sampled_from(["lamp", "", "lamp e"]),
)
def test_an_answer_does_not_depend_on_how_products_are_cut(
    counts: dict[str, float],
    chosen: dict[bytes, float],
    told: list[float],
    segment_size: int,
    text: str,
) -> None:
    items = [lamp(one, popularity=told[number]) for number, one in enumerate("abcdefgh")]

    def shown(shop: Shop) -> list[tuple]:
        # A picture belongs to one store: it is kept aligned with that store's segments.
        learned = Learned(popularity(counts) if counts else None, Chosen(chosen))
        page = ask(shop, learned, text=text, explain=True)
        return [(hit.product_id, hit.score, hit.placing) for hit in page.hits]

    assert shown(Shop(*items, segment_size=segment_size)) == shown(Shop(*items))
