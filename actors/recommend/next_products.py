"""What a visitor looks at next: neighbours, successors and repeats in one ranked answer.

Each part is scaled so that its best product has 1, then added with its weight. At last the neighbours of the
best products are added ("wider"): half of what a visitor goes on to was never in one session with what
they saw, and in a small shop the list would not even be full.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from actors.recommend.neighbours import neighbour_scores
from actors.recommend.parameters import Parameters
from actors.recommend.session_index import SessionIndex, truncated
from actors.recommend.successors import successor_scores


@dataclass(frozen=True, slots=True)
class Scored:
    """A product and how strongly it is expected: above 0, comparable within one answer only."""

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
    seen = truncated(products, parameters.products_max)
    if not seen:
        return []
    excluded = frozenset(products) if is_novel else frozenset(seen[-1:])
    scores = blend_parts(
        scaled(neighbour_scores(index, seen, now_ms, parameters)),
        scaled(successor_scores(index, seen, now_ms, parameters)),
        {} if is_novel else repeat_scores(seen, parameters),
        weight=parameters.successor_weight,
        excluded=excluded,
    )
    if parameters.wider_weight and parameters.wider_sources:
        add_wider(index, scores, now_ms, parameters, excluded)
    return best(scores, count_max)


def best(scores: dict[bytes, float], count_max: int) -> list[Scored]:
    """The products with the highest scores, equal ones by id."""
    ranked = nsmallest(count_max, scores.items(), key=lambda one: (-one[1], one[0]))
    return [Scored(product, score) for product, score in ranked]


def repeat_scores(seen: Sequence[bytes], parameters: Parameters) -> dict[bytes, float]:
    """What the visitor may come back to: the later and the more often seen, the more."""
    scores: dict[bytes, float] = {}
    worth = parameters.repeat_weight
    for product in reversed(seen):
        scores[product] = scores.get(product, 0.0) + worth
        worth *= parameters.repeat_decay
    return scores


def scaled(scores: dict[bytes, float]) -> dict[bytes, float]:
    """The same with 1 as the highest."""
    highest = max(scores.values(), default=1.0)
    return {product: score / highest for product, score in scores.items()}


def blend_parts(
    neighbours: dict[bytes, float],
    successors: dict[bytes, float],
    repeats: dict[bytes, float],
    *,
    weight: float,
    excluded: Collection[bytes],
) -> dict[bytes, float]:
    """The weighted sum of the parts without what is excluded; `weight` is that of the successors."""
    scores = dict(neighbours)
    for product, score in successors.items():
        scores[product] = scores.get(product, 0.0) + weight * score
    for product, score in repeats.items():
        scores[product] = scores.get(product, 0.0) + score
    for product in excluded:
        scores.pop(product, None)
    return {product: score for product, score in scores.items() if score > 0}


def add_wider(
    index: SessionIndex,
    scores: dict[bytes, float],
    now_ms: int,
    parameters: Parameters,
    excluded: Collection[bytes],
) -> None:
    """Add to the scores what the best products' own neighbours say, the best of that being the weight."""
    wider: dict[bytes, float] = {}
    for source in best(scores, parameters.wider_sources):
        near = scaled(neighbour_scores(index, (source.product,), now_ms, parameters))
        for product, score in near.items():
            if product != source.product and product not in excluded:
                wider[product] = wider.get(product, 0.0) + source.score * score
    for product, score in scaled(wider).items():
        scores[product] = scores.get(product, 0.0) + parameters.wider_weight * score
