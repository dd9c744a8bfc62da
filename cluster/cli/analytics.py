"""`saluhall analytics`: a tenant's own figures, as tables and as a plot."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.cli.product_text import to_json
from cluster.cli.profile import open_client
from node.errors import InvalidArgumentError
from protos.v1.analytics_pb2 import Figures, GetAnalyticsResponse

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_MICROS = 1_000_000

_Column = tuple[str, Callable[[Figures], str]]


@click.command()
@click.argument("tenant")
@click.option(
    "--from", "first_day", type=_DAY, help="The first day (UTC); by default 27 before the last."
)
@click.option("--to", "last_day", type=_DAY, help="The last day; by default today.")
@click.option("--rows", default=20, show_default=True, help="Of each table, at most 200.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw searches, clicks and revenue by day.",
)
@click.option("--json", "as_json", is_flag=True, help="The answer itself, as JSON.")
def analytics(
    tenant: str,
    *,
    first_day: datetime | None,
    last_day: datetime | None,
    rows: int,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show what TENANT's visitors searched, chose and bought.

    A purchase is credited to the list whose attribution token came with it; without one, to the visitor's last click
    with a token on the product in the 7 days before. Only queries of at least 20 visitors are named.
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise InvalidArgumentError(f"--plot {plot}: name a file that ends in .png")
    with open_client(tenant) as client:
        response = client.get_analytics(
            first_day=_date_of(first_day), last_day=_date_of(last_day), row_count=rows
        )
    if plot is not None:
        # Drawing takes half a second to import; tables do without.
        from cluster.cli.analytics_plot import draw  # noqa: PLC0415

        draw(response, tenant, plot)
    if as_json:
        click.echo(to_json(response, indent=2))
        return
    show_analytics(response, console=Console())
    if plot is not None:
        click.echo(f"drawn in {plot}")


def show_analytics(response: GetAnalyticsResponse, *, console: Console) -> None:
    """The total, then one table for each kind that there is any of."""
    days = response.days
    span = f"{days[0].name} to {days[-1].name}" if days else "no days"
    currency = response.currency_code
    console.print(span, style="bold", highlight=False)
    _show("", [response.total], _total_columns(currency), console)
    _show("queries", response.queries, _query_columns(currency), console)
    _show(
        "queries without results",
        response.no_result_queries,
        [("searches", _count("searches")), ("without results", _count("no_result_searches"))],
        console,
    )
    _show(
        "growing queries",
        response.trending_queries,
        [("searches", _count("searches")), ("clicks", _count("clicks"))],
        console,
    )
    _show("lists", response.lists, _list_columns(currency), console)
    _show("strategies", response.strategies, _list_columns(currency), console)


def _show(
    title: str, rows: Sequence[Figures], columns: Sequence[_Column], console: Console
) -> None:
    if not rows:
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(title, overflow="fold")
    for name, _ in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(Text(row.name), *[text(row) for _, text in columns])
    console.print(table)
    console.print()


def _total_columns(currency: str) -> list[_Column]:
    return [
        ("searches", _count("searches")),
        ("without results", lambda one: _share(one.no_result_searches, one.searches)),
        ("views", _count("views")),
        ("clicks", _count("clicks")),
        ("into carts", _count("add_to_carts")),
        ("purchases", _count("purchases")),
        (f"revenue {currency}".rstrip(), lambda one: _amount(one.revenue_micros)),
        ("attributed", lambda one: _amount(one.attributed_revenue_micros)),
        ("other currency", _count("other_currency_purchases")),
    ]


def _query_columns(currency: str) -> list[_Column]:
    return [
        ("searches", _count("searches")),
        ("clicks", lambda one: _share(one.clicks, one.searches)),
        ("purchases", lambda one: _share(one.purchases, one.clicks)),
        (f"revenue {currency}".rstrip(), lambda one: _amount(one.attributed_revenue_micros)),
    ]


def _list_columns(currency: str) -> list[_Column]:
    return [
        ("shown", lambda one: f"{one.impressions + one.searches:,}"),
        ("clicks", _count("clicks")),
        ("click rate", lambda one: _share(one.clicks, one.impressions + one.searches)),
        ("purchases", _count("purchases")),
        ("conversion", lambda one: _share(one.purchases, one.clicks)),
        (f"revenue {currency}".rstrip(), lambda one: _amount(one.attributed_revenue_micros)),
    ]


def _count(field: str) -> Callable[[Figures], str]:
    return lambda one: f"{getattr(one, field):,}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _amount(micros: int) -> str:
    return f"{micros / _MICROS:,.2f}"


def _date_of(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
