"""One list out of several sources, each trusted by the evidence it has for this very question.

A source that has seen the visitor's product a thousand times knows what comes next; one that has seen it once
guesses. So each list brings the number of observations `n` that it rests on, and counts its source's worth times
`n / (n + enough)`. The worth says how much more a source knows that knows this visitor than one that knows only
the crowd: with no events at all content and popularity answer; from the first event on the better sources rise
above them; and no list is ever dropped, so the answer is full whenever any source has something to show.

What may be shown is asked while candidates are gathered: a list is read on until enough of its products pass,
so a filter that most products fail does not leave holes. Nothing here has state, a clock or chance.
"""

import enum
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Final

from actors.recommend.next_products import Scored


class Source(enum.StrEnum):
    """Where a product comes from, the most telling first."""

    SESSION = "session"
    """Sessions like the visitor's: `next_products`."""
    SUCCESSORS = "successors"
    CO_PURCHASE = "co_purchase"
    RECENTLY_VIEWED = "recently_viewed"
    CONTENT = "content"
    """Products that are described alike."""
    CATEGORY_POPULARITY = "category_popularity"
    POPULARITY = "popularity"


WORTH: Final[Mapping[Source, float]] = MappingProxyType(
    {
        Source.SESSION: 1.0,
        Source.SUCCESSORS: 0.7,
        Source.CO_PURCHASE: 0.7,
        Source.RECENTLY_VIEWED: 0.5,
        Source.CONTENT: 0.2,
        Source.CATEGORY_POPULARITY: 0.05,
        Source.POPULARITY: 0.01,
    }
)
"""Session against popularity as measured on a recorded click stream: the first product of a session's answer was
the next one in a quarter of 1,121 cases, the shop's most popular product in none. Those between are set by
judgment: what rests on behaviour towards this product stands above what rests on its description or its category."""

_EVIDENCE_MIN: Final = 0.01


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one source proposes."""

    source: Source
    scored: Iterable[Scored]  # the best first, scores of at least 0; read only as far as needed
    evidence: int
    """Observations that the list rests on: sessions with the product, baskets, events of the category."""
    because: bytes = b""
    """The product or category that it was asked for; empty for the whole shop."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product of the answer and why it is there."""

    product: bytes
    score: float
    source: Source
    """The one that gave it most."""
    because: bytes
    """That source's product or category."""
    supporting: tuple[Source, ...]
    """All sources that proposed it, the one that gave most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendRules:
    """How lists become one."""

    worth: Mapping[Source, float] = field(default_factory=lambda: WORTH)
    """What the best product of each source counts that has all the evidence it can have."""
    evidence_enough: float = 2.0
    """Observations at which a source counts half."""
    candidates_per_place: int = 5
    """Products that pass which are taken of each source, for each place of the list."""
    read_max: int = 2_000
    """Products of a source that are asked whether they pass."""
    group_max: int = 0
    """Products of one group (a brand, a category) in the list; 0: any number."""
    diversity: float = 0.0
    """What a product loses for each one of its group before it, from 0 to below 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.diversity < 1 or self.evidence_enough <= 0 or self.group_max < 0:
            raise ValueError(f"rules out of range: {self}")


def any_product(_: bytes) -> bool:
    """A mask that lets everything pass."""
    return True


def no_groups(_: bytes) -> tuple[bytes, ...]:
    """Groups for products that have none."""
    return ()


def blend(
    lists: Iterable[Candidates],
    *,
    count_max: int,
    rules: BlendRules,
    taken: Collection[bytes],
    allowed: Callable[[bytes], bool],
    groups_of: Callable[[bytes], Sequence[bytes]],
) -> list[Recommendation]:
    """The best products of all lists, each once, the best first; equal ones by id.

    Args:
        lists: of the sources, in any order; several of one source are allowed.
        count_max: products wanted.
        rules: how they are put together.
        taken: products not to show: the current one, those in the cart, those of other placements.
        allowed: whether a product may be shown (stock, market, filter); asked once for each it reads.
        groups_of: the brand and the categories of a product that `group_max` and `diversity` are about;
            names of brands and categories must differ (give each its prefix).
    """
    weighed = _weigh(lists, rules)
    size = rules.candidates_per_place * count_max
    shares: dict[bytes, list[tuple[float, Candidates]]] = {}
    passes: dict[bytes, bool] = dict.fromkeys(taken, False)
    for weight, candidates in weighed:
        for product, score in _gathered(candidates, size, rules.read_max, passes, allowed):
            shares.setdefault(product, []).append((weight * score, candidates))
    found = [_recommendation(product, given) for product, given in shares.items()]
    found.sort(key=lambda one: (-one.score, one.product))
    return _picked(found, count_max, rules, groups_of)


def _weigh(lists: Iterable[Candidates], rules: BlendRules) -> list[tuple[float, Candidates]]:
    """What the best product of each list is worth by its source and its evidence, in the order of `Source`."""
    order = {source: at for at, source in enumerate(Source)}
    weighed = []
    for candidates in sorted(lists, key=lambda one: (order[one.source], one.because)):
        # A list without evidence may still fill what nobody else can.
        evidence = max(_EVIDENCE_MIN, candidates.evidence)
        trust = evidence / (evidence + rules.evidence_enough)
        weighed.append((rules.worth[candidates.source] * trust, candidates))
    return weighed


def _gathered(
    candidates: Candidates,
    size: int,
    read_max: int,
    passes: dict[bytes, bool],
    allowed: Callable[[bytes], bool],
) -> list[tuple[bytes, float]]:
    """The first products that pass, the best of the list having 1; `passes` remembers what was asked."""
    found: dict[bytes, float] = {}
    highest = 0.0
    for one in islice(candidates.scored, read_max):
        highest = max(highest, one.score)
        if one.product not in passes:
            passes[one.product] = allowed(one.product)
        if passes[one.product]:
            found.setdefault(one.product, one.score)
            if len(found) >= size:
                break
    return [(product, score / highest if highest else 0.0) for product, score in found.items()]


def _recommendation(product: bytes, given: Sequence[tuple[float, Candidates]]) -> Recommendation:
    """A product with all that its sources gave it; the lists come in the order of `Source`."""
    by_share = sorted(given, key=lambda one: -one[0])
    most = by_share[0][1]
    supporting = tuple(dict.fromkeys(candidates.source for _, candidates in by_share))
    score = sum(share for share, _ in given)
    return Recommendation(product, score, most.source, most.because, supporting)


def _picked(
    found: Sequence[Recommendation],
    count_max: int,
    rules: BlendRules,
    groups_of: Callable[[bytes], Sequence[bytes]],
) -> list[Recommendation]:
    """One after the other the product that is worth most beside those before it; `found` is in order."""
    if not rules.group_max and not rules.diversity:
        return list(found[:count_max])
    shown: Counter[bytes] = Counter()
    picked: list[Recommendation] = []
    left = [(one, groups_of(one.product)) for one in found]
    while left and len(picked) < count_max:
        worth = [
            one.score * (1 - rules.diversity) ** max((shown[group] for group in groups), default=0)
            for one, groups in left
        ]
        one, groups = left.pop(max(range(len(left)), key=worth.__getitem__))
        if rules.group_max and any(shown[group] >= rules.group_max for group in groups):
            continue
        picked.append(one)
        shown.update(groups)
    return picked
