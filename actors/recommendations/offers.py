"""What each source offers for a list: products by number with their scores, the best first.

An offer is made of what may stand in the list and nothing else, so it is as long as there is anything to offer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.recommend.blend import WORTH, BlendRules, Source
from actors.recommend.neighbours import neighbour_scores
from actors.recommend.next_products import best, blended, scored_end
from actors.recommend.successors import successor_scores
from actors.recommendations.catalogue import NOWHERE, Floats, Mask, Numbers, best_of
from actors.recommendations.content import LIKE_MIN, with_prices
from actors.recommendations.question import Question
from protos.v1.recommend_pb2 import Recommendation

Sources = npt.NDArray[np.int8]

KNN: Final = Recommendation.SESSION_KNN
SUCCESSORS: Final = Recommendation.SUCCESSORS
CONTENT: Final = Recommendation.CONTENT

_SESSION_PRODUCTS_MAX: Final = 600
"""Candidates of session-kNN: ten lists of the largest size."""
_LIKE_MAX: Final = 256
"""Products most alike by content whose prices are compared."""
_NEARLY_NOTHING: Final = 1e-9
"""What the catalogue's order counts beside popularity."""
_EVIDENCE: Final = BlendRules().evidence_enough
"""With so many sessions of a product, what they say counts half."""
_ENOUGH: Final = 30
"""With so many the catalogue is not asked while they fill the list."""
_OFFERED_SHARE: Final = 4
"""What is offered at a time, of what a list has room for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Products of one or more sources."""

    numbers: Numbers
    """int64[n], the best first."""
    scores: Floats
    sources: Sources
    """int8[n]: saluhall.v1.Recommendation.Source"""
    is_cut: bool = False
    """Whether there is more to offer than was asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list has room for."""

    open: Mask
    """bool[D]: products that may stand in it."""
    factors: Floats | None
    """float64[D]: how many times more or less each counts."""
    count: int


def sessions(
    question: Question, products: Sequence[bytes], wanted: Wanted, *, is_novel: bool
) -> Offer:
    """What visitors with sessions like this one went on to."""
    memory = question.memory
    parameters, index = memory.parameters, memory.index
    end = scored_end(products, parameters)
    if not end:
        return NOTHING
    near = neighbour_scores(index, end, question.now_ms, parameters)
    after = successor_scores(index, end, question.now_ms, parameters)
    scores = blended(
        index, products, dict(near), dict(after), parameters=parameters, is_novel=is_novel
    )
    chosen = best(scores, _SESSION_PRODUCTS_MAX)
    by_successors = _mostly(after, near, parameters.successor_weight)
    return _of_ids(
        question,
        [(one.product, one.score) for one in chosen],
        [
            SUCCESSORS if one.product in after and by_successors(one.product) else KNN
            for one in chosen
        ],
        wanted,
    )


def alike(question: Question, products: Sequence[bytes], wanted: Wanted) -> Offer:
    """What is like some products by content, the first of which counts most; without any, like the words searched."""
    scores = question.content.like(products)
    price = question.price
    if not products and question.moment.query:
        scores = question.content.like_words(question.moment.query, question.language_code)
    counted = np.where(scores >= LIKE_MIN, _factored(scores, wanted), 0.0)
    count = max(_LIKE_MAX, 2 * wanted.count)
    numbers = best_of(counted, question.catalogue.ties, wanted.open, count)
    prices = question.shelf.prices(question.shelf.everything)
    near = with_prices(numbers, counted.take(numbers), prices, price)
    order = np.lexsort((question.catalogue.ties.take(numbers), -near))
    numbers = numbers.take(order)
    return _offer(numbers, near.take(order), CONTENT, is_cut=len(numbers) == count)


def are_enough(question: Question, products: Sequence[bytes], found: Offer, wanted: Wanted) -> bool:
    """Whether sessions say so much that what the catalogue says would hardly count."""
    return (
        _support(question, products) >= _ENOUGH
        and len(found.numbers) * _OFFERED_SHARE >= wanted.count
    )


def by_evidence(question: Question, products: Sequence[bytes], found: Offer, like: Offer) -> Offer:
    """What sessions say and what the catalogue says: the former counts the more, the more sessions there are.

    The weights are those of `actors.recommend.blend`, which has no catalogue at hand to ask for all products at once.
    """
    support = _support(question, products)
    weight = WORTH[Source.SESSION] * support / (support + _EVIDENCE)
    size = question.catalogue.count
    said, seen = np.zeros(size), np.zeros(size)
    if len(found.numbers):
        said[found.numbers] = weight * found.scores / found.scores[0]
    seen[like.numbers] = WORTH[Source.CONTENT] * like.scores
    # Those of the sessions, and what the catalogue alone knows of.
    alone = like.numbers[said.take(like.numbers) == 0]
    numbers = np.concatenate([found.numbers, alone])
    sources = np.concatenate([found.sources, np.full(len(alone), CONTENT, np.int8)])
    by_catalogue, by_sessions = seen.take(numbers), said.take(numbers)
    sources[by_catalogue > by_sessions] = CONTENT
    scores = by_sessions + by_catalogue
    order = np.lexsort((question.catalogue.ties.take(numbers), -scores))
    return Offer(numbers.take(order), scores.take(order), sources.take(order), is_cut=like.is_cut)


def popular(question: Question, wanted: Wanted, *, is_own: bool) -> Offer:
    """What visitors do most with in the category of the page."""
    within = question.same_category
    if within is None:
        return NOTHING
    popularity = question.counted.popularity
    scores = popularity
    if not is_own:
        # All of the category, so that what nobody has looked at yet can be found at all.
        scores = scores + question.catalogue.listing * (_NEARLY_NOTHING / question.catalogue.count)
    offer = _dense(question, scores, wanted, Recommendation.CATEGORY_POPULARITY, within=within)
    told = _factored(popularity, wanted).take(offer.numbers)
    return Offer(offer.numbers, told, offer.sources, offer.is_cut)


def popular_everywhere(question: Question, wanted: Wanted) -> Offer:
    """What visitors do most with."""
    return _dense(question, question.counted.popularity, wanted, Recommendation.POPULARITY)


def trending(question: Question, wanted: Wanted) -> Offer:
    """What visitors do more with than before; in the category if the page has one of its own."""
    within = question.same_category if question.moment.category else None
    return _dense(question, question.counted.trends, wanted, Recommendation.TREND, within=within)


def bought_together(question: Question, products: Sequence[bytes], wanted: Wanted) -> Offer:
    """What others bought with these products."""
    scored = question.memory.baskets.bought_with(
        products, now_ms=question.now_ms, count_max=_SESSION_PRODUCTS_MAX
    )
    most = scored[0].score if scored else 1.0
    return _of_ids(
        question,
        [(one.product, one.score / most) for one in scored],
        [Recommendation.CO_PURCHASE] * len(scored),
        wanted,
    )


def recent(question: Question, wanted: Wanted) -> Offer:
    """What the visitor looked at, the latest first."""
    products = question.recent
    scored = [(product, 1 / place) for place, product in enumerate(products, 1)]
    return _of_ids(question, scored, [Recommendation.RECENT] * len(scored), wanted)


def listed(question: Question, wanted: Wanted) -> Offer:
    """The catalogue in its own order."""
    offer = _dense(question, question.catalogue.listing, wanted, Recommendation.CATALOGUE)
    return Offer(offer.numbers, np.zeros(len(offer.numbers)), offer.sources, offer.is_cut)


def _support(question: Question, products: Sequence[bytes]) -> int:
    """In how many sessions the best known of the last products is."""
    return max(map(question.memory.index.support, products[-3:]), default=0)


def _dense(
    question: Question,
    scores: Floats,
    wanted: Wanted,
    source: Recommendation.Source.ValueType,
    *,
    within: Mask | None = None,
) -> Offer:
    scores = _factored(scores, wanted)
    mask = wanted.open if within is None else wanted.open & within
    numbers = best_of(scores, question.catalogue.ties, mask, wanted.count)
    return _offer(numbers, scores.take(numbers), source, is_cut=len(numbers) == wanted.count)


def _of_ids(
    question: Question,
    scored: Sequence[tuple[bytes, float]],
    sources: Sequence[int],
    wanted: Wanted,
) -> Offer:
    """An offer of products by id, the best first."""
    found = question.catalogue.numbers_of([product for product, _ in scored])
    numbers = np.array(found, np.int64)
    scores = np.array([score for _, score in scored], np.float64)
    codes = np.array(sources, np.int8)
    kept = numbers != NOWHERE
    kept[kept] = wanted.open.take(numbers[kept])
    numbers, scores, codes = numbers[kept], scores[kept], codes[kept]
    if wanted.factors is not None:
        scores = scores * wanted.factors.take(numbers)
        order = np.argsort(-scores, kind="stable")
        numbers, scores, codes = numbers.take(order), scores.take(order), codes.take(order)
    return Offer(numbers, scores, codes)


def _offer(
    numbers: Numbers, scores: Floats, source: Recommendation.Source.ValueType, *, is_cut: bool
) -> Offer:
    return Offer(numbers, scores, np.full(len(numbers), source, np.int8), is_cut)


NOTHING: Final = Offer(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int8))


def _factored(scores: Floats, wanted: Wanted) -> Floats:
    return scores if wanted.factors is None else scores * wanted.factors


def _mostly(
    these: Mapping[bytes, float], others: Mapping[bytes, float], weight: float
) -> Callable[[bytes], bool]:
    """Whether a product's score comes from these, with a weight, more than from the others."""
    most, most_of_others = max(these.values(), default=0.0), max(others.values(), default=0.0)

    def is_mostly(product: bytes) -> bool:
        share = weight * these.get(product, 0.0) / (most or 1.0)
        return share > others.get(product, 0.0) / (most_of_others or 1.0)

    return is_mostly
