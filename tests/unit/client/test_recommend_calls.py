"""What the client library sends for recommendations."""

from node.client import AsyncClient, Client, recommend_calls
from protos.v1.recommend_pb2 import Placement


def test_a_moment_and_its_lists_become_one_request() -> None:
    call = recommend_calls.recommend(
        [Placement(id="a", strategy=Placement.SIMILAR)],
        product_ids=["p1"],
        cart_product_ids=["p2"],
        session_product_ids=["p3"],
        visitor_id="ann",
        market="se",
        read_mask=["title"],
    )

    context = call.request.context
    assert call.method == "/saluhall.v1.RecommendService/Recommend"
    assert [list(context.product_ids), list(context.cart_product_ids)] == [["p1"], ["p2"]]
    assert list(context.session_product_ids) == ["p3"]
    assert context.visitor_id == "ann"
    assert call.request.market == "se"
    assert list(call.request.read_mask.paths) == ["title"]


def test_tuning_has_a_request_id_of_its_own_unless_one_is_given() -> None:
    first = recommend_calls.tune_recommendations().request.request_id
    second = recommend_calls.tune_recommendations().request.request_id

    assert first
    assert first != second
    assert recommend_calls.tune_recommendations(request_id="r").request.request_id == "r"


def test_both_clients_have_the_calls() -> None:
    for client in (Client, AsyncClient):
        for name in ("recommend", "get_recommend_model", "tune_recommendations"):
            assert hasattr(client, name)
