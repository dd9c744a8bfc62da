"""Answers that are given again: for as long as what they were made from is the same, and within bounds."""

from actors.recent_answers import ANSWER_SIZE_BYTES_MAX, COUNT_MAX, SIZE_BYTES_MAX, RecentAnswers


def test_an_answer_is_given_again_to_the_same_request_only() -> None:
    recent = RecentAnswers()
    recent.keep(1, b"kettle", b"answer")

    assert recent.get(1, b"kettle") == b"answer"
    assert recent.get(1, b"kettles") is None


def test_a_caller_of_another_role_is_answered_anew() -> None:
    """What a role may ask for is checked while the answer is made."""
    recent = RecentAnswers()
    recent.keep(2, b"preview", b"answer")

    assert recent.get(1, b"preview") is None


def test_answers_are_forgotten_when_anything_they_were_made_from_is_another() -> None:
    view, schema = object(), object()
    recent = RecentAnswers()
    recent.follow(view, schema)
    recent.keep(1, b"kettle", b"answer")

    recent.follow(view, schema)
    kept = recent.get(1, b"kettle")
    recent.follow(view, object())

    assert kept == b"answer"
    assert recent.get(1, b"kettle") is None


def test_no_more_answers_are_kept_than_there_is_room_for() -> None:
    recent = RecentAnswers()
    for number in range(COUNT_MAX * 3):
        recent.keep(1, b"%d" % number, b"answer")
    assert len(recent._answers) <= COUNT_MAX

    for number in range(SIZE_BYTES_MAX // 60_000 * 3):
        recent.keep(1, b"large %d" % number, bytes(60_000))

    kept = sum(len(answer) for answer in recent._answers.values())
    assert 0 < kept <= SIZE_BYTES_MAX


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    recent = RecentAnswers()

    recent.keep(1, b"all", bytes(ANSWER_SIZE_BYTES_MAX))

    assert recent.get(1, b"all") is None
