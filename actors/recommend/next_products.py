"""What a visitor looks at next: neighbours, successors and repeats in one ranked answer.

Each part is scaled so that its best product has 1, then added with its weight. At last the neighbours of the
best products are added ("wider"): half of what a visitor goes on to was never in one session with what
they saw, and in a small shop the list would not even be full.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.recommend.neighbours import decays, neighbour_scores
from actors.recommend.parameters import Parameters
from actors.recommend.session_index import SessionIndex
from actors.recommend.successors import successor_scores

_WIDER_SESSIONS: Final = 10
"""Of each of the best products: more of them cost time and find nothing else."""
_REPEATS_MAX: Final = 50
"""Events at the end of a session that a visitor may come back to."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A product and how strongly it is expected: at least 0, comparable within one answer only."""

    product: bytes
    score: float


def next_products(
    index: SessionIndex,
    products: Sequence[bytes],
    *,
    now_ms: int,
    parameters: Parameters,
    count_max: int,
    is_novel: bool,
) -> list[Scored]:
    """The products most expected next, the best first; equal scores by product id.

    Args:
        index: of the tenant's sessions.
        products: of the visitor's session, the last one last.
        now_ms: the time of the question, in the index's clock.
        parameters: of the tenant, for this `is_novel`.
        count_max: products wanted.
        is_novel: leave out all that the visitor has seen, not only what they look at.
    """
    end = scored_end(products, parameters)
    scores = blended(
        index,
        products,
        neighbour_scores(index, end, now_ms, parameters),
        successor_scores(index, end, now_ms, parameters) if parameters.successor_weight else {},
        parameters=parameters,
        is_novel=is_novel,
    )
    return best(scores, count_max)


def scored_end(products: Sequence[bytes], parameters: Parameters) -> list[bytes]:
    """The end of a session that the parts score; a product repeated at once counts as one event."""
    length = parameters.products_max
    ended: list[bytes] = []
    for product in reversed(products):
        if not ended or ended[-1] != product:
            ended.append(product)
            if len(ended) == length:
                break
    ended.reverse()
    return ended


def blended(
    index: SessionIndex,
    products: Sequence[bytes],
    neighbours: dict[bytes, float],
    successors: dict[bytes, float],
    *,
    parameters: Parameters,
    is_novel: bool,
) -> dict[bytes, float]:
    """The score of every candidate, each at least 0.

    The best of the neighbours brings 1, the best of the successors and of the wider ones their weights.
    """
    scores: dict[bytes, float] = {}
    _add_scaled(scores, neighbours, 1.0)
    _add_scaled(scores, successors, parameters.successor_weight)
    if not is_novel and parameters.repeat_weight:
        _add_repeats(scores, products, parameters)
    excluded = set(products) if is_novel else set(products[-1:])
    for product in excluded:
        scores.pop(product, None)
    if parameters.wider_weight and parameters.wider_sources:
        wider = _wider_scores(index, scores, parameters)
        for product in excluded:
            wider.pop(product, None)
        _add_scaled(scores, wider, parameters.wider_weight)
    return scores


def best(scores: Mapping[bytes, float], count_max: int) -> list[Scored]:
    """The products with the highest scores, equal ones by id."""
    if len(scores) > count_max:
        # Sorting bare floats first is half the cost of a heap of pairs.
        lowest = sorted(scores.values(), reverse=True)[count_max - 1]
        entries = [one for one in scores.items() if one[1] >= lowest]
    else:
        entries = list(scores.items())
    entries.sort(key=lambda one: (-one[1], one[0]))
    return [Scored(product, score) for product, score in entries[:count_max]]


def _add_scaled(scores: dict[bytes, float], others: Mapping[bytes, float], weight: float) -> None:
    """Add other scores to these, the best of the others with the weight."""
    highest = max(others.values(), default=0.0)
    if highest <= 0 or weight <= 0:
        return
    factor = weight / highest
    known = scores.get
    for product, score in others.items():
        scores[product] = known(product, 0.0) + factor * score


def _add_repeats(
    scores: dict[bytes, float], products: Sequence[bytes], parameters: Parameters
) -> None:
    """Add what the visitor may come back to: the later and the more often seen, the more."""
    worth = parameters.repeat_weight
    for product in reversed(products[-_REPEATS_MAX:]):
        scores[product] = scores.get(product, 0.0) + worth
        worth *= parameters.repeat_decay


def _wider_scores(
    index: SessionIndex, scores: Mapping[bytes, float], parameters: Parameters
) -> dict[bytes, float]:
    """What the latest sessions of the best products hold besides."""
    by_distance = decays(parameters.distance_decay, index.bounds.session_events_max)
    wider: dict[bytes, float] = {}
    known = wider.get
    for source in best(scores, parameters.wider_sources):
        for session in index.recent(source.product, _WIDER_SESSIONS):
            places = session.products
            at = places[source.product]
            worth = source.score / math.sqrt(len(places))
            for product, place in places.items():
                if place != at:
                    wider[product] = known(product, 0.0) + worth * by_distance[place - at]
    return index.favour_rare(wider, parameters.idf_weight)
