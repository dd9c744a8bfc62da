"""Products that hold only some of a text's words: a list of its own, for when few products hold all of them.

Words are dropped one after the other, the least important first, until enough products hold the rest or one
word is left. Words by which the catalogue calls products, its categories and brands, are kept before all
others: who looks for a green jacket will rather see jackets than green things. Beyond that a word is as
important as what it adds, on average, to the scores of the products that hold it: its idf times its mean impact,
how much it tells products apart and how much it says of them. Quantities count half, since a size or a number is
what people give way on first, and words that only join others say nothing at all. A word that no product to be
found holds goes before all others, since with it there would be no list.

The order is: products that miss only less important words come first, then the better score, then the id.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.index.product_types import is_grammatical
from actors.index.segments import BranchView, Segment
from actors.search.alternatives import MatchClass, QueryWord
from actors.search.catalogue_names import catalogue_names
from actors.search.order import first_of, sorted_locally
from actors.search.page import Placed
from actors.search.query import RELAXED_BELOW
from actors.search.word_postings import (
    Codes,
    Ordinals,
    ResolvedWord,
    WordPostings,
    look_up,
    resolve_words,
)
from actors.text.analyzer import Analyzer
from actors.text.chunks import is_quantity

Mask = NDArray[np.bool_]
Missed = NDArray[np.uint64]
Scores = NDArray[np.float32]

_SAME_THING: Final = frozenset(MatchClass) - {MatchClass.COMPOUND_PART, MatchClass.PREFIX}
"""Classes of alternatives that say what the word says, or a kind of it."""
_HEAD_LENGTH_MIN: Final = 4
"""Of a compound, what the catalogue calls products by: *vinterjacka* is named by the category *Jackor*."""
_QUANTITY_SHARE: Final = 0.5
_GRAMMAR_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The list of a text's partial matches."""

    placed: tuple[Placed, ...]
    missing: tuple[tuple[str, ...], ...]
    """Beside `placed`: the words that each product does not hold, in the order of the text."""
    total: int
    """Products that hold the words that were kept, without those of the main list."""


NOTHING: Final = Relaxed((), (), 0)


def relax(
    view: BranchView,
    words: Sequence[QueryWord],
    *,
    analyzer: Analyzer,
    main: Sequence[Ordinals],
    allowed: Sequence[Mask | None],
    count_max: int,
) -> Relaxed:
    """The products that hold the most important words of a text.

    Args:
        view: where to look.
        words: of the text, with all that each may be found as.
        analyzer: of the text.
        main: for each segment int32, ascending: what the main list was made of.
        allowed: for each segment bool[P], the products that may be shown; None: all.
        count_max: products wanted; the total is counted in full.
    """
    once: dict[str, QueryWord] = {}
    for word in words:
        once.setdefault(word.term, word)
    if len(once) < 2 or count_max < 1:
        return NOTHING
    listed = list(once.values())
    resolved = resolve_words(view, listed)
    eligible = [
        _eligible(segment, out, mask)
        for segment, out, mask in zip(view.segments, main, allowed, strict=True)
    ]
    order = _by_importance(view, listed, resolved, eligible, analyzer)
    chains = [
        _chain(index, [resolved[place] for place in order], mask)
        for index, mask in enumerate(eligible)
    ]
    kept_count, total = _enough(chains, min(RELAXED_BELOW, count_max))
    if not total:
        return NOTHING
    reached = [chain[kept_count - 1] for chain in chains]
    return _ordered(view, _Kept.of(listed, resolved, order, kept_count), reached, total, count_max)


def holders(view: BranchView, words: Sequence[QueryWord]) -> Iterator[Ordinals]:
    """For each segment int32, ascending: the live products that hold any of some words."""
    resolved = resolve_words(view, words)
    for index, segment in enumerate(view.segments):
        held = np.zeros(segment.product_count, np.bool_)
        for word in resolved:
            postings = word.postings[index]
            if postings is not None:
                held[postings.ordinals] = True
        if segment.alive is not None:
            held &= segment.alive
        yield held.nonzero()[0].astype(np.int32)


def _importances(
    view: BranchView,
    words: Sequence[QueryWord],
    resolved: Sequence[ResolvedWord],
    analyzer: Analyzer,
) -> list[tuple[bool, float]]:
    """For each word whether it calls a product, and what it adds on average to those that hold it."""
    names = catalogue_names(view, analyzer)
    found = []
    for word, of_word in zip(words, resolved, strict=True):
        importance = float(of_word.weight) * _mean_code(view, of_word)
        terms = [one.term for one in word.alternatives if one.match_class in _SAME_THING]
        terms += [word.term[start:] for start in range(1, len(word.term) - _HEAD_LENGTH_MIN + 1)]
        is_name = names.call_a_product(view, terms)
        if is_grammatical(word.text, analyzer.language):
            is_name, importance = False, importance * _GRAMMAR_SHARE
        elif is_quantity(word.text):
            is_name, importance = False, importance * _QUANTITY_SHARE
        found.append((is_name, importance))
    return found


def _mean_code(view: BranchView, word: ResolvedWord) -> float:
    """The mean code over live products: sums of whole numbers, whatever the segments."""
    added = count = 0
    for segment, postings in zip(view.segments, word.postings, strict=True):
        if postings is None:
            continue
        codes = postings.codes
        if segment.alive is not None:
            codes = codes[segment.alive.take(postings.ordinals)]
        added += int(codes.sum(dtype=np.int64))
        count += len(codes)
    return added / count if count else 0.0


def _by_importance(
    view: BranchView,
    words: Sequence[QueryWord],
    resolved: Sequence[ResolvedWord],
    eligible: Sequence[Mask],
    analyzer: Analyzer,
) -> list[int]:
    """The places of the words, the most important first; of equal ones the earlier, since later words qualify."""
    found = _importances(view, words, resolved, analyzer)
    is_held = [
        any(
            postings is not None and bool(mask.take(postings.ordinals).any())
            for postings, mask in zip(word.postings, eligible, strict=True)
        )
        for word in resolved
    ]
    return sorted(
        range(len(words)),
        key=lambda place: (not is_held[place], not found[place][0], -found[place][1], place),
    )


def _eligible(segment: Segment, main: Ordinals, allowed: Mask | None) -> Mask:
    """bool[P]: live products outside the main list that may be shown."""
    mask = np.ones(segment.product_count, np.bool_) if allowed is None else allowed.copy()
    if segment.alive is not None:
        mask &= segment.alive
    mask[main] = False
    return mask


def _chain(index: int, words: Sequence[ResolvedWord], eligible: Mask) -> list[Ordinals]:
    """For the first word, the first two, and so on: the eligible products of a segment that hold them."""
    chain: list[Ordinals] = []
    for word in words:
        postings = word.postings[index]
        if postings is None:
            held = np.empty(0, np.int32)
        elif not chain:
            held = postings.ordinals
            held = held.take(np.flatnonzero(eligible.take(held)))
        else:
            held = chain[-1]
            held = held.take(np.flatnonzero(look_up(postings, held))) if len(held) else held
        chain.append(held)
    return chain


def _enough(chains: Sequence[Sequence[Ordinals]], enough: int) -> tuple[int, int]:
    """How many words can be kept, at least one and never all, and how many products hold these."""
    for count in range(len(chains[0]) - 1, 0, -1) if chains else ():
        total = sum(len(chain[count - 1]) for chain in chains)
        if total >= enough or count == 1:
            return count, total
    return 1, 0


_BITS: Final = 64
"""Dropped words that are told apart; 64 words as typed can be more as the index takes them."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text's words, and which of them were dropped."""

    words: Sequence[QueryWord]
    resolved: Sequence[ResolvedWord]
    bits: Sequence[int]
    """Beside the words, the number of a dropped word's bit: the more important the higher. -1: it was kept, or
    `_BITS` more important ones were dropped."""

    @classmethod
    def of(
        cls,
        words: Sequence[QueryWord],
        resolved: Sequence[ResolvedWord],
        order: Sequence[int],
        count: int,
    ) -> "_Kept":
        """The first `count` of the words' places in `order` are those of the words that were kept."""
        bits = [-1] * len(words)
        for bit, place in enumerate(reversed(order[count : count + _BITS])):
            bits[place] = bit
        return cls(words, resolved, bits)

    def missing(self, missed: int) -> tuple[str, ...]:
        """The words whose bits are set."""
        pairs = zip(self.words, self.bits, strict=True)
        return tuple(word.text for word, bit in pairs if bit >= 0 and missed >> bit & 1)


def _ordered(
    view: BranchView, kept: _Kept, reached: Sequence[Ordinals], total: int, count_max: int
) -> Relaxed:
    """The list, in its order."""
    found: list[tuple[int, Placed]] = []
    for index, ordinals in enumerate(reached):
        if not len(ordinals):
            continue
        scores, missed = _scored(index, kept, ordinals)
        keys: list[NDArray[Any]] = [missed, -scores]
        first = sorted_locally(keys, first_of(keys, len(ordinals), count_max))
        ids = view.segments[index].product_ids(ordinals[first])
        placed = zip(ordinals[first].tolist(), ids, scores[first].tolist(), strict=True)
        found += zip(missed[first].tolist(), (Placed(index, *one) for one in placed), strict=True)
    found.sort(key=lambda one: (one[0], -one[1].score, one[1].product_id))
    del found[count_max:]
    missing = {missed: kept.missing(missed) for missed, _ in found}
    return Relaxed(
        tuple(placed for _, placed in found), tuple(missing[missed] for missed, _ in found), total
    )


def _scored(index: int, kept: _Kept, ordinals: Ordinals) -> tuple[Scores, Missed]:
    """The products' scores, and the bits of the words that they miss: float32[n] and uint64[n]."""
    scores = np.zeros(len(ordinals), np.float32)
    missed = np.zeros(len(ordinals), np.uint64)
    for word, bit in zip(kept.resolved, kept.bits, strict=True):
        postings = word.postings[index]
        if postings is None:
            missed |= np.uint64(1 << bit) if bit >= 0 else np.uint64(0)
            continue
        codes = _codes_of(postings, ordinals)
        scores += codes.astype(np.float32) * word.weight
        if bit >= 0:
            missed |= (codes == 0).astype(np.uint64) << np.uint64(bit)
    return scores, missed


def _codes_of(postings: WordPostings, ordinals: Ordinals) -> Codes:
    """uint8: the code of each of the ascending `ordinals`, looked for from the side that is shorter."""
    if postings.dense is not None or postings.count >= len(ordinals):
        return look_up(postings, ordinals)
    held = postings.ordinals
    places = ordinals.searchsorted(held)
    both = np.flatnonzero(ordinals.take(places, mode="clip") == held)
    codes = np.zeros(len(ordinals), np.uint8)
    codes[places.take(both)] = postings.codes.take(both)
    return codes
