"""What a search asks and answers, and the limits of both."""

from dataclasses import dataclass
from typing import Final

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
    branch: str = ""
    """As the request names it: page tokens are bound to it."""


@dataclass(frozen=True, slots=True)
class Hit:
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
    """Products that match all words and the filter, on all pages."""
    facets: tuple[FacetResult, ...]
    next_page_token: str
    """Empty on the last page."""
    relaxed_hits: tuple[Hit, ...]
    relaxed_total: int
    terms: tuple[str, ...]
    """What the words were read as, for highlighting."""


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
        InvalidArgumentError: it is too long, has too many words, or asks for too many facets.
    """
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
