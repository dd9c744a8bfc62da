"""From a page of hits to the bytes of an answer.

What is stored serialised (product cards) is sent as it is: the messages of `wire.proto` equal the public
ones on the wire, with bytes in place of what would only be parsed and serialised again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import xxhash

from actors.catalog.products import join_stored, read_stored
from actors.index.schema import Schema
from actors.model.cards import name_field
from actors.model.masks import keep_only
from actors.model.names import product_name_prefix
from actors.model.prices import sku_prices
from actors.model.stock import effective_stock
from actors.model.storefront import Storefront
from actors.queries import (
    to_applied_rule,
    to_banner,
    to_dropped_pin,
    to_explanation,
    to_facet,
)
from actors.search.explanation import explain
from actors.search.highlight import highlight
from actors.search.query import Hit, SearchPage
from actors.storage.environment import ReadView
from actors.storage.tables import CARDS, INVENTORIES, product_key
from node.errors import InvariantError
from protos.internal.records_pb2 import InventoryRecord
from protos.internal.wire_pb2 import RawSearchResponse, RawSearchResult
from protos.v1.product_pb2 import Product
from protos.v1.search_pb2 import Explanation, Highlight, SearchRequest

CACHE_LENGTH_MAX: Final = 8_192
STOREFRONTS_MAX: Final = 1_024

ResultKey = tuple[bytes, int, int, int, int]
"""Product, variant, how many variants pass, branch, and the number of the storefront."""


class AnswerCache:
    """Serialised results, from view to view: the same products are shown again and again.

    Beside each stands what it was made of, so a product whose price or card has changed meanwhile is built anew and
    no other is. Within one view not even that is compared.
    """

    def __init__(self) -> None:
        self._results: dict[ResultKey, _Built] = {}
        self._storefronts: dict[Storefront, int] = {}
        self._round = 0

    def begin(self) -> None:
        """A new view: what was built may be outdated."""
        self._round += 1

    def get(self, key: ResultKey, view: ReadView) -> bytes | None:
        """A result that was built before and would be built alike again."""
        built = self._results.get(key)
        if built is None:
            return None
        if built.round != self._round:
            if built.sources != _sources(view, product_key(key[3], key[0])):
                return None
            built.round = self._round
        return built.result

    def number_of(self, storefront: Storefront) -> int:
        """A number for a storefront: hashing one for each result would cost more than building some."""
        number = self._storefronts.get(storefront)
        if number is None:
            if len(self._storefronts) >= STOREFRONTS_MAX:
                self._results.clear()
                self._storefronts.clear()
            number = self._storefronts[storefront] = len(self._storefronts)
        return number

    def put(self, key: ResultKey, view: ReadView, result: bytes) -> None:
        """Keep a result; when there are too many, all are dropped."""
        if len(self._results) >= CACHE_LENGTH_MAX:
            self._results.clear()
        sources = _sources(view, product_key(key[3], key[0]))
        self._results[key] = _Built(result, sources, self._round)


@dataclass(slots=True)
class _Built:
    result: bytes
    sources: "_Sources"
    round: int
    """The last in which the sources were compared."""


_Sources = tuple[bytes, bytes]
"""xxh3_128 of a product's inventory and card, as stored."""


def _sources(view: ReadView, key: bytes) -> _Sources:
    inventory, card = view.get(INVENTORIES, key), view.get(CARDS, key)
    return xxhash.xxh3_128_digest(inventory or b""), xxhash.xxh3_128_digest(card or b"")


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer shows: the state of one branch, to one tenant's shoppers."""

    view: ReadView
    cache: AnswerCache
    tenant_id: str
    schema: Schema
    branch: int
    position: int
    storefront: Storefront
    attribution_token: str = ""


class _Results:
    """Builds the results of one answer."""

    def __init__(self, request: SearchRequest, shown: Shown) -> None:
        self._request = request
        self._view = shown.view
        self._cache = shown.cache
        self._prefix = product_name_prefix(shown.tenant_id, shown.branch).encode()
        self._branch = shown.branch
        self._schema = shown.schema
        self._storefront = shown.storefront
        self._paths = tuple(request.read_mask.paths)
        self._cacheable = not self._paths and not request.highlight
        self._depends_on_time = False
        """Of the result that was built last: its product has prices with a window."""

    def of(self, hits: Sequence[Hit], page: SearchPage) -> list[bytes]:
        """The serialised results, in the order of the hits."""
        if not self._cacheable:
            return [self._build(hit, page) + self._placed(hit, page) for hit in hits]
        results = []
        branch, cache = self._branch, self._cache
        storefront = cache.number_of(replace(self._storefront, now_ms=0))
        for hit in hits:
            key = (
                hit.product_id,
                hit.variant_index,
                hit.matching_variant_count,
                branch,
                storefront,
            )
            result = cache.get(key, self._view)
            if result is None:
                result = self._build(hit, page)
                if not self._depends_on_time:
                    cache.put(key, self._view, result)
            results.append(result + self._placed(hit, page))
        return results

    def _placed(self, hit: Hit, page: SearchPage) -> bytes:
        """What a result says of its place in this answer: serialised fields to append to what it always says."""
        # Words put neither a listing page's products where they are, nor related ones.
        explains = self._request.explain and (hit.score > 0 or hit.placing is not None)
        if not (explains or hit.is_pinned or hit.duplicate_count or hit.missing_words):
            return b""
        placed = RawSearchResult(
            missing_words=hit.missing_words,
            pinned=hit.is_pinned,
            duplicate_count=hit.duplicate_count,
        )
        if explains:
            placed.explanation.CopyFrom(self._explanation(hit, page))
        return placed.SerializeToString(deterministic=True)

    def _explanation(self, hit: Hit, page: SearchPage) -> Explanation:
        stored = read_stored(self._view, product_key(self._branch, hit.product_id))
        product = Product() if stored is None else join_stored(stored)
        analyzer = self._schema.analyzer(product.language_code)
        text = page.replaced_query or self._request.query
        return to_explanation(hit, explain(hit, product, analyzer, text=text))

    def _build(self, hit: Hit, page: SearchPage) -> bytes:
        key = product_key(self._branch, hit.product_id)
        inventory = self._view.get(INVENTORIES, key)
        record = InventoryRecord.FromString(b"" if inventory is None else bytes(inventory))
        own = record.product if hit.variant_index < 0 else record.variants[hit.variant_index]
        stock = effective_stock(own, record.product, self._storefront)
        result = RawSearchResult(
            product=self._product(key, hit.product_id),
            availability=stock.availability,
            matching_variant_count=hit.matching_variant_count,
        )
        prices = sku_prices(own, record.product)
        self._depends_on_time = bool(prices.timed)
        price = prices.price(self._storefront)
        if price is not None:
            result.price.CopyFrom(price)
        if stock.stock_quantity is not None:
            result.stock_quantity = stock.stock_quantity
        if self._request.highlight:
            result.highlights.extend(self._highlights(key, page))
        return result.SerializeToString(deterministic=True)

    def _highlights(self, key: bytes, page: SearchPage) -> list[Highlight]:
        stored = read_stored(self._view, key)
        if stored is None:
            return []
        product = Product.FromString(stored.content)
        analyzer = self._schema.analyzer(product.language_code)
        return [
            Highlight(field=name, text=highlight(text, page.terms, analyzer))
            for name, text in (("title", product.title), ("description", product.description))
            if text
        ]

    def _product(self, key: bytes, product_id: bytes) -> bytes:
        name = name_field(self._prefix, product_id)
        if not self._paths:
            card = self._view.get(CARDS, key)
            if card is None:
                raise InvariantError(f"product {product_id!r} is in the index and has no card")
            return bytes(card) + name
        stored = read_stored(self._view, key)
        if stored is None:
            raise InvariantError(f"product {product_id!r} is in the index and not in the store")
        product = join_stored(stored)
        keep_only(product, self._paths)
        return product.SerializeToString(deterministic=True) + name


def search_response(page: SearchPage, request: SearchRequest, shown: Shown) -> bytes:
    """The serialised SearchResponse; equal states and requests give equal bytes."""
    results = _Results(request, shown)
    response = RawSearchResponse(
        results=results.of(page.hits, page),
        total_size=page.total,
        facets=[to_facet(facet) for facet in page.facets],
        next_page_token=page.next_page_token,
        relaxed_results=results.of(page.relaxed_hits, page),
        relaxed_total_size=page.relaxed_total,
        position=shown.position,
        corrected_query=page.corrected_query,
        did_you_mean=page.did_you_mean,
        related_results=results.of(page.related_hits, page),
        applied_rules=[to_applied_rule(applied) for applied in page.applied],
        dropped_pins=[to_dropped_pin(dropped) for dropped in page.dropped_pins],
        redirect_url=page.redirect_url,
        banners=[to_banner(banner) for banner in page.banners],
        replaced_query=page.replaced_query,
        attribution_token=shown.attribution_token,
    )
    return response.SerializeToString(deterministic=True)
