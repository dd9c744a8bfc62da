"""The sessions of one tenant, ordered for session-kNN, and changed by one event at a time.

A session is the ordered list of what one visitor looked at. For every product the index knows the sessions
that held it, ordered by when they last did, so the most recent ones are the end of a list: an event is put
into two sorted lists, and the very next answer knows of it. Nothing is cut when it is written except by the
bounds below; the `m` most recent sessions of a product (VMIS-kNN, bolcom/serenade, SIGMOD 2022) are taken when
a question is asked. That is what makes erasure exact: a list cut to `m` at writing would have lost what the
erased session had pushed out.

What is held is a function of the *set* of events: late and repeated events end up where timely ones would
have, ties are broken by the keys, and no answer depends on the order of arrival or on what was erased since.

Bounds. A session keeps its newest `session_events_max` events, which depends on that session alone. Sessions
that ended before a time are dropped by `expire`, which depends on that time alone. `sessions_max` is the hard
bound on memory: above it the oldest session by (time, key) goes. Only that one depends on the other sessions,
so `is_whole` says whether room was ever made that way; if it was, the caller that erases a session feeds the
index again from its events to have the oldest of them back.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

_HEAP_SLACK: Final = 2
"""The heap of ages holds at most this many entries for each session before it is built anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBounds:
    """How much one tenant's index may hold."""

    sessions_max: int
    """Above it the oldest session goes."""
    session_events_max: int
    """Of a longer session the newest events count: the p99.5 of real shops is about 30, the rest are robots."""

    def __post_init__(self) -> None:
        if self.sessions_max < 1 or self.session_events_max < 1:
            raise ValueError(f"bounds must be at least 1: {self}")


class Session:
    """One visit: its events in order, each a time in ms and a product."""

    __slots__ = ("events", "key", "products", "time_ms")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.events: list[tuple[int, bytes]] = []  # ascending by (time in ms, product), all distinct
        self.products: dict[bytes, int] = {}  # product -> position of its last event, in `events`
        self.time_ms = 0

    def settle(self) -> None:
        """Derive everything from the events, so that it depends on nothing else."""
        self.products = {product: at for at, (_, product) in enumerate(self.events)}
        self.time_ms = self.events[-1][0]


class SessionIndex:
    """Sessions by product; product ids and session keys are bytes."""

    def __init__(self, bounds: SessionBounds) -> None:
        self.bounds = bounds
        self._sessions: dict[bytes, Session] = {}
        # product -> (time in ms of the session's last event with it, session key), ascending
        self._postings: dict[bytes, list[tuple[int, bytes]]] = {}
        self._ages: list[tuple[int, bytes]] = []  # heap; entries may be out of date, never too young
        self._floor: tuple[int, bytes] | None = None

    @property
    def session_count(self) -> int:
        return len(self._sessions)

    @property
    def product_count(self) -> int:
        return len(self._postings)

    @property
    def is_whole(self) -> bool:
        """Whether no session was ever dropped for want of room."""
        return self._floor is None

    def add(self, key: bytes, product: bytes, time_ms: int) -> bool:
        """Put one event into its session, which begins with it if need be; False if it changed nothing."""
        return self.add_session(key, ((time_ms, product),))

    def add_session(self, key: bytes, events: Iterable[tuple[int, bytes]]) -> bool:
        """Put events, each (time in ms, product), into one session; False if that changed nothing.

        An event that is there already changes nothing, nor does one older than everything that a full
        session or a full index still holds.
        """
        session = self._sessions.get(key)
        before = [] if session is None else session.events
        merged = sorted({*before, *events})[-self.bounds.session_events_max :]
        if not merged or merged == before:
            return False
        if session is None and self._floor is not None and (merged[-1][0], key) <= self._floor:
            return False
        if session is None:
            session = self._sessions[key] = Session(key)
        self._replace(session, merged)
        self._note_age(session)
        while len(self._sessions) > self.bounds.sessions_max:
            self._floor = self._drop_oldest()
        return key in self._sessions

    def remove(self, key: bytes) -> bool:
        """Forget a session as if it had never been; False if it is not here."""
        session = self._sessions.pop(key, None)
        if session is None:
            return False
        self._replace(session, [])
        return True

    def expire(self, before_ms: int) -> int:
        """Drop every session whose newest event is older than a time; the number dropped."""
        count = 0
        while (oldest := self._oldest()) is not None and oldest.time_ms < before_ms:
            self.remove(oldest.key)
            count += 1
        return count

    def session(self, key: bytes) -> Session | None:
        """A session by its key."""
        return self._sessions.get(key)

    def sessions(self) -> Iterator[Session]:
        """All sessions, ordered by key."""
        for key in sorted(self._sessions):
            yield self._sessions[key]

    def recent(self, product: bytes, count_max: int) -> list[Session]:
        """The sessions that held a product most recently, the most recent last."""
        sessions = self._sessions
        return [sessions[key] for _, key in self._postings.get(product, ())[-count_max:]]

    def support(self, product: bytes) -> int:
        """The number of sessions that held a product."""
        return len(self._postings.get(product, ()))

    def idf(self, product: bytes) -> float:
        """ln(sessions / sessions that held it), at least 0; 0 for a product never seen."""
        count = len(self._postings.get(product, ()))
        return math.log(len(self._sessions) / count) if count else 0.0

    def _replace(self, session: Session, events: list[tuple[int, bytes]]) -> None:
        """Give a session other events, and move its postings accordingly."""
        before = {product: session.events[at][0] for product, at in session.products.items()}
        session.events = events
        if events:
            session.settle()
        else:
            session.products = {}
        for product, time_ms in before.items():
            at = session.products.get(product)
            if at is None or events[at][0] != time_ms:
                self._take_posting(product, (time_ms, session.key))
        for product, at in session.products.items():
            if before.get(product) != events[at][0]:
                insort(self._postings.setdefault(product, []), (events[at][0], session.key))

    def _take_posting(self, product: bytes, entry: tuple[int, bytes]) -> None:
        postings = self._postings[product]
        del postings[bisect_left(postings, entry)]
        if not postings:
            del self._postings[product]

    def _note_age(self, session: Session) -> None:
        """Remember how old a session is at most; entries of the past are skipped when they come up."""
        if len(self._ages) >= _HEAP_SLACK * len(self._sessions) + 16:
            self._ages = [(one.time_ms, one.key) for one in self._sessions.values()]
            heapify(self._ages)
        else:
            heappush(self._ages, (session.time_ms, session.key))

    def _oldest(self) -> Session | None:
        """The session whose newest event is the oldest, by (time, key)."""
        while self._ages:  # ends: every turn takes an entry away or returns
            time_ms, key = self._ages[0]
            session = self._sessions.get(key)
            if session is not None and session.time_ms == time_ms:
                return session
            heappop(self._ages)
        return None

    def _drop_oldest(self) -> tuple[int, bytes]:
        oldest = self._oldest()
        assert oldest is not None, "sessions are held, so one of them is the oldest"
        self.remove(oldest.key)
        return (oldest.time_ms, oldest.key)


def truncated(products: Sequence[bytes], length_max: int) -> list[bytes]:
    """The end of a session as the scorers see it: a product repeated at once counts as one event."""
    ended = [
        product for at, product in enumerate(products) if not at or products[at - 1] != product
    ]
    return ended[-length_max:]
