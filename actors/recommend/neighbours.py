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
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
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
    return index.favour_rare(scores, parameters.idf_weight)


def positions(products: Iterable[bytes]) -> dict[bytes, int]:
    """The last position of each product, from 1."""
    return {product: at for at, product in enumerate(products, 1)}


def _vmis(
    index: SessionIndex, products: Sequence[bytes], parameters: Parameters
) -> dict[bytes, float]:
    """VMIS-kNN: likeness is the sum of `position / products`; a match `p` from the end gives `1 - p / 10`."""
    last = positions(products)
    weights = {product: at / len(last) for product, at in last.items()}
    chosen = _first(_alike(index, weights, parameters), parameters.neighbours_max, _likeness)
    scores: dict[bytes, float] = {}
    for one in chosen:
        from_end = len(products) - last[one.match] + 1
        worth = one.likeness * max(0.0, 1 - _VMIS_MATCH_STEP * from_end)
        if worth > 0:
            for product in one.session.products:
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
    chosen = _alike(index, weights, parameters)
    for one in chosen:
        norms = norm * math.sqrt(len(one.session.products))
        one.likeness *= math.exp(-max(0, now_ms - one.session.time_ms) / age_ms) / norms
    chosen = _first(chosen, parameters.neighbours_max, _likeness)
    by_distance = decays(parameters.distance_decay, index.bounds.session_events_max)
    scores: dict[bytes, float] = {}
    known = scores.get
    for one in chosen:
        worth = one.likeness * math.exp((last[one.match] - length) / parameters.match_decay)
        places = one.session.products
        at = places[one.match]
        for product, place in places.items():
            scores[product] = known(product, 0.0) + worth * by_distance[place - at]
    return scores


class _Neighbour:
    """A session that shares a product with the visitor's."""

    __slots__ = ("likeness", "match", "session")

    def __init__(self, session: Session, match: bytes, likeness: float) -> None:
        self.session = session
        self.match = match  # the visitor's latest product that the session has
        self.likeness = likeness


def _alike(
    index: SessionIndex, weights: Mapping[bytes, float], parameters: Parameters
) -> list[_Neighbour]:
    """Sessions that share a product, by the summed weights of those; the most recent if there are too many.

    The products come latest first, so the one that finds a session is its latest match.
    """
    found: dict[bytes, _Neighbour] = {}
    for product in sorted(weights, key=lambda one: weights[one], reverse=True):
        weight = weights[product]
        for session in index.recent(product, parameters.recent_max):
            neighbour = found.get(session.key)
            if neighbour is None:
                found[session.key] = _Neighbour(session, product, weight)
            else:
                neighbour.likeness += weight
    return _first(list(found.values()), parameters.recent_max, _time_ms)


def _first(
    found: list[_Neighbour], count_max: int, rank: Callable[[_Neighbour], float]
) -> list[_Neighbour]:
    """Those that rank highest, of equal ones the newest; a threshold costs half of what a heap of keys does."""
    if len(found) <= count_max:
        return found
    ranks = [rank(one) for one in found]
    lowest = sorted(ranks, reverse=True)[count_max - 1]
    above = [one for one, value in zip(found, ranks, strict=True) if value > lowest]
    equal = [one for one, value in zip(found, ranks, strict=True) if value == lowest]
    equal.sort(key=lambda one: (one.session.time_ms, one.session.key), reverse=True)
    return above + equal[: count_max - len(above)]


def _likeness(one: _Neighbour) -> float:
    return one.likeness


def _time_ms(one: _Neighbour) -> float:
    return one.session.time_ms


@lru_cache(maxsize=64)
def decays(decay: float, distance_max: int) -> tuple[float, ...]:
    """exp(-|n| / decay) at index n for n from -distance_max to distance_max: a negative one counts from the end."""
    ahead = [math.exp(-n / decay) for n in range(distance_max + 1)]
    return (*ahead, *reversed(ahead[1:]))
