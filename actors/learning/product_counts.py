"""How much visitors do with each product: decayed, and tied to nobody.

A visitor counts once a day for each product and each kind of act. Events that are tied to nobody cannot be told apart,
so what one source may add is bounded by what all others do: of a product's anonymous events of one day as many count
as `ANONYMOUS_MIN` and a fiftieth of that day's anonymous events on all other products. Whoever sends one product a
thousand times adds 20 to it; to add more they would have to send all the others as well.
"""

from typing import Final

from actors.learning.decay import LASTING_MS, RECENT_MS, remaining
from actors.learning.marks import DAY_MS
from protos.internal.records_pb2 import ProductCountsRecord
from protos.v1.event_pb2 import Event

PRODUCTS_MAX: Final = 2_000_000
"""Rows; only products of the live branch get one."""
ANONYMOUS_MIN: Final = 20
ANONYMOUS_SHARE: Final = 50

WEIGHTS: Final = {
    Event.VIEW: 1.0,
    Event.CLICK: 1.0,
    Event.FAVOURITE: 3.0,
    Event.ADD_TO_CART: 4.0,
    Event.PURCHASE: 8.0,
}
"""What an act adds to a product's popularity."""

ACTS: Final = {
    Event.VIEW: b"v",
    Event.CLICK: b"v",
    Event.FAVOURITE: b"f",
    Event.ADD_TO_CART: b"a",
    Event.PURCHASE: b"p",
}
"""What is marked: who chooses a product in a list comes to its page, and that is one act."""


def add_act(row: ProductCountsRecord, kind: Event.Type.ValueType, time_ms: int) -> None:
    """Count one act at its time."""
    lasting = recent = 1.0
    passed_ms = time_ms - row.time_ms
    if passed_ms > 0:
        if row.time_ms:
            _fade(row, passed_ms)
        row.time_ms = time_ms
    elif passed_ms < 0:
        lasting, recent = remaining(-passed_ms, LASTING_MS), remaining(-passed_ms, RECENT_MS)
    weight = WEIGHTS[kind]
    if kind in {Event.VIEW, Event.CLICK}:
        row.views += lasting
    elif kind == Event.ADD_TO_CART:
        row.add_to_carts += lasting
    elif kind == Event.PURCHASE:
        row.purchases += lasting
    row.lasting += weight * lasting
    row.recent += weight * recent


def admit_anonymous(row: ProductCountsRecord, day: int, *, of_all: int) -> bool:
    """Whether another event that is tied to nobody may count for a product; counts it among those of its day.

    Args:
        row: of the product.
        day: of the event.
        of_all: that day's anonymous events on all products, those that were not counted too.
    """
    if day > row.anonymous_day:
        row.anonymous_day, row.anonymous_events = day, 0
    row.anonymous_events += 1
    others = max(of_all - row.anonymous_events, 0)
    return row.anonymous_events <= ANONYMOUS_MIN + others // ANONYMOUS_SHARE


def day_of(time_ms: int) -> int:
    """Days since 1970 (UTC)."""
    return time_ms // DAY_MS


def _fade(row: ProductCountsRecord, passed_ms: int) -> None:
    lasting = remaining(passed_ms, LASTING_MS)
    row.views *= lasting
    row.add_to_carts *= lasting
    row.purchases *= lasting
    row.lasting *= lasting
    row.recent *= remaining(passed_ms, RECENT_MS)
