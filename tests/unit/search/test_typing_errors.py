"""How far two words are apart, and that no signature hides a word that is near."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.index.vocabulary import LETTER_BITS, signatures_of
from actors.search.spelling import edits_allowed, is_spelled, typing_errors

words = st.text("abcdå", min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("typed", "meant", "errors"),
    [
        ("jacka", "jacka", 0),
        ("jaka", "jacka", 1),
        ("jakca", "jacka", 1),
        ("jacka", "jackan", 1),
        ("jecka", "jacka", 1),
        ("kacka", "jacka", 2),
        ("ajcka", "jacka", 2),
        ("acka", "jacka", 2),
        ("handskar", "handsken", 2),
        ("backa", "jackor", 4),
    ],
)
def test_an_error_in_the_first_letter_counts_two(typed: str, meant: str, errors: int) -> None:
    assert typing_errors(typed, [meant]).tolist() == [errors]


def test_words_of_five_letters_allow_one_error_and_of_nine_two() -> None:
    assert [edits_allowed(length) for length in (4, 5, 8, 9, 30)] == [0, 1, 1, 2, 2]


def test_numbers_and_model_codes_are_meant_as_they_stand() -> None:
    assert [is_spelled(word) for word in ("12345", "wh1000xm4", "usb", "jacka", "2.5")] == [
        False, False, False, True, False,
    ]  # fmt: skip


@given(words, st.lists(words, min_size=1, max_size=8))
def test_all_words_at_once_are_as_one_by_one(typed: str, meant: list[str]) -> None:
    one_by_one = [typing_errors(typed, [word]).item() for word in meant]

    assert typing_errors(typed, meant).tolist() == one_by_one


@given(words, words)
def test_each_error_changes_two_bits_of_a_signature_at_most(typed: str, meant: str) -> None:
    one, other = signatures_of([typed, meant])

    assert int((one ^ other) & LETTER_BITS).bit_count() <= 2 * typing_errors(typed, [meant])[0]
