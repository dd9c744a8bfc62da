"""Typing errors, as people make them, put into words."""

import random
from typing import Final

from actors.search.spelling import typing_errors

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def damage(word: str, edits: int, chance: random.Random) -> str:
    """The word with exactly so many typing errors, none of them in its first letter."""
    while True:  # ends: nearly every round succeeds, since a word has many letters
        damaged = word
        for _ in range(edits):
            damaged = _with_error(damaged, chance)
        if damaged[0] == word[0] and typing_errors(damaged, [word])[0] == edits:
            return damaged


def _with_error(word: str, chance: random.Random) -> str:
    """The word with a letter too many, too few, wrong, or swapped with the next."""
    at = chance.randrange(1, len(word))
    kind = chance.randrange(4)
    if kind == 0:
        at = chance.randint(1, len(word))
        return word[:at] + chance.choice(_LETTERS) + word[at:]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + chance.choice(_LETTERS) + word[at + 1 :]
    return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
