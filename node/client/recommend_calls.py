"""The calls of recommendations; they read like `shop_calls`."""

from collections.abc import Sequence
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask

from node.client.calls import (
    READ_DEADLINE_MS,
    WRITE_DEADLINE_MS,
    Call,
    Consistency,
    new_request_id,
)
from protos.v1 import recommend_pb2

_RECOMMEND: Final = "/saluhall.v1.RecommendService/"


def recommend(  # noqa: PLR0913 - a moment has this many sides
    placements: Sequence[recommend_pb2.Placement],
    *,
    visitor_id: str = "",
    session_id: str = "",
    product_ids: Sequence[str] = (),
    cart_product_ids: Sequence[str] = (),
    session_product_ids: Sequence[str] = (),
    category: str = "",
    query: str = "",
    market: str = "",
    language_code: str = "",
    price_list: str = "",
    store: str = "",
    branch: str = "",
    read_mask: Sequence[str] = (),
    consistency: Consistency = Consistency.UNSET,
    deadline_ms: int = READ_DEADLINE_MS,
) -> Call[recommend_pb2.RecommendResponse]:
    """One list for each placement, no product twice, each with its source and the reason."""
    request = recommend_pb2.RecommendRequest(
        branch=branch,
        context=recommend_pb2.RecommendContext(
            visitor_id=visitor_id,
            session_id=session_id,
            product_ids=product_ids,
            cart_product_ids=cart_product_ids,
            session_product_ids=session_product_ids,
            category=category,
            query=query,
        ),
        placements=placements,
        market=market,
        language_code=language_code,
        price_list=price_list,
        store=store,
        read_mask=FieldMask(paths=read_mask) if read_mask else None,
    )
    return Call(
        _RECOMMEND + "Recommend",
        request,
        recommend_pb2.RecommendResponse,
        deadline_ms,
        consistency,
    )


def get_recommend_model(
    *, consistency: Consistency = Consistency.UNSET, deadline_ms: int = READ_DEADLINE_MS
) -> Call[recommend_pb2.RecommendModel]:
    """The session model that is in use, and how it was chosen."""
    return Call(
        _RECOMMEND + "GetRecommendModel",
        recommend_pb2.GetRecommendModelRequest(),
        recommend_pb2.RecommendModel,
        deadline_ms,
        consistency,
    )


def tune_recommendations(
    *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[recommend_pb2.TuneRecommendationsResponse]:
    """Choose the session model anew by replaying the shop's own sessions; takes up to a minute."""
    return Call(
        _RECOMMEND + "TuneRecommendations",
        recommend_pb2.TuneRecommendationsRequest(request_id=request_id or new_request_id()),
        recommend_pb2.TuneRecommendationsResponse,
        deadline_ms,
    )
