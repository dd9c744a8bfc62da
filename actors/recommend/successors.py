"""Successor rules: what other visitors looked at shortly after a product, the nearer the more.

Sequential rules as in session-rec (`SR`: rn5l/session-rec, UMUAI 2020; a rule is worth 1 / distance), but
read from the same sessions when they are asked for. So there is nothing besides the session index to keep
up to date or to erase from, and a new event is in the very next answer.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from actors.recommend.neighbours import DAY_MS, positions
from actors.recommend.parameters import Parameters
from actors.recommend.session_index import SessionIndex


def successor_scores(
    index: SessionIndex, products: Sequence[bytes], now_ms: int, parameters: Parameters
) -> dict[bytes, float]:
    """What followed the visitor's last products in other sessions; each score above 0.

    Args:
        index: of the tenant's sessions.
        products: of the visitor's session, the last one last.
        now_ms: the time of the question, in the index's clock.
        parameters: those whose names begin with `successor`, and `recent_max`.
    """
    scores: dict[bytes, float] = {}
    age_ms = parameters.successor_age_decay_days * DAY_MS
    weight = 1.0
    for source in islice(positions(reversed(products)), parameters.successor_sources):
        for session in index.recent(source, parameters.recent_max):
            worth = weight * math.exp(-max(0, now_ms - session.time_ms) / age_ms)
            _add_followers(scores, session.order, source, worth, parameters.successor_distance_max)
        weight *= parameters.successor_source_decay
    return scores


def _add_followers(
    scores: dict[bytes, float],
    order: Sequence[bytes],
    source: bytes,
    worth: float,
    distance_max: int,
) -> None:
    """Give what comes after each event with the source its share of what the session is worth."""
    for at in _places(order, source):
        for distance, follower in enumerate(order[at + 1 : at + 1 + distance_max], 1):
            if follower != source:
                scores[follower] = scores.get(follower, 0.0) + worth / distance


def _places(order: Sequence[bytes], source: bytes) -> Iterator[int]:
    """Where a product stands; it does at least once."""
    at = -1
    for _ in range(order.count(source)):
        at = order.index(source, at + 1)
        yield at
