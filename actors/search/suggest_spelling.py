"""What an unfinished word with a typing error in it may be the beginning of."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from actors.index.segments import BranchView, Segment
from actors.index.vocabulary import (
    FIRST_SHIFT,
    LENGTH_MASK,
    LENGTH_SHIFT,
    LETTER_BITS,
    signatures_of,
)
from actors.search.spelling import edits_allowed, is_spelled, typing_errors
from actors.search.word_postings import live_count
from actors.text.forms import FORM_MARK

_COUNTED_MAX: Final = 64
"""Words whose products are counted: those of the fewest errors, then in their order."""

_KNOWN_MAX: Final = 4_096


class _Known:
    """What was found for mistyped beginnings."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}


def beginning_meant(view: BranchView, typed: str) -> str:
    """The likeliest beginning of a word of live products that a mistyped one stands for; empty: there is none.

    Of fewest errors, then one that ends in the letter typed last, then of the word of most products. The first
    letter is taken as typed, and so are numbers, codes and beginnings that are too short to tell.
    """
    edits_max = edits_allowed(len(typed))
    if not edits_max or not is_spelled(typed):
        return ""
    known = view.kept.of(_Known).found
    found = known.get(typed)
    if found is None:
        if len(known) >= _KNOWN_MAX:
            known.clear()
        terms = {term for segment in view.segments for term in _near(segment, typed, edits_max)}
        found = known[typed] = _likeliest(view, typed, terms, edits_max)
    return found


def _near(segment: Segment, typed: str, edits_max: int) -> Iterator[str]:
    """The terms of words that have the first letter and, but for the errors, the other letters."""
    vocabulary = segment.vocabulary
    own = signatures_of([typed])[0]
    for places, signatures in vocabulary.words():
        missing = np.bitwise_count(own & ~signatures & LETTER_BITS)
        is_first = signatures >> FIRST_SHIFT == own >> FIRST_SHIFT
        near = np.flatnonzero((missing <= edits_max) & is_first)
        lengths = (signatures.take(near) >> LENGTH_SHIFT) & LENGTH_MASK
        near = near[lengths >= len(typed) - edits_max]
        for place in places.take(near).tolist():
            yield vocabulary.term(place).decode()


def _likeliest(view: BranchView, typed: str, terms: Iterable[str], edits_max: int) -> str:
    ordered = sorted(terms)
    if not ordered:
        return ""
    words = [term.removeprefix(FORM_MARK) for term in ordered]
    lengths = range(len(typed) - edits_max, len(typed) + edits_max + 1)
    beginnings = sorted({word[:length] for word in words for length in lengths})
    places = {beginning: place for place, beginning in enumerate(beginnings)}
    errors = typing_errors(typed, beginnings).tolist()
    ranked = []
    for term, word in zip(ordered, words, strict=True):
        best = min(
            (errors[places[beginning]], beginning[-1:] != typed[-1], beginning)
            for beginning in (word[:length] for length in lengths)
        )
        if best[0] <= edits_max:
            ranked.append((best, term))
    ranked.sort()
    counted = [
        (errors, ends_otherwise, -live_count(view, term), beginning)
        for (errors, ends_otherwise, beginning), term in ranked[:_COUNTED_MAX]
    ]
    return min((one for one in counted if one[2]), default=("",))[-1]
