"""How recommendations and the model behind them look on the command line."""

import io

from rich.console import Console

from cluster.cli.recommend import show_lists, show_model
from protos.v1.product_pb2 import Price, Product
from protos.v1.recommend_pb2 import PlacementResult, Recommendation, RecommendModel


def printed(show) -> str:
    console = Console(file=io.StringIO(), width=120)
    show(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_each_product_has_its_source_and_reason_and_what_fills_up_says_so() -> None:
    placements = [
        PlacementResult(
            id="bought_together",
            recommendations=[
                Recommendation(
                    product=Product(id="p1", title="[red] Kettle"),
                    price=Price(selling_micros=5_000_000, currency_code="SEK"),
                    source=Recommendation.CO_PURCHASE,
                    reason="bought together with it",
                ),
                Recommendation(
                    product=Product(id="p2", title="Mug"),
                    source=Recommendation.CONTENT,
                    fallback=True,
                ),
            ],
        ),
        PlacementResult(id="trending"),
    ]

    text = printed(lambda console: show_lists(placements, console))

    assert "bought together\n" in text
    assert "[red] Kettle" in text
    assert "co purchase" in text
    assert "bought together with it" in text
    assert "content (fills up)" in text
    assert "trending\nnothing" in text


def test_the_model_says_how_it_was_chosen_and_what_the_others_reached() -> None:
    chosen = RecommendModel.Figures(
        scorer="vstan", parameters={"neighbours_max": 100}, hit_rate_20=0.5, mrr_20=0.25
    )
    other = RecommendModel.Figures(
        scorer="vmis", parameters={"neighbours_max": 50}, hit_rate_20=0.4, mrr_20=0.2
    )
    model = RecommendModel(
        chosen=chosen, tried=[chosen, other], session_count=1_200, test_session_count=240
    )
    model.tune_time.FromJsonString("2026-11-27T10:00:00Z")

    text = printed(lambda console: show_model(model, console))
    untuned = printed(lambda console: show_model(RecommendModel(chosen=chosen), console))

    assert "vstan, chosen 2026-11-27 10:00 UTC" in text
    assert "1,200 sessions, 0 events; tested on 240 sessions" in text
    assert "neighbours_max 50" in text
    assert "0.500" in text
    assert "nothing chosen yet" in untuned
