"""The analysis chain of a language: normalise, cut into chunks and words, stem.

Stop words are kept: dropping them at index time could never be undone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from actors.text.chunks import Word, find_chunk_spans, find_chunks, words_of
from actors.text.forms import form_term
from actors.text.identifiers import normalize_identifier
from actors.text.lists import NO_LISTS, TextLists
from actors.text.normal import LetterFolding, normalize, normalize_with_offsets
from actors.text.stems import LANGUAGES, stems_of

_SAME_LANGUAGE: Final = {"nb": "no", "nn": "no"}
_ANALYZERS_MAX: Final = 64
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

    texts: tuple[str, ...]
    """The word that each term was read from, normalised but not stemmed."""

    identifier: str
    """The whole query as a normalised identifier; empty when it cannot be one."""


class Analyzer:
    """Text to terms in one language. Use `analyzer_of`, which keeps one for each language and its lists."""

    def __init__(self, language: str, lists: TextLists) -> None:
        """A language without a stemmer of its own gets none; `lists` are a tenant's for it."""
        self.language = language
        self._folding = LetterFolding(language)
        self._stems_of = stems_of(language)
        self._lemmas = self._listed_lemmas(lists)
        self._stop_words = frozenset(map(self._normal, lists.stop_words))
        self.never_split = frozenset(
            self._stems(self._normal(word))[0] for word in lists.never_split if word
        )
        """The index terms of words that the tenant has said to be no compounds."""

    def chunks(self, text: str) -> list[str]:
        """The chunks of a text, normalised: the unit that callers may cache `read_chunk` by."""
        return find_chunks(normalize(text, self._folding))

    def read_chunk(self, chunk: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All terms by which a chunk can be found, each once, and its `forms_of`; not cached: callers do."""
        words = words_of(chunk)
        if len(words) == 1:
            (word,) = words
            terms = self._stems(word.text)
        else:
            # A word's likeliest reading stands before its others, and each term where it first came.
            terms = tuple(dict.fromkeys(stem for word in words for stem in self._stems(word.text)))
        forms = [word.text for word in words if word.text not in terms and word.text.isalpha()]
        return terms, tuple(map(form_term, forms))

    def forms_of(self, chunk: str) -> tuple[str, ...]:
        """The index terms of a chunk's words as they are written, where they are not terms anyway."""
        return self.read_chunk(chunk)[1]

    def term_of(self, word: str) -> str:
        """What the index holds of a single word, for example `jackorna`, in this language."""
        return self._stems(word)[0]

    def terms_of(self, word: str) -> tuple[str, ...]:
        """All that the index holds of a single word, `term_of` first: forms have more than one reading."""
        return self._stems(word)

    def index_terms(self, text: str) -> list[str]:
        """All terms of a text, in order."""
        terms: list[str] = []
        for chunk in self.chunks(text):
            terms += self.read_chunk(chunk)[0]
        return terms

    def analyze_query(self, text: str) -> QueryTerms:
        """What the words of a query have to match: all but stop words, unless there are no others."""
        texts: dict[str, str] = {}
        for word in self._asked_words(text):
            texts.setdefault(self._stems(word)[0], word)
        identifier = normalize_identifier(text) if len(text) <= _IDENTIFIER_LENGTH_MAX else ""
        return QueryTerms(tuple(texts), tuple(texts.values()), identifier)

    def analyze_spans(self, text: str) -> list[Span]:
        """Every index term with the part of `text` that it stands for, for highlighting."""
        return [
            Span(start, end, stem)
            for word, start, end in self._words_in(text)
            for stem in self._stems(word.text)
        ]

    def asked_terms(self, text: str) -> list[str]:
        """The likeliest term of each word that a query asks for, as often as the word stands in it."""
        return [
            self._stems(word.text)[0]
            for chunk in self.chunks(text)
            for word in words_of(chunk)
            if word.asked
        ]

    def asked_spans(self, text: str) -> list[Span]:
        """The same, each with the part of `text` that it stands for."""
        return [
            Span(start, end, self._stems(word.text)[0])
            for word, start, end in self._words_in(text)
            if word.asked
        ]

    def _words_in(self, text: str) -> Iterator[tuple[Word, int, int]]:
        """Every word of the text's chunks, with the half-open range of the text."""
        normal = normalize(text, self._folding)
        offsets = None
        if len(normal) != len(text) or not text.isascii():
            normal, offsets = normalize_with_offsets(text, self._folding)
        for chunk_start, chunk in find_chunk_spans(normal):
            for word in words_of(chunk):
                start, end = chunk_start + word.start, chunk_start + word.end
                if offsets is not None:
                    start, end = offsets[start], _end_offset(offsets, end)
                yield word, start, end

    def _asked_words(self, text: str) -> list[str]:
        asked = [word.text for chunk in self.chunks(text) for word in words_of(chunk) if word.asked]
        return [word for word in asked if word not in self._stop_words] or asked

    def _listed_lemmas(self, lists: TextLists) -> dict[str, tuple[str, ...]]:
        """The terms of the forms that a tenant has listed.

        What a form is a form of is read by the language's rules, so that it meets its other forms, unless it
        is listed too; a word listed as its own base is left alone.
        """
        bases = {self._normal(form): self._normal(base) for form, base in lists.lemmas.items()}
        lemmas: dict[str, tuple[str, ...]] = {}
        for form, base in bases.items():
            last = bases.get(base, base)
            lemmas[form] = (last,) if bases.get(last) == last else self._stems_of(last)
        return lemmas

    def _normal(self, word: str) -> str:
        return normalize(word.strip(), self._folding)

    def _stems(self, word: str) -> tuple[str, ...]:
        if self._lemmas and (listed := self._lemmas.get(word)) is not None:
            return listed
        if word.isalpha() or word.replace("'", "").isalpha():
            return self._stems_of(word)
        return (word,)


@lru_cache(_ANALYZERS_MAX)
def _analyzer(language: str, lists: TextLists) -> Analyzer:
    return Analyzer(language, lists)


def language_of(language_code: str) -> str:
    """The language of a BCP 47 code, by which a tenant's lists are kept: the region does not matter."""
    language = language_code.partition("-")[0].lower()
    return _SAME_LANGUAGE.get(language, language)


def analyzer_of(language_code: str, lists: TextLists = NO_LISTS) -> Analyzer:
    """The analyzer of a BCP 47 code and a tenant's lists for it; an unknown language is not stemmed."""
    language = language_of(language_code)
    # Codes come from outside: languages without rules of their own share one analyzer.
    return _analyzer(language if language in LANGUAGES else "", lists)


def _end_offset(offsets: list[int], end: int) -> int:
    """Where the character before `end` ends in the original text: the next one's start."""
    last = offsets[end - 1]
    while end < len(offsets) - 1 and offsets[end] == last:  # one letter became several
        end += 1
    return offsets[end]
