"""`python -m loadtest cold-start`: what a new shop's recommendations are worth after 0, 10, 100, ... events.

The last events of the training file are put in one by one, as a shop's would be that opened so many events
ago, and then all questions of the test file are asked of the blend of its sources: sessions like the visitor's
(which holds what they may come back to), and what many look at. Parameters are the defaults: there is nothing
yet to choose them on.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from actors.recommend.blend import BlendRules, Candidates, Source, any_product, blend, no_groups
from actors.recommend.next_products import next_products
from actors.recommend.parameters import Parameters
from actors.recommend.popularity import WHOLE_SHOP, Popularity, PopularityBounds
from actors.recommend.replay import (
    ANSWER_SIZE,
    Measures,
    Question,
    RecordedSession,
    measure,
    questions_of,
)
from actors.recommend.session_index import SessionIndex
from loadtest.clicks import BOUNDS, read_sessions

EVENT_COUNTS: Final = (0, 10, 100, 1_000, 10_000)
_HALF_LIFE_DAYS: Final = 7.0
_CANDIDATES: Final = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One click."""

    time_ms: int
    session: bytes
    product: bytes


class NewShop:
    """The sources of a shop that has nothing but events."""

    def __init__(self) -> None:
        self._sessions = SessionIndex(BOUNDS)
        self._popularity = Popularity(
            PopularityBounds(
                half_lives_days=(_HALF_LIFE_DAYS,),
                days_max=365,
                day_count_max=1_000,
                products_max=100_000,
                categories_max=1,
            )
        )

    def put(self, event: Event) -> None:
        """See one event; the next answer knows of it."""
        self._sessions.add(event.session, event.product, event.time_ms)
        self._popularity.add(event.product, (), event.time_ms)

    def answer(self, question: Question) -> list[bytes]:
        """Twenty products, fewer only while the shop knows fewer."""
        current = question.products[-1]
        session = next_products(
            self._sessions,
            question.products,
            now_ms=question.now_ms,
            parameters=Parameters(),
            count_max=_CANDIDATES,
            is_novel=False,
        )
        popular = self._popularity.ranked(
            WHOLE_SHOP, half_life_days=_HALF_LIFE_DAYS, now_ms=question.now_ms
        )
        # What the visitor did is evidence too: without it nothing would be known of what they come back to.
        evidence = self._sessions.support(current) + len(question.products)
        recommended = blend(
            (
                Candidates(Source.SESSION, session, evidence, current),
                Candidates(
                    Source.POPULARITY, popular, self._popularity.evidence(WHOLE_SHOP), WHOLE_SHOP
                ),
            ),
            count_max=ANSWER_SIZE,
            rules=BlendRules(),
            taken={current},
            allowed=any_product,
            groups_of=no_groups,
        )
        return [one.product for one in recommended]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest cold-start`."""
    parser.add_argument(
        "--train", type=Path, required=True, help="sessions whose last events count"
    )
    parser.add_argument("--test", type=Path, required=True, help="sessions to measure on")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Measure after each count of events, print, write the file; 1 if the test file asks nothing."""
    console = Console()
    events = events_of(read_sessions(arguments.train))
    questions = questions_of(read_sessions(arguments.test), is_novel=False)
    if not questions:
        console.print(f"{arguments.test}: no session has two events")
        return 1
    table = Table("events", "HR@20", "MRR@20", title=f"{len(questions):,} predictions")
    figures = []
    for count in EVENT_COUNTS:
        measures = after(events[max(0, len(events) - count) :], questions)
        table.add_row(f"{count:,}", f"{measures.hit_rate:.4f}", f"{measures.reciprocal_rank:.4f}")
        figures.append(
            {"events": count, "hr20": measures.hit_rate, "mrr20": measures.reciprocal_rank}
        )
    console.print(table)
    if arguments.json is not None:
        text = json.dumps({"predictions": len(questions), "steps": figures}, indent=2)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


def events_of(sessions: Iterable[RecordedSession]) -> list[Event]:
    """All events in the order in which they happened."""
    events = [
        Event(time_ms, session.key, product)
        for session in sessions
        for time_ms, product in session.events
    ]
    return sorted(events, key=lambda one: (one.time_ms, one.session, one.product))


def after(events: Sequence[Event], questions: Sequence[Question]) -> Measures:
    """What the answers of a shop are worth that has seen these events."""
    shop = NewShop()
    for event in events:
        shop.put(event)
    return measure(questions, shop.answer)
