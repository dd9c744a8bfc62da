"""How far apart two words are, counted in typing errors."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.vocabulary import WORD_LENGTH_MIN

TWO_EDITS_LENGTH_MIN: Final = 9
"""Words of this length or more are found through two errors, shorter ones through one."""

EDITS_MAX: Final = 2

TYPED_LENGTH_MAX: Final = 40
"""Longer words are not corrected; nobody types them."""


def edits_allowed(length: int) -> int:
    """How many errors a word of this length is found through, counted in the word that is meant."""
    if length < WORD_LENGTH_MIN:
        return 0
    return 1 if length < TWO_EDITS_LENGTH_MIN else EDITS_MAX


def is_spelled(word: str) -> bool:
    """Whether a typed word can hold typing errors: numbers and model codes are meant as they stand."""
    return WORD_LENGTH_MIN - 1 <= len(word) <= TYPED_LENGTH_MAX and word.isalpha()


def typing_errors(typed: str, words: Sequence[str]) -> NDArray[np.int8]:
    """int8[len(words)]: the typing errors between a typed word and each of some words, none empty.

    A letter too many, too few, wrong, or swapped with its neighbour is one error (the optimal string
    alignment form of the distance of Damerau 1964); one in the first letter is two, since people seldom
    mistype it. Computed for all words at once, a row of the table for each letter typed.
    """
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    width = int(lengths.max(initial=0))
    letters = np.zeros((len(words), width), np.uint32)
    letters[np.arange(width) < lengths[:, None]] = np.frombuffer(
        "".join(words).encode("utf-32-le"), np.uint32
    )
    steps = np.arange(width + 1, dtype=np.int8)
    before = np.zeros((len(words), width + 1), np.int8)
    row = np.broadcast_to(steps, before.shape)
    codes = list(map(ord, typed))
    differs = np.ones((len(words), width), np.bool_)
    for index, code in enumerate(codes):
        former, differs = differs, letters != code
        after = np.empty_like(before)
        after[:, 0] = index + 1
        np.minimum(row[:, :-1] + differs, row[:, 1:] + np.int8(1), out=after[:, 1:])
        if index:
            swapped = before[:, :-2] + np.int8(1) + np.int8(9) * (differs[:, :-1] | former[:, 1:])
            np.minimum(after[:, 2:], swapped, out=after[:, 2:])
        # A letter of the word that was not typed: one more than the place to the left.
        after = np.minimum.accumulate(after - steps, axis=1) + steps
        before, row = row, after
    errors: NDArray[np.int8] = row[np.arange(len(words)), lengths]
    errors += letters[:, 0] != codes[0]
    return errors
