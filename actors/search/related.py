"""Products that are like what was asked for, when there are neither results nor relaxed results.

The words are compared with the names of categories and brands, more loosely than a search may: a name that
stands at the end of a word (*snowboardjacka* and *jackor*) or at its beginning, the other way round, or one
that is written much like it. The products of the closest names come first, those of the next after them, and
at last whatever passes the filter; among equals what is in stock, popular and new, as on a listing page. So
there is something to show whenever any product passes the filter.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, repeat
from typing import Final

from actors.index.product_types import is_grammatical
from actors.index.segments import BranchView
from actors.search.alternatives import QueryWord
from actors.search.catalogue_names import CatalogueName, catalogue_names, having
from actors.search.order import listing_arrays
from actors.search.page import Placed, SegmentProducts, page_by_keys
from actors.search.passing import Passing, passing
from actors.search.spelling import TYPED_LENGTH_MAX, typing_errors
from actors.text.analyzer import Analyzer

RELATED_MAX: Final = 12
"""Related products of an answer: enough to go on from, too few to be taken for results."""

_NAMES_TAKEN_MAX: Final = 32
"""Equally close names, all of whose products are listed together."""
_GROUPS_MAX: Final = 4
_WORDS_MAX: Final = 8
"""Words of a text that are compared."""
_PART_LENGTH_MIN: Final = 4
"""Shorter ends are ends of too much: *bok* of nothing but books, *tak* of *kontakt*."""

_AT_END: Final = 0.5
_AT_START: Final = 0.4
"""What a name that is only a part of a word counts besides its share of it: what stands last says what it is."""
_LIKENESS_MIN: Final = 0.6
"""Of two words that differ in more than two letters of five nobody would say that they look alike."""


def related(
    view: BranchView,
    words: Sequence[QueryWord],
    found: Sequence[Passing],
    *,
    analyzer: Analyzer,
    count_max: int,
) -> list[Placed]:
    """The products most like a text among those that may be shown, at most `RELATED_MAX`.

    Args:
        view: where to look.
        words: of the text.
        found: for each segment what passes the filter, without regard to the text.
        analyzer: of the text.
        count_max: products wanted.
    """
    count_max = min(count_max, RELATED_MAX)
    placed: dict[bytes, Placed] = {}
    for group in _groups(view, words, found, analyzer):
        if len(placed) >= count_max:
            break
        for one in _listed(view, group, count_max + len(placed)):
            placed.setdefault(one.product_id, one)
    return list(placed.values())[:count_max]


def _groups(
    view: BranchView, words: Sequence[QueryWord], found: Sequence[Passing], analyzer: Analyzer
) -> Iterator[Sequence[Passing]]:
    """Products by how close they are, the closest first; all of them last."""
    closest = _closest_names(catalogue_names(view, analyzer).names, words, analyzer.language)
    count = 0
    for _, names in groupby(closest, lambda one: one[0]):
        plan = having([name for _, name in names][:_NAMES_TAKEN_MAX])
        group = [passing(one.rows, plan, one.storefront) for one in found]
        if any(one.rows.product_count for one in group):
            yield group
            count += 1
        if count == _GROUPS_MAX:
            break
    yield found


def _listed(view: BranchView, found: Sequence[Passing], count: int) -> list[Placed]:
    """The first products in the order of a listing page."""
    products = [
        SegmentProducts(segment, one.rows.ordinals, None, listing_arrays(one))
        for segment, one in zip(view.segments, found, strict=True)
    ]
    return page_by_keys(products, start=0, stop=count)


def _closest_names(
    names: Sequence[CatalogueName], words: Sequence[QueryWord], language: str
) -> list[tuple[float, CatalogueName]]:
    """The names that are near any of the words, with how near they are, the nearest first."""
    compared = sorted({word for name in names for word in name.words})
    asked = [word for word in words if not is_grammatical(word.text, language)][:_WORDS_MAX]
    closeness = [_closeness(word, compared) for word in asked]
    near = []
    for name in names:
        nearness = sum(
            max(map(of_word.get, name.words, repeat(0.0)), default=0.0) for of_word in closeness
        )
        if nearness > 0:
            near.append((nearness, name))
    near.sort(key=lambda one: (-one[0], one[1].column, one[1].form))
    return near


def _closeness(word: QueryWord, compared: Sequence[str]) -> dict[str, float]:
    """How near the names are that are near a word at all, above 0 and at most 1."""
    near: dict[str, float] = {}
    for asked in {word.text, word.term}:
        if not asked.isalpha() or len(asked) > TYPED_LENGTH_MAX or not compared:
            continue
        errors = typing_errors(asked, compared).tolist()
        for name, edits in zip(compared, errors, strict=True):
            likeness = 1 - edits / max(len(asked), len(name))
            nearest = max(likeness if likeness >= _LIKENESS_MIN else 0.0, _shared(asked, name))
            if nearest > near.get(name, 0.0):
                near[name] = nearest
    return near


def _shared(asked: str, name: str) -> float:
    """How near two words are of which one is the end or the beginning of the other; 0: none is."""
    short, long = sorted((asked, name), key=len)
    if len(short) < _PART_LENGTH_MIN:
        return 0.0
    share = len(short) / len(long) / 2
    if long.endswith(short):
        return _AT_END + share
    return _AT_START + share if long.startswith(short) else 0.0
