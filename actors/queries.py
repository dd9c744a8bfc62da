"""Between the messages of the search API and the engine's own values."""

from collections.abc import Iterable

from actors.search.explanation import Explained
from actors.search.matching import IDENTIFIER_SCORE
from actors.search.merchandise import Applied, ShownBanner
from actors.search.query import (
    DroppedPin,
    FacetRequest,
    FacetResult,
    Factor,
    Hit,
    Interval,
    SearchQuery,
)
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
        as_typed=request.as_typed,
        branch=request.branch,
        price_list=request.price_list,
        store=request.store,
        without_rules=request.without_rules,
        without_synonyms=request.without_synonyms,
        preview_rules=frozenset(request.preview_rules),
        show_duplicates=request.show_duplicates,
        explain=request.explain,
        without_learned_popularity=request.without_learned_popularity,
        without_click_evidence=request.without_click_evidence,
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


def to_explanation(hit: Hit, explained: Explained) -> search_pb2.Explanation:
    """What put a hit where it is, as the API shows it."""
    words = [
        search_pb2.WordExplanation(
            word=one.word.text,
            match_class=search_pb2.WordExplanation.MatchClass.Value(one.word.match_class.name),
            found=one.written,
            fields=one.fields,
            contribution=one.word.contribution,
            idf=one.word.idf,
            class_factor=one.word.class_factor,
            impact=one.word.impact,
            role=search_pb2.WordExplanation.Role.Value(one.role.value),
        )
        for one in explained.words
    ]
    explanation = search_pb2.Explanation(score=hit.score, words=words)
    if explained.identifier_field:
        explanation.identifier_field = explained.identifier_field
        explanation.identifier_contribution = float(IDENTIFIER_SCORE)
    placing = hit.placing
    if placing is not None:
        explanation.score = placing.score
        explanation.step = placing.step
        explanation.factors.extend(_to_factors(placing.factors))
        explanation.business_score = placing.business_score
        explanation.business.extend(_to_factors(placing.business))
    return explanation


def to_applied_rule(applied: Applied) -> search_pb2.AppliedRule:
    """A rule that acted, as the API shows it."""
    return search_pb2.AppliedRule(
        rule_id=applied.rule_id,
        description=applied.description,
        actions=applied.actions,
        preview=applied.is_preview,
    )


def to_dropped_pin(dropped: DroppedPin) -> search_pb2.DroppedPin:
    """A pin without effect, as the API shows it."""
    return search_pb2.DroppedPin(
        rule_id=dropped.pin.rule_id,
        product_id=dropped.pin.product_id.decode(),
        reason=search_pb2.DroppedPin.Reason.Value(dropped.reason.value),
    )


def to_banner(banner: ShownBanner) -> search_pb2.Banner:
    """A banner, as the API shows it."""
    return search_pb2.Banner(
        id=banner.id,
        title=banner.title,
        image_url=banner.image_url,
        target_url=banner.target_url,
        rule_id=banner.rule_id,
    )


def _to_factors(factors: Iterable[Factor]) -> list[search_pb2.FactorExplanation]:
    return [
        search_pb2.FactorExplanation(name=one.name, value=one.value, detail=one.detail)
        for one in factors
    ]


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
