"""Which products match a query's words, and how well: the kernels over postings.

A product's score is the sum over the query's words, in the order of the query and in float32, of
`weight * code`: idf (from live products of all segments) times the impact stored in the posting, the best
one where a word has alternatives (`word_postings`; what is said of terms below holds for them too). Adding
in one fixed order makes scores, and so answers, independent of how products are cut into segments.

`top_any` is MaxScore (Turtle and Flood 1995, "Query evaluation: strategies and optimizations") made of
whole-array operations. Terms are taken in descending order of the most they can add. Of a term's products,
those can still reach the page whose own code, plus the most that all later terms can add, is not below the
score of the k-th hit so far: one comparison of bytes. The few that remain look their other codes up, and
leave as soon as they fall below. When the rest cannot reach the page together, all is done. A long list
begins with a sixteenth of its products, which raises the bar for the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.index.segments import BranchView, Segment
from actors.index.terms import IMPACT_LEVELS
from actors.search.alternatives import QueryWord
from actors.search.word_postings import (
    Codes,
    Ordinals,
    ResolvedWord,
    WordPostings,
    look_up,
    resolve_words,
)
from actors.text.identifiers import identifier_hash

Scores = NDArray[np.float32]
Eligible = NDArray[np.bool_] | None

IDENTIFIER_SCORE: Final = np.float32(1_000.0)
"""Added to products whose identifier is the query: more than any sum of idfs (64 terms of at most 15)."""


_SLACK: Final = 1e-5
"""Bounds are compared with this much relative room, since float32 sums depend on their order."""

_FIRST_SHARE: Final = 16
_ROUND_COUNT_MIN: Final = 4_096
_SMALL_SEGMENT_MAX: Final = 2_048


@dataclass(frozen=True, slots=True)
class SegmentMatches:
    """The live products of one segment that match all terms."""

    segment: Segment
    ordinals: Ordinals
    """int32, ascending."""

    scores: Scores
    """float32, beside `ordinals`."""


class MatchHit(NamedTuple):
    """One product of a top list."""

    segment_index: int
    """In the view's segments."""

    ordinal: int
    product_id: bytes
    score: float


def match_all(
    view: BranchView, words: Sequence[QueryWord | str], *, identifier: str = ""
) -> list[SegmentMatches]:
    """The live products that match every word, one entry for each segment of the view, in its order.

    A product matches a word that it holds any alternative of; a string is a word of one exact term.
    Products whose identifier is `identifier` (normalised: `QueryTerms.identifier`) match too, first.
    Without words nothing matches. Repeated words count once.
    """
    resolved = resolve_words(view, words)
    hashed = identifier_hash(identifier) if identifier else 0
    matches = []
    for index, segment in enumerate(view.segments):
        ordinals, scores = _all_of_segment(segment, index, resolved)
        if identifier:
            ordinals, scores = _with_identifier(
                segment, index, resolved, (ordinals, scores), hashed
            )
        matches.append(SegmentMatches(segment, ordinals, scores))
    return matches


def top_any(view: BranchView, words: Sequence[QueryWord | str], k: int) -> list[MatchHit]:
    """The k best live products that match at least one word: score descending, then product id."""
    eligible: list[Eligible] = [segment.alive for segment in view.segments]
    return _top(view, resolve_words(view, words), k=k, eligible=eligible)


def top_matches(matches: Sequence[SegmentMatches], k: int) -> list[MatchHit]:
    """The k best of all matches: score descending, then product id."""
    hits: list[MatchHit] = []
    for index, match in enumerate(matches):
        ordinals, scores = select_top(match.ordinals, match.scores, k)
        hits += _to_hits(match.segment, index, ordinals, scores)
    hits.sort(key=_hit_order)
    return hits[:k]


def select_top(ordinals: Ordinals, scores: Scores, k: int) -> tuple[Ordinals, Scores]:
    """The k best of one segment, best first; equal scores by ordinal. `ordinals` ascend."""
    if len(ordinals) > _ROUND_COUNT_MIN and k * _FIRST_SHARE < len(ordinals):
        # The k-th best of a part is a bar for the whole that one comparison then applies.
        part = scores[: len(scores) // _FIRST_SHARE]
        bar = np.partition(part, len(part) - k)[len(part) - k]
        kept = np.flatnonzero(scores >= bar)
        ordinals, scores = ordinals[kept], scores[kept]
    if len(ordinals) > k:
        bar = np.partition(scores, len(scores) - k)[len(scores) - k]
        better = np.flatnonzero(scores > bar)
        equal = np.flatnonzero(scores == bar)[: k - len(better)]
        kept = np.concatenate([better, equal])
        ordinals, scores = ordinals[kept], scores[kept]
    order = np.lexsort((ordinals, -scores))
    return ordinals[order], scores[order]


def _all_of_segment(
    segment: Segment, index: int, terms: Sequence[ResolvedWord]
) -> tuple[Ordinals, Scores]:
    """The live products of a segment that match all terms: the rarest term's, as far as others have them."""
    lists = [term.postings[index] for term in terms]
    present = [found for found in lists if found is not None]
    if not present or len(present) < len(lists):
        return np.empty(0, np.int32), np.empty(0, np.float32)
    order = sorted(range(len(present)), key=lambda i: present[i].count)
    codes: list[Codes] = [present[order[0]].codes] * len(present)
    ordinals = present[order[0]].ordinals
    for i in order[1:]:
        found = look_up(present[i], ordinals)
        kept = found.nonzero()[0]
        if len(kept) < len(ordinals):
            ordinals = ordinals.take(kept)
            codes = [c.take(kept) for c in codes]
            found = found.take(kept)
        codes[i] = found
    if segment.alive is not None:
        kept = segment.alive.take(ordinals).nonzero()[0]
        ordinals, codes = ordinals.take(kept), [c.take(kept) for c in codes]
    return ordinals, _sum(terms, codes, len(ordinals))


def _sum(terms: Sequence[ResolvedWord], codes: Sequence[Codes], count: int) -> Scores:
    """The scores of products whose codes these are, term by term in the order of the query."""
    scores = np.zeros(count, np.float32)
    for term, of_term in zip(terms, codes, strict=True):
        scores += of_term.astype(np.float32) * term.weight
    return scores


def _with_identifier(
    segment: Segment,
    index: int,
    terms: Sequence[ResolvedWord],
    matches: tuple[Ordinals, Scores],
    hashed: int,
) -> tuple[Ordinals, Scores]:
    """The matches with the products of an identifier added and raised above all others."""
    named = segment.find_identifier(hashed)
    if not len(named):
        return matches
    named = np.unique(named)
    codes = [
        np.zeros(len(named), np.uint8) if found is None else look_up(found, named)
        for found in (term.postings[index] for term in terms)
    ]
    scores = _sum(terms, codes, len(named)) + IDENTIFIER_SCORE
    others = ~np.isin(matches[0], named)
    ordinals = np.concatenate([matches[0][others], named])
    order = np.argsort(ordinals)
    return ordinals[order], np.concatenate([matches[1][others], scores])[order]


def _top(
    view: BranchView,
    terms: Sequence[ResolvedWord],
    *,
    k: int,
    eligible: Sequence[Eligible],
) -> list[MatchHit]:
    """The k best eligible products over all segments, the largest segment first."""
    found: list[tuple[int, Ordinals, Scores]] = []
    best = np.empty(0, np.float32)
    floor = 0.0
    order = sorted(range(len(view.segments)), key=lambda i: -view.segments[i].product_count)
    for index in order if k > 0 else ():
        lists = [(t.weight, p) for t in terms if (p := t.postings[index]) is not None]
        if not lists:
            continue
        query = _TopQuery(tuple(lists), k, floor, eligible[index])
        product_count = view.segments[index].product_count
        if product_count <= _SMALL_SEGMENT_MAX:
            ordinals, scores = _score_all(query, product_count)
        else:
            ordinals, scores = _TopSearch(query).run()
        if len(ordinals):
            found.append((index, ordinals, scores))
            best = np.sort(np.concatenate([best, scores]))[-k:]
            floor = float(best[0]) if len(best) == k else 0.0
    hits: list[MatchHit] = []
    for index, ordinals, scores in found:
        kept = scores >= floor
        hits += _to_hits(view.segments[index], index, ordinals[kept], scores[kept])
    hits.sort(key=_hit_order)
    return hits[:k]


@dataclass(frozen=True, slots=True)
class _TopQuery:
    """What is wanted of one segment."""

    lists: tuple[tuple[np.float32, WordPostings], ...]
    """Weighted postings, in the order of the query."""

    k: int
    """How many hits."""

    floor: float
    """Hits below this score are of no interest."""

    eligible: Eligible


def _contribution(codes: Codes, weight: np.float32) -> Scores:
    """What a term adds to the scores of products that have these codes."""
    counted: Scores = codes.astype(np.float32)
    counted *= weight
    return counted


def _score_all(query: _TopQuery, product_count: int) -> tuple[Ordinals, Scores]:
    """The k best of a small segment, where scoring every product costs less than choosing which."""
    scores = np.zeros(product_count, np.float32)
    for weight, found in query.lists:
        scores[found.ordinals] += _contribution(found.codes, weight)
    if query.eligible is not None:
        scores *= query.eligible
    # Every match scores above 0: idf does, and codes are at least 1.
    kept = np.flatnonzero(scores >= query.floor if query.floor > 0 else scores > 0)
    return select_top(kept.astype(np.int32), scores.take(kept), query.k)


class _TopSearch:
    """The k best products of one segment for weighted lists of postings."""

    def __init__(self, query: _TopQuery) -> None:
        self._lists = query.lists
        self._k = query.k
        self._floor = query.floor
        self._eligible = query.eligible
        bounds = [float(weight) * found.code_max for weight, found in query.lists]
        self._order = sorted(range(len(bounds)), key=lambda i: -bounds[i])
        self._bounds = [bounds[i] for i in self._order]
        # What the terms after each one can add together.
        self._rest = [sum(self._bounds[place + 1 :]) for place in range(len(bounds))]
        self._ordinals = np.empty(0, np.int32)
        self._scores = np.empty(0, np.float32)

    def run(self) -> tuple[Ordinals, Scores]:
        """The hits, best first."""
        for place in range(len(self._order)):
            if self._bounds[place] + self._rest[place] < self._bar():
                break
            found = self._lists[self._order[place]][1]
            count = found.count  # of alternatives at most: slices end where their lists do
            first = 0
            if count > _ROUND_COUNT_MIN:
                first = count // _FIRST_SHARE
                self._consider(place, *self._candidates(place, slice(0, first)))
            self._consider(place, *self._candidates(place, slice(first, count)))
        return self._ordinals, self._scores

    def _bar(self) -> float:
        """The score that a product must not fall below."""
        return self._floor * (1 - _SLACK)

    def _candidates(self, place: int, part: slice) -> tuple[Ordinals, Codes]:
        """Of a part of a term's products, those whose code can lead to the page."""
        weight, found = self._lists[self._order[place]]
        ordinals, codes = found.ordinals[part], found.codes[part]
        need = math.ceil((self._bar() - self._rest[place]) / float(weight) - _SLACK)
        if need > 1:
            if need > IMPACT_LEVELS:
                return ordinals[:0], codes[:0]
            kept = (codes >= need).nonzero()[0]
            ordinals, codes = ordinals.take(kept), codes.take(kept)
        if self._eligible is not None:
            kept = self._eligible.take(ordinals).nonzero()[0]
            ordinals, codes = ordinals.take(kept), codes.take(kept)
        return ordinals, codes

    def _consider(self, place: int, ordinals: Ordinals, codes: Codes) -> None:
        """Look the candidates' other terms up, and keep those that belong among the best."""
        sums = _contribution(codes, self._lists[self._order[place]][0])
        for later in range(place + 1, len(self._order)):
            if not len(ordinals):
                return
            weight, found = self._lists[self._order[later]]
            sums = sums + _contribution(look_up(found, ordinals), weight)
            ordinals, sums = self._prune(ordinals, sums, self._bar() - self._rest[later])
        for earlier in range(place):
            # Products that an earlier term has were considered with it.
            if not len(ordinals):
                return
            codes = look_up(self._lists[self._order[earlier]][1], ordinals)
            kept = (codes == 0).nonzero()[0]
            ordinals, sums = ordinals.take(kept), sums.take(kept)
        if len(sums) > self._k:
            bar = float(np.partition(sums, len(sums) - self._k)[len(sums) - self._k])
            ordinals, sums = self._prune(ordinals, sums, bar * (1 - _SLACK))
        if len(ordinals):
            self._keep(ordinals)

    def _prune(self, ordinals: Ordinals, sums: Scores, bar: float) -> tuple[Ordinals, Scores]:
        if bar <= 0:
            return ordinals, sums
        kept = (sums >= np.float32(bar)).nonzero()[0]
        if len(kept) == len(ordinals):
            return ordinals, sums
        return ordinals.take(kept), sums.take(kept)

    def _keep(self, ordinals: Ordinals) -> None:
        """Score candidates exactly, and merge them with the best so far."""
        scores = np.zeros(len(ordinals), np.float32)
        for weight, found in self._lists:
            scores += _contribution(look_up(found, ordinals), weight)
        ordinals = np.concatenate([self._ordinals, ordinals])
        scores = np.concatenate([self._scores, scores])
        order = np.lexsort((ordinals, -scores))[: self._k]
        self._ordinals, self._scores = ordinals[order], scores[order]
        if len(order) == self._k:
            self._floor = max(self._floor, float(self._scores[-1]))


def _to_hits(segment: Segment, index: int, ordinals: Ordinals, scores: Scores) -> list[MatchHit]:
    listed = ordinals.tolist()
    ids = segment.product_ids(listed)
    return [MatchHit(index, *hit) for hit in zip(listed, ids, scores.tolist(), strict=True)]


def _hit_order(hit: MatchHit) -> tuple[float, bytes]:
    return (-hit.score, hit.product_id)
