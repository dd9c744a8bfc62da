"""Between the messages of Suggest and the engine's own values."""

from collections.abc import Iterable

from actors.answers import Shown, search_response
from actors.search.suggest import (
    BRAND_COUNT_DEFAULT,
    CATEGORY_COUNT_DEFAULT,
    PRODUCT_COUNT_DEFAULT,
    QUERY_COUNT_DEFAULT,
    Suggestion,
    Suggestions,
    SuggestQuery,
)
from actors.search.suggest_typed import mark_remainder
from protos.v1.search_pb2 import (
    ProductSuggestion,
    QuerySuggestion,
    SearchRequest,
    SearchResponse,
    SuggestRequest,
    SuggestResponse,
    ValueSuggestion,
)


def to_suggest_query(request: SuggestRequest) -> SuggestQuery:
    """What the engine is asked."""
    counts = {
        "query_count": QUERY_COUNT_DEFAULT,
        "category_count": CATEGORY_COUNT_DEFAULT,
        "brand_count": BRAND_COUNT_DEFAULT,
        "product_count": PRODUCT_COUNT_DEFAULT,
    }
    counts.update(
        {field.name: value for field, value in request.ListFields() if field.name in counts}
    )
    return SuggestQuery(
        text=request.query,
        market=request.market,
        language_code=request.language_code,
        branch=request.branch,
        **counts,
    )


def suggest_response(found: Suggestions, shown: Shown) -> bytes:
    """The serialised SuggestResponse; equal states and requests give equal bytes."""
    response = SuggestResponse(
        queries=[
            QuerySuggestion(
                query=one.text,
                highlighted=one.highlighted,
                product_count=one.product_count,
                popular=one.is_popular,
            )
            for one in found.queries
        ],
        categories=_values(found.categories),
        brands=_values(found.brands),
        products=_products(found, shown),
        position=shown.position,
        corrected_query=found.corrected_query,
    )
    return response.SerializeToString(deterministic=True)


def _values(suggestions: Iterable[Suggestion]) -> list[ValueSuggestion]:
    return [
        ValueSuggestion(
            value=one.text, highlighted=one.highlighted, product_count=one.product_count
        )
        for one in suggestions
    ]


def _products(found: Suggestions, shown: Shown) -> list[ProductSuggestion]:
    if found.page is None:
        return []
    answer = SearchResponse.FromString(search_response(found.page, SearchRequest(), shown))
    return [
        ProductSuggestion(
            product=result.product,
            highlighted=mark_remainder(result.product.title, found.typed),
            price=result.price if result.HasField("price") else None,
            availability=result.availability,
        )
        for result in answer.results
    ]
