"""What is remembered of suggestions: how many products a query finds, and the products it shows first.

Each letter typed asks mostly what the letter before did. Counts are kept as long as the live products are the same,
answers as long as the view.
"""

from collections.abc import Mapping, Sequence
from operator import is_
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from actors.index.schema import Schema
from actors.index.segments import BranchView, Segment
from actors.search.alternatives import QueryWord
from actors.search.learned import Learned, LearnedPopularity
from actors.search.merchandise import Merchandise
from actors.search.query import SearchPage, SearchQuery
from actors.search.reading import read_text
from actors.search.search import search
from actors.search.synonyms import Run
from actors.search.word_postings import UnionPostings, WordPostings, look_up, resolve_words
from actors.text.analyzer import Analyzer

_COUNTS_MAX: Final = 8_192
_ANALYZERS_MAX: Final = 8
_PAGES_MAX: Final = 1_024

_Synonyms = Mapping[Run, Sequence[Run]]


class _Counts:
    """How many products texts find, by analyzer; with the synonyms that they were counted with."""

    def __init__(self) -> None:
        self._by_analyzer: dict[Analyzer, tuple[_Synonyms, dict[str, int]]] = {}

    def of(self, analyzer: Analyzer, synonyms: _Synonyms) -> dict[str, int]:
        """The counts of texts that are read so; what other synonyms counted is forgotten."""
        known = self._by_analyzer.get(analyzer)
        if known is not None and (known[0] is synonyms or not (known[0] or synonyms)):
            return known[1]
        if len(self._by_analyzer) >= _ANALYZERS_MAX:
            self._by_analyzer.clear()
        counts: dict[str, int] = {}
        self._by_analyzer[analyzer] = (synonyms, counts)
        return counts


class _Pages:
    """What searches answered, with the settings that they were made with, by query and time."""

    def __init__(self) -> None:
        self.known: dict[
            tuple[SearchQuery, int],
            tuple[tuple[Schema, Merchandise, LearnedPopularity | None], SearchPage],
        ] = {}


_PAGES: Final[WeakKeyDictionary[BranchView, _Pages]] = WeakKeyDictionary()


class QueryCounts:
    """Counts what queries in one language find."""

    def __init__(self, view: BranchView, analyzer: Analyzer, synonyms: _Synonyms) -> None:
        self._view = view
        self._analyzer = analyzer
        self._synonyms = synonyms
        self._known = view.kept.of(_Counts).of(analyzer, synonyms)

    def of(self, text: str) -> int:
        """How many live products match all words of a text."""
        count = self._known.get(text)
        if count is None:
            if len(self._known) >= _COUNTS_MAX:
                self._known.clear()
            words = read_text(self._view, text, self._analyzer, self._synonyms).words
            count = self._known[text] = count_all(self._view, words)
        return count


def search_once(
    view: BranchView,
    query: SearchQuery,
    schema: Schema,
    merchandise: Merchandise,
    learned: Learned,
    *,
    now_ms: int,
) -> SearchPage:
    """The answer to a search, of the same one before where the view has answered that."""
    pages = _PAGES.get(view)
    if pages is None:
        pages = _PAGES[view] = _Pages()
    key = (query, now_ms)
    known = pages.known.get(key)
    basis = (schema, merchandise, learned.popularity)
    if known is not None and all(map(is_, known[0], basis)):
        return known[1]
    if len(pages.known) >= _PAGES_MAX:
        pages.known.clear()
    page = search(view, query, schema, merchandise, learned, now_ms=now_ms)
    pages.known[key] = (basis, page)
    return page


def count_all(view: BranchView, words: Sequence[QueryWord]) -> int:
    """How many live products match every word; as `matching.match_all` finds them, without their scores."""
    resolved = resolve_words(view, words)
    return sum(
        _count_in(segment, [word.postings[index] for word in resolved])
        for index, segment in enumerate(view.segments)
    )


def _count_in(segment: Segment, lists: Sequence[WordPostings | None]) -> int:
    present = [found for found in lists if found is not None]
    if not present or len(present) < len(lists):
        return 0
    present.sort(key=lambda found: found.count)
    rarest = present[0]
    if len(present) == 1 and segment.alive is None and not isinstance(rarest, UnionPostings):
        return rarest.count
    ordinals = rarest.ordinals
    if segment.alive is not None:
        ordinals = ordinals.take(np.flatnonzero(segment.alive.take(ordinals)))
    for found in present[1:-1]:
        ordinals = ordinals.take(np.flatnonzero(look_up(found, ordinals) > 0))
    if len(present) == 1:
        return len(ordinals)
    return int(np.count_nonzero(look_up(present[-1], ordinals)))
