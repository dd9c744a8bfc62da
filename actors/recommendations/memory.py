"""What a tenant knows of its visitors' sessions, in plain: it lives in memory only, and forgets at once.

Everything here is a function of the set of events that are stored: read in the background when the tenant opens, and
told of each event when it is durable. Used on the event loop alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from actors.events.learnt import LearntEvent
from actors.recommend.parameters import Parameters
from actors.recommend.session_index import SessionBounds, SessionIndex
from actors.recommendations.baskets import BasketBook
from actors.recommendations.counts import ProductCounts
from actors.recommendations.history import LOOKED_AT, Histories
from actors.recommendations.sessions import SessionBook
from actors.storage.keyring import Keyring
from protos.internal.records_pb2 import Change, ProductCountsRecord
from protos.v1.event_pb2 import Event

BOUNDS: Final = SessionBounds(sessions_max=100_000, session_events_max=50)


@dataclass(slots=True)
class _Books:
    """What is learnt of visitors, and forgotten with them."""

    sessions: SessionBook
    baskets: BasketBook

    @classmethod
    def empty(cls, bounds: SessionBounds) -> "_Books":
        return cls(SessionBook(SessionIndex(bounds)), BasketBook(baskets_max=bounds.sessions_max))

    def learn(self, event: LearntEvent) -> None:
        if event.type in LOOKED_AT:
            products = [product_id.encode() for product_id in event.product_ids]
            self.sessions.add(event.storage_id, event.session_hash, event.time_ms, products)
        elif event.type == Event.PURCHASE:
            products = [product_id.encode() for product_id in event.product_ids]
            self.baskets.add(event.storage_id, event.event_hash, event.time_ms, products)

    def forget(self, storage_id: bytes) -> None:
        self.sessions.forget(storage_id)
        self.baskets.forget(storage_id)

    @property
    def are_whole(self) -> bool:
        return self.sessions.index.is_whole and self.baskets.index.is_whole


class RecommendMemory:
    """The memory of one tenant."""

    def __init__(self, keyring: Keyring, bounds: SessionBounds = BOUNDS) -> None:
        self.counts = ProductCounts()
        self.histories = Histories(keyring)
        self.parameters = Parameters()
        """Of the scorer that the tenant has chosen, for answers without what was seen."""

        self.is_ready = False
        """Whether everything that is stored has been learnt."""

        self.event_count = 0
        """Learnt, those that were read from the store included."""

        self._bounds = bounds
        self._books = _Books.empty(bounds)
        self._next: _Books | None = None
        """What takes the place of those when the store has been read again."""

        self._forgotten: set[bytes] = set()
        """While the store is being read: whose events may still be on their way from there and are not learnt."""

    @property
    def sessions(self) -> SessionBook:
        """The sessions by visitor."""
        return self._books.sessions

    @property
    def baskets(self) -> BasketBook:
        """What was bought together, by visitor."""
        return self._books.baskets

    @property
    def index(self) -> SessionIndex:
        """The sessions by product."""
        return self._books.sessions.index

    def learn(self, events: Iterable[LearntEvent]) -> None:
        """Events that are durable, of visitors who may be learnt from."""
        for event in events:
            self._forgotten.discard(event.storage_id)
            self.histories.learn(event)
            self.event_count += 1
            self._books.learn(event)
            if self._next is not None:
                self._next.learn(event)

    def learn_stored(self, events: Iterable[LearntEvent]) -> None:
        """Events that were read from the store; histories read theirs themselves."""
        books = self._next or self._books
        for event in events:
            if event.storage_id not in self._forgotten:
                self.event_count += not self.is_ready
                books.learn(event)

    def learn_counts(self, changes: Sequence[Change]) -> None:
        """Changes of the counts of products, which are durable."""
        for change in changes:
            row = ProductCountsRecord.FromString(change.value) if change.HasField("value") else None
            self.counts.write(change.key, row)

    def forget(self, storage_id: bytes) -> bool:
        """Be as if this visitor had never been; True: the store has to be read again for that.

        It has when there was no room for everything: what the visitor had pushed out belongs in their place.
        """
        was_whole = self._books.are_whole
        self._forgotten.add(storage_id)
        self.histories.forget(storage_id)
        for books in (self._books, self._next):
            if books is not None:
                books.forget(storage_id)
        if self.is_ready and self._next is None:
            self._forgotten.clear()
        return not was_whole

    def expire(self, before_ms: int) -> None:
        """Forget sessions and baskets that are older than events are kept."""
        self.sessions.expire(before_ms)
        self.baskets.index.expire(before_ms)

    def read_again(self) -> None:
        """The store is about to be read again: what it says takes the place of what is known when it has been."""
        self._next = _Books.empty(self._bounds)

    def ready(self) -> None:
        """All that is stored has been learnt."""
        if self._next is not None:
            self._books, self._next = self._next, None
        self.is_ready = True
        self._forgotten.clear()
