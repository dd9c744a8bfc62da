"""What a text may have meant although products match it as it stands: offered, and never acted upon.

*Shots* finds one book in a shop that sells three hundred kinds of *shorts*: the book is what was asked for, so
it stays, and the shopper may say that shorts were meant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from actors.index.segments import BranchView
from actors.search.alternatives import MatchClass, QueryWord, exact_word
from actors.search.matching import IDENTIFIER_SCORE, SegmentMatches, match_all
from actors.search.query import RELAXED_BELOW
from actors.search.vocabulary_search import Candidate, words_meant
from actors.search.widening import TextMatches, with_words_replaced
from actors.search.word_postings import live_count
from actors.text.analyzer import Analyzer

MORE_TIMES: Final = 10
"""How many times the products a corrected text must have. 10 to 15 % of the queries of web searches have a typing
error (Cucerzan and Brill 2004), so of two spellings, one ten times as frequent as the other, the rarer one is as
likely a slip as it is meant. What that many shoppers may have meant is worth a line above the results."""

_CANDIDATES_MAX: Final = 3
"""Words that one word may mean: those of the fewest errors, of these the most frequent."""
_TRIES_MAX: Final = 4
"""Corrected texts that are matched."""


@dataclass(frozen=True, slots=True)
class _Correction:
    """One word of a text, corrected."""

    place: int
    candidate: Candidate
    live_count: int


def did_you_mean(view: BranchView, text: str, analyzer: Analyzer, found: TextMatches) -> str:
    """The text with one word corrected, where that has many more products; empty: nothing comes near.

    What counts is the products before any filter, as everywhere in what a text means.

    Args:
        view: where to look.
        text: of the shopper.
        analyzer: of its language.
        found: what the text has found.
    """
    if found.corrected_query or not found.words or _is_identifier(found.matches):
        return ""
    words = tuple(map(_as_typed, found.words))
    matches = found.matches if words == found.words else match_all(view, words)
    as_typed = _count(matches)
    if not 0 < as_typed < RELAXED_BELOW:
        return ""
    enough = max(MORE_TIMES * as_typed, RELAXED_BELOW)
    corrections = [
        correction
        for correction in _corrections(view, words, analyzer)
        if correction.live_count >= enough
    ]
    corrections.sort(key=lambda one: (one.candidate.alternative.edits, -one.live_count, one.place))
    for correction in islice(corrections, _TRIES_MAX):
        candidate = correction.candidate
        meant = exact_word(candidate.word, candidate.alternative.term)
        place = correction.place
        if _count(match_all(view, (*words[:place], meant, *words[place + 1 :]))) >= enough:
            return with_words_replaced(text, {words[place].term: candidate.word}, analyzer)
    return ""


def _corrections(
    view: BranchView, words: Sequence[QueryWord], analyzer: Analyzer
) -> Iterator[_Correction]:
    """Words that the text's words may mean and are not found as anyway."""
    for place, word in enumerate(words):
        known = {alternative.term for alternative in word.alternatives}
        for candidate in words_meant(view, word.text, analyzer)[:_CANDIDATES_MAX]:
            term = candidate.alternative.term
            if term not in known:
                yield _Correction(place, candidate, live_count(view, term))


def _as_typed(word: QueryWord) -> QueryWord:
    """The word without what it was found as by a typing error."""
    kept = tuple(one for one in word.alternatives if one.match_class is not MatchClass.TYPO)
    return word if len(kept) == len(word.alternatives) else replace(word, alternatives=kept)


def _is_identifier(matches: Sequence[SegmentMatches]) -> bool:
    """Whether the text is a product's identifier: then it is what it is meant to be."""
    return any(bool((match.scores >= IDENTIFIER_SCORE).any()) for match in matches)


def _count(matches: Sequence[SegmentMatches]) -> int:
    return sum(len(match.ordinals) for match in matches)
