"""A state of tables for tests of what is learned, and visitors who mark."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.catalog.branches import branch_key
from actors.learning.counting import Counting, EarlierClicks
from actors.storage.environment import Environment, ReadView
from actors.storage.tables import BRANCHES, BY_NUMBER, PRODUCTS, product_key
from protos.internal.records_pb2 import AttributionContent, BranchRecord
from protos.v1.catalog_pb2 import Branch
from protos.v1.event_pb2 import Event

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS + 12 * 3_600_000


class Visitor:
    """A visitor's key as counting sees it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = hashlib.blake2b(name.encode()).digest()

    def mark(self, what: bytes) -> bytes:
        return hashlib.blake2b(what, key=self._key, digest_size=16).digest()


def hash_text(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), key=b"tenant", digest_size=16).digest()


class State:
    """Tables of a tenant whose live branch has the products given."""

    def __init__(self, directory: Path, products: list[str]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.environment = Environment(directory, writable=True)
        with self.environment.write() as batch:
            record = BranchRecord(number=1, state=Branch.LIVE)
            batch.put(BRANCHES, branch_key(1), record.SerializeToString())
            for product in products:
                batch.put(PRODUCTS, product_key(1, product.encode()), b"")

    @contextmanager
    def read(self) -> Iterator[ReadView]:
        with self.environment.read() as view:
            yield view

    def write(
        self,
        *events: "Told",
        now_ms: int = NOW_MS,
        recent_clicks: EarlierClicks[Visitor] | None = None,
    ) -> None:
        """Count a batch and apply it."""
        with self.environment.write() as batch:
            counting = Counting(
                batch,
                now_ms,
                currency_code="SEK",
                hash_text=hash_text,
                recent_clicks=recent_clicks,
            )
            for told in events:
                counting.add(
                    told.event,
                    visitor=told.visitor,
                    is_restricted=told.is_restricted,
                    time_ms=told.time_ms,
                    attribution=told.attribution,
                )
            for change in counting.changes():
                batch.put(BY_NUMBER[change.table], change.key, change.value)

    def close(self) -> None:
        self.environment.close()


class Told:
    """An event and what is known of it when it is counted."""

    def __init__(
        self,
        kind: Event.Type.ValueType,
        *products: str,
        visitor: str = "",
        time_ms: int = NOW_MS,
        attribution: AttributionContent | None = None,
        is_restricted: bool = False,
        **fields: object,
    ) -> None:
        self.event = Event(type=kind, **fields)
        for product in products:
            self.event.products.add(product_id=product)
        self.visitor = Visitor(visitor) if visitor else None
        self.time_ms = time_ms
        self.attribution = attribution
        self.is_restricted = is_restricted
