"""`saluhall suggest`: what a shopper is offered while typing."""

import time
from collections.abc import Iterable

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.cli.product_text import marked_text, price_text, stock_text, to_json
from cluster.cli.profile import open_client
from protos.v1.search_pb2 import QuerySuggestion, SuggestResponse, ValueSuggestion


@click.command()
@click.argument("tenant")
@click.argument("typed", nargs=-1)
@click.option("--market", default="", help="Whose prices and stock.")
@click.option("--language", default="", help="Of the words, for example sv.")
@click.option("--json", "as_json", is_flag=True, help="The answer itself, as JSON.")
def suggest(
    tenant: str, typed: tuple[str, ...], *, market: str, language: str, as_json: bool
) -> None:
    """Show what TENANT suggests for what has been TYPED so far; without it, what is popular.

    What was not typed yet is bold. A quoted "cap " with a space at its end is a whole word, "cap" may go on.
    """
    with open_client(tenant) as client:
        started_s = time.perf_counter()
        response = client.suggest(" ".join(typed), market=market, language_code=language)
        took_ms = (time.perf_counter() - started_s) * 1_000
    if as_json:
        click.echo(to_json(response, indent=2))
        return
    show_suggestions(response, took_ms=took_ms, console=Console())


def show_suggestions(response: SuggestResponse, *, took_ms: float, console: Console) -> None:
    """One list for each kind that there is any of."""
    if response.corrected_query:
        console.print(f"Read as {response.corrected_query}:", style="yellow", markup=False)
    lists = [
        _values_table("queries", response.queries),
        _values_table("categories", response.categories),
        _values_table("brands", response.brands),
        _products_table(response),
    ]
    for table in lists:
        if table.row_count:
            console.print(table)
            console.print()
    count = sum(table.row_count for table in lists)
    noun = "suggestion" if count == 1 else "suggestions"
    console.print(f"{count} {noun} in {took_ms:.0f} ms", style="bold")


def _values_table(
    title: str, suggestions: Iterable[QuerySuggestion] | Iterable[ValueSuggestion]
) -> Table:
    table = _new_table(title)
    table.add_column("products", justify="right", style="dim")
    for one in suggestions:
        shown = marked_text(one.highlighted)
        if isinstance(one, QuerySuggestion) and one.popular:
            shown.append(" popular", style="yellow")
        table.add_row(shown, f"{one.product_count:,}")
    return table


def _products_table(response: SuggestResponse) -> Table:
    table = _new_table("products")
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("stock", justify="right", no_wrap=True)
    table.add_column("id", style="dim", overflow="fold")
    for one in response.products:
        table.add_row(
            marked_text(one.highlighted),
            price_text(one.price),
            stock_text(one.availability, None),
            Text(one.product.id),
        )
    return table


def _new_table(title: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(title, overflow="fold")
    return table
