"""A call of Recommend, from its message to the bytes of the answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from actors.answers import AnswerCache, Shown
from actors.attribution import make_token
from actors.catalog.products import join_stored, read_stored
from actors.index.segments import BranchView
from actors.model.cards import name_field
from actors.model.masks import keep_only
from actors.model.names import product_name_prefix
from actors.model.prices import sku_prices
from actors.model.stock import effective_stock
from actors.recommendations.asked import Moment, read_moment, read_placements
from actors.recommendations.content import Content
from actors.recommendations.counts import CountedProducts
from actors.recommendations.history import NO_HISTORY, History
from actors.recommendations.lists import FilledList, fill_lists
from actors.recommendations.memory import RecommendMemory
from actors.recommendations.question import Known, Question
from actors.recommendations.reasons import reason_of
from actors.recommendations.shelf import shelf_of
from actors.search.merchandise import Merchandise
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring
from actors.storage.tables import CARDS, INVENTORIES, PRODUCTS, product_key
from node.errors import InvariantError
from protos.internal.records_pb2 import AttributionContent, InventoryRecord, ProductRecord
from protos.internal.wire_pb2 import (
    RawPlacementResult,
    RawRecommendation,
    RawRecommendResponse,
)
from protos.v1.product_pb2 import Product
from protos.v1.recommend_pb2 import RecommendRequest

_SCORE_DIGITS: Final = 6
"""More of a score says nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is answered from: the state of one branch, and that of the visitors."""

    shown: Shown
    branch: BranchView
    merchandise: Merchandise
    visitors: ReadView
    """Of the last commit: it may be later than what is shown, which differs in nothing that is searched."""


class Recommender:
    """Answers Recommend for one tenant, on the event loop."""

    def __init__(self, memory: RecommendMemory, keyring: Keyring) -> None:
        self.memory = memory
        self._keyring = keyring
        self._cache = AnswerCache()
        self._view: ReadView | None = None

    def answer(self, request: RecommendRequest, place: Place) -> bytes:
        """The serialised RecommendResponse; equal states and requests give equal bytes, but for the tokens."""
        shown = place.shown
        asked = read_placements(request, shown.schema)
        moment = read_moment(request.context)
        if self._view is not shown.view:
            self._view = shown.view
            self._cache.begin()
        shelf = shelf_of(
            place.branch,
            shown.storefront,
            shown.schema,
            place.merchandise,
            language_code=request.language_code,
        )
        question = Question(
            moment,
            self._known(moment, place.visitors, shown.storefront.now_ms),
            shelf=shelf,
            content=Content(shelf.catalogue, _reader_of(shown), shown.schema),
            counted=CountedProducts(shelf.catalogue, self.memory.counts),
            memory=self.memory,
            language_code=request.language_code,
            now_ms=shown.storefront.now_ms,
        )
        cards = _Cards(request, shown, self._cache)
        response = RawRecommendResponse(
            placements=[self._result(question, one, cards) for one in fill_lists(question, asked)],
            position=shown.position,
            warming_up=not self.memory.is_ready,
        )
        return response.SerializeToString(deterministic=True)

    def _known(self, moment: Moment, visitors: ReadView, now_ms: int) -> Known:
        """What there is of the visitor: nothing of one who has not agreed to a profile, or restricts its use."""
        history = NO_HISTORY
        if moment.visitor_id:
            tag = self._keyring.tag_of(moment.visitor_id)
            visitor = None if self._keyring.is_retired(tag) else self._keyring.visitor(tag)
            if visitor is not None:
                history = self.memory.histories.of(visitor, visitors)
        return Known(history, self._session(moment, history, now_ms))

    def _session(self, moment: Moment, history: History, now_ms: int) -> tuple[bytes, ...]:
        session_hash = b""
        if moment.session_id:
            session_hash = self._keyring.id_hash("session", moment.session_id)[:16]
        return tuple(history.session(session_hash, now_ms))

    def _result(
        self, question: Question, filled: FilledList, cards: "_Cards"
    ) -> RawPlacementResult:
        numbers = [pick.number for pick in filled.picks]
        variants = question.shelf.variants(numbers, filled.plan)
        results = []
        for pick in filled.picks:
            variant, count = variants.get(pick.number) or (-1, 0)
            card = cards.of(question.catalogue.id_of(pick.number), variant, count)
            placed = RawRecommendation(
                source=pick.source,
                reason=reason_of(question, filled, pick),
                score=float(f"{pick.score:.{_SCORE_DIGITS}g}"),
                fallback=filled.is_fallback(pick),
            )
            results.append(card + placed.SerializeToString(deterministic=True))
        return RawPlacementResult(
            id=filled.asked.id,
            recommendations=results,
            attribution_token=self._token(filled, cards.position),
        )

    def _token(self, filled: FilledList, position: int) -> str:
        content = AttributionContent(
            kind=AttributionContent.RECOMMEND,
            placement=filled.asked.id,
            strategy=filled.asked.strategy,
            position=position,
        )
        return make_token(content, self._keyring.token_key())


class _Cards:
    """Serialised products with price and availability, kept from call to call."""

    def __init__(self, request: RecommendRequest, shown: Shown, cache: AnswerCache) -> None:
        self.position = shown.position
        self._shown = shown
        self._cache = cache
        self._paths = tuple(request.read_mask.paths)
        self._prefix = product_name_prefix(shown.tenant_id, shown.branch).encode()
        self._storefront = cache.number_of(replace(shown.storefront, now_ms=0))

    def of(self, product_id: bytes, variant: int, count: int) -> bytes:
        """The fields of a Recommendation that say what the product is, what it costs, and whether it can be had."""
        shown = self._shown
        if self._paths:
            return self._build(product_id, variant)[0]
        key = (product_id, variant, count, shown.branch, self._storefront)
        card = self._cache.get(key, shown.view)
        if card is None:
            card, depends_on_time = self._build(product_id, variant)
            if not depends_on_time:
                self._cache.put(key, shown.view, card)
        return card

    def _build(self, product_id: bytes, variant: int) -> tuple[bytes, bool]:
        """The bytes, and whether the price has a window."""
        view, storefront = self._shown.view, self._shown.storefront
        key = product_key(self._shown.branch, product_id)
        value = view.get(INVENTORIES, key)
        record = InventoryRecord.FromString(b"" if value is None else bytes(value))
        own = record.product if variant < 0 else record.variants[variant]
        raw = RawRecommendation(
            product=self._product(key, product_id),
            availability=effective_stock(own, record.product, storefront).availability,
        )
        prices = sku_prices(own, record.product)
        price = prices.price(storefront)
        if price is not None:
            raw.price.CopyFrom(price)
        return raw.SerializeToString(deterministic=True), bool(prices.timed)

    def _product(self, key: bytes, product_id: bytes) -> bytes:
        view, name = self._shown.view, name_field(self._prefix, product_id)
        if not self._paths:
            card = view.get(CARDS, key)
            if card is None:
                raise InvariantError(f"product {product_id!r} is in the index and has no card")
            return bytes(card) + name
        stored = read_stored(view, key)
        if stored is None:
            raise InvariantError(f"product {product_id!r} is in the index and not in the store")
        product = join_stored(stored)
        keep_only(product, self._paths)
        return product.SerializeToString(deterministic=True) + name


def _reader_of(shown: Shown) -> Callable[[bytes], Product | None]:
    """Reads the text of a branch's products."""

    def read(product_id: bytes) -> Product | None:
        value = shown.view.get(PRODUCTS, product_key(shown.branch, product_id))
        if value is None:
            return None
        return Product.FromString(ProductRecord.FromString(bytes(value)).content)

    return read
