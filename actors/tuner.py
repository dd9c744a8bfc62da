"""The tuner: a short-lived process that chooses a session model, so that answers need not wait for the sums.

    python -m actors.tuner < SESSIONS > CHOICE

It reads and writes JSON. Products are numbers and sessions have no names: nothing that comes here says whose they are.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any, Final

from actors.recommend.choose import choose_scorer
from actors.recommend.parameters import Parameters
from actors.recommend.replay import RecordedSession
from actors.recommend.session_index import SessionBounds

NICENESS: Final = 10
"""Shoppers come first: a choice may take longer on a busy machine."""
_NUMBER_SIZE: Final = 4


def main() -> int:
    """Choose, within the time that the input allows; 0 when the choice is whole."""
    os.nice(NICENESS)
    asked = json.load(sys.stdin)
    ends_s = time.monotonic() + asked["seconds"]
    choice = choose_scorer(
        _sessions(asked["train"], first=0),
        _sessions(asked["validation"], first=len(asked["train"])),
        bounds=SessionBounds(**asked["bounds"]),
        is_novel=True,
        progress=lambda _done, _most: None,
        is_time_up=lambda: time.monotonic() > ends_s,
    )
    json.dump(
        {
            "question_count": choice.question_count,
            "chosen": _figures(choice.parameters, choice.hit_rate, choice.reciprocal_rank),
            "tried": [_figures(*one) for one in choice.tried],
        },
        sys.stdout,
    )
    return 0


def _sessions(listed: list[list[list[int]]], *, first: int) -> list[RecordedSession]:
    """Sessions named by their places; each is a list of times and products."""
    return [
        RecordedSession.of(
            _name(number),
            [(time_ms, _name(product)) for time_ms, product in events],
        )
        for number, events in enumerate(listed, first)
    ]


def _name(number: int) -> bytes:
    return number.to_bytes(_NUMBER_SIZE, "big")


def _figures(parameters: Parameters, hit_rate: float, reciprocal_rank: float) -> dict[str, Any]:
    return {
        "parameters": asdict(parameters),
        "hit_rate": hit_rate,
        "reciprocal_rank": reciprocal_rank,
    }


if __name__ == "__main__":
    sys.exit(main())
