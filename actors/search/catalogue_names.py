"""The categories and brands of a branch by their words: what its products are called.

They are read from the columns once for each view, which is short: a shop has hundreds of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from actors.index.columns import CATEGORY_COLUMNS, CATEGORY_SEPARATOR, folded
from actors.index.product_types import category_names, is_grammatical
from actors.index.segments import BranchView
from actors.model.storefront import GENERAL
from actors.search.filter_plan import AnyOf, FilterPlan, Relation, Term, TextTest
from actors.search.found import columns_of
from actors.search.passing import passing
from actors.search.rows import Rows
from actors.text.analyzer import Analyzer

NAMES_MAX: Final = 2_048
"""Categories and brands that are read."""

_BRAND: Final = "brand"
_TEXT_LENGTH_MAX: Final = 256
"""Longer texts are no names."""
_TEXTS_CACHED_MAX: Final = 8_192
_ANALYZERS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class CatalogueName:
    """A category or brand."""

    column: str
    form: str
    """Compared form of its text."""
    words: tuple[str, ...]
    """Of a brand, or of a category's last step: as they are written, and as the index has them."""
    types: frozenset[str]
    """The index terms by which its products are called: all of a brand's, a category's nouns."""


class CatalogueNames:
    """The names of a branch's live products, read in one language. Holds nothing of the view it was read from."""

    def __init__(self, view: BranchView, analyzer: Analyzer) -> None:
        texts = {one for one in _texts(view) if len(one[1]) <= _TEXT_LENGTH_MAX}
        self.names = tuple(
            CatalogueName(column, folded(text), *_read(text, column == _BRAND, analyzer))
            for column, text in sorted(texts)[:NAMES_MAX]
        )
        """Those of dead products may be among them, until their segment is merged."""
        self._by_type: dict[str, list[CatalogueName]] = {}
        for name in self.names:
            for term in name.types:
                self._by_type.setdefault(term, []).append(name)
        self._known: dict[frozenset[str], bool] = {}

    def call_a_product(self, view: BranchView, terms: Collection[str]) -> bool:
        """Whether a live product is called by one of these index terms: by its category or brand.

        `view` is any with the live products that the names were read from.
        """
        asked = frozenset(term for term in terms if term in self._by_type)
        if not asked:
            return False
        known = self._known.get(asked)
        if known is None:
            if len(self._known) >= NAMES_MAX:
                self._known.clear()
            known = self._known[asked] = _has_product(
                view, [name for term in asked for name in self._by_type[term]]
            )
        return known


def _has_product(view: BranchView, names: Sequence[CatalogueName]) -> bool:
    plan = having(names)
    for segment in view.segments:
        alive = segment.alive
        live = None if alive is None else np.flatnonzero(alive).astype(np.int32)
        if passing(Rows.of(columns_of(segment), live), plan, GENERAL).rows.product_count:
            return True
    return False


def having(names: Sequence[CatalogueName]) -> FilterPlan:
    """The filter for products that have one of the names."""
    tests = tuple(TextTest(name.column, Relation.EQUAL, name.form) for name in names)
    return FilterPlan((Term(AnyOf(tests), frozenset()),))


class _Known:
    """What is kept as long as the live products are the same: see `BranchView.kept`."""

    def __init__(self) -> None:
        self.names: dict[Analyzer, CatalogueNames] = {}


def catalogue_names(view: BranchView, analyzer: Analyzer) -> CatalogueNames:
    """The names of a view, read by the analyzer of a query."""
    known = view.kept.of(_Known).names
    names = known.get(analyzer)
    if names is None:
        if len(known) >= _ANALYZERS_MAX:
            known.clear()
        names = known[analyzer] = CatalogueNames(view, analyzer)
    return names


def _texts(view: BranchView) -> Iterator[tuple[str, str]]:
    """The categories and brands of all segments, with the columns that hold them."""
    for segment in view.segments:
        columns = columns_of(segment)
        for name in (*CATEGORY_COLUMNS, _BRAND):
            column = columns.keyword(name)
            if column is not None and column.dictionary is not None:
                for code in range(min(len(column.dictionary), NAMES_MAX)):
                    yield name, column.dictionary.text(code)


@lru_cache(_TEXTS_CACHED_MAX)
def _read(
    text: str,
    is_brand: bool,  # noqa: FBT001 - the cache takes it as it stands
    analyzer: Analyzer,
) -> tuple[tuple[str, ...], frozenset[str]]:
    """The words of a name, and the types that it says."""
    read = analyzer.analyze_query(text.rpartition(CATEGORY_SEPARATOR)[2])
    words = dict.fromkeys((*read.texts, *read.terms))
    called = [text] if is_brand else category_names(text, analyzer.language)
    return (
        tuple(
            word for word in words if word.isalpha() and not is_grammatical(word, analyzer.language)
        ),
        frozenset(term for name in called for term in analyzer.index_terms(name)),
    )
