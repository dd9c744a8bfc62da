"""Which scorer and which parameters suit a tenant: a replay of its own recorded sessions decides.

No setting is the best for all shops: VSTAN beats VMIS-kNN on most published click streams and loses on some,
and how long a session stays interesting differs between groceries and sofas. So candidates are compared on
two sets of questions. One is the validation sessions, asked of an index of the training sessions. The other
is the last training sessions, asked of an index of those before them: a small validation set is not left to
decide alone, and a tenant that keeps none still gets a choice.

The search goes along one parameter at a time, twice, and moves only for a gain that is more than a handful of
questions. It is bounded by the grid, by the questions, and by `is_time_up`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from actors.recommend.parameters import Parameters, Scorer
from actors.recommend.replay import RecordedSession
from actors.recommend.session_index import SessionBounds
from actors.recommend.trials import Trials

_QUESTIONS_MIN: Final = 50
"""Fewer decide nothing; the defaults stay."""
_GAIN_MIN: Final = 0.0004
_HIT_RATE_WEIGHT: Final = 0.5
"""Against the reciprocal rank: both matter, and the hit rate is about twice as large."""
_ROUNDS: Final = 2

_NEIGHBOURS: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "neighbours_max": (50, 100, 200),
        "recent_max": (100, 250, 500, 1000),
        "idf_weight": (0.0, 0.2, 1.0),
        "products_max": (5, 10),
        "position_decay": (1.0, 2.0, 4.0, 8.0),
        "age_decay_days": (7.0, 15.0, 30.0, 100.0),
        "distance_decay": (1.0, 2.0, 4.0, 8.0),
        "match_decay": (0.5, 1.0, 2.0, 4.0),
    }
)
_SUCCESSORS: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "successor_sources": (1, 3),
        "successor_source_decay": (0.3, 0.5, 0.7),
        "successor_distance_max": (1, 2, 3, 5),
        "successor_age_decay_days": (15.0, 100.0),
    }
)
_BLEND: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "successor_weight": (0.0, 0.1, 0.2, 0.4),
        "repeat_weight": (0.2, 0.5, 1.0, 2.0),
        "repeat_decay": (0.7, 0.8, 0.9, 0.95),
        "wider_weight": (0.0, 0.02, 0.05, 0.1, 0.2),
        "wider_sources": (3, 5),
    }
)
_GRID: Final = MappingProxyType({**_BLEND, **_SUCCESSORS, **_NEIGHBOURS})
_CANDIDATES_MAX: Final = _ROUNDS * (
    sum(map(len, _NEIGHBOURS.values())) + sum(map(len, _GRID.values()))
)

_Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What suits a tenant, and how well it did in the replay."""

    scorer: Scorer
    parameters: Parameters
    hit_rate: float  # at ANSWER_SIZE, of all questions of the replay
    reciprocal_rank: float
    question_count: int
    candidate_count: int  # candidates that were compared
    tried: tuple[tuple[Parameters, float, float], ...]  # with their two figures, best first


def choose_scorer(
    train: Sequence[RecordedSession],
    validation: Sequence[RecordedSession],
    *,
    bounds: SessionBounds,
    is_novel: bool,
    progress: _Progress,
    is_time_up: Callable[[], bool],
) -> Choice:
    """The best candidate of a bounded grid; the defaults where there are too few questions to tell.

    Args:
        train: sessions in any order.
        validation: sessions that are not among them, later ones at best; may be empty.
        bounds: of the index that will answer.
        is_novel: choose for answers without what the visitor has seen.
        progress: called with the candidates compared so far, and with how many there are at most.
        is_time_up: asked before each candidate; the best so far is the choice once it says so.
    """
    trials = Trials(train, validation, bounds, is_novel=is_novel)
    search = _Search(trials, progress, is_time_up)
    if trials.question_count >= _QUESTIONS_MIN:
        starts = [
            search.along(_NEIGHBOURS, Parameters(scorer=scorer))
            for scorer in (Scorer.VMIS, Scorer.VSTAN)
        ]
        best = max(starts, key=search.worth)
        for _ in range(_ROUNDS):
            best = search.along(_GRID, best)
    else:
        best = Parameters()
    hit_rate, reciprocal_rank = search.figures(best)
    return Choice(
        best.scorer,
        best,
        hit_rate,
        reciprocal_rank,
        trials.question_count,
        search.candidate_count,
        search.tried(),
    )


class _Search:
    """The candidates compared so far."""

    def __init__(self, trials: Trials, progress: _Progress, is_time_up: Callable[[], bool]) -> None:
        self._trials = trials
        self._progress = progress
        self._is_time_up = is_time_up
        self._figures: dict[Parameters, tuple[float, float]] = {}

    @property
    def candidate_count(self) -> int:
        return len(self._figures)

    def figures(self, parameters: Parameters) -> tuple[float, float]:
        """Hit rate and reciprocal rank."""
        if parameters not in self._figures:
            self._figures[parameters] = self._trials.figures(parameters)
            self._progress(len(self._figures), _CANDIDATES_MAX)
        return self._figures[parameters]

    def worth(self, parameters: Parameters) -> float:
        """What candidates are compared by."""
        hit_rate, reciprocal_rank = self.figures(parameters)
        return reciprocal_rank + _HIT_RATE_WEIGHT * hit_rate

    def tried(self) -> tuple[tuple[Parameters, float, float], ...]:
        """All candidates with their figures, the best first; equal ones as they were tried."""
        best_first = sorted(self._figures, key=self.worth, reverse=True)
        return tuple((candidate, *self._figures[candidate]) for candidate in best_first)

    def along(self, grid: Mapping[str, tuple[float, ...]], parameters: Parameters) -> Parameters:
        """Better parameters, found by changing one after the other."""
        best = parameters
        for name, values in grid.items():
            if self._trials.is_idle(name, best.scorer):
                continue
            for value in values:
                if self._is_time_up():
                    return best
                change: dict[str, Any] = {name: value}
                candidate = replace(best, **change)
                if self.worth(candidate) > self.worth(best) + _GAIN_MIN:
                    best = candidate
        return best
