"""What candidates for a tenant's scorer are compared on: questions of the past, and the rank of what came next."""

from collections.abc import Callable, Sequence
from typing import Final

from actors.recommend.neighbours import neighbour_scores
from actors.recommend.next_products import blended, scored_end
from actors.recommend.parameters import Parameters, Scorer
from actors.recommend.replay import (
    ANSWER_SIZE,
    Question,
    RecordedSession,
    index_of,
    questions_of,
)
from actors.recommend.session_index import SessionBounds, SessionIndex
from actors.recommend.successors import successor_scores

QUESTIONS_MAX: Final = 1_500
"""Of each of the two sets: a candidate then takes well below a second."""
_HELD_BACK: Final = 0.1
"""The share of the training sessions that are asked of the others."""

_OF_REPEATS: Final = frozenset({"repeat_weight", "repeat_decay"})
_OF_VSTAN: Final = frozenset({"position_decay", "age_decay_days", "match_decay", "distance_decay"})
_OF_NEIGHBOURS: Final = (
    "scorer",
    "products_max",
    "recent_max",
    "neighbours_max",
    "idf_weight",
    *sorted(_OF_VSTAN),
)
_OF_SUCCESSORS: Final = (
    "products_max",
    "recent_max",
    "successor_sources",
    "successor_source_decay",
    "successor_distance_max",
    "successor_age_decay_days",
)

_Scores = list[dict[bytes, float]]
_Part = Callable[[SessionIndex, Sequence[bytes], int, Parameters], dict[bytes, float]]


class Trials:
    """Two sets of questions: validation asked of training, and the end of training asked of the rest of it."""

    def __init__(
        self,
        train: Sequence[RecordedSession],
        validation: Sequence[RecordedSession],
        bounds: SessionBounds,
        *,
        is_novel: bool,
    ) -> None:
        by_start = sorted(train, key=lambda one: (one.events[0][0], one.key))
        split = len(by_start) - round(len(by_start) * _HELD_BACK)
        self._is_novel = is_novel
        self._asked = [
            (index, question)
            for known, asked in ((train, validation), (by_start[:split], by_start[split:]))
            for index in (index_of(known, bounds),)
            for question in _spread(questions_of(asked, is_novel=is_novel))
        ]
        self._neighbours: dict[tuple[object, ...], _Scores] = {}
        self._successors: dict[tuple[object, ...], _Scores] = {}

    @property
    def question_count(self) -> int:
        return len(self._asked)

    def is_idle(self, name: str, scorer: Scorer) -> bool:
        """Whether a parameter changes no answer."""
        return (self._is_novel and name in _OF_REPEATS) or (
            scorer is Scorer.VMIS and name in _OF_VSTAN
        )

    def figures(self, parameters: Parameters) -> tuple[float, float]:
        """Hit rate and reciprocal rank of a candidate."""
        near = self._part(self._neighbours, neighbour_scores, _OF_NEIGHBOURS, parameters)
        after = self._part(self._successors, successor_scores, _OF_SUCCESSORS, parameters)
        hits = ranks = 0.0
        for (index, question), neighbours, successors in zip(self._asked, near, after, strict=True):
            scores = blended(
                index,
                question.products,
                neighbours,
                successors,
                parameters=parameters,
                is_novel=self._is_novel,
            )
            rank = _rank(scores, question.wanted[0])
            if 0 < rank <= ANSWER_SIZE:
                hits += 1
                ranks += 1 / rank
        count = len(self._asked) or 1
        return hits / count, ranks / count

    def _part(
        self,
        kept: dict[tuple[object, ...], _Scores],
        part: _Part,
        names: Sequence[str],
        parameters: Parameters,
    ) -> _Scores:
        """One part of every answer; the last two are kept: the best candidate's and the latest one's."""
        key = tuple(getattr(parameters, name) for name in names)
        scores = kept.pop(key, None)
        if scores is None:
            scores = [
                part(
                    index,
                    scored_end(question.products, parameters),
                    question.now_ms,
                    parameters,
                )
                for index, question in self._asked
            ]
        kept[key] = scores
        if len(kept) > 2:
            del kept[next(iter(kept))]
        return scores


def _spread(questions: Sequence[Question]) -> Sequence[Question]:
    """At most `QUESTIONS_MAX` of them, evenly spread."""
    step = max(1, -(-len(questions) // QUESTIONS_MAX))
    return questions[::step]


def _rank(scores: dict[bytes, float], wanted: bytes) -> int:
    """The place of a product in the answer, from 1; 0 if it is not in it."""
    score = scores.get(wanted)
    if score is None:
        return 0
    return 1 + sum(
        other > score or (other == score and product < wanted) for product, other in scores.items()
    )
