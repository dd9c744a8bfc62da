"""Products that rules pin to places: which of them may stand there, and how the others close up around them.

A pinned product stands in its place whether or not it matches the words, once, on whatever page the place is.
It obeys all else: the request's filter, the filters of rules, hiding, and it must be in stock in a variant that
passes the filter. Places count from 1 over the whole main list; beyond its end pins stand last, in the order of
their places. A product that the query names by an identifier stands before all pins.

Pins act in the order of relevance and on listing pages in their own order; under any other order, which is the
shopper's wish, they are neither placed nor added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actors.index.segments import BranchView
from actors.model.storefront import Storefront
from actors.search.fields import Kind
from actors.search.filter_plan import FilterPlan, NoneOf, StockTest, Term
from actors.search.found import Places, Spot, columns_of, find_products, places_of
from actors.search.merchandise import Pin
from actors.search.passing import passing
from actors.search.query import DroppedPin, DropReason
from actors.search.rows import Rows
from actors.search.ruling import Ruling
from protos.v1.common_pb2 import Availability

_TO_BE_HAD: Final = FilterPlan(
    (
        Term(
            NoneOf(
                StockTest(Kind.AVAILABILITY, Availability.OUT_OF_STOCK, Availability.OUT_OF_STOCK)
            ),
            frozenset({"availability"}),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class StandingPin:
    """A pin whose product may stand there."""

    pin: Pin
    spot: Spot


@dataclass(frozen=True, slots=True)
class Pins:
    """What became of a search's pins."""

    standing: tuple[StandingPin, ...] = ()
    """By place."""
    dropped: tuple[DroppedPin, ...] = ()

    @property
    def places(self) -> Places:
        """The ordinals of the standing products, by segment."""
        return places_of([one.spot for one in self.standing])

    def indices(self, count: int, *, behind: int) -> list[int]:
        """Where in the whole list each standing product is, ascending, from 0.

        Args:
            count: of the other products in the list.
            behind: how many of those stand before all pins.
        """
        return [
            min(max(one.pin.place - 1, number) + behind, count + number)
            for number, one in enumerate(self.standing)
        ]


NO_PINS: Final = Pins()


def settle_pins(
    view: BranchView,
    ruling: Ruling,
    asked: FilterPlan,
    storefront: Storefront,
    *,
    named: frozenset[Spot],
) -> Pins:
    """Which pins stand, and why the others do not.

    Args:
        view: where the products are.
        ruling: what the rules do to the search.
        asked: the request's own filter.
        storefront: where it is asked.
        named: the products that the query names by an identifier: they stand first without a pin.
    """
    pins = ruling.plan.pins
    spots = find_products(view, [pin.product_id for pin in pins])
    found = {pin.product_id: spot for pin, spot in zip(pins, spots, strict=True) if spot}
    reasons = _reasons(view, ruling, found, FilterPlan(asked.terms + ruling.required), storefront)
    dropped = [DroppedPin(pin, DropReason.TAKEN) for pin in ruling.plan.taken_pins]
    dropped += [DroppedPin(pin, DropReason.HIDDEN) for pin in ruling.plan.hidden_pins]
    standing = []
    for pin in pins:
        spot = found.get(pin.product_id)
        reason = DropReason.NOT_FOUND if spot is None else reasons.get(spot)
        if reason is not None:
            dropped.append(DroppedPin(pin, reason))
        elif spot is not None and spot not in named:
            standing.append(StandingPin(pin, spot))
    standing.sort(key=lambda one: one.pin.place)
    return Pins(tuple(standing), tuple(dropped))


def _reasons(
    view: BranchView,
    ruling: Ruling,
    found: Mapping[bytes, Spot],
    required: FilterPlan,
    storefront: Storefront,
) -> dict[Spot, DropReason]:
    """Why products that are there may not stand, the strongest reason of each."""
    reasons: dict[Spot, DropReason] = {}
    places = places_of(found.values())
    every = {index: Rows.of(columns_of(view.segments[index]), o) for index, o in places.items()}
    for index, rows in every.items():
        passed = passing(rows, required, storefront).rows
        to_be_had = passing(passed, _TO_BE_HAD, storefront).rows
        reasons |= dict.fromkeys(_spots(index, rows), DropReason.FILTERED)
        reasons |= dict.fromkeys(_spots(index, passed), DropReason.OUT_OF_STOCK)
        for spot in _spots(index, to_be_had):
            del reasons[spot]
    for one in ruling.hidings:
        hidden = {found[i] for i in one.hiding.product_ids if i in found}
        if one.plan is not None:
            kept = {found[i] for i in one.hiding.kept_ids if i in found}
            for index, rows in every.items():
                hidden |= set(_spots(index, passing(rows, one.plan, storefront).rows)) - kept
        reasons |= dict.fromkeys(hidden, DropReason.HIDDEN)
    return reasons


def _spots(index: int, rows: Rows) -> list[Spot]:
    """The products of rows in a segment."""
    assert rows.ordinals is not None
    return [(index, ordinal) for ordinal in rows.ordinals.tolist()]
