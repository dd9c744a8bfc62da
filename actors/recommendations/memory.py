"""What a tenant knows of its visitors' sessions, in plain: it lives in memory only, and forgets at once.

Everything here is a function of the set of events that are stored: read in the background when the tenant opens, and
told of each event when it is durable. Used on the event loop alone.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from actors.events.learnt import LearntEvent
from actors.recommend.parameters import Parameters
from actors.recommend.session_index import SessionBounds, SessionIndex
from actors.recommendations.baskets import BasketBook
from actors.recommendations.counts import ProductCounts
from actors.recommendations.history import LOOKED_AT, Histories
from actors.recommendations.sessions import SessionBook
from actors.storage.keyring import Keyring
from actors.storage.tables import PRODUCT_COUNTS
from protos.internal.records_pb2 import Change, ProductCountsRecord
from protos.v1.event_pb2 import Event

BOUNDS: Final = SessionBounds(sessions_max=100_000, session_events_max=50)


class RecommendMemory:
    """The memory of one tenant."""

    def __init__(self, keyring: Keyring, bounds: SessionBounds = BOUNDS) -> None:
        self.sessions = SessionBook(SessionIndex(bounds))
        self.baskets = BasketBook()
        self.counts = ProductCounts()
        self.histories = Histories(keyring)
        self.parameters = Parameters()
        """Of the scorer that the tenant has chosen, for answers without what was seen."""

        self.is_ready = False
        """Whether everything that is stored has been learnt."""

        self.event_count = 0
        """Learnt since the tenant opened, those that were read included."""

        self._forgotten: set[bytes] = set()
        """While the store is being read: whose events are not to be learnt although they may still be on their way."""

    @property
    def index(self) -> SessionIndex:
        """The sessions by product."""
        return self.sessions.index

    def learn(self, events: Iterable[LearntEvent]) -> None:
        """Events that are durable; what was learnt before changes nothing."""
        for event in events:
            if event.storage_id in self._forgotten:
                continue
            self.histories.learn(event)
            self._learn(event)

    def learn_stored(self, events: Iterable[LearntEvent]) -> None:
        """Events that were read from the store: histories read theirs themselves."""
        for event in events:
            if event.storage_id not in self._forgotten:
                self._learn(event)

    def learn_counts(self, changes: Sequence[Change]) -> None:
        """Changes of a write that is durable; those of other tables are not looked at."""
        for change in changes:
            if change.table == PRODUCT_COUNTS.number:
                row = None
                if change.HasField("value"):
                    row = ProductCountsRecord.FromString(change.value)
                self.counts.write(change.key, row)

    def forget(self, storage_id: bytes) -> bool:
        """Be as if this visitor had never been; True: the store has to be read again for that.

        It has when the index was full: what the visitor's sessions have pushed out belongs in their place.
        """
        was_whole = self.index.is_whole and self.baskets.index.is_whole
        if not self.is_ready:
            self._forgotten.add(storage_id)
        self.histories.forget(storage_id)
        self.sessions.forget(storage_id)
        self.baskets.forget(storage_id)
        return not was_whole

    def allow(self, storage_id: bytes) -> None:
        """A restriction or objection was taken back: learn of this visitor again."""
        self._forgotten.discard(storage_id)
        self.histories.forget(storage_id)

    def ready(self) -> None:
        """All that is stored has been learnt."""
        self.is_ready = True
        self._forgotten.clear()

    def begin_again(self) -> None:
        """Forget all sessions, to read them again."""
        self.sessions = SessionBook(SessionIndex(self.index.bounds))
        self.baskets = BasketBook()
        self.is_ready = False
        self.event_count = 0

    def _learn(self, event: LearntEvent) -> None:
        self.event_count += 1
        if event.type in LOOKED_AT:
            products = [product_id.encode() for product_id in event.product_ids]
            self.sessions.add(event.storage_id, event.session_hash, event.time_ms, products)
        elif event.type == Event.PURCHASE:
            products = [product_id.encode() for product_id in event.product_ids]
            self.baskets.add(event.storage_id, event.event_hash, event.time_ms, products)
