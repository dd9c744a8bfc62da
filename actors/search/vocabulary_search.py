"""Words of the catalogue that an unfinished or mistyped word may mean.

Both searches read the sorted vocabularies of the segments and keep the words that live products hold, in
an order that does not depend on how the products are cut into segments.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.segments import BranchView, Segment
from actors.index.vocabulary import (
    FIRST_SHIFT,
    LENGTH_MASK,
    LENGTH_SHIFT,
    LETTER_BITS,
    signatures_of,
)
from actors.search.alternatives import Alternative, MatchClass
from actors.search.spelling import (
    EDITS_MAX,
    TWO_EDITS_LENGTH_MIN,
    edits_allowed,
    is_spelled,
    typing_errors,
)
from actors.search.word_postings import live_count, resolve_terms
from actors.text.analyzer import Analyzer
from actors.text.forms import FORM_MARK, form_term

PREFIX_WORDS_MAX: Final = 32
"""Words taken for one beginning: what a shopper goes on to type is most likely among them."""

TYPO_WORDS_MAX: Final = 16
"""Words taken for one mistyped word."""

_PREFIX_LENGTH_MIN: Final = 2
_KNOWN_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of the catalogue that may be meant."""

    word: str
    """As products write it; an index term where no product's short field has it."""

    alternative: Alternative


Candidates = tuple[Candidate, ...]


class _Known(dict[tuple[MatchClass, Analyzer, str, int], Candidates]):
    """What was found for words: shoppers' words repeat."""


def words_that_begin(
    view: BranchView, beginning: str, analyzer: Analyzer, *, count_min: int = 1
) -> Candidates:
    """The most frequent words that begin so, at most `PREFIX_WORDS_MAX`; none for numbers.

    `count_min`: how many live products at least have each as it is written or as a term.
    """
    if len(beginning) < _PREFIX_LENGTH_MIN or beginning.isdigit():
        return ()
    key = (MatchClass.PREFIX, analyzer, beginning, count_min)
    known = _known(view)
    found = known.get(key)
    if found is None:
        found = known[key] = tuple(
            Candidate(
                term.removeprefix(FORM_MARK),
                Alternative(_found_as(view, analyzer, term), MatchClass.PREFIX),
            )
            for term in _frequent_terms(view, beginning, max(count_min, 1))
        )
    return found


def words_meant(view: BranchView, typed: str, analyzer: Analyzer) -> Candidates:
    """The words that a typed one may mean by a typing error, at most `TYPO_WORDS_MAX`.

    Those of fewer errors come first, of these the most frequent. None for numbers and codes.
    """
    if not is_spelled(typed):
        return ()
    key = (MatchClass.TYPO, analyzer, typed, 0)
    known = _known(view)
    found = known.get(key)
    if found is None:
        found = known[key] = _ranked(view, _near_terms(view, typed), analyzer)
    return found


def _known(view: BranchView) -> _Known:
    known = view.kept.of(_Known)
    if len(known) >= _KNOWN_MAX:
        known.clear()
    return known


def _found_as(view: BranchView, analyzer: Analyzer, term: str) -> str:
    """The term by which a word is looked for: of a written form what finds its other forms, too.

    A form of a product in another language than the query's may be known as nothing but itself.
    """
    if not term.startswith(FORM_MARK):
        return term
    stem = analyzer.term_of(term.removeprefix(FORM_MARK))
    return stem if live_count(view, stem) else term


def _frequent_terms(view: BranchView, beginning: str, count_min: int) -> list[str]:
    """The terms that begin so and that the most live products hold, at least so many; equally frequent ones by hash.

    What segments have counted includes dead products, so it is no less than the number wanted: terms
    are counted exactly from the highest down, until no other can be among the best.
    """
    ranges = _Ranges(view, beginning)
    if ranges.counts.max(initial=0) < count_min:
        return []
    count_max = PREFIX_WORDS_MAX
    while True:  # ends: every round looks at more terms, and at last at all
        order = ranges.most_frequent(4 * count_max)
        ranked: list[tuple[int, int, str]] = []
        resolve_terms(view, map(ranges.term, order[:PREFIX_WORDS_MAX]))
        for index in order:
            rank = (-int(ranges.counts[index]), int(ranges.hashes[index]))
            is_full = len(ranked) == PREFIX_WORDS_MAX and rank > ranked[-1][:2]
            if is_full or -rank[0] < count_min:
                return [term for _, _, term in ranked]
            term = ranges.term(index)
            count = live_count(view, term)
            if count >= count_min:
                ranked.append((-count, rank[1], term))
                ranked = sorted(ranked)[:PREFIX_WORDS_MAX]
        if len(order) == len(ranges.counts):
            return [term for _, _, term in ranked]
        count_max *= 4


class _Ranges:
    """The terms of all segments that begin alike: each once, with its hash and count."""

    def __init__(self, view: BranchView, beginning: str) -> None:
        hashes = [np.empty(0, np.uint64)]
        counts = [np.empty(0, np.uint32)]
        self._spans: list[tuple[Segment, range]] = []
        for segment in view.segments:
            vocabulary = segment.vocabulary
            for prefix in (form_term(beginning), beginning):
                places = vocabulary.places_of(prefix.encode())
                if places:
                    hashes.append(vocabulary.hashes(places))
                    counts.append(vocabulary.counts(places))
                    self._spans.append((segment, places))
        self.hashes: NDArray[np.uint64] = np.concatenate(hashes)
        self.counts: NDArray[np.int64] = np.concatenate(counts).astype(np.int64)
        self._first: NDArray[np.int64] | None = None
        if len(view.segments) > 1:
            self.hashes, self._first, inverse = np.unique(
                self.hashes, return_index=True, return_inverse=True
            )
            weights = np.bincount(inverse, weights=self.counts, minlength=len(self.hashes))
            self.counts = weights.astype(np.int64)

    def most_frequent(self, count: int) -> list[int]:
        """The indexes of the `count` most frequent terms, in order; equally frequent ones by hash."""
        if len(self.counts) <= count:
            kept = np.arange(len(self.counts))
        else:
            bar = np.partition(self.counts, len(self.counts) - count)[len(self.counts) - count]
            kept = np.flatnonzero(self.counts > bar)
            equal = np.flatnonzero(self.counts == bar)
            wanted = count - len(kept)
            if wanted < len(equal):
                equal = equal[np.argpartition(self.hashes[equal], wanted)[:wanted]]
            kept = np.concatenate([kept, equal])
        order: list[int] = kept[np.lexsort((self.hashes[kept], -self.counts[kept]))].tolist()
        return order

    def term(self, index: int) -> str:
        """The text of a term."""
        place = index if self._first is None else int(self._first[index])
        for segment, places in self._spans:
            if place < len(places):
                return segment.vocabulary.term(places[place]).decode()
            place -= len(places)
        raise IndexError(index)


def _near_terms(view: BranchView, typed: str) -> list[tuple[int, str]]:
    """The live terms within reach with their errors, in no particular order."""
    own = signatures_of([typed])[0]
    terms: set[str] = set()
    for segment in view.segments:
        vocabulary = segment.vocabulary
        for piece in vocabulary.words():
            places = _near_places(*piece, own, len(typed))
            terms.update(vocabulary.term(place).decode() for place in places)
    if not terms:
        return []
    listed = list(terms)
    words = [term.removeprefix(FORM_MARK) for term in listed]
    errors = typing_errors(typed, words).tolist()
    near = [
        (edits, term)
        for edits, word, term in zip(errors, words, listed, strict=True)
        if 0 < edits <= edits_allowed(len(word))
    ]
    resolve_terms(view, (term for _, term in near))
    return [(edits, term) for edits, term in near if live_count(view, term)]


def _ranked(view: BranchView, near: list[tuple[int, str]], analyzer: Analyzer) -> Candidates:
    """Fewest errors first, then the most frequent, a written form before the stem; each term once."""
    ranked = sorted(
        (edits, -live_count(view, found), not term.startswith(FORM_MARK), term, found)
        for edits, term, found in [
            (edits, term, _found_as(view, analyzer, term)) for edits, term in near
        ]
    )
    once: dict[str, Candidate] = {}
    for edits, _, _, term, found in ranked:
        alternative = Alternative(found, MatchClass.TYPO, edits)
        once.setdefault(found, Candidate(term.removeprefix(FORM_MARK), alternative))
    return tuple(once.values())[:TYPO_WORDS_MAX]


def _near_places(
    places: NDArray[np.uint32], signatures: NDArray[np.uint64], own: np.uint64, length: int
) -> list[int]:
    """Where the words stand whose signatures are near enough to be worth comparing."""
    edits_max = EDITS_MAX if length + EDITS_MAX >= TWO_EDITS_LENGTH_MIN else 1
    apart = np.bitwise_count((signatures ^ own) & LETTER_BITS)
    near = np.flatnonzero(apart <= 2 * edits_max)
    signatures, apart = signatures[near], apart[near]
    lengths = ((signatures >> LENGTH_SHIFT) & LENGTH_MASK).astype(np.int64)
    # What is left for the other letters when the first one differs, which counts one more.
    reach = np.where(lengths >= TWO_EDITS_LENGTH_MIN, EDITS_MAX, 1)
    reach -= (signatures ^ own) >> FIRST_SHIFT != 0
    kept = (np.abs(lengths - length) <= reach) & (apart <= 2 * reach) & (reach > 0)
    found: list[int] = places[near[kept]].tolist()
    return found
