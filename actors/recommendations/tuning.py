"""Choosing a tenant's session model: its own sessions are replayed in another process, and the choice is logged."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from actors.recommend.parameters import Parameters, Scorer
from actors.recommend.replay import RecordedSession
from actors.recommend.session_index import SessionBounds
from actors.recommendations.memory import RecommendMemory
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import RECOMMEND_MODEL
from node.errors import UnavailableError
from protos.internal.records_pb2 import RecommendModelRecord
from protos.v1.recommend_pb2 import RecommendModel, TuneRecommendationsResponse

MODEL_KEY: Final = b"tenant"
SECONDS_MAX: Final = 40.0
"""For comparing candidates, all told: the call must be answered within 60 s."""
_KILL_AFTER_S: Final = SECONDS_MAX + 15
SESSIONS_MAX: Final = 20_000
"""The latest so many are replayed."""
_TEST_SHARE: Final = 0.2
"""Of the sessions the latest, which are asked of those before."""
TRIED_MAX: Final = 20
_SCORER: Final = "scorer"
_COUNTS: Final = frozenset(field.name for field in fields(Parameters) if field.type in {int, "int"})


def read_model(view: ReadView) -> RecommendModel:
    """The choice that holds; nothing chosen before the first."""
    value = view.get(RECOMMEND_MODEL, MODEL_KEY)
    return RecommendModelRecord.FromString(b"" if value is None else bytes(value)).model


def parameters_of(model: RecommendModel) -> Parameters:
    """What the index is asked with; the defaults before the first choice.

    Parameters that this release does not know are left out, those that the choice does not name have their defaults.
    """
    if not model.chosen.scorer:
        return Parameters()
    known = {field.name for field in fields(Parameters)} - {_SCORER}
    told: dict[str, Any] = {
        name: int(value) if name in _COUNTS else value
        for name, value in model.chosen.parameters.items()
        if name in known
    }
    return Parameters(scorer=Scorer(model.chosen.scorer), **told)


async def choose_model(memory: RecommendMemory) -> RecommendModel:
    """The best model for the sessions in memory, with the figures of what was tried.

    Raises:
        UnavailableError: the process that compares ended without an answer.
    """
    sessions = memory.sessions.recorded()
    sessions.sort(key=lambda one: (one.events[0][0], one.key))
    sessions = sessions[-SESSIONS_MAX:]
    split = len(sessions) - round(len(sessions) * _TEST_SHARE)
    asked = _asked(sessions[:split], sessions[split:], memory.index.bounds)
    answer = await _run(json.dumps(asked).encode())
    tried = [_figures(one) for one in answer["tried"]]
    return RecommendModel(
        chosen=_figures(answer["chosen"]),
        tried=tried[:TRIED_MAX],
        session_count=memory.index.session_count,
        event_count=memory.event_count,
        test_session_count=len(sessions) - split if answer["question_count"] else 0,
    )


def resolve_model(model: RecommendModel, context: WriteContext) -> Resolution:
    """Log a choice."""
    model.tune_time.FromMilliseconds(context.now_ms)
    resolution = Resolution(TuneRecommendationsResponse(model=model))
    resolution.put(RECOMMEND_MODEL, MODEL_KEY, RecommendModelRecord(model=model))
    return resolution


def resolve_again(context: WriteContext) -> Resolution:
    """Log the choice that holds once more."""
    return resolve_model(read_model(context.view), context)


def _asked(
    train: Sequence[RecordedSession], test: Sequence[RecordedSession], bounds: SessionBounds
) -> dict[str, Any]:
    """What the tuner is asked: products become numbers, in the order of their ids so that ties are broken alike."""
    products = {product for session in (*train, *test) for _, product in session.events}
    numbers = {product: number for number, product in enumerate(sorted(products))}

    def listed(sessions: Sequence[RecordedSession]) -> list[list[tuple[int, int]]]:
        return [
            [(time_ms, numbers[product]) for time_ms, product in session.events]
            for session in sessions
        ]

    return {
        "seconds": SECONDS_MAX,
        "bounds": asdict(bounds),
        "train": listed(train),
        "validation": listed(test),
    }


async def _run(asked: bytes) -> Mapping[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "actors.tuner",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_KILL_AFTER_S):
            output, _ = await process.communicate(asked)
    except TimeoutError:
        output = b""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode or not output:
        raise UnavailableError(
            "the process that compares session models ended without an answer; try again",
            reason="TUNER_FAILED",
            retry_delay_ms=1_000,
        )
    answer: Mapping[str, Any] = json.loads(output)
    return answer


def _figures(one: Mapping[str, Any]) -> RecommendModel.Figures:
    parameters = dict(one["parameters"])
    return RecommendModel.Figures(
        scorer=parameters.pop(_SCORER),
        parameters=parameters,
        hit_rate_20=one["hit_rate"],
        mrr_20=one["reciprocal_rank"],
    )
