"""How a tenant's figures look on the command line."""

import io
from pathlib import Path

from rich.console import Console

from cluster.cli.analytics import show_analytics
from cluster.cli.analytics_plot import draw
from protos.v1.analytics_pb2 import Figures, GetAnalyticsResponse

ANSWER = GetAnalyticsResponse(
    total=Figures(
        name="total", searches=1_200, no_result_searches=60, clicks=300, revenue_micros=99_500_000
    ),
    days=[
        Figures(name="2026-11-26", searches=700, clicks=200, revenue_micros=50_000_000),
        Figures(name="2026-11-27", searches=500, clicks=100, revenue_micros=49_500_000),
    ],
    queries=[Figures(name="[red] vinterjacka", searches=200, clicks=50, purchases=5)],
    lists=[Figures(name="home", impressions=1_000, clicks=30, purchases=3)],
    currency_code="SEK",
)


def test_tables_say_how_many_and_how_often_and_text_is_shown_as_it_was_written() -> None:
    console = Console(file=io.StringIO(), width=120)

    show_analytics(ANSWER, console=console)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2026-11-26 to 2026-11-27" in text
    for part in ("1,200", "5.0%", "99.50", "revenue SEK", "[red] vinterjacka", "25.0%", "3.0%"):
        assert part in text
    assert "strategies" not in text


def test_days_are_drawn_as_a_png(tmp_path: Path) -> None:
    path = tmp_path / "figures.png"

    draw(ANSWER, "shop", path)

    assert path.read_bytes().startswith(b"\x89PNG")
