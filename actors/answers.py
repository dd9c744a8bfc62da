"""From a page of hits to the bytes of an answer.

What is stored serialised (product cards) is sent as it is: the messages of `wire.proto` equal the public
ones on the wire, with bytes in place of what would only be parsed and serialised again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.catalog.products import join_stored, read_stored
from actors.model.cards import name_field
from actors.model.masks import keep_only
from actors.model.names import product_name_prefix
from actors.model.prices import price_in_market
from actors.model.stock import effective_stock
from actors.queries import to_facet
from actors.search.highlight import highlight
from actors.search.query import Hit, SearchPage
from actors.storage.environment import ReadView
from actors.storage.tables import CARDS, INVENTORIES, product_key
from node.errors import InvariantError
from protos.internal.records_pb2 import InventoryRecord
from protos.internal.wire_pb2 import RawSearchResponse, RawSearchResult
from protos.v1.product_pb2 import Product
from protos.v1.search_pb2 import Highlight, SearchRequest

CACHE_LENGTH_MAX: Final = 8_192


class AnswerCache:
    """Serialised results of one view: the same products are shown again and again."""

    def __init__(self) -> None:
        self._results: dict[tuple[bytes, int, int, int, str], bytes] = {}

    def get(self, key: tuple[bytes, int, int, int, str]) -> bytes | None:
        """A result that was built before."""
        return self._results.get(key)

    def put(self, key: tuple[bytes, int, int, int, str], result: bytes) -> None:
        """Keep a result; when there are too many, all are dropped."""
        if len(self._results) >= CACHE_LENGTH_MAX:
            self._results.clear()
        self._results[key] = result

    def clear(self) -> None:
        """Drop everything."""
        self._results.clear()


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer shows: the state of one branch, to one tenant's shoppers."""

    view: ReadView
    cache: AnswerCache
    tenant_id: str
    language_code: str
    """Of products that name none."""
    branch: int
    position: int


class _Results:
    """Builds the results of one answer."""

    def __init__(self, request: SearchRequest, shown: Shown) -> None:
        self._request = request
        self._view = shown.view
        self._cache = shown.cache
        self._prefix = product_name_prefix(shown.tenant_id, shown.branch).encode()
        self._branch = shown.branch
        self._language_code = shown.language_code
        self._paths = tuple(request.read_mask.paths)
        self._cacheable = not self._paths and not request.highlight

    def of(self, hits: Sequence[Hit], page: SearchPage) -> list[bytes]:
        """The serialised results, in the order of the hits."""
        if not self._cacheable:
            return [self._build(hit, page) for hit in hits]
        results = []
        market, branch, cache = self._request.market, self._branch, self._cache
        for hit in hits:
            key = (hit.product_id, hit.variant_index, hit.matching_variant_count, branch, market)
            result = cache.get(key)
            if result is None:
                result = self._build(hit, page)
                cache.put(key, result)
            results.append(result)
        return results

    def _build(self, hit: Hit, page: SearchPage) -> bytes:
        key = product_key(self._branch, hit.product_id)
        inventory = self._view.get(INVENTORIES, key)
        record = InventoryRecord.FromString(b"" if inventory is None else bytes(inventory))
        own = record.product if hit.variant_index < 0 else record.variants[hit.variant_index]
        stock = effective_stock(own, record.product)
        result = RawSearchResult(
            product=self._product(key, hit.product_id),
            availability=stock.availability,
            matching_variant_count=hit.matching_variant_count,
        )
        market = self._request.market
        price = price_in_market(own.prices, market) or price_in_market(
            record.product.prices, market
        )
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
        language_code = product.language_code or self._language_code
        return [
            Highlight(field=name, text=highlight(text, page.terms, language_code))
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
    )
    return response.SerializeToString(deterministic=True)
