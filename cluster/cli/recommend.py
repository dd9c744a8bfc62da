"""`saluhall recommend` and `saluhall recommendations`: lists with their reasons, and the model behind them."""

import time
from collections.abc import Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.cli.product_text import price_text, to_json
from cluster.cli.profile import open_client
from protos.v1.recommend_pb2 import (
    Placement,
    PlacementResult,
    Recommendation,
    RecommendModel,
)

TUNE_DEADLINE_MS: Final = 60_000
_STRATEGIES: Final = [name.lower() for name in Placement.Strategy.keys()[1:]]
_TRIED_SHOWN_MAX: Final = 8


@click.command()
@click.argument("tenant")
@click.option(
    "--product", "products", multiple=True, metavar="ID", help="On the page; may be repeated."
)
@click.option("--cart", "cart", multiple=True, metavar="ID", help="In the cart; may be repeated.")
@click.option(
    "--session-product",
    "session_products",
    multiple=True,
    metavar="ID",
    help="Looked at in this session, oldest first; may be repeated.",
)
@click.option("--visitor", default="", metavar="ID", help="The shop's pseudonym for the visitor.")
@click.option("--session", default="", metavar="ID", help="The visitor's session.")
@click.option("--category", default="", help="Of the page.")
@click.option("--query", default="", help="Words that were searched.")
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    type=click.Choice(_STRATEGIES),
    help="One list for each; may be repeated.  [default: next]",
)
@click.option("--filter", "filter_text", default="", help="For example 'price < 500'.")
@click.option("--market", default="", help="Whose prices and stock.")
@click.option("--size", default=8, show_default=True, help="Products of each list, at most 60.")
@click.option(
    "--diversity", default=0.0, show_default=True, help="0: best first; 1: as different as may be."
)
@click.option("--strict", is_flag=True, help="Only what the strategy itself finds.")
@click.option("--include-seen", is_flag=True, help="Also what was looked at in this session.")
@click.option("--json", "as_json", is_flag=True, help="The answer itself, as JSON.")
def recommend(  # noqa: PLR0913 - one argument for each option
    tenant: str,
    *,
    products: tuple[str, ...],
    cart: tuple[str, ...],
    session_products: tuple[str, ...],
    visitor: str,
    session: str,
    category: str,
    query: str,
    strategies: tuple[str, ...],
    filter_text: str,
    market: str,
    size: int,
    diversity: float,
    strict: bool,
    include_seen: bool,
    as_json: bool,
) -> None:
    """Recommend products of TENANT, each with its source and the reason."""
    placements = [
        Placement(
            id=strategy,
            strategy=Placement.Strategy.Value(strategy.upper()),
            page_size=size,
            filter=filter_text,
            diversity=diversity,
            strict=strict,
            include_seen=include_seen,
        )
        for strategy in dict.fromkeys(strategies or ("next",))
    ]
    with open_client(tenant) as client:
        started_s = time.perf_counter()
        response = client.recommend(
            placements,
            visitor_id=visitor,
            session_id=session,
            product_ids=products,
            cart_product_ids=cart,
            session_product_ids=session_products,
            category=category,
            query=query,
            market=market,
        )
        took_ms = (time.perf_counter() - started_s) * 1_000
    if as_json:
        click.echo(to_json(response, indent=2))
        return
    console = Console()
    show_lists(response.placements, console)
    console.print(f"{len(response.placements)} lists in {took_ms:.0f} ms", style="bold")
    if response.warming_up:
        console.print(
            "Sessions are still being read from the store; other sources answer meanwhile.",
            style="yellow",
        )


@click.group()
def recommendations() -> None:
    """The session model behind recommendations."""


@recommendations.command()
@click.argument("tenant")
@click.option("--json", "as_json", is_flag=True, help="The answer itself, as JSON.")
def show(tenant: str, *, as_json: bool) -> None:
    """Which model TENANT uses, why, and what the others reached."""
    with open_client(tenant) as client:
        model = client.get_recommend_model()
    if as_json:
        click.echo(to_json(model, indent=2))
    else:
        show_model(model, Console())


@recommendations.command()
@click.argument("tenant")
def tune(tenant: str) -> None:
    """Choose the model of TENANT anew by replaying its own sessions; takes up to a minute."""
    console = Console()
    with open_client(tenant) as client, console.status("Replaying sessions ..."):
        response = client.tune_recommendations(deadline_ms=TUNE_DEADLINE_MS)
    show_model(response.model, console)


def show_lists(placements: Sequence[PlacementResult], console: Console) -> None:
    """The lists, one table each."""
    for placement in placements:
        console.print(placement.id.replace("_", " "), style="bold", markup=False)
        if placement.recommendations:
            console.print(_table(placement.recommendations))
        else:
            console.print("nothing", style="dim")
        console.print()


def show_model(model: RecommendModel, console: Console) -> None:
    """The model in use, and what the others reached."""
    tuned = model.tune_time.ToDatetime().strftime("%Y-%m-%d %H:%M UTC")
    how = f"chosen {tuned}" if model.HasField("tune_time") else "by default, nothing chosen yet"
    console.print(f"{model.chosen.scorer}, {how}", style="bold", markup=False, highlight=False)
    console.print(
        f"{model.session_count:,} sessions, {model.event_count:,} events"
        + (f"; tested on {model.test_session_count:,} sessions" if model.test_session_count else "")
        + ("; still being read from the store" if model.warming_up else ""),
        markup=False,
        highlight=False,
    )
    settings = ", ".join(
        f"{name} {value:g}" for name, value in sorted(model.chosen.parameters.items())
    )
    console.print(settings, style="dim", markup=False, highlight=False)
    if not model.tried:
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("HR@20", justify="right")
    table.add_column("MRR@20", justify="right")
    table.add_column("what differs from the one chosen", overflow="fold")
    for number, one in enumerate(model.tried[:_TRIED_SHOWN_MAX], start=1):
        table.add_row(
            f"{number} {one.scorer}",
            f"{one.hit_rate_20:.3f}",
            f"{one.mrr_20:.3f}",
            Text(_differences(one, model.chosen) or "chosen"),
        )
    console.print(table)


def _differences(one: RecommendModel.Figures, chosen: RecommendModel.Figures) -> str:
    return ", ".join(
        f"{name} {value:g}"
        for name, value in sorted(one.parameters.items())
        if chosen.parameters[name] != value
    )


def _table(shown: Sequence[Recommendation]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", justify="right", style="dim")
    table.add_column("title", ratio=2, overflow="fold")
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    table.add_column("reason", ratio=2, overflow="fold")
    table.add_column("id", style="dim", overflow="fold")
    for number, one in enumerate(shown, start=1):
        source = Recommendation.Source.Name(one.source).lower().replace("_", " ")
        table.add_row(
            str(number),
            Text(one.product.title),
            price_text(one.price),
            Text(f"{source} (fills up)" if one.fallback else source, style="yellow" * one.fallback),
            Text(one.reason),
            Text(one.product.id),
        )
    return table
