"""What a shopper may go on to type, and what already fits: queries, categories, brands and products.

All of it is taken from the index as it stands: products bring the phrases that name them, their categories and their
brand as marked terms (`suggestion_terms`), and a suggestion counts what a search for it finds. So there is no list
to keep up to date, nothing to build after a commit, and an answer does not depend on how products are cut into
segments.

Only where nothing goes on from the letters as typed, each word that the catalogue does not have is read as the one
that it may mean by a typing error, and the unfinished last word as the beginning of one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from actors.index.columns import folded
from actors.index.schema import Schema
from actors.index.segments import BranchView
from actors.index.suggestion_terms import BRAND_MARK, CATEGORY_MARK, QUERY_MARK
from actors.search.learned import NOTHING_LEARNED, Learned
from actors.search.merchandise import PLAIN, Merchandise
from actors.search.query import SearchPage, SearchQuery
from actors.search.suggest_counts import QueryCounts, search_once
from actors.search.suggest_spelling import beginning_meant
from actors.search.suggest_terms import FrequentTerm, frequent_terms
from actors.search.suggest_typed import Typed, mark_remainder, read_typed
from actors.search.vocabulary_search import words_meant, words_that_begin
from actors.search.word_postings import live_count
from actors.text.analyzer import Analyzer
from node.errors import InvalidArgumentError

TYPED_SIZE_BYTES_MAX: Final = 256
COUNT_MAX: Final = 20
"""Suggestions of one kind; more is read as this."""
QUERY_COUNT_DEFAULT: Final = 6
CATEGORY_COUNT_DEFAULT: Final = 3
BRAND_COUNT_DEFAULT: Final = 3
PRODUCT_COUNT_DEFAULT: Final = 4

EVIDENCE_MIN: Final = 2
"""A phrase of several words is a name and no accident where so many products have it."""

_TRIED_SPARE: Final = 3
"""Queries of a source that are counted in vain before it is given up."""

_PHRASES_MAX: Final = 48
"""Frequent phrases looked at for one beginning, and values for one kind."""

_WORDS_MAX: Final = 8

_SEARCHED_LENGTH_MIN: Final = 2
"""Of a text that no query goes on from; what holds a single letter or digit is no suggestion."""


class QuerySource(Protocol):
    """Where queries to suggest come from: the catalogue, or what a tenant's shoppers have asked."""

    def going_on(self, typed: Typed, /) -> Iterator[str]:
        """Queries that go on from what is typed, the likeliest first; it is asked no further than needed."""
        ...


@dataclass(frozen=True, slots=True)
class SuggestQuery:
    """One request for suggestions."""

    text: str
    """What has been typed so far; empty: what is popular."""
    market: str = ""
    language_code: str = ""
    """Empty: the first of the schema."""
    branch: str = ""
    query_count: int = QUERY_COUNT_DEFAULT
    category_count: int = CATEGORY_COUNT_DEFAULT
    brand_count: int = BRAND_COUNT_DEFAULT
    product_count: int = PRODUCT_COUNT_DEFAULT


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A query, category or brand."""

    text: str
    highlighted: str
    """HTML: what was not typed yet is marked."""
    product_count: int
    is_popular: bool = False
    """Whether it comes from a source of queries, not from the catalogue."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All that fits what has been typed."""

    queries: tuple[Suggestion, ...]
    categories: tuple[Suggestion, ...]
    brands: tuple[Suggestion, ...]
    page: SearchPage | None
    """The products; None for an empty text, or when none were asked for."""
    typed: Typed
    """With its errors corrected, for `mark_remainder` of the products' titles."""
    corrected_query: str
    """What was typed with its errors corrected; empty when there were none."""


def suggest(
    view: BranchView,
    query: SuggestQuery,
    schema: Schema,
    merchandise: Merchandise = PLAIN,
    learned: Learned = NOTHING_LEARNED,
    *,
    now_ms: int = 0,
    sources: Sequence[QuerySource] = (),
) -> Suggestions:
    """Suggestions of each kind for what has been typed.

    Every query suggested finds products, and no two of them ask for the same words. The products are those of a
    search for the first query suggested, where that completes what is typed, else for the text as it is.

    Args:
        view: of the branch.
        query: what is asked.
        schema: of the tenant.
        merchandise: acts on the products as in any search.
        learned: the same.
        now_ms: for rules' windows and prices.
        sources: of queries that come before the catalogue's own.

    Raises:
        InvalidArgumentError: the text is too long, or a count negative.
    """
    _check(query)
    language_code = query.language_code or schema.language_codes[0]
    typed = read_typed(query.text, schema.analyzer(language_code))
    counts = QueryCounts(view, typed.analyzer, merchandise.synonyms.of(language_code))
    finder = _Finder(view, query, counts, sources)
    found = finder.find(typed)
    corrected_query = ""
    if typed.words and not any(found):
        meant = _corrected(view, typed)
        if meant is not None and any(found := finder.find(meant)):
            corrected_query, typed = meant.text, meant
    queries, categories, brands = found
    text = corrected_query or query.text
    if queries and (corrected_query or typed.is_open):
        text = queries[0].text
    page: SearchPage | None = None
    count = min(query.product_count, COUNT_MAX)
    if count and typed.words and len(text) >= _SEARCHED_LENGTH_MIN:
        asked = SearchQuery(
            text=text,
            market=query.market,
            language_code=query.language_code,
            page_size=count,
            relaxed_size=0,
            branch=query.branch,
        )
        page = search_once(view, asked, schema, merchandise, learned, now_ms=now_ms)
    return Suggestions(queries, categories, brands, page, typed, corrected_query)


class CataloguePhrases:
    """Queries made of what the products of a catalogue are called."""

    def __init__(
        self, view: BranchView, counts: QueryCounts, *, word_count: int | None = None
    ) -> None:
        """`word_count`: a phrase goes on from so many of the last words, behind the others; None: from all."""
        self._view = view
        self._counts = counts
        self._word_count = word_count

    def going_on(self, typed: Typed, /) -> Iterator[str]:
        """Those of most products first."""
        start = 0
        if self._word_count is not None:
            start = len(typed.words) - self._word_count
            if start < 1:
                return
        before, rest = typed.cut(start)
        if not _finds(before, self._counts):
            return
        terms = frequent_terms(self._view, QUERY_MARK, rest.key, is_open=rest.key_is_open)
        for term in islice(terms, _PHRASES_MAX):
            if term.product_count >= EVIDENCE_MIN or " " not in term.shown:
                yield before + term.shown


class CatalogueWords:
    """Queries whose last word is any of the catalogue's: where nothing is called so."""

    def __init__(self, view: BranchView, counts: QueryCounts) -> None:
        self._view = view
        self._counts = counts

    def going_on(self, typed: Typed, /) -> Iterator[str]:
        """Those of most products first."""
        if typed.words and typed.is_open:
            before, last = typed.cut(len(typed.words) - 1)
            if not _finds(before, self._counts):
                return
            for candidate in words_that_begin(self._view, last.text, typed.analyzer)[:_WORDS_MAX]:
                yield before + candidate.word


def _finds(before: str, counts: QueryCounts) -> bool:
    """Whether any product has the words before those that go on: else none has them with others."""
    return not before or counts.of(before) > 0


_Found = tuple[tuple[Suggestion, ...], tuple[Suggestion, ...], tuple[Suggestion, ...]]


class _Finder:
    """Finds queries, categories and brands for one request."""

    def __init__(
        self,
        view: BranchView,
        query: SuggestQuery,
        counts: QueryCounts,
        sources: Sequence[QuerySource],
    ) -> None:
        self._view = view
        self._query = query
        self._counts = counts
        self._sources = sources

    def find(self, typed: Typed) -> _Found:
        """What goes on from what is typed."""
        query = self._query
        brand_count = query.brand_count if typed.words else 0
        return (
            self._queries(typed, min(query.query_count, COUNT_MAX)),
            _values(self._view, typed, min(query.category_count, COUNT_MAX), CATEGORY_MARK),
            _values(self._view, typed, min(brand_count, COUNT_MAX), BRAND_MARK),
        )

    def _queries(self, typed: Typed, count: int) -> tuple[Suggestion, ...]:
        """Queries of the sources in their order, then those of the catalogue, which find most first."""
        found: dict[frozenset[str], Suggestion] = {}
        for source in self._sources:
            self._add(typed, count, source, found, is_popular=True)
        asked = len(found)
        view, counts = self._view, self._counts
        self._add(typed, count, CataloguePhrases(view, counts), found)
        for source in (
            CataloguePhrases(view, counts, word_count=2),
            CataloguePhrases(view, counts, word_count=1),
            CatalogueWords(view, counts),
        ):
            if 2 * len(found) < count:
                self._add(typed, count, source, found)
        queries = list(found.values())
        queries[asked:] = sorted(queries[asked:], key=lambda one: (-one.product_count, one.text))
        return tuple(queries)

    def _add(
        self,
        typed: Typed,
        count: int,
        source: QuerySource,
        found: dict[frozenset[str], Suggestion],
        *,
        is_popular: bool = False,
    ) -> None:
        """Fill up to `count` with queries that find products and ask for other words than those found so far."""
        tried = 0
        for text in source.going_on(typed):
            if len(found) >= count or tried >= count + _TRIED_SPARE:
                return
            asked = frozenset(typed.analyzer.analyze_query(text).terms)
            if not asked or asked in found:
                continue
            tried += 1
            matching = self._counts.of(text)
            if matching:
                found[asked] = Suggestion(text, mark_remainder(text, typed), matching, is_popular)


def _values(view: BranchView, typed: Typed, count: int, mark: str) -> tuple[Suggestion, ...]:
    """Categories or brands: those that have what is typed as it is, then those that have all of its words."""
    found: dict[str, Suggestion] = {}

    def add(terms: Iterator[FrequentTerm], is_meant: Callable[[str], bool]) -> None:
        for term in islice(terms, _PHRASES_MAX):
            if len(found) >= count:
                return
            # Spellings that differ in case are one value to a filter: the most frequent one stands for it.
            if is_meant(term.shown) and folded(term.shown) not in found:
                highlighted = mark_remainder(term.shown, typed)
                found[folded(term.shown)] = Suggestion(term.shown, highlighted, term.product_count)

    if count:
        whole = frequent_terms(view, mark, typed.key, is_open=typed.key_is_open)
        add(whole, lambda _: True)
    if len(found) < count and len(typed.words) > 1:
        _, last = typed.cut(len(typed.words) - 1)
        others = typed.words[:-1]
        add(
            frequent_terms(view, mark, last.key, is_open=last.key_is_open),
            lambda shown: _holds(shown, others, typed.analyzer),
        )
    return tuple(found.values())


def _holds(shown: str, words: Iterable[str], analyzer: Analyzer) -> bool:
    terms = set(analyzer.index_terms(shown))
    return all(terms.intersection(analyzer.terms_of(word)) for word in words)


def _corrected(view: BranchView, typed: Typed) -> Typed | None:
    """What is typed with each word that no product has as the likeliest one meant; None: nothing differs."""
    *first, last = typed.words
    words = [_word_meant(view, word, typed.analyzer) for word in first]
    if not typed.is_open:
        words.append(_word_meant(view, last, typed.analyzer))
    elif words_that_begin(view, last, typed.analyzer):
        words.append(last)
    else:
        words.append(beginning_meant(view, last) or last)
    return typed.replaced(words) if tuple(words) != typed.words else None


def _word_meant(view: BranchView, word: str, analyzer: Analyzer) -> str:
    if live_count(view, analyzer.term_of(word)):
        return word
    meant = words_meant(view, word, analyzer)
    return meant[0].word if meant else word


def _check(query: SuggestQuery) -> None:
    size = len(query.text.encode(errors="replace"))
    if size > TYPED_SIZE_BYTES_MAX:
        raise InvalidArgumentError.of(
            "query",
            f"has {size} bytes; at most {TYPED_SIZE_BYTES_MAX} are allowed",
            reason="QUERY_TOO_LONG",
        )
    for field, count in (
        ("query_count", query.query_count),
        ("category_count", query.category_count),
        ("brand_count", query.brand_count),
        ("product_count", query.product_count),
    ):
        if count < 0:
            raise InvalidArgumentError.of(field, f"is {count}; it must be at least 0")
