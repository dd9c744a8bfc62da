"""Small shops for tests of the order of an answer."""

from collections.abc import Iterable, Sequence

from random_catalogue import CORE

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_WEIGHTS, FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.merchandise import (
    PLAIN,
    Boost,
    Hiding,
    Merchandise,
    Pin,
    Ranking,
    RulePlan,
    RuleRequest,
)
from actors.search.query import SearchPage, SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.common_pb2 import Availability
from protos.v1.product_pb2 import Product

SCHEMA = Schema(
    language_codes=("en",),
    fields={
        key: FieldSetting(
            DEFAULT_WEIGHTS.get(key, 0.0), facetable=True, filterable=True, sortable=True
        )
        for key in CORE
    },
    average_lengths={},
    weights_version=1,
)
DAY = 86_400


class Shop:
    """A branch with some products, and searches in it."""

    def __init__(self, *items: IndexedProduct, segment_size: int = 1_000) -> None:
        self.arrays = MemoryArrays()
        for start in range(0, len(items), segment_size):
            update = IndexUpdate(list(items[start : start + segment_size]))
            update_index(self.arrays, 1, update, SCHEMA)

    @property
    def view(self) -> BranchView:
        """The branch as it is now."""
        return open_branch(self.arrays, 1)

    def ask(self, text: str = "lamp", *, merchandise: Merchandise = PLAIN, **options) -> SearchPage:
        """The answer to a query."""
        now_ms = options.pop("now_ms", 0)
        return search(self.view, SearchQuery(text, **options), SCHEMA, merchandise, now_ms=now_ms)


def ranked(**settings) -> Merchandise:
    """A tenant with settings of the ranking and no rules."""
    return Merchandise(ranking=Ranking(**settings))


class Deciding:
    """Rules that decide the same about every request, and remember it."""

    def __init__(
        self,
        *,
        pins: Iterable[tuple[str, int]] = (),
        hidden: Sequence[Hiding] = (),
        boosts: Sequence[Boost] = (),
        **plan,
    ) -> None:
        self.requests: list[RuleRequest] = []
        self._plan = {
            "pins": tuple(Pin(product_id.encode(), place, "r") for product_id, place in pins),
            "hidden": tuple(hidden),
            "boosts": tuple(boosts),
            **plan,
        }

    def decide(self, request: RuleRequest) -> RulePlan:
        """See `merchandise.Rules`."""
        self.requests.append(request)
        return RulePlan(**{"text": request.text, **self._plan})


def ruled(**decisions) -> Merchandise:
    """A tenant whose rules decide this about every request."""
    return Merchandise(rules=Deciding(**decisions))


def lamp(
    product_id: str, title: str = "", *, stock: int | None = None, **content
) -> IndexedProduct:
    """A product; its title begins with "lamp" and tells it from others, unless one is given."""
    released = content.pop("released", None)
    availability = content.pop("availability", Availability.AVAILABILITY_UNSPECIFIED)
    product = Product(id=product_id, title=title or f"lamp {product_id}", **content)
    if released is not None:
        product.release_time.seconds = released
    record = StockRecord(availability=availability)
    if stock is not None:
        record.stock_quantity = stock
    return IndexedProduct(product, InventoryRecord(product=record))


def ids(page: SearchPage) -> list[str]:
    """Of the main list."""
    return [hit.product_id.decode() for hit in page.hits]
