"""What many visitors have searched, as a source of suggestions."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from actors.search.suggest_typed import Typed
from actors.text.normal import without_accents

_OFFERED_MAX: Final = 64
"""Queries that are offered for one beginning."""
_LAST: Final = "\U0010ffff"


class PopularQueries:
    """Queries in normal form, found by how they begin; those searched most come first."""

    def __init__(self, queries: Sequence[tuple[str, float]]) -> None:
        """`queries`: each once, with how much it is searched."""
        listed = sorted((without_accents(words), words, weight) for words, weight in queries)
        self._folded = [folded for folded, _, _ in listed]
        self._words = [words for _, words, _ in listed]
        self._weights = np.array([weight for _, _, weight in listed])

    def __len__(self) -> int:
        """How many there are."""
        return len(self._words)

    def going_on(self, typed: Typed, /) -> Iterator[str]:
        """As `suggest.QuerySource`: å, ä and ö are found by a and o too, but not the other way round."""
        beginning = without_accents(typed.text)
        first = bisect_left(self._folded, beginning)
        stop = bisect_left(self._folded, beginning + _LAST)
        order = np.argsort(-self._weights[first:stop], kind="stable")
        offered = 0
        for place in order.tolist():
            words = self._words[first + place]
            if not _goes_on(words, typed):
                continue
            yield words
            offered += 1
            if offered == _OFFERED_MAX:
                return


def _goes_on(words: str, typed: Typed) -> bool:
    """Whether a query that begins with the same letters does so in spelling and at the end of the last word."""
    text = typed.text
    if not text.isascii() and any(
        not letter.isascii() and letter != other for letter, other in zip(text, words, strict=False)
    ):
        return False
    if typed.is_open or len(words) == len(text) or not text[-1].isalnum():
        return True
    return not words[len(text)].isalnum()
