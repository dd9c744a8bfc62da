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

Memory, measured with tracemalloc on 23,753 real sessions of 4.8 events and 18,007 products: 255 bytes an event,
all told. A million events are a quarter of a gigabyte; a tenant's bounds are set by that.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """One visit: what was looked at and when, oldest first; equal times are ordered by product."""

    __slots__ = ("key", "order", "products", "times_ms")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.order: list[bytes] = []  # the product of each event
        self.times_ms: list[int] = []  # the time of each event
        self.products: dict[bytes, int] = {}  # product -> place of its last event in `order`

    @property
    def time_ms(self) -> int:
        """Of the newest event."""
        return self.times_ms[-1]

    def events(self) -> Iterator[tuple[int, bytes]]:
        """Each event as (time in ms, product)."""
        return zip(self.times_ms, self.order, strict=True)

    def last_ms(self, product: bytes) -> int:
        """Of a product's newest event."""
        return self.times_ms[self.products[product]]

    def replace(self, events: Sequence[tuple[int, bytes]]) -> None:
        """Hold these events, ascending, instead; everything else follows from them."""
        self.times_ms = [time_ms for time_ms, _ in events]
        self.order = [product for _, product in events]
        self.products = {product: at for at, product in enumerate(self.order)}


class SessionIndex:
    """Sessions by product; product ids and session keys are bytes."""

    def __init__(self, bounds: SessionBounds) -> None:
        self.bounds = bounds
        self._sessions: dict[bytes, Session] = {}
        # product -> (time in ms of the session's last event with it, session key), ascending
        self._postings: dict[bytes, list[tuple[int, bytes]]] = {}
        self._same: dict[bytes, bytes] = {}  # product -> the object that stands for it everywhere
        self._ages: list[
            tuple[int, bytes]
        ] = []  # heap; entries may be out of date, never too young
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
        before = [] if session is None else list(session.events())
        same = (
            self._same.get
        )  # one object for each product: comparing them is a third of an answer's time
        merged = sorted({*before, *((time_ms, same(one, one)) for time_ms, one in events)})
        merged = merged[-self.bounds.session_events_max :]
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
        for product in session.products:
            self._take_posting(product, (session.last_ms(product), key))
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

    def favour_rare(self, scores: Mapping[bytes, float], weight: float) -> dict[bytes, float]:
        """Scores times `1 + weight * idf`, idf being ln(sessions / sessions that held the product).

        What everybody looks at says little about anybody. All products must be in the index.
        """
        postings, log = self._postings, math.log
        most = 1 + weight * log(len(self._sessions) or 1)
        return {
            product: score * (most - weight * log(len(postings[product])))
            for product, score in scores.items()
        }

    def _replace(self, session: Session, events: list[tuple[int, bytes]]) -> None:
        """Give a session other events, and move its postings accordingly."""
        before = {product: session.last_ms(product) for product in session.products}
        session.replace(events)
        after = {product: session.last_ms(product) for product in session.products}
        for product, time_ms in before.items():
            if after.get(product) != time_ms:
                self._take_posting(product, (time_ms, session.key))
        for product, time_ms in after.items():
            if before.get(product) != time_ms:
                self._same.setdefault(product, product)
                insort(self._postings.setdefault(product, []), (time_ms, session.key))

    def _take_posting(self, product: bytes, entry: tuple[int, bytes]) -> None:
        postings = self._postings[product]
        del postings[bisect_left(postings, entry)]
        if not postings:
            del self._postings[product], self._same[product]

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
        return max(self._floor or (oldest.time_ms, oldest.key), (oldest.time_ms, oldest.key))
