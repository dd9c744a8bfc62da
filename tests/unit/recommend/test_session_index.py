"""The session index: what it holds depends on the events alone, and not on how they came or what was erased."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_events import (
    ROOMY,
    answer,
    content,
    filled,
    histories,
    keys,
    parameters,
    visits,
)

from actors.recommend.parameters import Parameters
from actors.recommend.session_index import SessionBounds, SessionIndex


@given(histories, keys, visits, parameters)
def test_an_erased_session_leaves_no_trace(history, key, visit, settings) -> None:
    """Scores too are the same to the last bit, also where the `m` most recent sessions had been cut."""
    never_held = filled(event for event in history if event[0] != key)
    index = filled(history)

    index.remove(key)

    assert content(index) == content(never_held)
    assert answer(index, visit, settings) == answer(never_held, visit, settings)
    assert index.product_count == never_held.product_count


@given(histories, st.randoms(use_true_random=False), visits, parameters)
def test_the_order_in_which_events_arrive_does_not_matter(history, chance, visit, settings) -> None:
    late = list(history)
    chance.shuffle(late)

    assert content(filled(late)) == content(filled(history))
    assert answer(filled(late), visit, settings) == answer(filled(history), visit, settings)


@given(histories, st.integers(1, 5), st.integers(1, 4))
def test_bounds_hold_at_any_time(history, sessions_max, session_events_max) -> None:
    bounds = SessionBounds(sessions_max=sessions_max, session_events_max=session_events_max)
    index = SessionIndex(bounds)

    for key, product, time_ms in history:
        index.add(key, product, time_ms)

        assert index.session_count <= sessions_max
        assert all(len(session.order) <= session_events_max for session in index.sessions())
        assert len(index._ages) <= 2 * index.session_count + 17


@given(histories, st.integers(1, 4), st.randoms(use_true_random=False), keys)
def test_a_full_session_keeps_its_newest_events_however_they_came(
    history, events_max, chance, key
) -> None:
    bounds = SessionBounds(sessions_max=100, session_events_max=events_max)
    late = list(history)
    chance.shuffle(late)

    index = filled(late, bounds)

    wanted = sorted({(time_ms, product) for one, product, time_ms in history if one == key})
    session = index.session(key)
    assert (list(session.events()) if session else []) == wanted[-events_max:]


@given(histories, st.integers(0, 45))
def test_what_expires_depends_on_time_alone(history, before_ms) -> None:
    index = filled(history)
    ended = {session.key for session in index.sessions() if session.time_ms < before_ms}

    assert index.expire(before_ms) == len(ended)

    assert content(index) == content(filled(one for one in history if one[0] not in ended))


@given(histories, keys, st.integers(0, 45))
def test_erasing_before_and_after_expiry_is_the_same(history, key, before_ms) -> None:
    first, last = filled(history), filled(history)

    first.remove(key)
    first.expire(before_ms)
    last.expire(before_ms)
    last.remove(key)

    assert content(first) == content(last)


@given(st.permutations([(b"a", 1), (b"b", 2), (b"c", 2), (b"d", 4)]))
def test_the_oldest_session_makes_room_and_equal_ages_go_by_key(order) -> None:
    index = SessionIndex(SessionBounds(sessions_max=2, session_events_max=5))

    for key, time_ms in order:
        index.add(key, b"p", time_ms)

    assert [session.key for session in index.sessions()] == [b"c", b"d"]
    assert not index.is_whole


def test_a_session_older_than_what_made_room_is_refused() -> None:
    """Otherwise what is held would depend on which of two old sessions came first."""
    index = filled(
        [(b"a", b"p", 5), (b"b", b"p", 6)], SessionBounds(sessions_max=1, session_events_max=5)
    )

    assert not index.add(b"c", b"p", 4)
    index.remove(b"b")
    assert not index.add(b"c", b"p", 4)


def test_an_event_that_is_there_already_changes_nothing() -> None:
    index = filled([(b"a", b"p", 5)])

    assert not index.add(b"a", b"p", 5)
    assert index.add(b"a", b"p", 6)
    assert index.support(b"p") == 1


def test_a_session_is_recent_for_a_product_by_its_last_event_with_it() -> None:
    index = filled([(b"a", b"p", 1), (b"b", b"p", 2), (b"a", b"p", 3), (b"b", b"q", 9)])

    assert [session.key for session in index.recent(b"p", 9)] == [b"b", b"a"]
    assert [session.key for session in index.recent(b"p", 1)] == [b"a"]
    assert index.recent(b"unknown", 9) == []


def test_a_new_event_is_in_the_next_answer() -> None:
    index = filled([(b"a", b"tent", 1)])
    assert answer(index, [b"tent"], Parameters()) == []

    index.add(b"a", b"stove", 2)

    assert [one.product for one in answer(index, [b"tent"], Parameters())] == [b"stove"]


def test_many_events_of_few_sessions_are_replayed_in_any_order() -> None:
    """The list of ages is built anew now and then; that must not lose a session."""
    chance = random.Random(3)
    history = [
        (b"s%d" % chance.randrange(9), b"p%d" % chance.randrange(5), number)
        for number in range(500)
    ]

    index = filled(history, ROOMY)

    assert index.expire(1_000) == 9
    assert index.session_count == index.product_count == 0


def test_bounds_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SessionBounds(sessions_max=0, session_events_max=1)
