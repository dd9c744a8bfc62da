"""Recorded click streams: a text file of `SessionId`, `ItemId` and `Time` in seconds, tab-separated."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Final

from actors.recommend.replay import RecordedSession
from actors.recommend.session_index import SessionBounds
from node.errors import SaluhallError

BOUNDS: Final = SessionBounds(sessions_max=10_000_000, session_events_max=50)
"""All of a file; of the rare session that is longer than p99.5 the newest events."""
_COLUMNS: Final = ("SessionId", "ItemId", "Time")


class ClicksFileError(SaluhallError):
    """A click stream cannot be read."""


def read_sessions(path: Path) -> list[RecordedSession]:
    """The sessions of a file, their events by time; an event that is there twice counts once."""
    events: defaultdict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        if not set(_COLUMNS) <= set(rows.fieldnames or ()):
            raise ClicksFileError(f"{path}: needs the columns {', '.join(_COLUMNS)}, tab-separated")
        for row in rows:
            try:
                time_ms = round(float(row["Time"]) * 1000)
            except (TypeError, ValueError) as error:
                raise ClicksFileError(f"{path}:{rows.line_num}: {row} has no time") from error
            events[row["SessionId"].encode()].append((time_ms, row["ItemId"].encode()))
    return [RecordedSession.of(key, of_one) for key, of_one in events.items()]
