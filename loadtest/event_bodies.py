"""Events as a shop's visitors cause them: views and clicks mostly, some searches and carts, few orders.

Visitors and products are chosen unevenly, as in any shop: a quarter of the visitors cause half of the events. Each
visitor has a session an hour, and a tenth of the events comes without consent.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from protos.v1.event_pb2 import NONE, PROFILE, Event, WriteEventsRequest

_KINDS = (
    Event.VIEW,
    Event.CLICK,
    Event.IMPRESSION,
    Event.SEARCH,
    Event.ADD_TO_CART,
    Event.PURCHASE,
)
_WEIGHTS = (50, 15, 10, 15, 7, 3)
_SHOWN_COUNT = 12
_LATE_S_MAX = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSetup:
    """What events are made of."""

    product_ids: Sequence[str]
    queries: Sequence[str]
    visitor_count: int
    batch: int
    """Events in one call."""


def event_body(setup: EventSetup, chance: random.Random, number: int) -> bytes:
    """The serialised request of one call; `number` is the call's, and makes its event ids."""
    request = WriteEventsRequest()
    now_s = time.time()
    for index in range(setup.batch):
        visitor = int(chance.random() ** 2 * setup.visitor_count)
        event = request.events.add(
            event_id=f"{number}-{index}-{now_s:.6f}",
            type=chance.choices(_KINDS, _WEIGHTS)[0],
            visitor_id=f"visitor-{visitor}",
            session_id=f"{visitor}-{now_s // 3_600:.0f}",
            consent=NONE if chance.random() < 0.1 else PROFILE,
            language_code="en",
        )
        event.event_time.seconds = int(now_s) - chance.randrange(_LATE_S_MAX)
        _fill(event, setup, chance, number)
    return request.SerializeToString()


def _fill(event: Event, setup: EventSetup, chance: random.Random, number: int) -> None:
    if event.type in {Event.SEARCH, Event.CLICK}:
        event.query = setup.queries[int(chance.random() ** 2 * len(setup.queries))]
    if event.type == Event.SEARCH:
        event.result_count = chance.randrange(100)
        return
    if event.type == Event.CLICK:
        event.position = chance.randrange(1, 25)
    if event.type == Event.PURCHASE:
        event.order_id = f"order-{number}-{event.event_id}"
    count = {Event.IMPRESSION: _SHOWN_COUNT, Event.PURCHASE: 2}.get(event.type, 1)
    for _ in range(count):
        product_id = setup.product_ids[int(chance.random() ** 2 * len(setup.product_ids))]
        event.products.add(product_id=product_id)
