"""The demonstration's visitor: looked after with every step, then exported and erased.

Other visitors' sessions come first, as a shop that has been open for a while has them.
"""

import random
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from loadtest.demo_server import DemoError, DemoServer
from node.client import Client
from protos.v1.event_pb2 import PROFILE, Event, EventProduct, EventResult

SHOP: Final = "demo-sv"
VISITOR: Final = "demo-visitor"
_SESSION: Final = "demo-session"
_OTHERS_COUNT: Final = 120
_BATCH_SIZE: Final = 500
_WORDS: Final = ("vinterjacka dam", "handskar", "vandringskängor", "ryggsäck")
"""What the others look at, in this order: some of each."""

_STEPS: Final = (
    ("looks at a winter jacket", Event.VIEW, 0),
    ("looks at gloves", Event.VIEW, 1),
    ("puts them into the cart", Event.ADD_TO_CART, 1),
)
_PLACEMENTS: Final = ("--strategy", "next", "--strategy", "bought_together", "--size", "4")

Step = Callable[[str], AbstractContextManager[None]]


def visit(server: DemoServer, key: str, directory: Path, *, step: Step, console: Console) -> None:
    """A visit from the first page to the erasure. Raises DemoError when an answer is not as it should be."""
    with server.client(key) as shop:
        shelves = [_products(shop, words) for words in _WORDS]
        with step(f"{_OTHERS_COUNT} visitors of {SHOP} look around and buy"):
            _write(shop, list(_others(shelves)))
        before = _recommend(server, console, "before the visitor has done anything")
        for number, (what, kind, shelf) in enumerate(_STEPS):
            event = _event(f"demo-{number}", kind, VISITOR, _SESSION, [shelves[shelf][0]])
            with step(f"The visitor {what}"):
                _write(shop, [event])
            after = _recommend(server, console, f"after the visitor {what}")
            if after == before:
                raise DemoError(f"the visitor {what}, and the next recommendations are the same")
            before = after
    _exercise_rights(server, directory, step, console)


def _exercise_rights(server: DemoServer, directory: Path, step: Step, console: Console) -> None:
    export = directory / "visitor.zip"
    with step("Export what is kept of the visitor, and verify it"):
        said = server.run("visitors", "export", SHOP, VISITOR, "-o", str(export))
        said += server.run("visitors", "verify", str(export))
    console.print(said.strip(), markup=False, highlight=False)
    with step("Erase the visitor"):
        said = server.run("visitors", "erase", SHOP, VISITOR, "--yes")
    console.print(said.strip(), markup=False, highlight=False)
    _recommend(server, console, "after the erasure")
    left = server.run("recommend", SHOP, "--visitor", VISITOR, "--strategy", "recently_viewed",
                      "--strict", "--json")  # fmt: skip
    if '"product"' in left:
        raise DemoError(f"an erased visitor is still known: {left}")


def _recommend(server: DemoServer, console: Console, when: str) -> str:
    """What is recommended now, shown as an operator sees it."""
    arguments = ["recommend", SHOP, "--visitor", VISITOR, "--session", _SESSION, *_PLACEMENTS]
    said = server.run(*arguments, environment={"COLUMNS": str(console.width)})
    console.print(Text(f"$ saluhall {shlex.join(arguments)}    # {when}", style="bold"))
    console.print(Text.from_ansi(said))
    return said


def _products(shop: Client, words: str) -> list[str]:
    found = [result.product.id for result in shop.search(words, page_size=12).results]
    if not found:
        raise DemoError(f"{SHOP} has nothing for {words}")
    return found


def _others(shelves: Sequence[Sequence[str]]) -> Iterator[Event]:
    """Sessions of the last days: each goes from shelf to shelf, and every third one ends with an order."""
    chance = random.Random(1)
    for number in range(_OTHERS_COUNT):
        visitor, session = f"other-{number}", f"other-session-{number}"
        time = datetime.now(UTC) - timedelta(days=1 + number % 14, minutes=number)
        # Most people choose what most people choose.
        seen = [
            shelf[min(chance.randrange(len(shelf)), chance.randrange(len(shelf)))]
            for shelf in shelves
        ]
        for place, product in enumerate(seen):
            time += timedelta(minutes=1)
            name = f"{session}-{place}"
            yield _event(name, Event.VIEW, visitor, session, [product], time=time)
        if number % 3 == 0:
            order = _event(
                f"{session}-order", Event.PURCHASE, visitor, session, seen[1:3], time=time
            )
            order.order_id = f"order-{number}"
            yield order


def _event(
    event_id: str,
    kind: Event.Type.ValueType,
    visitor: str,
    session: str,
    products: Sequence[str],
    *,
    time: datetime | None = None,
) -> Event:
    event = Event(
        event_id=event_id,
        type=kind,
        visitor_id=visitor,
        session_id=session,
        consent=PROFILE,
        products=[EventProduct(product_id=product) for product in products],
    )
    if time is not None:
        event.event_time.FromDatetime(time)
    return event


def _write(shop: Client, events: Sequence[Event]) -> None:
    for start in range(0, len(events), _BATCH_SIZE):
        for result in shop.write_events(events[start : start + _BATCH_SIZE]).results:
            if result.outcome != EventResult.ACCEPTED:
                raise DemoError(f"an event was not accepted: {result}")
