"""Sessions from events: what a visitor does without a pause of half an hour, whatever order the events come in.

A session is named by its visitor, the shop's session and the time of its first event. An event that comes late may
begin a session earlier or close the pause between two: then the session index gets the session under its new name.
What the index holds in the end depends on the set of events alone.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from actors.recommend.replay import RecordedSession
from actors.recommend.session_index import SessionIndex

PAUSE_MS: Final = 30 * 60_000
_LINES_SLACK: Final = 2
_TIME_SIZE: Final = 8


@dataclass(slots=True)
class _Run:
    """Events without a pause."""

    first_ms: int
    last_ms: int


class SessionBook:
    """Which sessions each visitor has in the index."""

    def __init__(self, index: SessionIndex) -> None:
        self.index = index
        self._lines: dict[bytes, dict[bytes, list[_Run]]] = {}
        """By visitor and shop's session; ascending, each as far from the next as a pause."""

        self._run_count = 0

    def add(
        self, storage_id: bytes, session_hash: bytes, time_ms: int, products: Iterable[bytes]
    ) -> None:
        """One event."""
        runs = self._lines.setdefault(storage_id, {}).setdefault(session_hash, [])
        place = bisect_right(runs, time_ms, key=lambda run: run.first_ms)
        # At most the run that begins before the event and the one after it are within a pause of it.
        first = place - 1 if place and time_ms - runs[place - 1].last_ms <= PAUSE_MS else place
        last = place + (place < len(runs) and runs[place].first_ms - time_ms <= PAUSE_MS)
        joined = runs[first:last]
        run = _Run(
            min([time_ms, *(one.first_ms for one in joined)]),
            max([time_ms, *(one.last_ms for one in joined)]),
        )
        runs[first:last] = [run]
        self._run_count += 1 - len(joined)
        prefix = storage_id + session_hash
        events = {(time_ms, product) for product in products}
        for one in joined:
            if one.first_ms != run.first_ms:
                events.update(self._take(_key(prefix, one)))
        self.index.add_session(_key(prefix, run), events)
        if self._run_count > _LINES_SLACK * self.index.bounds.sessions_max:
            self._prune()

    def forget(self, storage_id: bytes) -> None:
        """Take all sessions of a visitor out of the index."""
        for session_hash, runs in self._lines.pop(storage_id, {}).items():
            for run in runs:
                self.index.remove(_key(storage_id + session_hash, run))
            self._run_count -= len(runs)

    def expire(self, before_ms: int) -> None:
        """Drop all sessions that ended before a time."""
        if self.index.expire(before_ms):
            self._prune()

    def recorded(self) -> list[RecordedSession]:
        """All sessions of at least two events, by key, for replaying them."""
        return [
            RecordedSession.of(session.key, session.events())
            for session in self.index.sessions()
            if len(session.order) > 1
        ]

    def _take(self, key: bytes) -> list[tuple[int, bytes]]:
        session = self.index.session(key)
        if session is None:
            return []
        events = list(session.events())
        self.index.remove(key)
        return events

    def _prune(self) -> None:
        """Drop the runs whose sessions the index had no room for."""
        kept: dict[bytes, dict[bytes, list[_Run]]] = {}
        self._run_count = 0
        for storage_id, lines in self._lines.items():
            for session_hash, runs in lines.items():
                prefix = storage_id + session_hash
                held = [run for run in runs if self.index.session(_key(prefix, run)) is not None]
                if held:
                    kept.setdefault(storage_id, {})[session_hash] = held
                    self._run_count += len(held)
        self._lines = kept


def _key(prefix: bytes, run: _Run) -> bytes:
    return prefix + run.first_ms.to_bytes(_TIME_SIZE, "big", signed=True)
