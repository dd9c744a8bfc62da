"""What a tenant's merchandisers have decided, as a search takes it: rules, synonyms, settings of the ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

SCORE_STEPS_DEFAULT: Final = 100
"""A popularity drawn at random is the worst that a business score can do to relevance. On the judged queries it costs
.004 of nDCG@10 at 100 steps and .003 at 200, but .010 at 50 and .03 at 20."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How matches are ordered: see `ranking`."""

    score_steps: int = SCORE_STEPS_DEFAULT
    in_stock_weight: float = 1.0
    popularity_weight: float = 1.0
    freshness_weight: float = 0.25
    clicks_weight: float = 1.0
    """Of the products that visitors chose for the same words; no setting of the tenant's yet asks for another."""
    collapses_duplicates: bool = True
    """Whether of products of one title and brand the best stands for all: see `collapse`."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A product that a rule puts in a place."""

    product_id: bytes
    place: int
    """From 1."""
    rule_id: str


@dataclass(frozen=True, slots=True)
class Boost:
    """A factor for the scores of products that pass a filter."""

    filter: str
    factor: float
    """Above 1 for a boost, below for a bury; never 0 or less."""
    rule_id: str


@dataclass(frozen=True, slots=True)
class Hiding:
    """Products that a rule keeps out of the answer."""

    product_ids: frozenset[bytes]
    filter: str
    """Those that pass are hidden too; empty: none."""
    rule_id: str
    kept_ids: frozenset[bytes] = frozenset()
    """Pinned by an earlier rule: these are found although they pass."""


@dataclass(frozen=True, slots=True)
class Required:
    """A filter that a rule adds to the request's own."""

    filter: str
    rule_id: str


@dataclass(frozen=True, slots=True)
class ShownBanner:
    """A picture that a rule shows with the answer."""

    id: str
    title: str
    image_url: str
    target_url: str
    rule_id: str


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that holds for a request, and what it does to the answer."""

    rule_id: str
    description: str
    actions: tuple[str, ...]
    is_preview: bool


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What the rules that hold do to one search, in the order in which they act."""

    text: str
    """The query after replacements."""
    required: tuple[Required, ...] = ()
    hidden: tuple[Hiding, ...] = ()
    boosts: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()
    """No place and no product twice."""
    taken_pins: tuple[Pin, ...] = ()
    """Those for which an earlier rule left no room."""
    hidden_pins: tuple[Pin, ...] = ()
    """Those that an earlier rule hides by id: they take no place."""
    redirect_url: str = ""
    banners: tuple[ShownBanner, ...] = ()
    applied: tuple[Applied, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """What conditions of rules look at."""

    text: str
    language_code: str
    market: str
    categories: tuple[str, ...]
    """Paths that the filter asks for."""
    now_ms: int
    preview_ids: frozenset[str] = frozenset()


class Rules(Protocol):
    """A tenant's rules, compiled."""

    def decide(self, request: RuleRequest) -> RulePlan:
        """What they do to a request; a pure function of rules and request."""
        ...


class Synonyms(Protocol):
    """A tenant's synonyms, compiled."""

    def of(self, language_code: str, /) -> "Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]":
        """What stands for a run of one to four index terms: runs of terms, each of which finds it."""
        ...


class NoRules:
    """Rules of a tenant that has none."""

    def decide(self, request: RuleRequest) -> RulePlan:
        """Nothing."""
        return RulePlan(request.text)


class NoSynonyms:
    """Synonyms of a tenant that has none."""

    def of(self, _language_code: str, /) -> Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]:
        """Nothing."""
        return MappingProxyType({})


NO_SYNONYMS: Final = NoSynonyms()


@dataclass(frozen=True, slots=True)
class Merchandise:
    """All of it."""

    rules: Rules = field(default_factory=NoRules)
    synonyms: Synonyms = NO_SYNONYMS
    ranking: Ranking = Ranking()


PLAIN: Final = Merchandise()
"""Of a tenant that has decided nothing."""
