"""The main list of a text: first its words as they stand, then words that go on, then typing errors.

Wider readings cost precision, so each is tried only when the one before finds too little: less than a
page under the order of relevance, where it stands at the end of the list; nothing at all under any other
order, which would mix it among the rest. What counts is the matches of the text before any filter: what a
text means does not change while a shopper filters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from actors.index.segments import BranchView
from actors.search.alternatives import JOINT, MatchClass, QueryWord
from actors.search.matching import SegmentMatches, match_all, top_matches
from actors.search.query import WIDENED_BELOW
from actors.search.reading import ReadText, read_text
from actors.search.synonyms import NO_RUNS, Run
from actors.search.vocabulary_search import words_meant, words_that_begin
from actors.search.word_postings import Ordinals, live_count, look_up, resolve_words
from actors.text.analyzer import Analyzer
from actors.text.identifiers import identifier_hash

LIKELIER_SHARE: Final = 16
"""A word that the catalogue has means itself, unless another it may mean has this many times the products.

*Lamp* in one text beside three hundred of *lampa* goes on; *dam* is no beginning of *damm*, nor *mossa* a
slip of *mössa*, where a shop sells both. Slips are as likely in a catalogue as in a query: a word that has so
many fewer products is one of the other."""


@dataclass(frozen=True, slots=True)
class TextMatches:
    """What a text finds."""

    words: tuple[QueryWord, ...]
    """With all alternatives by which products were found."""

    matches: list[SegmentMatches]
    corrected_query: str
    """The text as the best match was found; empty when products match it as it stands."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The index terms of all alternatives, each once, written forms with their mark."""
        every = (
            term
            for word in self.words
            for one in word.alternatives
            for term in one.term.split(JOINT)
        )
        return tuple(dict.fromkeys(every))


def match_text(
    view: BranchView,
    text: str,
    analyzer: Analyzer,
    *,
    by_relevance: bool,
    corrects: bool,
    synonyms: Mapping[Run, Sequence[Run]] = NO_RUNS,
) -> TextMatches:
    """The products that match all words of a text, as widely read as it takes.

    Args:
        view: where to look.
        text: of the shopper.
        analyzer: of its language, with the lists of the tenant (`Schema.analyzer`).
        by_relevance: whether the best match comes first.
        corrects: whether to look for typing errors at all.
        synonyms: what stands for runs of its index terms.
    """
    read = read_text(view, text, analyzer, synonyms)
    matches = match_all(view, read.words, identifier=read.identifier)
    found = TextMatches(read.words, matches, "")
    enough = WIDENED_BELOW if by_relevance else 1
    if _count(matches) >= enough or not read.words:
        return found
    widening = _Widening(view, text, analyzer, read, found)
    widening.go_on()
    if corrects and _count(widening.found.matches) < enough:
        widening.correct()
    return widening.found


class _Widening:
    """Looks for more of a text that found too little."""

    def __init__(
        self,
        view: BranchView,
        text: str,
        analyzer: Analyzer,
        read: ReadText,
        found: TextMatches,
    ) -> None:
        self._view = view
        self._text = text
        self._analyzer = analyzer
        self._read = read
        self.found = found
        """The widest reading so far."""

    def go_on(self) -> None:
        """Read the last word as the beginning of one, if no space says that it is complete."""
        if self._text[-1:].isalnum():
            *before, last = self.found.words
            self._match((*before, self._begun(last)))

    def correct(self) -> None:
        """Read the words as those they may mean, unless the text is a product's identifier."""
        if self._is_identifier():
            return
        as_typed = _count(self.found.matches)
        words = self.found.words
        if not as_typed and self._count_of(self._read.words[-1].term):
            # The last word is one already, and none that goes on stands with the others as typed.
            words = self._read.words
        more = self._match(tuple(self._meant(word, likelier=True) for word in words))
        if not _count(self.found.matches):
            more = self._match(tuple(self._meant(word, likelier=False) for word in words))
        if more and not as_typed:
            self.found = replace(self.found, corrected_query=self._corrected())

    def _match(self, words: tuple[QueryWord, ...]) -> bool:
        """Match these words; whether they find more than before."""
        if words == self.found.words:
            return False
        matches = match_all(self._view, words, identifier=self._read.identifier)
        more = _count(matches) > _count(self.found.matches)
        self.found = TextMatches(words, matches, "")
        return more

    def _begun(self, word: QueryWord) -> QueryWord:
        """The word with those that begin so and are far likelier to be meant."""
        enough = LIKELIER_SHARE * self._count_of(word.term)
        begun = words_that_begin(self._view, word.text, self._analyzer, count_min=enough)
        return word.extended(candidate.alternative for candidate in begun)

    def _meant(self, word: QueryWord, *, likelier: bool) -> QueryWord:
        """The word with those that it may be a slip of.

        `likelier`: only if one is far likelier than the other, and unless it finds a page by itself: then it is
        not why the text finds less.
        """
        own = self._count_of(word.term)
        if likelier and own >= WIDENED_BELOW:
            return word
        meant = words_meant(self._view, word.text, self._analyzer)
        return word.extended(
            alternative
            for alternative in (candidate.alternative for candidate in meant)
            if not likelier or _is_slip(own, self._count_of(alternative.term))
        )

    def _count_of(self, term: str) -> int:
        return live_count(self._view, term)

    def _is_identifier(self) -> bool:
        """Whether the text is a product's identifier: then it is what it is meant to be."""
        if not self._read.identifier:
            return False
        hashed = identifier_hash(self._read.identifier)
        return any(len(segment.find_identifier(hashed)) for segment in self._view.segments)

    def _corrected(self) -> str:
        """The text with each mistyped word as the best match has it."""
        best = top_matches(self.found.matches, 1)[0]
        ordinal = np.array([best.ordinal], np.int32)
        replaced: dict[str, str] = {}
        for word in self.found.words:
            term = self._term_found(word, best.segment_index, ordinal)
            if term is not None:
                meant = words_meant(self._view, word.text, self._analyzer)
                replaced[word.term] = next(
                    one.word for one in meant if one.alternative.term == term
                )
        return with_words_replaced(self._text, replaced, self._analyzer)

    def _term_found(self, word: QueryWord, segment_index: int, ordinal: Ordinals) -> str | None:
        """The term for which a mistyped word was found in a product; None if it is there as it stands."""
        for alternative in word.alternatives:
            of_term = resolve_words(self._view, [alternative.term])[0].postings[segment_index]
            if of_term is not None and look_up(of_term, ordinal)[0]:
                is_typo = alternative.match_class is MatchClass.TYPO
                return alternative.term if is_typo else None
        return None


def _is_slip(own: int, other: int) -> bool:
    """Whether one of two similar words is so rare beside the other that it hardly is a word of its own."""
    return max(own, other) >= LIKELIER_SHARE * min(own, other)


def with_words_replaced(text: str, replaced: Mapping[str, str], analyzer: Analyzer) -> str:
    """The text with the words of some terms replaced."""
    pieces: list[str] = []
    done = 0
    for span in analyzer.analyze_spans(text):
        word = replaced.get(span.term)
        if word is not None and span.start >= done:
            pieces += (text[done : span.start], word)
            done = span.end
    return "".join([*pieces, text[done:]])


def _count(matches: Sequence[SegmentMatches]) -> int:
    return sum(len(match.ordinals) for match in matches)
