"""The order of relevance in plain Python, one product after the other: what the engine's must equal."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from search_oracle import Found

from actors.search.merchandise import Ranking

_STOCK = {"IN_STOCK": 1.0, "PREORDER": 0.5, "BACKORDER": 0.5, "OUT_OF_STOCK": 0.0}
_HALF_LIFE_SECONDS = 90 * 86_400
_NAMED = 1_000.0


def ranked_ids(
    found: Sequence[Found],
    scores: Mapping[str, float],
    ranking: Ranking,
    *,
    factors: Mapping[str, float] | None = None,
    now_ms: int = 0,
    pinned: Sequence[Found] = (),
) -> tuple[list[str], dict[str, int]]:
    """The products in their order, and how many copies stand behind each.

    `scores`: of the words, of every product. `pinned`: whose copies stand behind all others too.
    """
    final = {
        one.product_id: float(
            np.float32(scores[one.product_id] * (factors or {}).get(one.product_id, 1))
        )
        for one in found
    }
    named = {one.product_id for one in found if scores[one.product_id] >= _NAMED}
    best = max((s for i, s in final.items() if i not in named), default=0.0)
    business = _business(found, ranking, now_ms)

    def place(one: Found) -> tuple:
        score = final[one.product_id]
        step = 1
        if one.product_id in named:
            step = 0
        elif best > 0:
            lost = int((1 - score / best) * ranking.score_steps)
            step = 1 + min(max(lost, 0), ranking.score_steps - 1)
        return (step, -business[one.product_id], -score, one.product_id.encode())

    ordered = sorted(found, key=place)
    copies = dict.fromkeys((one.product_id for one in (*pinned, *ordered)), 0)
    if not ranking.collapses_duplicates:
        return [one.product_id for one in ordered], copies
    first: dict[tuple, str] = {}
    shown, behind = [], []
    for one in (*pinned, *ordered):
        key = title_form(one)
        if key[0] and key in first:
            copies[first[key]] += 1
            stays = one.product_id in named
        else:
            first[key] = one.product_id
            stays = True
        if one not in pinned:
            (shown if stays else behind).append(one.product_id)
    return shown + behind, copies


def title_form(found: Found) -> tuple[str, str]:
    """What copies have in common; these catalogues have no accents in titles."""
    texts = [(found.rows[0][key] or [""])[0] for key in ("title", "brand")]
    plain = [" ".join(re.findall(r"[a-zåäö]+|[0-9.]+", text.casefold())) for text in texts]
    return plain[0], plain[1]


def _business(found: Sequence[Found], ranking: Ranking, now_ms: int) -> dict[str, float]:
    stock = {o.product_id: max(_STOCK[r["availability"][0]] for r in o.rows) for o in found}
    popularity = {o.product_id: math.log1p(o.rows[0]["popularity"][0]) for o in found}
    released = {o.product_id: o.rows[0]["release_time"] for o in found}
    times = {i: min(t[0], now_ms / 1000 or t[0]) for i, t in released.items() if t}
    most, newest = max(popularity.values(), default=0), max(times.values(), default=0)
    return {
        i: ranking.in_stock_weight * stock[i]
        + ranking.popularity_weight * (popularity[i] / most if most else 0.0)
        + ranking.freshness_weight
        * (2 ** ((times[i] - newest) / _HALF_LIFE_SECONDS) if i in times else 0.0)
        for i in stock
    }
