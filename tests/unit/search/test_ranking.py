"""What decides which product stands first, one fact at a time."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_branch import DAY, Shop, ids, lamp, ranked, ruled

from actors.search.candidates import best_candidates
from actors.search.matching import IDENTIFIER_SCORE, match_all
from actors.search.merchandise import Boost, Ranking
from actors.search.query import Hit, SearchPage
from protos.v1.common_pb2 import Availability

NOW = 1_700_000_000


def test_inside_a_step_what_is_in_stock_is_first() -> None:
    """What can be ordered comes between; what was not told to be anything is in stock."""
    shop = Shop(
        lamp("a", stock=0),
        lamp("b", availability=Availability.BACKORDER),
        lamp("c"),
        lamp("d", stock=3),
    )

    assert ids(shop.ask()) == ["c", "d", "b", "a"]


def test_popularity_counts_by_its_logarithm() -> None:
    shop = Shop(lamp("a", popularity=1), lamp("b", popularity=1_000), lamp("c", popularity=31))

    page = shop.ask(explain=True)

    parts = parts_of(page, "popularity")
    assert ids(page) == ["b", "c", "a"]
    assert parts[b"c"] == pytest.approx(0.5, abs=0.01)


def test_freshness_halves_in_three_months_from_the_newest_candidate() -> None:
    shop = Shop(
        lamp("a", released=NOW - 90 * DAY),
        lamp("b", released=NOW),
        lamp("c"),
        lamp("d", released=0),
    )

    page = shop.ask(explain=True, merchandise=ranked(freshness_weight=1.0))

    parts = parts_of(page, "freshness")
    assert parts == {b"b": 1.0, b"a": 0.5, b"c": 0.0, b"d": pytest.approx(0.0, abs=1e-9)}
    assert ids(page) == ["b", "a", "c", "d"]


def test_what_is_yet_to_come_is_as_fresh_as_today() -> None:
    shop = Shop(lamp("a", released=NOW), lamp("b", released=NOW + 900 * DAY))

    assert ids(shop.ask(now_ms=NOW * 1_000)) == ["a", "b"]
    assert ids(shop.ask()) == ["b", "a"]


def test_the_business_score_never_lifts_a_product_over_a_step() -> None:
    """The word in a short title is worth more than any popularity, unless there is one step only."""
    long = "shade for a lamp of another kind, with a cable and a switch and a plug"
    shop = Shop(lamp("a", long, popularity=10_000), lamp("b", "lamp"))

    assert ids(shop.ask()) == ["b", "a"]
    assert ids(shop.ask(merchandise=ranked(score_steps=1))) == ["a", "b"]


def test_without_business_data_steps_change_nothing() -> None:
    """Inside a step the unrounded score decides then."""
    titles = ("lamp", "lamp red", "red lamp of steel", "a lamp with a shade of glass and steel")
    shop = Shop(*(lamp(f"{9 - number}", title) for number, title in enumerate(titles)))

    assert ids(shop.ask(merchandise=ranked(score_steps=1))) == ids(
        shop.ask(merchandise=ranked(score_steps=1_000))
    )


def test_a_product_named_by_its_identifier_is_first_whatever_sells_better() -> None:
    """Even where a rule boosts the others a hundredfold."""
    others = [lamp(f"{n}", f"mx200 case {n}", popularity=10_000) for n in range(5)]
    named = lamp("x", "phone of steel", mpn="MX-200", stock=0)
    shop = Shop(*others, named)
    boosts = [Boost("popularity > 1", 100.0, f"r{number}") for number in range(3)]

    plain = shop.ask("mx200", explain=True)
    boosted = shop.ask("mx200", merchandise=ruled(boosts=boosts))

    assert ids(plain)[0] == ids(boosted)[0] == "x"
    assert [hit.placing.step for hit in explained(plain)][:2] == [0, 1]


def test_a_boost_multiplies_the_score_of_what_passes_its_filter() -> None:
    shop = Shop(lamp("a"), lamp("b", brand="Zed"), lamp("c"))
    plain = {hit.product_id: hit.score for hit in shop.ask().hits}

    page = shop.ask(merchandise=ruled(boosts=[Boost('brand = "Zed"', 2.0, "up")]), explain=True)

    hit = page.hits[0]
    assert hit.product_id == b"b"
    assert hit.score == pytest.approx(2 * plain[b"b"])
    assert hit.placing is not None
    assert hit.placing.factors == (("boost", 2.0, "up"),)
    assert hit.placing.raw_score == pytest.approx(plain[b"b"])


def test_a_bury_puts_products_last_but_hides_none() -> None:
    shop = Shop(lamp("a", brand="Zed"), lamp("b"), lamp("c"))

    page = shop.ask(merchandise=ruled(boosts=[Boost('brand = "Zed"', 0.1, "down")]))

    assert ids(page) == ["b", "c", "a"]
    assert page.total == 3


def test_on_a_listing_page_what_is_boosted_stands_before_the_rest() -> None:
    shop = Shop(lamp("a", popularity=5), lamp("b", brand="Zed"), lamp("c", stock=0, brand="Zed"))

    page = shop.ask("", merchandise=ruled(boosts=[Boost('brand = "Zed"', 2.0, "up")]))

    assert ids(page) == ["b", "c", "a"]


def test_a_rule_whose_filter_no_longer_fits_the_fields_does_nothing() -> None:
    """The shopper must not be told that her search is wrong."""
    shop = Shop(lamp("a"), lamp("b"))

    page = shop.ask(merchandise=ruled(boosts=[Boost("attributes.gone = 1", 2.0, "old")]))

    assert ids(page) == ["a", "b"]


def test_a_weight_of_zero_leaves_its_part_out() -> None:
    shop = Shop(lamp("a"), lamp("b", popularity=9), lamp("c", stock=0, popularity=99))

    assert ids(shop.ask(merchandise=ranked(popularity_weight=0.0))) == ["a", "b", "c"]
    assert ids(shop.ask(merchandise=ranked(in_stock_weight=0.0))) == ["c", "b", "a"]


def test_explain_tells_the_parts_that_are_the_same_for_all() -> None:
    page = Shop(lamp("a"), lamp("b")).ask(explain=True)

    placing = page.hits[0].placing
    assert placing is not None
    assert [(one.name, one.value) for one in placing.business] == [
        ("in_stock", 1.0),
        ("popularity", 0.0),
        ("freshness", 0.0),
    ]
    assert placing.business_score == 1.0
    assert placing.step == 1


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_candidates_are_the_best_by_score_then_id_however_segments_are_cut(seed: int) -> None:
    rng = random.Random(seed)
    titles = ("lamp", "lamp red", "red lamp of steel")
    items = [lamp(f"{n:03d}", rng.choice(titles)) for n in rng.sample(range(200), k=40)]
    shop = Shop(*items, segment_size=rng.choice((3, 7, 40)))
    count = rng.randint(1, 45)
    view = shop.view
    matches = match_all(view, ["lamp"])

    candidates = best_candidates(matches, count)

    every = [
        (-float(score), view.segments[index].product_id(ordinal))
        for index, match in enumerate(matches)
        for ordinal, score in zip(match.ordinals.tolist(), match.scores, strict=True)
    ]
    assert sorted(candidates.product_ids(view, np.arange(candidates.count))) == sorted(
        product_id for _, product_id in sorted(every)[:count]
    )
    for index, start, stop in candidates.parts:
        assert (np.diff(candidates.ordinals[start:stop]) > 0).all()
        assert view.segments[index] is matches[index].segment


def test_scores_of_words_stay_below_those_of_identifiers() -> None:
    """Steps of other products must not be squeezed by a score that is no measure of words."""
    shop = Shop(lamp("a", "mx200 lamp", mpn="MX200"), lamp("b", "mx200 lamp b"), lamp("c", "mx200"))

    page = shop.ask("mx200", explain=True)

    assert page.hits[0].score > float(IDENTIFIER_SCORE)
    assert sorted(hit.placing.step for hit in explained(page))[:2] == [0, 1]


def test_settings_have_the_documented_defaults() -> None:
    assert Ranking() == Ranking(100, 1.0, 1.0, 0.25, collapses_duplicates=True)


def parts_of(page: SearchPage, name: str) -> dict[bytes, float]:
    """One part of the business scores."""
    return {
        hit.product_id: factor.value
        for hit in explained(page)
        for factor in hit.placing.business
        if factor.name == name
    }


def explained(page: SearchPage) -> tuple[Hit, ...]:
    """The hits, all of which say why they are where they are."""
    assert all(hit.placing is not None for hit in page.hits)
    return page.hits
