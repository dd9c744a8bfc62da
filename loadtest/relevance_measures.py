"""Graded judgments, nDCG over them, and bootstrap intervals of their means."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

CUT: Final = 10
"""Products of a list that count: what a visitor sees first."""

RESAMPLES: Final = 10_000
LEVEL: Final = 0.95
MEASURES: Final = ("ndcg10", "ndcg10_judged", "judged_at_10")

Ratings = Mapping[str, int]
"""By product id."""


def read_judgments(path: Path) -> dict[str, Ratings]:
    """The ratings of each query of a CSV file with the columns query, docid and rating.

    Queries without a positive rating are left out: every order is as good as any other for them.
    """
    by_query: dict[str, dict[str, int]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_query.setdefault(row["query"], {})[row["docid"]] = int(row["rating"])
    return {query: ratings for query, ratings in by_query.items() if any(ratings.values())}


@dataclass(frozen=True, slots=True)
class Figures:
    """The three measures of each query, in the order of the judgments."""

    values: NDArray[np.float64]
    """float64[queries, 3], the columns as in `MEASURES`."""

    def means(self) -> dict[str, float]:
        """The mean of each measure over all queries."""
        return dict(zip(MEASURES, self.values.mean(axis=0).tolist(), strict=True))


def measure(lists: Mapping[str, Sequence[str]], judgments: Mapping[str, Ratings]) -> Figures:
    """What the lists of product ids, best first, are worth for their queries."""
    rows = [_measures_of(lists[query], ratings) for query, ratings in judgments.items()]
    return Figures(np.array(rows, np.float64).reshape(-1, len(MEASURES)))


def _measures_of(listed: Sequence[str], ratings: Ratings) -> tuple[float, float, float]:
    ideal = discounted_gain(sorted(ratings.values(), reverse=True))
    judged = [ratings[product] for product in listed if product in ratings]
    shown = listed[:CUT]
    known_count = sum(product in ratings for product in shown)
    return (
        discounted_gain([ratings.get(product, 0) for product in shown]) / ideal,
        discounted_gain(judged) / ideal,
        known_count / len(shown) if shown else 0.0,
    )


def discounted_gain(ratings: Sequence[int]) -> float:
    """DCG of the first ten: the sum of (2^rating - 1) / log2(1 + place) (Burges et al. 2005)."""
    gains = np.exp2(np.array(ratings[:CUT], np.float64)) - 1
    return float(np.sum(gains / np.log2(np.arange(len(gains)) + 2)))


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the means might have been with other queries of the same kind."""

    intervals: Mapping[str, tuple[float, float]]
    """By measure: the percentile interval at `LEVEL`."""

    difference_low: Mapping[str, float]
    """By measure of order: the lower end of the same interval of our lead over the better rival."""


def bootstrap(ours: Figures, rivals: Sequence[Figures], *, seed: int) -> Bootstrap:
    """Percentile intervals from `RESAMPLES` draws of the queries, the same draws for all sides.

    The better rival is the one with the higher mean of the measure (Efron and Tibshirani 1993,
    chapter 13; paired because a query is as hard for one side as for the other).
    """
    count = len(ours.values)
    drawn = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    tails = [50 * (1 - LEVEL), 50 * (1 + LEVEL)]
    intervals, difference_low = {}, {}
    for column, name in enumerate(MEASURES):
        own = ours.values[:, column]
        low, high = np.percentile(own[drawn].mean(axis=1), tails).tolist()
        intervals[name] = (low, high)
        if name != "judged_at_10":
            columns = [rival.values[:, column] for rival in rivals]
            lead = own - max(columns, key=lambda values: float(values.mean()))
            difference_low[name] = float(np.percentile(lead[drawn].mean(axis=1), tails[0]))
    return Bootstrap(intervals, difference_low)
