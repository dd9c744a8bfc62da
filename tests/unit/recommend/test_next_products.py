"""Scorers: figures worked out by hand from the formulas, and what must hold for every tenant."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from recorded_events import answer, filled, histories, parameters, visits

from actors.recommend.neighbours import neighbour_scores
from actors.recommend.parameters import Parameters, Scorer
from actors.recommend.successors import successor_scores

PLAIN = Parameters(idf_weight=0)
VMIS = replace(PLAIN, scorer=Scorer.VMIS)


@given(histories, visits, parameters)
def test_no_score_is_negative(history, visit, settings) -> None:
    """Serenade's weight of a match falls below zero from the eleventh event on; ours stops there."""
    index = filled(history)

    assert all(score >= 0 for score in neighbour_scores(index, visit, 0, settings).values())
    assert all(score >= 0 for score in successor_scores(index, visit, 0, settings).values())
    assert all(one.score >= 0 for one in answer(index, visit, settings))


@given(histories, visits, parameters)
def test_an_answer_is_in_order_and_names_no_product_twice(history, visit, settings) -> None:
    scored = answer(filled(history), visit, settings)

    assert scored == sorted(scored, key=lambda one: (-one.score, one.product))
    assert len({one.product for one in scored}) == len(scored)


@given(histories, visits, parameters)
def test_what_the_visitor_looks_at_is_never_recommended(history, visit, settings) -> None:
    assert visit[-1] not in [one.product for one in answer(filled(history), visit, settings)]


@given(histories, visits, parameters)
def test_a_novel_answer_holds_nothing_seen(history, visit, settings) -> None:
    scored = answer(filled(history), visit, settings, is_novel=True)

    assert not {one.product for one in scored} & set(visit)


def test_vmis_adds_up_linear_weights_of_shared_products() -> None:
    """a is the first of two (1/2), b the last (2/2); both match at b, the last event: 1 - 1/10."""
    index = filled([(b"n", b"a", 1), (b"n", b"b", 2), (b"n", b"c", 3)])

    scores = neighbour_scores(index, [b"a", b"b"], 10, VMIS)

    assert scores[b"c"] == pytest.approx((0.5 + 1.0) * 0.9)


def test_vmis_gives_nothing_for_a_match_ten_events_back() -> None:
    index = filled([(b"n", b"a", 1), (b"n", b"c", 3)])
    visit = [b"a", *(b"x%d" % number for number in range(9))]

    assert neighbour_scores(index, visit, 10, VMIS) == {}


def test_vstan_weighs_position_age_and_distance() -> None:
    index = filled([(b"n", b"a", 0), (b"n", b"b", 0), (b"n", b"c", 0)])
    settings = replace(PLAIN, position_decay=2, match_decay=3, age_decay_days=5, distance_decay=4)

    scores = neighbour_scores(index, [b"a", b"x"], 86_400_000, settings)

    weight = math.exp(-1 / 2)
    likeness = weight / (math.sqrt(weight**2 + 1) * math.sqrt(3)) * math.exp(-1 / 5)
    assert scores[b"c"] == pytest.approx(likeness * math.exp(-1 / 3) * math.exp(-2 / 4))


def test_rare_products_count_more() -> None:
    index = filled([(b"n", b"a", 1), (b"n", b"rare", 1), (b"n", b"usual", 1), (b"o", b"usual", 1)])

    plain = neighbour_scores(index, [b"a"], 1, VMIS)
    favoured = neighbour_scores(index, [b"a"], 1, replace(VMIS, idf_weight=2))

    assert plain[b"rare"] == plain[b"usual"] == pytest.approx(favoured[b"usual"])
    assert favoured[b"rare"] == pytest.approx(plain[b"rare"] * (1 + 2 * math.log(2)))


def test_only_the_most_recent_sessions_are_asked() -> None:
    history = [(b"s%d" % at, product, at) for at in range(4) for product in (b"a", b"p%d" % at)]

    scores = neighbour_scores(filled(history), [b"a"], 9, replace(PLAIN, recent_max=2))

    assert set(scores) == {b"a", b"p2", b"p3"}


def test_a_successor_counts_by_its_distance() -> None:
    index = filled([(b"n", b"a", 1), (b"n", b"b", 2), (b"n", b"c", 3)])

    scores = successor_scores(index, [b"a"], 3, PLAIN)

    assert scores == {b"b": pytest.approx(1), b"c": pytest.approx(1 / 2)}


def test_successors_of_earlier_products_count_less() -> None:
    index = filled([(b"n", b"a", 1), (b"n", b"b", 2), (b"o", b"x", 1), (b"o", b"y", 2)])

    scores = successor_scores(index, [b"x", b"a"], 2, replace(PLAIN, successor_source_decay=0.25))

    assert scores == {b"b": pytest.approx(1), b"y": pytest.approx(0.25)}


def test_products_of_the_neighbours_of_neighbours_fill_the_list() -> None:
    """`c` was never in one session with `a`; `b` was with both."""
    index = filled([(b"n", b"a", 1), (b"n", b"b", 2), (b"o", b"b", 3), (b"o", b"c", 4)])

    assert [one.product for one in answer(index, [b"a"], Parameters())] == [b"b", b"c"]


def test_without_any_session_the_visitor_is_offered_what_they_saw() -> None:
    visit = [b"a", b"b", b"c"]

    assert [one.product for one in answer(filled([]), visit, Parameters())] == [b"b", b"a"]
    assert answer(filled([]), [], Parameters()) == []


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="age_decay_days must be above 0"):
        Parameters(age_decay_days=0)
    with pytest.raises(ValueError, match="idf_weight must be a number"):
        Parameters(idf_weight=math.nan)
