"""Replaying recorded sessions: what would have been answered at each event, and what came instead.

The protocol of session-rec (rn5l/session-rec, UMUAI 2020): a session is revealed one event at a time. Hit rate
and reciprocal rank are of the very next product, precision and recall of all products of the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from actors.recommend.session_index import SessionBounds, SessionIndex

ANSWER_SIZE: Final = 20
"""Products of an answer that count, as in all published figures."""


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """One visit of the past."""

    key: bytes
    events: tuple[tuple[int, bytes], ...]  # (time in ms, product), ascending

    @classmethod
    def of(cls, key: bytes, events: Iterable[tuple[int, bytes]]) -> "RecordedSession":
        """A session from its events in any order."""
        return cls(key, tuple(sorted(set(events))))


@dataclass(frozen=True, slots=True)
class Question:
    """A session up to an event, and what the visitor looked at afterwards."""

    products: tuple[bytes, ...]
    now_ms: int
    wanted: tuple[bytes, ...]  # the next product first


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Means over questions, each at `ANSWER_SIZE`; all 0 without questions."""

    question_count: int
    hit_rate: float
    reciprocal_rank: float
    precision: float
    recall: float


def questions_of(sessions: Iterable[RecordedSession], *, is_novel: bool) -> list[Question]:
    """A question for each event but the last; with `is_novel` only where the next product is a new one."""
    return [
        Question(products[:at], session.events[at - 1][0], products[at:])
        for session in sessions
        for products in (tuple(product for _, product in session.events),)
        for at in range(1, len(products))
        if not (is_novel and products[at] in products[:at])
    ]


def index_of(sessions: Iterable[RecordedSession], bounds: SessionBounds) -> SessionIndex:
    """An index that holds recorded sessions."""
    index = SessionIndex(bounds)
    for session in sessions:
        index.add_session(session.key, session.events)
    return index


def measure(
    questions: Sequence[Question], answer: Callable[[Question], Sequence[bytes]]
) -> Measures:
    """Ask all questions; of each answer the first `ANSWER_SIZE` products count."""
    hits = ranks = precision = recall = 0.0
    for question in questions:
        ranked = list(answer(question))[:ANSWER_SIZE]
        wanted = set(question.wanted)
        found = len(wanted.intersection(ranked))
        precision += found / ANSWER_SIZE
        recall += found / len(wanted)
        if question.wanted[0] in ranked:
            hits += 1
            ranks += 1 / (1 + ranked.index(question.wanted[0]))
    count = len(questions) or 1
    return Measures(
        question_count=len(questions),
        hit_rate=hits / count,
        reciprocal_rank=ranks / count,
        precision=precision / count,
        recall=recall / count,
    )
