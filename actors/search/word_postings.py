"""The postings of a query's words: of one term as they are stored, of several alternatives as one list."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.postings import TermPostings
from actors.index.segments import BranchView, Segment
from actors.index.term_table import term_hash
from actors.index.terms import IMPACT_LEVELS
from actors.search.alternatives import JOINT, QueryWord
from actors.search.joint_postings import JointPostings

Ordinals = NDArray[np.int32]
Codes = NDArray[np.uint8]
OnePostings = TermPostings | JointPostings

_PARTS_LOOKED_UP_MAX: Final = 4
"""More alternatives are united before candidates are looked up among them, fewer one by one."""

_DENSE_SHARE: Final = 64
"""From one in so many products on, a union is made in an array of all products, else by sorting."""


_UNITED_BYTES_MAX: Final = 1 << 24
"""What a view remembers of united alternatives."""


class UnionPostings:
    """The products of one segment that hold any alternative of a word; it reads like `TermPostings`.

    A product's code is the highest that any alternative gives it. Alternatives that count less have their
    codes scaled down by a table, so that a word has one weight and the kernels know nothing of it.
    """

    __slots__ = (
        "_codes",
        "_every",
        "_ordinals",
        "_parts",
        "_product_count",
        "code_max",
        "count",
    )

    dense: Final = None

    def __init__(
        self, parts: Sequence[tuple[OnePostings, Codes | None]], product_count: int
    ) -> None:
        """`parts`: the alternatives' postings, each with the table of its codes (None: as they are)."""
        self.count = sum(found.count for found, _ in parts)
        """At least as many products as hold an alternative."""
        self.code_max = max(
            found.code_max if table is None else int(table[found.code_max])
            for found, table in parts
        )
        """No product's code is higher."""
        self._parts = parts
        self._product_count = product_count
        self._ordinals: Ordinals | None = None
        self._codes: Codes | None = None
        self._every: Codes | None = None  # of all products, where that is how they were united

    @property
    def size_bytes_max(self) -> int:
        """What it holds at most, once it is united."""
        own = 5 * min(self.count, self._product_count)
        return own + self._product_count * self._is_frequent

    @property
    def _is_frequent(self) -> bool:
        return self.count * _DENSE_SHARE >= self._product_count

    @property
    def ordinals(self) -> Ordinals:
        """int32, ascending."""
        if self._ordinals is None:
            self._unite()
        assert self._ordinals is not None
        return self._ordinals

    @property
    def codes(self) -> Codes:
        """uint8, beside `ordinals`."""
        if self._codes is None:
            self._unite()
        assert self._codes is not None
        return self._codes

    def look_up(self, ordinals: Ordinals) -> Codes:
        """uint8: the code of each of the ascending `ordinals`, 0 where no alternative is."""
        if self._ordinals is None and len(self._parts) > _PARTS_LOOKED_UP_MAX:
            self._unite()
        if self._every is not None:
            return self._every.take(ordinals)
        if self._ordinals is not None:
            assert self._codes is not None
            return _look_up_sorted(self._ordinals, self._codes, ordinals)
        found, table = self._parts[0]
        best = _scaled(look_up(found, ordinals), table)
        for found, table in self._parts[1:]:
            best = np.maximum(best, _scaled(look_up(found, ordinals), table))
        return best

    def _unite(self) -> None:
        if not self._is_frequent:
            every = np.concatenate([found.ordinals for found, _ in self._parts])
            codes = np.concatenate([_scaled(found.codes, table) for found, table in self._parts])
            # Sorted by product and then by code: the last of each product is its best.
            keys = (every.astype(np.int64) << 8) | codes
            keys.sort()
            last = np.flatnonzero(np.diff(keys >> 8, append=-1))
            keys = keys[last]
            self._ordinals = (keys >> 8).astype(np.int32)
            self._codes = (keys & 0xFF).astype(np.uint8)
            return
        best = np.zeros(self._product_count, np.uint8)
        for found, table in self._parts:
            if found.dense is not None:
                np.maximum(best, _scaled(found.dense, table), out=best)
            else:
                held = found.ordinals
                best[held] = np.maximum(best.take(held), _scaled(found.codes, table))
        self._every = best
        self._ordinals = np.flatnonzero(best).astype(np.int32)
        self._codes = best.take(self._ordinals)


WordPostings = OnePostings | UnionPostings


@dataclass(frozen=True, slots=True)
class ResolvedWord:
    """A word of the query, with its postings in each segment of the view."""

    weight: np.float32  # idf / 255, by which codes are multiplied
    postings: tuple[WordPostings | None, ...]


class _Term:
    """A term's postings in each segment, and what its rarity says."""

    __slots__ = ("_word", "idf", "live_count", "postings")

    def __init__(
        self, postings: tuple[OnePostings | None, ...], live_count: int, idf: float
    ) -> None:
        self.postings = postings
        self.live_count = live_count
        self.idf = idf
        self._word: ResolvedWord | None = None

    @property
    def word(self) -> ResolvedWord:
        """As a word of its own."""
        if self._word is None:
            self._word = ResolvedWord(np.float32(self.idf / IMPACT_LEVELS), self.postings)
        return self._word


class _Known:
    """What a view has resolved: shoppers' words repeat."""

    __slots__ = ("terms", "words", "words_size_bytes")

    def __init__(self) -> None:
        self.terms: dict[str, _Term] = {}
        self.words: dict[QueryWord, ResolvedWord] = {}
        self.words_size_bytes = 0


_TERMS_MAX: Final = 4_096

_TOGETHER_MIN: Final = 8
"""Fewer terms are looked up one by one."""


def resolve_words(view: BranchView, words: Sequence[QueryWord | str]) -> list[ResolvedWord]:
    """The words with their postings and weights, in order; a string is one exact term.

    Of words that have the same index term of their own the first counts. A term's weight is its idf. A
    word of several live alternatives has the weight of the one that counts most, idf times factor; an
    alternative's idf is never above that of one of its own or a better class, so that a rare slip never
    counts for more than what it stands for.
    """
    known = _known(view)
    resolved: dict[str, ResolvedWord] = {}
    for word in words:
        own = word if isinstance(word, str) else word.alternatives[0].term
        if own in resolved:
            continue
        if isinstance(word, QueryWord) and len(word.alternatives) > 1:
            found = known.words.get(word)
            resolved[own] = found or _resolve_alternatives(view, known, word)
            continue
        term = known.terms.get(own)
        if term is None:
            term = _resolve_term(view, known, own)
        resolved[own] = term.word
    return list(resolved.values())


def live_count(view: BranchView, term: str) -> int:
    """How many live products hold a term."""
    known = _known(view)
    found = known.terms.get(term)
    if found is None:
        found = _resolve_term(view, known, term)
    return found.live_count


def resolve_terms(view: BranchView, terms: Iterable[str]) -> None:
    """Look up terms together that will be asked for one by one; those of several parts come when they are."""
    known = _known(view)
    unknown = [
        term for term in dict.fromkeys(terms) if term not in known.terms and JOINT not in term
    ]
    if len(unknown) < _TOGETHER_MIN:
        return
    if len(known.terms) + len(unknown) > _TERMS_MAX:
        known.terms.clear()
    hashes = np.fromiter(map(term_hash, unknown), np.uint64, len(unknown))
    by_segment = [segment.terms.find_all(hashes) for segment in view.segments]
    for term, hashed, *postings in zip(unknown, hashes.tolist(), *by_segment, strict=True):
        count = sum(
            segment.live_count_of(hashed, found)
            for segment, found in zip(view.segments, postings, strict=True)
            if found is not None
        )
        known.terms[term] = _Term(tuple(postings), count, idf(view.live_count, count))


def _known(view: BranchView) -> _Known:
    return view.own.of(_Known)


def idf(live_count: int, matching_count: int) -> float:
    """BM25's ln(1 + (N - n + 0.5) / (n + 0.5)) (Robertson and Zaragoza 2009; never negative)."""
    return math.log(1 + (live_count - matching_count + 0.5) / (matching_count + 0.5))


def look_up(postings: WordPostings, ordinals: Ordinals) -> Codes:
    """uint8: the code of each of the ascending `ordinals`, 0 where the word is not."""
    dense = postings.dense
    if dense is not None:
        return dense.take(ordinals)
    if isinstance(postings, UnionPostings):
        return postings.look_up(ordinals)
    return _look_up_sorted(postings.ordinals, postings.codes, ordinals)


def _look_up_sorted(held: Ordinals, codes: Codes, ordinals: Ordinals) -> Codes:
    places = held.searchsorted(ordinals)
    found = held.take(places, mode="clip") == ordinals
    looked_up: Codes = codes.take(places, mode="clip") * found
    return looked_up


def _scaled(codes: Codes, table: Codes | None) -> Codes:
    return codes if table is None else table.take(codes)


@lru_cache(1_024)
def _table(ratio: float) -> Codes:
    """uint8[256]: codes that count `ratio` of what they say, at least 1 where there is one."""
    codes = np.rint(np.arange(IMPACT_LEVELS + 1) * ratio)
    table: Codes = np.clip(codes, 1, IMPACT_LEVELS).astype(np.uint8)
    table[0] = 0
    return table


def _resolve_term(view: BranchView, known: _Known, term: str) -> _Term:
    found = [_find(segment, term) for segment in view.segments]
    postings = tuple(one for one, _ in found)
    count = sum(live for _, live in found)
    if len(known.terms) >= _TERMS_MAX:
        known.terms.clear()
    resolved = known.terms[term] = _Term(postings, count, idf(view.live_count, count))
    return resolved


def _find(segment: Segment, term: str) -> tuple[OnePostings | None, int]:
    """The postings of a term, or of several that a product has to hold all of, and how many are live."""
    hashes = list(map(term_hash, term.split(JOINT)))
    parts = [found for hashed in hashes if (found := segment.find_term(hashed)) is not None]
    if len(parts) < len(hashes):
        return None, 0
    if len(parts) == 1:
        return parts[0], segment.live_count_of(hashes[0], parts[0])
    joint = JointPostings(parts)
    if not joint.count or segment.alive is None:
        return (joint if joint.count else None), joint.count
    return joint, int(np.count_nonzero(segment.alive.take(joint.ordinals)))


def _resolve_alternatives(view: BranchView, known: _Known, word: QueryWord) -> ResolvedWord:
    resolve_terms(view, (one.term for one in word.alternatives))
    terms = [
        (one, known.terms.get(one.term) or _resolve_term(view, known, one.term))
        for one in sorted(word.alternatives, key=lambda one: one.match_class.value)
    ]
    live = [pair for pair in terms if pair[1].live_count]
    if not live:
        return terms[0][1].word
    lowest: dict[int, float] = {}
    bound = math.inf
    for alternative, term in live:
        bound = lowest[alternative.match_class.value] = min(bound, term.idf)
    weights = [lowest[one.match_class.value] * one.factor for one, _ in live]
    weight = max(weights)
    tables = [None if w == weight else _table(w / weight) for w in weights]
    postings: list[WordPostings | None] = []
    for index, segment in enumerate(view.segments):
        parts = [
            (found, table)
            for (_, term), table in zip(live, tables, strict=True)
            if (found := term.postings[index]) is not None
        ]
        if len(parts) == 1 and parts[0][1] is None:
            postings.append(parts[0][0])
        else:
            postings.append(UnionPostings(parts, segment.product_count) if parts else None)
    resolved = ResolvedWord(np.float32(weight / IMPACT_LEVELS), tuple(postings))
    known.words_size_bytes += sum(
        one.size_bytes_max for one in postings if isinstance(one, UnionPostings)
    )
    if known.words_size_bytes > _UNITED_BYTES_MAX:
        known.words.clear()
        known.words_size_bytes = 0
    else:
        known.words[word] = resolved
    return resolved
