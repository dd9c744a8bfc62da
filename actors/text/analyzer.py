"""The analysis chain of a language: normalise, cut into chunks and words, stem.

Stop words are kept: dropping them at index time could never be undone.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import Stemmer

from actors.text.chunks import find_chunk_spans, find_chunks, words_of
from actors.text.identifiers import normalize_identifier
from actors.text.normal import LetterFolding, normalize, normalize_with_offsets

_SNOWBALL: Final = {
    "sv": "swedish",
    "en": "english",
    "da": "danish",
    "no": "norwegian",
    "fi": "finnish",
    "de": "german",
}
_SAME_LANGUAGE: Final = {"nb": "no", "nn": "no"}
_CHUNKS_CACHED_MAX: Final = 1 << 15
_IDENTIFIER_LENGTH_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Span:
    """A term and the half-open range of the text that it stands for."""

    start: int
    end: int
    term: str


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """What a shopper's words ask for."""

    terms: tuple[str, ...]
    """Each once, in the order of the query; all of them have to match."""

    identifier: str
    """The whole query as a normalised identifier; empty when it cannot be one."""


class Analyzer:
    """Text to terms in one language. Use `analyzer_of`, which keeps one for each language."""

    def __init__(self, language: str) -> None:
        """A language without a stemmer of its own gets none."""
        self.language = language
        self._folding = LetterFolding(language)
        name = _SNOWBALL.get(language)
        self._stemmer = None if name is None else Stemmer.Stemmer(name)
        self._cache: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def chunks(self, text: str) -> list[str]:
        """The chunks of a text, normalised: the unit that callers may cache `index_terms_of` by."""
        return find_chunks(normalize(text, self._folding))

    def index_terms_of(self, chunk: str) -> tuple[str, ...]:
        """All terms by which a chunk can be found, each once; not cached, since indexing keeps its own."""
        return self._expand(chunk)[0]

    def index_terms(self, text: str) -> list[str]:
        """All terms of a text, in order."""
        terms: list[str] = []
        for chunk in self.chunks(text):
            terms += self._terms_of(chunk)[0]
        return terms

    def analyze_query(self, text: str) -> QueryTerms:
        """What the words of a query have to match."""
        terms: dict[str, None] = {}
        for chunk in self.chunks(text):
            terms.update(dict.fromkeys(self._terms_of(chunk)[1]))
        identifier = normalize_identifier(text) if len(text) <= _IDENTIFIER_LENGTH_MAX else ""
        return QueryTerms(tuple(terms), identifier)

    def analyze_spans(self, text: str) -> list[Span]:
        """Every index term with the part of `text` that it stands for, for highlighting."""
        normal = normalize(text, self._folding)
        offsets = None
        if len(normal) != len(text) or not text.isascii():
            normal, offsets = normalize_with_offsets(text, self._folding)
        spans = []
        for chunk_start, chunk in find_chunk_spans(normal):
            for word in words_of(chunk):
                start, end = chunk_start + word.start, chunk_start + word.end
                if offsets is not None:
                    start, end = offsets[start], _end_offset(offsets, end)
                spans.append(Span(start, end, self._stem(word.text)))
        return spans

    def _terms_of(self, chunk: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known = self._cache.get(chunk)
        if known is not None:
            return known
        if len(self._cache) >= _CHUNKS_CACHED_MAX:
            self._cache.clear()
        terms = self._cache[chunk] = self._expand(chunk)
        return terms

    def _expand(self, chunk: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The terms of a chunk that the index holds, and those of them that a query asks for."""
        stems: dict[str, bool] = {}
        for word in words_of(chunk):
            stem = self._stem(word.text)
            stems[stem] = stems.get(stem, False) or word.asked
        return tuple(stems), tuple(stem for stem, asked in stems.items() if asked)

    def _stem(self, word: str) -> str:
        if self._stemmer is None or not word.replace("'", "").isalpha():
            return word
        stem: str = self._stemmer.stemWord(word)
        return stem


@cache
def _analyzer(language: str) -> Analyzer:
    return Analyzer(language)


def analyzer_of(language_code: str) -> Analyzer:
    """The analyzer of a BCP 47 code: the region does not matter, an unknown language is not stemmed."""
    language = language_code.partition("-")[0].lower()
    language = _SAME_LANGUAGE.get(language, language)
    # Codes come from outside: languages without rules of their own share one analyzer.
    return _analyzer(language if language in _SNOWBALL else "")


def _end_offset(offsets: list[int], end: int) -> int:
    """Where the character before `end` ends in the original text: the next one's start."""
    last = offsets[end - 1]
    while end < len(offsets) - 1 and offsets[end] == last:  # one letter became several
        end += 1
    return offsets[end]
