"""From events to increments: what a batch of events adds to counts, queries, clicks and figures.

None of it names a visitor, nor can it be tied to one: rows are sums, queries are keyed hashes until enough visitors
have searched them, and that a visitor was counted already is a mark under the visitor's own key (`marks`). Everything
is decided here, once, by the primary: the log holds the rows as they become, so every copy has the same.

Products count only while the live branch has them. So ids that are none, whatever a shop puts there, are never
stored in clear, and the tables are no larger than the catalogue.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from actors.catalog.branches import live_branch
from actors.learning.credit import NOBODY, Credit, credit_of
from actors.learning.figures import FigureKind, Figures
from actors.learning.marks import PERIOD_DAYS, MarkingKey, Marks
from actors.learning.normal import normal_query
from actors.learning.product_counts import ACTS, PRODUCTS_MAX, add_act, admit_anonymous, day_of
from actors.learning.queries import (
    CLICKED_QUERIES_MAX,
    POPULAR_MAX,
    POPULAR_SIZE_BYTES_MAX,
    QUERIES_MAX,
    VISITORS_MIN,
    add_choice,
    add_search,
    place_weight,
)
from actors.learning.rows import Rows
from actors.model.prices import sku_prices
from actors.model.storefront import Storefront
from actors.storage.environment import ReadView
from actors.storage.tables import (
    INVENTORIES,
    POPULAR_QUERIES,
    PRODUCT_COUNTS,
    PRODUCTS,
    QUERIES,
    QUERY_CLICKS,
    product_key,
)
from protos.internal.records_pb2 import (
    AttributionContent,
    Change,
    FiguresRecord,
    InventoryRecord,
    ProductCountsRecord,
    QueryClicksRecord,
    QueryRecord,
)
from protos.v1.event_pb2 import Event, EventProduct

_CHOICES: Final = {Event.CLICK: b"c", Event.ADD_TO_CART: b"a", Event.PURCHASE: b"p"}
"""Acts that say which products answer a query, as they are marked."""

_PRODUCT_SIZE_BYTES_MAX: Final = 128
_AMOUNT_MAX: Final = 10**15
"""Millionths: a billion units, as of a price. Of all products together what fits into 64 bits."""
_REVENUE_MAX: Final = (1 << 63) - 1

KeyT_contra = TypeVar("KeyT_contra", bound=MarkingKey, contravariant=True)


class EarlierClicks(Protocol[KeyT_contra]):
    """The visitors' clicks with a token in the 7 days before: see `actors.events.recent_clicks`."""

    def of(self, visitor: KeyT_contra, product_id: str, /) -> AttributionContent | None:
        """What the token of the last one on a product says; None when there is none."""
        ...

    def note(self, visitor: KeyT_contra, product_id: str, content: AttributionContent, /) -> None:
        """One of this batch."""
        ...


class Counting(Generic[KeyT_contra]):
    """Counts a batch of events on top of a state."""

    def __init__(
        self,
        view: ReadView,
        now_ms: int,
        *,
        currency_code: str,
        hash_text: Callable[[str], bytes],
        recent_clicks: EarlierClicks[KeyT_contra] | None = None,
    ) -> None:
        """Begin with nothing counted.

        Args:
            view: the state before the batch.
            now_ms: milliseconds since 1970.
            currency_code: the tenant's: other revenue is not summed.
            hash_text: 16 bytes of a text that nobody makes without a key of the tenant.
            recent_clicks: looks an earlier click up for purchases that come without a token; None: these are
                credited to no list.
        """
        self._view = view
        self._now_ms = now_ms
        self._currency_code = currency_code
        self._hash_text = hash_text
        self._recent_clicks = recent_clicks
        self._branch = live_branch(view).number
        self._marks = Marks(view, now_ms)
        self._products = Rows(view, PRODUCT_COUNTS, ProductCountsRecord, count_max=PRODUCTS_MAX)
        self._queries = Rows(view, QUERIES, QueryRecord, count_max=QUERIES_MAX)
        self._clicks = Rows(view, QUERY_CLICKS, QueryClicksRecord, count_max=CLICKED_QUERIES_MAX)
        self._figures = Figures(view)
        self._popular: dict[bytes, bytes] = {}
        self._is_product: dict[bytes, bool] = {}
        self._hashes: dict[str, tuple[str, bytes]] = {}

    def add(
        self,
        event: Event,
        *,
        visitor: KeyT_contra | None,
        is_restricted: bool,
        time_ms: int,
        attribution: AttributionContent | None,
    ) -> None:
        """Count one event.

        Args:
            event: as it was sent; only its products, words, place, list, price and currency are looked at.
            visitor: None: tied to nobody, for want of consent. Counts for its products and its day in total only.
            is_restricted: the visitor has restricted all use: nothing is counted.
            time_ms: when it happened, not after now.
            attribution: what its token says; None without a token of this tenant.
        """
        if is_restricted:
            return
        day = day_of(time_ms)
        total = self._figures.total(day)
        if visitor is not None and self._marks.are_full:
            visitor = None
        products = self._known_products(event)
        if products:
            if visitor is None:
                total.anonymous_events += len(products)
            self._count_products(event.type, products, visitor, time_ms, day)
        credited = self._credits(event, products, visitor, attribution)
        if visitor is not None:
            words, query = self._read_query(event)
            if event.type == Event.SEARCH and query:
                self._count_search(words, query, visitor, time_ms, day)
            elif event.type in _CHOICES:
                self._count_choices(event, credited, visitor, time_ms, day)
        self._count_figures(event, total, credited, day, is_anonymous=visitor is None)

    def changes(self) -> list[Change]:
        """The state after the batch: one change for each key that differs."""
        popular = [
            Change(table=POPULAR_QUERIES.number, key=words, value=query)
            for words, query in self._popular.items()
        ]
        return [
            *self._marks.changes(),
            *self._products.changes(),
            *self._queries.changes(),
            *self._clicks.changes(),
            *popular,
            *self._figures.changes(),
        ]

    def _known_products(self, event: Event) -> list[EventProduct]:
        """Those of the event that the live branch has, each once."""
        if event.type not in ACTS:
            return []
        if len(event.products) == 1:
            return [one for one in event.products if self._is_known(one.product_id)]
        products = {one.product_id: one for one in event.products}
        return [one for one in products.values() if self._is_known(one.product_id)]

    def _is_known(self, product_id: str) -> bool:
        key = product_id.encode()
        known = self._is_product.get(key)
        if known is None:
            known = 0 < len(key) <= _PRODUCT_SIZE_BYTES_MAX and (
                self._view.get(PRODUCTS, product_key(self._branch, key)) is not None
            )
            self._is_product[key] = known
        return known

    def _count_products(
        self,
        kind: Event.Type.ValueType,
        products: Sequence[EventProduct],
        visitor: KeyT_contra | None,
        time_ms: int,
        day: int,
    ) -> None:
        for product in products:
            key = product.product_id.encode()
            if visitor is not None and not self._marks.is_first_of_day(
                visitor, ACTS[kind] + key, day
            ):
                continue
            row = self._products.take(key)
            if row is None:
                continue
            if visitor is None:
                of_all = self._figures.total(day).anonymous_events
                if not admit_anonymous(row, day, of_all=of_all):
                    continue
            add_act(row, kind, time_ms)

    def _read_query(self, event: Event) -> tuple[str, bytes]:
        """The normal form of an event's words, and its keyed hash; empty without any."""
        text = event.query
        if not text:
            return "", b""
        known = self._hashes.get(text)
        if known is None:
            words = normal_query(text)
            known = self._hashes[text] = (words, self._hash_text(words)[:16] if words else b"")
        return known

    def _count_search(
        self, words: str, query: bytes, visitor: KeyT_contra, time_ms: int, day: int
    ) -> None:
        if not self._marks.is_first_of_day(visitor, b"s" + query, day):
            return
        row = self._queries.take(query)
        if row is None:
            return
        add_search(row, time_ms)
        period = day // PERIOD_DAYS
        if period > row.period:
            row.period, row.visitor_count = period, 0
        if period < row.period or not self._marks.is_first_of_period(visitor, b"s" + query, period):
            return
        row.visitor_count += 1
        if row.visitor_count >= VISITORS_MIN:
            row.words = words
            self._make_popular(words.encode(), query)

    def _make_popular(self, words: bytes, query: bytes) -> None:
        if len(words) > POPULAR_SIZE_BYTES_MAX or words in self._popular:
            return
        has_room = self._view.count(POPULAR_QUERIES) + len(self._popular) < POPULAR_MAX
        if has_room and self._view.get(POPULAR_QUERIES, words) is None:
            self._popular[words] = query

    def _credits(
        self,
        event: Event,
        products: Sequence[EventProduct],
        visitor: KeyT_contra | None,
        attribution: AttributionContent | None,
    ) -> list[tuple[Credit, list[EventProduct]]]:
        """The answers that an event is credited to, each with the products for which it is."""
        of_event = credit_of(attribution, query=self._read_query(event)[1], list_name=event.list)
        earlier_clicks = self._recent_clicks
        if earlier_clicks is None or visitor is None:
            return [(of_event, list(products))]
        if event.type == Event.CLICK and attribution is not None:
            for product in products:
                earlier_clicks.note(visitor, product.product_id, attribution)
        # Looking clicks up opens what is sealed, so only purchases are worth it.
        if event.type != Event.PURCHASE or attribution is not None:
            return [(of_event, list(products))]
        by_credit: dict[Credit, list[EventProduct]] = {of_event: []} if not products else {}
        for product in products:
            earlier = earlier_clicks.of(visitor, product.product_id)
            credit = of_event
            if earlier is not None:
                credit = credit_of(earlier, query=b"", list_name="")
            by_credit.setdefault(credit, []).append(product)
        return list(by_credit.items())

    def _count_choices(
        self,
        event: Event,
        credited: Sequence[tuple[Credit, list[EventProduct]]],
        visitor: KeyT_contra,
        time_ms: int,
        day: int,
    ) -> None:
        """Which products were chosen for which words."""
        weight = place_weight(event.position) if event.type == Event.CLICK else 1.0
        for credit, products in credited:
            for product in products if credit.query else ():
                what = _CHOICES[event.type] + credit.query + product.product_id.encode()
                if not self._marks.is_first_of_day(visitor, what, day):
                    continue
                row = self._clicks.take(credit.query)
                if row is not None:
                    add_choice(row, product.product_id, event.type, time_ms, weight)

    def _count_figures(
        self,
        event: Event,
        total: FiguresRecord,
        credited: Sequence[tuple[Credit, list[EventProduct]]],
        day: int,
        *,
        is_anonymous: bool,
    ) -> None:
        _count_act(total, event)
        rows = [
            (credit, products, [] if is_anonymous else self._credited_rows(credit, day))
            for credit, products in credited
            if credit is not NOBODY
        ]
        # Two queries of one list are one event of the list.
        distinct = {id(row): row for _, _, of_credit in rows for row in of_credit}
        for row in distinct.values():
            _count_act(row, event)
        if event.type != Event.PURCHASE:
            return
        revenues = self._revenues(event)
        if revenues is None:
            for row in (total, *distinct.values()):
                row.other_currency_purchases += 1
            return
        _add_revenue(total, sum(revenues.values()))
        for _, products, of_credit in rows:
            attributed = sum(revenues.values())
            if len(credited) > 1:
                attributed = sum(revenues.get(one.product_id, 0) for one in products)
            _add_revenue(total, attributed=attributed)
            for row in of_credit:
                _add_revenue(row, attributed, attributed=attributed)

    def _credited_rows(self, credit: Credit, day: int) -> list[FiguresRecord]:
        figures = self._figures
        rows = [
            figures.of_query(day, credit.query) if credit.query else None,
            figures.of_name(day, FigureKind.LIST, credit.list) if credit.list else None,
            figures.of_name(day, FigureKind.STRATEGY, credit.strategy) if credit.strategy else None,
        ]
        return [row for row in rows if row is not None]

    def _revenues(self, event: Event) -> dict[str, int] | None:
        """What a purchase brings for each product, in millionths; None: in another currency than the tenant's."""
        if event.currency_code and event.currency_code != self._currency_code:
            return None
        revenues: dict[str, int] = {}
        for product in event.products:
            price = product.price_micros or self._price_micros(product, event.market)
            amount = min(max(price, 0) * max(product.quantity, 1), _AMOUNT_MAX)
            revenues[product.product_id] = revenues.get(product.product_id, 0) + amount
        return revenues

    def _price_micros(self, product: EventProduct, market: str) -> int:
        """The catalogue's lowest price of a product now; 0 where it has none in the tenant's currency."""
        if not self._is_known(product.product_id):
            return 0
        key = product_key(self._branch, product.product_id.encode())
        value = self._view.get(INVENTORIES, key)
        record = InventoryRecord.FromString(b"" if value is None else bytes(value))
        storefront = Storefront(market, now_ms=self._now_ms)
        prices = [
            price.selling_micros
            for own in (record.product, *record.variants)
            if (price := sku_prices(own, record.product).price(storefront)) is not None
            and price.currency_code == self._currency_code
        ]
        return min(prices, default=0)


def _add_revenue(row: FiguresRecord, revenue: int = 0, *, attributed: int = 0) -> None:
    row.revenue_micros = min(row.revenue_micros + revenue, _REVENUE_MAX)
    row.attributed_revenue_micros = min(row.attributed_revenue_micros + attributed, _REVENUE_MAX)


def _count_act(row: FiguresRecord, event: Event) -> None:
    """Add an event to a row; its revenue apart."""
    kind = event.type
    if kind == Event.VIEW:
        row.views += 1
    elif kind == Event.SEARCH:
        row.searches += 1
        if event.HasField("result_count") and event.result_count == 0:
            row.no_result_searches += 1
    elif kind == Event.CLICK:
        row.clicks += 1
    elif kind == Event.IMPRESSION:
        row.impressions += 1
    elif kind == Event.ADD_TO_CART:
        row.add_to_carts += 1
    elif kind == Event.PURCHASE:
        row.purchases += 1
