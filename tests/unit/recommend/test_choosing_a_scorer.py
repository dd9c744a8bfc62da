"""The choice by replay: from the tenant's own sessions, for any number of them."""

import random

import pytest
from recorded_events import ROOMY

from actors.recommend.choose import Choice, choose_scorer
from actors.recommend.parameters import Parameters
from actors.recommend.replay import Question, RecordedSession, measure, questions_of


def recorded(count: int, *, seed: int) -> list[RecordedSession]:
    """Sessions that walk up a ladder of products and turn back at times."""
    chance = random.Random(seed)
    sessions = []
    for number in range(count):
        at = chance.randrange(30)
        steps = [max(0, at + step * chance.choice((1, 1, -1))) for step in range(4)]
        events = [(number * 1_000 + time_ms, b"p%d" % one) for time_ms, one in enumerate(steps)]
        sessions.append(RecordedSession.of(b"s%d-%d" % (seed, number), events))
    return sessions


def chosen(
    train: list[RecordedSession], validation: list[RecordedSession], *, candidates_max: int = 15
) -> Choice:
    compared: list[int] = []
    return choose_scorer(
        train,
        validation,
        bounds=ROOMY,
        is_novel=False,
        progress=lambda done, _: compared.append(done),
        is_time_up=lambda: len(compared) >= candidates_max,
    )


def test_a_tenant_without_sessions_gets_the_defaults() -> None:
    choice = chosen([], [])

    assert choice.parameters == Parameters()
    assert choice.question_count == 0


def test_few_questions_decide_nothing() -> None:
    assert chosen(recorded(5, seed=1), recorded(5, seed=2)).parameters == Parameters()


def test_a_choice_is_no_worse_in_the_replay_than_the_defaults() -> None:
    train, validation = recorded(80, seed=1), recorded(40, seed=2)

    few = chosen(train, validation, candidates_max=1)
    more = chosen(train, validation, candidates_max=25)

    assert more.reciprocal_rank + more.hit_rate / 2 >= few.reciprocal_rank + few.hit_rate / 2
    assert more.candidate_count > few.candidate_count


def test_the_end_of_the_training_sessions_decides_where_there_is_no_validation() -> None:
    assert chosen(recorded(400, seed=1), []).question_count > 50


def test_the_order_of_the_sessions_does_not_matter() -> None:
    train, validation = recorded(60, seed=1), recorded(40, seed=2)

    assert chosen(train, validation) == chosen(train[::-1], validation)


def test_the_search_ends_when_time_is_up() -> None:
    choice = chosen(recorded(60, seed=1), recorded(40, seed=2), candidates_max=3)

    assert choice.candidate_count <= 4


def test_each_event_but_the_last_asks_a_question() -> None:
    session = RecordedSession.of(b"s", [(3, b"a"), (1, b"a"), (2, b"b")])

    assert questions_of([session], is_novel=False) == [
        Question((b"a",), 1, (b"b", b"a")),
        Question((b"a", b"b"), 2, (b"a",)),
    ]
    assert questions_of([session], is_novel=True) == [Question((b"a",), 1, (b"b", b"a"))]


def test_measures_are_those_of_the_next_product_and_of_the_rest() -> None:
    questions = [Question((b"a",), 1, (b"b", b"c")), Question((b"a",), 1, (b"z",))]

    measures = measure(questions, lambda _: [b"x", b"b"])

    assert measures.hit_rate == 0.5
    assert measures.reciprocal_rank == pytest.approx(0.25)
    assert measures.precision == pytest.approx(1 / 20 / 2)
    assert measures.recall == pytest.approx(0.5 / 2)
