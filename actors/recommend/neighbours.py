"""Scores of products by the sessions that are most like the visitor's: VMIS-kNN and VSTAN.

Both find the sessions that share a product with the visitor's, keep the `m` most recent of them, then the `k`
most alike, and let each give its products what it is worth. VMIS-kNN is bolcom/serenade's (Apache-2.0,
SIGMOD 2022, `src/vmisknn`), VSTAN is session-rec's (rn5l/session-rec, `algorithms/knn/vstan.py`, UMUAI 2020).
No weight is negative here: serenade's `1 - position / 10` is clamped at 0, and so is an age in the future.

Products come as the visitor saw them, the last one last. Scores are by product id, in an order that depends
on the sessions held and not on how they came to be: summing floats in the same order is what keeps an answer
the same to the last bit after an erasure. The last product of the visitor is scored like any other.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final

from actors.recommend.parameters import Parameters, Scorer
from actors.recommend.session_index import Session, SessionIndex

DAY_MS: Final = 86_400_000
_VMIS_MATCH_STEP: Final = 0.1
"""Serenade's: the match one event further back is worth a tenth less."""


def neighbour_scores(
    index: SessionIndex, products: Sequence[bytes], now_ms: int, parameters: Parameters
) -> dict[bytes, float]:
    """What the sessions most like this one say of their products; each score above 0.

    Args:
        index: of the tenant's sessions; the visitor's own may be among them.
        products: of the visitor's session, the last one last.
        now_ms: the time of the question, in the index's clock.
        parameters: `scorer` says which of the two.
    """
    if parameters.scorer is Scorer.VMIS:
        scores = _vmis(index, products, parameters)
    else:
        scores = _vstan(index, products, now_ms, parameters)
    weight = parameters.idf_weight
    if weight:
        idf = index.idf
        scores = {product: score * (1 + weight * idf(product)) for product, score in scores.items()}
    return scores


def positions(products: Iterable[bytes]) -> dict[bytes, int]:
    """The last position of each product, from 1."""
    return {product: at for at, product in enumerate(products, 1)}


def _vmis(
    index: SessionIndex, products: Sequence[bytes], parameters: Parameters
) -> dict[bytes, float]:
    """VMIS-kNN: likeness is the sum of `position / products`; a match `p` from the end gives `1 - p / 10`."""
    last = positions(products)
    weights = {product: at / len(last) for product, at in last.items()}
    alike = _alike(index, weights, parameters)
    chosen = nlargest(
        parameters.neighbours_max, alike, key=lambda one: (one[0], one[1].time_ms, one[1].key)
    )
    scores: dict[bytes, float] = {}
    for likeness, session in chosen:
        match = max(last.get(product, 0) for product in session.products)
        worth = likeness * max(0.0, 1 - _VMIS_MATCH_STEP * (len(products) - match + 1))
        if worth > 0:
            for product in session.products:
                scores[product] = scores.get(product, 0.0) + worth
    return scores


def _vstan(
    index: SessionIndex, products: Sequence[bytes], now_ms: int, parameters: Parameters
) -> dict[bytes, float]:
    """VSTAN: cosine of exponential position weights, by age; products by distance from the match."""
    length = len(products)
    last = positions(products)
    decay = parameters.position_decay
    weights = {product: math.exp((at - length) / decay) for product, at in last.items()}
    norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    age_ms = parameters.age_decay_days * DAY_MS
    chosen = [
        (
            likeness
            / (norm * math.sqrt(len(session.products)))
            * math.exp(-max(0, now_ms - session.time_ms) / age_ms),
            session,
        )
        for likeness, session in _alike(index, weights, parameters)
    ]
    if len(chosen) > parameters.neighbours_max:
        chosen = nlargest(
            parameters.neighbours_max, chosen, key=lambda one: (one[0], one[1].time_ms, one[1].key)
        )
    by_distance = _powers(parameters.distance_decay, index.bounds.session_events_max)
    by_match = _powers(parameters.match_decay, length)
    scores: dict[bytes, float] = {}
    for likeness, session in chosen:
        match, at = _last_match(session, last)
        worth = likeness * by_match[length - match]
        for product, place in session.products.items():
            scores[product] = scores.get(product, 0.0) + worth * by_distance[abs(place - at)]
    return {product: score for product, score in scores.items() if score > 0}


def _alike(
    index: SessionIndex, weights: Mapping[bytes, float], parameters: Parameters
) -> list[tuple[float, Session]]:
    """Sessions that share a product, with the summed weights of those; the most recent if there are too many."""
    likeness: dict[bytes, float] = {}
    found: dict[bytes, Session] = {}
    for product, weight in weights.items():
        for session in index.recent(product, parameters.recent_max):
            key = session.key
            if key in likeness:
                likeness[key] += weight
            else:
                likeness[key] = weight
                found[key] = session
    alike = [(likeness[key], session) for key, session in found.items()]
    if len(alike) > parameters.recent_max:
        alike = nlargest(
            parameters.recent_max, alike, key=lambda one: (one[1].time_ms, one[1].key)
        )
    return alike


def _last_match(session: Session, last: Mapping[bytes, int]) -> tuple[int, int]:
    """The visitor's latest product that a session has: its position here (from 1) and there (from 0)."""
    match = at = 0
    for product, place in session.products.items():
        position = last.get(product, 0)
        if position > match:
            match, at = position, place
    return match, at


def _powers(decay: float, count: int) -> list[float]:
    """exp(-n / decay) for n from 0 to count."""
    return [math.exp(-n / decay) for n in range(count + 1)]
