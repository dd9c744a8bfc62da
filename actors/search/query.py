"""What a search asks and answers, and the limits of both."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from actors.model.storefront import Storefront, check_storefront
from actors.search.alternatives import MatchClass
from actors.search.merchandise import Applied, Pin, ShownBanner
from node.errors import InvalidArgumentError

QUERY_SIZE_BYTES_MAX: Final = 1_024
QUERY_WORDS_MAX: Final = 64
FILTER_SIZE_BYTES_MAX: Final = 8_192
FACETS_MAX: Final = 100
FACET_VALUES_DEFAULT: Final = 10
FACET_VALUES_MAX: Final = 300
INTERVALS_MAX: Final = 40
EXCLUDED_KEYS_MAX: Final = 100
SORT_KEYS_MAX: Final = 3
PAGE_SIZE_DEFAULT: Final = 24
PAGE_SIZE_MAX: Final = 120
RELAXED_SIZE_DEFAULT: Final = 24
RELAXED_BELOW: Final = 8
"""Relaxed hits are added when fewer products than this match all words: less than two rows of a page."""
WIDENED_BELOW: Final = 24
"""Words that go on and typing errors are looked for when fewer products than this match the words: a page."""
DEPTH_MAX: Final = 1_000
"""Pages reach to the product with this number: deeper ones would cost more than anyone gains."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open range: minimum <= value < maximum. An absent end is open."""

    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class FacetRequest:
    """A facet to count over all products that match."""

    key: str
    limit: int = 0
    """Values returned; 0: `FACET_VALUES_DEFAULT`, more than `FACET_VALUES_MAX` is read as that."""
    intervals: tuple[Interval, ...] = ()
    """Ranges of a number field to count, instead of its values."""
    excluded_filter_keys: tuple[str, ...] = ()
    """Conditions on these fields are left out of the filter while this facet is counted."""
    parent: str = ""
    """Of categories: whose children to count; empty: the top level."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """One search. Text that only spaces make up is no text: a listing page."""

    text: str = ""
    market: str = ""
    language_code: str = ""
    """Empty: the first of the schema."""
    filter: str = ""
    facets: tuple[FacetRequest, ...] = ()
    order_by: str = ""
    page_size: int = 0
    """0: `PAGE_SIZE_DEFAULT`, more than `PAGE_SIZE_MAX` is read as that."""
    page_token: str = ""
    relaxed_size: int | None = None
    """None: `RELAXED_SIZE_DEFAULT`."""
    as_typed: bool = False
    """Whether the words are taken as they are spelled: no typing errors are looked for."""
    branch: str = ""
    """As the request names it: page tokens are bound to it."""
    price_list: str = ""
    """A customer price list; empty: ordinary prices."""
    store: str = ""
    """A store of the market; empty: the market's own stock."""
    without_rules: bool = False
    without_synonyms: bool = False
    preview_rules: frozenset[str] = frozenset()
    """Ids of drafts that act as if they were live."""
    show_duplicates: bool = False
    """Whether copies of one title stand one by one, whatever the tenant's setting says."""
    without_learned_popularity: bool = False
    without_click_evidence: bool = False
    explain: bool = False
    """Whether hits say what put them where they are."""


class Factor(NamedTuple):
    """A number that took part in placing a hit."""

    name: str
    value: float
    detail: str = ""
    """For example the rule's id."""


@dataclass(frozen=True, slots=True)
class Placing:
    """Where `ranking` has put a product of the main list, and by which numbers."""

    raw_score: float
    """Of the words; with `IDENTIFIER_SCORE` in it when the query is an identifier of the product."""
    score: float
    """The same times the factors."""
    factors: tuple[Factor, ...]
    step: int
    """From 1; 0: the query is an identifier of the product."""
    business_score: float
    business: tuple[Factor, ...]
    """The parts that make it up, weighted."""


@dataclass(frozen=True, slots=True)
class FoundWord:
    """How a product holds a word of the query: `contribution` is idf times factor times impact."""

    text: str
    """As it was typed."""
    match_class: MatchClass
    term: str
    """Of the index, for which the product counts: see `Alternative.term`."""
    idf: float
    class_factor: float
    impact: float
    """0 to 1."""
    contribution: float


class Hit(NamedTuple):
    """One product of an answer."""

    product_id: bytes
    score: float
    """Of the query's words; 0 on a listing page."""
    segment_index: int
    """In the view's segments."""
    ordinal: int
    variant_index: int = -1
    """The cheapest variant that passes the filter; -1 for a product without variants."""
    matching_variant_count: int = 0
    """How many variants pass the filter; 0 for a product without variants."""
    is_pinned: bool = False
    """A rule has put it in its place."""
    duplicate_count: int = 0
    """Other products of its title and brand that stand behind it, among the first `DEPTH_MAX`."""
    missing_words: tuple[str, ...] = ()
    """Of a relaxed hit: the words of the query that it does not hold."""
    placing: Placing | None = None
    """Of a hit of the main list in the order of relevance, when the query asks to explain."""
    words: tuple[FoundWord, ...] = ()
    """Those that the product holds, when the query asks to explain."""


class DropReason(Enum):
    """Why a pinned product is not in its place; named as in the API."""

    NOT_FOUND = "NOT_FOUND"
    FILTERED = "FILTERED"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    HIDDEN = "HIDDEN"
    TAKEN = "TAKEN"


@dataclass(frozen=True, slots=True)
class DroppedPin:
    """A pin that has no effect."""

    pin: Pin
    reason: DropReason


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet and how many products have it."""

    value: str | float | bool | Interval
    count: int


@dataclass(frozen=True, slots=True)
class FacetResult:
    """A counted facet: values most frequent first, or intervals as they were asked for."""

    key: str
    values: tuple[FacetValue, ...]
    minimum: float | None = None
    maximum: float | None = None
    """Of the numbers of all products counted."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of an answer."""

    hits: tuple[Hit, ...]
    total: int
    """Products that match all words and the filter, or are pinned and pass it, on all pages."""
    facets: tuple[FacetResult, ...]
    next_page_token: str
    """Empty on the last page."""
    relaxed_hits: tuple[Hit, ...]
    relaxed_total: int
    terms: tuple[str, ...]
    """What the words were found as, for highlighting."""
    corrected_query: str = ""
    """The text with its typing errors corrected; empty when products match it as it stands."""
    did_you_mean: str = ""
    """What the text may have meant, where products match it as it stands; empty: nothing comes near."""
    related_hits: tuple[Hit, ...] = ()
    """What is like the text asked for, when there are neither hits nor relaxed hits."""
    applied: tuple[Applied, ...] = ()
    """The rules that hold."""
    dropped_pins: tuple[DroppedPin, ...] = ()
    redirect_url: str = ""
    banners: tuple[ShownBanner, ...] = ()
    replaced_query: str = ""
    """The text that rules made of the query's; empty when they left it as it was."""


def page_size_of(query: SearchQuery) -> int:
    """How many hits the page has room for.

    Raises:
        InvalidArgumentError: it is negative.
    """
    return _coerced("page_size", query.page_size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def relaxed_size_of(query: SearchQuery) -> int:
    """How many relaxed hits to add when too few products match all words.

    Raises:
        InvalidArgumentError: it is negative.
    """
    if query.relaxed_size is None:
        return RELAXED_SIZE_DEFAULT
    if query.relaxed_size == 0:
        return 0
    return _coerced("relaxed_size", query.relaxed_size, 0, PAGE_SIZE_MAX)


def facet_limit_of(facet: FacetRequest, *, path: str) -> int:
    """How many values the facet returns.

    Raises:
        InvalidArgumentError: it is negative.
    """
    return _coerced(f"{path}.limit", facet.limit, FACET_VALUES_DEFAULT, FACET_VALUES_MAX)


def check_query(query: SearchQuery) -> None:
    """Refuse a query that asks for more than a query may.

    Raises:
        InvalidArgumentError: it is too long, has too many words, asks for too many facets, or names what can be no
            market, price list or store.
    """
    if query.market or query.price_list or query.store:
        check_storefront(Storefront(query.market, query.price_list, query.store))
    text = query.text
    if len(text) * 4 > QUERY_SIZE_BYTES_MAX:
        size = len(text.encode(errors="replace"))
        if size > QUERY_SIZE_BYTES_MAX:
            raise InvalidArgumentError.of(
                "query",
                f"has {size} bytes; at most {QUERY_SIZE_BYTES_MAX} are allowed",
                reason="QUERY_TOO_LONG",
            )
    if len(text) > QUERY_WORDS_MAX and len(text.split()) > QUERY_WORDS_MAX:
        raise InvalidArgumentError.of(
            "query",
            f"has {len(text.split())} words; at most {QUERY_WORDS_MAX} are allowed",
            reason="QUERY_TOO_LONG",
        )
    if len(query.facets) > FACETS_MAX:
        raise InvalidArgumentError.of(
            "facets",
            f"asks for {len(query.facets)} facets; at most {FACETS_MAX} are allowed",
            reason="TOO_MANY_FACETS",
        )


def _coerced(field: str, size: int, default: int, size_max: int) -> int:
    if size < 0:
        raise InvalidArgumentError.of(field, f"is {size}; it must be at least 0")
    return min(size or default, size_max)
