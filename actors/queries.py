"""Between the messages of the search API and the engine's own values."""

from actors.search.query import FacetRequest, FacetResult, Interval, SearchQuery
from protos.v1 import search_pb2


def to_query(request: search_pb2.SearchRequest) -> SearchQuery:
    """What the engine is asked."""
    return SearchQuery(
        text=request.query,
        market=request.market,
        language_code=request.language_code,
        filter=request.filter,
        facets=tuple(_to_facet_request(spec) for spec in request.facets),
        order_by=request.order_by,
        page_size=request.page_size,
        page_token=request.page_token,
        relaxed_size=request.relaxed_size if request.HasField("relaxed_size") else None,
        branch=request.branch,
    )


def to_facet(result: FacetResult) -> search_pb2.Facet:
    """A counted facet as the API shows it."""
    facet = search_pb2.Facet(key=result.key, minimum=result.minimum, maximum=result.maximum)
    for counted in result.values:
        value = facet.values.add(count=counted.count)
        if isinstance(counted.value, Interval):
            value.interval.CopyFrom(_to_interval(counted.value))
        elif isinstance(counted.value, bool):
            value.boolean = counted.value
        elif isinstance(counted.value, str):
            value.text = counted.value
        else:
            value.number = counted.value
    return facet


def _to_facet_request(spec: search_pb2.FacetSpec) -> FacetRequest:
    return FacetRequest(
        key=spec.key,
        limit=spec.limit,
        intervals=tuple(
            Interval(
                interval.minimum if interval.HasField("minimum") else None,
                interval.maximum if interval.HasField("maximum") else None,
            )
            for interval in spec.intervals
        ),
        excluded_filter_keys=tuple(spec.excluded_filter_keys),
        parent=spec.parent,
    )


def _to_interval(interval: Interval) -> search_pb2.Interval:
    return search_pb2.Interval(minimum=interval.minimum, maximum=interval.maximum)
