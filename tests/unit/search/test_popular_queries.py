"""What many visitors searched, among the suggestions."""

import pytest

from actors.search.popular_queries import PopularQueries
from actors.search.suggest_typed import read_typed
from actors.text.analyzer import analyzer_of

SWEDISH = analyzer_of("sv")
POPULAR = PopularQueries(
    [("blå kopp", 5.0), ("blandare", 9.0), ("kopp", 7.0), ("t-shirt", 2.0), ("kopp blå", 1.0)]
)


def going_on(text: str) -> list[str]:
    return list(POPULAR.going_on(read_typed(text, SWEDISH)))


def test_without_a_letter_those_searched_most_come_first() -> None:
    assert going_on("") == ["blandare", "kopp", "blå kopp", "t-shirt", "kopp blå"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("bla", ["blandare", "blå kopp"]),
        ("BLÅ", ["blå kopp"]),
        ("kopp", ["kopp", "kopp blå"]),
        ("kop ", []),
        ("kopp ", ["kopp", "kopp blå"]),
        ("kopp b", ["kopp blå"]),
        ("t-", ["t-shirt"]),
        ("x", []),
    ],
)
def test_queries_go_on_from_what_is_typed(typed: str, expected: list[str]) -> None:
    """An a stands for å too, an å for nothing else; a space ends the word before it."""
    assert going_on(typed) == expected
