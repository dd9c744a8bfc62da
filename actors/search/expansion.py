"""What else a word of a query is found as: other readings, compounds, joined and split words, plain letters.

All of it is looked up in the catalogue's own words when a query comes, so it is as current as they are, and
needs no entry of its own in the index. For *jacka* there are the catalogue's compounds that are a kind of it
(*vinterjacka*); for *vinter* those that it modifies; for *vinterjacka* the products that hold *vinter* and
*jacka* apart; for *head set* those with *headset*; for *regnklader* those with *regnkläder*.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from actors.index.segments import BranchView
from actors.search.alternatives import JOINT, Alternative, MatchClass, QueryWord
from actors.search.catalogue_words import CatalogueWords, catalogue_words
from actors.search.synonyms import Run, synonym_alternatives
from actors.search.word_postings import live_count, resolve_terms
from actors.text.analyzer import Analyzer
from actors.text.compounds import Compounds
from actors.text.normal import without_accents
from actors.text.swedish import swedish_steps

COMPOUNDS_MAX: Final = 128
"""Compounds taken for one word in one class, those of the most products first."""

_LENGTH_MIN: Final = 2
_LENGTH_MAX: Final = 40
_PART_LENGTH_MIN: Final = 3
_KNOWN_MAX: Final = 4_096

FOLDED_SHARE: Final = 16
"""A word that the catalogue has is also read with dots and rings where it then has this many times the
products: *har* in one text does not hide the shelf of *hår*, nor *lok* (engine) find *lök* (onion)."""


class _Known(dict[tuple[Analyzer, str], tuple[Alternative, ...]]):
    """What was found for words: shoppers' words repeat."""


def expand_words(
    view: BranchView,
    words: Sequence[QueryWord],
    analyzer: Analyzer,
    synonyms: Mapping[Run, Sequence[Run]],
) -> tuple[QueryWord, ...]:
    """The words, each with the terms of the catalogue that stand for it beside its own."""
    joined = _joined_neighbours(view, words, analyzer)
    meant = synonym_alternatives(view, words, synonyms, analyzer)
    return tuple(
        word.extended(_best_first(_alternatives(view, word, analyzer), of_joined, of_meant))
        for word, of_joined, of_meant in zip(words, joined, meant, strict=True)
    )


def _best_first(
    own: Sequence[Alternative], joined: Sequence[Alternative], meant: Sequence[Alternative]
) -> Sequence[Alternative]:
    """All of them, so ordered that a term found in two ways counts as the better one."""
    if not meant:
        return (*own, *joined)
    return sorted((*own, *joined, *meant), key=lambda one: one.match_class.value)


def _joined_neighbours(
    view: BranchView, words: Sequence[QueryWord], analyzer: Analyzer
) -> list[list[Alternative]]:
    """For each word the terms that it makes with a word beside it, which stand for both."""
    joined: list[list[Alternative]] = [[] for _ in words]
    if len(words) < 2:
        return joined
    held, _ = catalogue_words(view, analyzer.never_split)
    for index, (left, right) in enumerate(pairwise(words)):
        if not (left.text.isalpha() and right.text.isalpha()):
            continue
        for link in ("", "s") if analyzer.language == "sv" else ("",):
            term = analyzer.term_of(left.text + link + right.text)
            if held.holds(term):
                joined[index].append(Alternative(term, MatchClass.JOINED))
                joined[index + 1].append(Alternative(term, MatchClass.JOINED))
    return joined


def _alternatives(view: BranchView, word: QueryWord, analyzer: Analyzer) -> tuple[Alternative, ...]:
    if not (_LENGTH_MIN <= len(word.text) <= _LENGTH_MAX) or not word.text.isalpha():
        return ()
    known = view.kept.of(_Known)
    found = known.get((analyzer, word.text))
    if found is None:
        if len(known) >= _KNOWN_MAX:
            known.clear()
        found = tuple(_WordExpansion(view, word, analyzer).alternatives())
        known[analyzer, word.text] = found
    return found


class _WordExpansion:
    """Looks up what one word may be found as."""

    def __init__(self, view: BranchView, word: QueryWord, analyzer: Analyzer) -> None:
        self._view = view
        self._text = word.text
        self._term = word.term
        self._analyzer = analyzer
        self._words: CatalogueWords
        self._compounds: Compounds
        self._words, self._compounds = catalogue_words(view, analyzer.never_split)
        self._count = live_count(view, word.term)

    def alternatives(self) -> Iterator[Alternative]:
        """The best classes first."""
        yield from _of_class(MatchClass.LEMMA, self._other_readings())
        if self._analyzer.language == "sv":
            yield from self._of_compounds(self._term)
        elif not self._count:
            yield from _of_class(MatchClass.JOINED, self._halves())
        for folded in self._folded():
            yield Alternative(folded, MatchClass.FOLDED)
            if not self._count and self._analyzer.language == "sv":
                terms = (alternative.term for alternative in self._of_compounds(folded))
                yield from _of_class(MatchClass.FOLDED, terms)

    def _other_readings(self) -> Iterator[str]:
        """Lemmas that the form may have besides the likeliest."""
        for term in self._analyzer.terms_of(self._text)[1:]:
            if self._words.holds(term):
                yield term
        if self._analyzer.language == "sv" and self._text.endswith("s") and not self._count:
            # A genitive that rules leave alone, since as many short words end in s: bords, krans.
            base = self._analyzer.term_of(self._text[:-1])
            if self._words.holds(base):
                yield base

    def _of_compounds(self, term: str) -> Iterator[Alternative]:
        compounds = self._compounds
        split = compounds.split(term)
        if split is not None and live_count(self._view, split.modifier):
            match_class = MatchClass.JOINED if split.is_plain else MatchClass.COMPOUND_PART
            yield Alternative(split.modifier + JOINT + split.head, match_class)
        heads = self._most_frequent(compounds.with_head(term))
        yield from _of_class(MatchClass.COMPOUND_HEAD, heads)
        modified = self._most_frequent(compounds.with_modifier(term, count_max=COMPOUNDS_MAX))
        yield from _of_class(MatchClass.COMPOUND_PART, modified)
        yield from _of_class(MatchClass.PREFIX, self._most_frequent(compounds.going_on(term)))

    def _most_frequent(self, terms: Sequence[str]) -> Sequence[str]:
        if len(terms) <= COMPOUNDS_MAX:
            return terms
        resolve_terms(self._view, terms)
        ranked = sorted((-live_count(self._view, term), term) for term in terms)
        return [term for _, term in ranked[:COMPOUNDS_MAX]]

    def _halves(self) -> Iterator[str]:
        """The two words of the catalogue that the word is written together of, the longer head first."""
        text = self._text
        for start in range(_PART_LENGTH_MIN, len(text) - _PART_LENGTH_MIN + 1):
            left, right = map(self._analyzer.term_of, (text[:start], text[start:]))
            if self._words.holds(left) and self._words.holds(right):
                yield left + JOINT + right
                return

    def _folded(self) -> list[str]:
        """Words that read as this one without the letters of their alphabet, or that it so reads as."""
        plain = without_accents(self._text)
        steps = swedish_steps(plain) if self._analyzer.language == "sv" else [plain]
        keys = dict.fromkeys((*steps, self._analyzer.term_of(plain), without_accents(self._term)))
        found = {word for key in keys for word in self._words.reading_as(key)}
        if self._term != without_accents(self._term):
            found.update(key for key in keys if self._words.holds(key))
        enough = FOLDED_SHARE * self._count
        found.discard(self._term)
        return [term for term in sorted(found) if live_count(self._view, term) >= max(enough, 1)]


def _of_class(match_class: MatchClass, terms: Iterable[str]) -> Iterator[Alternative]:
    return (Alternative(term, match_class) for term in terms)
