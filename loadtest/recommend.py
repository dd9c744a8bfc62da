"""`python -m loadtest recommend`: how often the next product is among twenty, and what an answer costs.

The index holds the training file only. Scorer and parameters are chosen on the validation file and on the end
of the training file; the test file is asked once, with what was chosen. Two answers are measured: all products
(a session's own ones too), and, as `novel`, those the visitor has not seen, where only such targets count.
"""

import argparse
import gc
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from actors.recommend.choose import Choice, choose_scorer
from actors.recommend.next_products import next_products
from actors.recommend.parameters import Parameters
from actors.recommend.replay import (
    ANSWER_SIZE,
    Measures,
    Question,
    RecordedSession,
    index_of,
    measure,
    questions_of,
)
from actors.recommend.session_index import SessionIndex
from loadtest.clicks import BOUNDS, read_sessions

REPORT_WIDTH: Final = 120
"""Columns of the report where it is not a terminal that decides."""
_ROUNDS: Final = 5
"""Times that each answer is timed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was chosen for one kind of answer, and what it did on the test file."""

    choice: Choice
    measures: Measures
    percentiles_ms: tuple[float, float, float]  # p50, p90, p99 of one answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest recommend`."""
    parser.add_argument("--train", type=Path, required=True, help="sessions that the index holds")
    parser.add_argument("--valid", type=Path, required=True, help="sessions to choose on")
    parser.add_argument("--test", type=Path, required=True, help="sessions to measure on")
    parser.add_argument(
        "--seconds-max", type=float, default=90, help="for each of the two searches"
    )
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Choose, measure, print, write the file; 1 if the test file asks nothing."""
    console = Console()
    if not console.is_terminal:
        console.width = REPORT_WIDTH
    train, valid, test = map(read_sessions, (arguments.train, arguments.valid, arguments.test))
    if not any(len(session.events) > 1 for session in test):
        console.print(f"{arguments.test}: no session has two events")
        return 1
    index = index_of(train, BOUNDS)
    console.print(
        f"{index.session_count:,} sessions of {index.product_count:,} products to learn from, "
        f"{len(valid):,} to choose on, {len(test):,} to measure on"
    )
    outcomes = [
        _outcome(
            index, (train, valid, test), console, is_novel=is_novel, seconds=arguments.seconds_max
        )
        for is_novel in (False, True)
    ]
    console.print(_table(outcomes))
    for name, outcome in zip(("all", "novel"), outcomes, strict=True):
        console.print(f"{name}: {_settings(outcome.choice.parameters)}", highlight=False)
    if arguments.json is not None:
        text = json.dumps(figures_of(*outcomes), indent=2)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


def figures_of(every: Outcome, novel: Outcome) -> dict[str, Any]:
    """The content of the file."""
    p50_ms, p90_ms, p99_ms = every.percentiles_ms
    return {
        "scorer": every.choice.scorer,
        "parameters": asdict(every.choice.parameters),
        "predictions": every.measures.question_count,
        "hr20": every.measures.hit_rate,
        "mrr20": every.measures.reciprocal_rank,
        "p20": every.measures.precision,
        "r20": every.measures.recall,
        "p50_ms": p50_ms,
        "p90_ms": p90_ms,
        "p99_ms": p99_ms,
        "chosen_on": _chosen_on(every.choice),
        "novel": {
            "scorer": novel.choice.scorer,
            "parameters": asdict(novel.choice.parameters),
            "predictions": novel.measures.question_count,
            "hr20": novel.measures.hit_rate,
            "mrr20": novel.measures.reciprocal_rank,
            "p90_ms": novel.percentiles_ms[1],
            "chosen_on": _chosen_on(novel.choice),
        },
    }


def _chosen_on(choice: Choice) -> dict[str, float]:
    """What the choice rests on: figures of the replay, none of the test file."""
    return {
        "predictions": choice.question_count,
        "candidates": choice.candidate_count,
        "hr20": choice.hit_rate,
        "mrr20": choice.reciprocal_rank,
    }


def _outcome(
    index: SessionIndex,
    sessions: tuple[
        Sequence[RecordedSession], Sequence[RecordedSession], Sequence[RecordedSession]
    ],
    console: Console,
    *,
    is_novel: bool,
    seconds: float,
) -> Outcome:
    train, valid, test = sessions
    name = "products not yet seen" if is_novel else "all products"
    with _progress(console) as shown:
        task = shown.add_task(f"choosing for {name}")
        deadline = time.monotonic() + seconds
        choice = choose_scorer(
            train,
            valid,
            bounds=BOUNDS,
            is_novel=is_novel,
            progress=lambda done, most: shown.update(task, completed=done, total=most),
            is_time_up=lambda: time.monotonic() > deadline,
        )
        shown.update(task, completed=1, total=1)
    questions = questions_of(test, is_novel=is_novel)
    answer = partial(_answer, index, choice.parameters, is_novel=is_novel)
    return Outcome(choice, measure(questions, answer), _percentiles_ms(questions, answer))


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console)


def _answer(
    index: SessionIndex, parameters: Parameters, question: Question, *, is_novel: bool
) -> list[bytes]:
    scored = next_products(
        index,
        question.products,
        now_ms=question.now_ms,
        parameters=parameters,
        count_max=ANSWER_SIZE,
        is_novel=is_novel,
    )
    return [one.product for one in scored]


def _percentiles_ms(
    questions: Sequence[Question], answer: "partial[list[bytes]]"
) -> tuple[float, float, float]:
    """Of all questions, each taken as the median of its rounds: what else the machine does is not ours."""
    gc.collect()
    gc.freeze()
    times = np.empty((_ROUNDS, len(questions)))
    for number in range(_ROUNDS):
        for at, question in enumerate(questions):
            started = time.perf_counter()
            answer(question)
            times[number, at] = time.perf_counter() - started
    gc.unfreeze()
    of_each = np.median(times, axis=0)
    p50, p90, p99 = (np.percentile(of_each, (50, 90, 99)) * 1000).tolist()
    return p50, p90, p99


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("", "scorer", "predictions", "HR@20", "MRR@20", "P@20", "R@20", "p50/p90/p99 ms")
    for name, outcome in zip(("all products", "not yet seen"), outcomes, strict=True):
        measures = outcome.measures
        table.add_row(
            name,
            outcome.choice.scorer,
            f"{measures.question_count:,}",
            f"{measures.hit_rate:.4f}",
            f"{measures.reciprocal_rank:.4f}",
            f"{measures.precision:.4f}",
            f"{measures.recall:.4f}",
            " / ".join(f"{value:.2f}" for value in outcome.percentiles_ms),
        )
    return table


def _settings(parameters: Parameters) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(parameters).items())
