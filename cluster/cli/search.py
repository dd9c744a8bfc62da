"""`saluhall search`: what a shopper would see, as a table."""

import html
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import click
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.cli.product_text import price_text, stock_text, to_json
from cluster.cli.profile import open_client
from node.errors import InvalidArgumentError
from protos.v1.search_pb2 import (
    Facet,
    FacetSpec,
    FacetValue,
    Interval,
    SearchResponse,
    SearchResult,
)

_MARKED: Final = re.compile(r"<em>(.*?)</em>", re.DOTALL)


@click.command()
@click.argument("tenant")
@click.argument("words", nargs=-1)
@click.option(
    "--filter",
    "filter_text",
    default="",
    help="""For example 'brand = "Fjällrå" AND price < 500'.""",
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="NAME",
    help='Count its values; may be repeated. "price:500,1000" counts ranges between these bounds, '
    '"categories:Clothes" the categories below one.',
)
@click.option("--sort", default="", help='For example "price desc, title".')
@click.option("--market", default="", help="Whose prices and stock.")
@click.option("--language", default="", help="Of the words, for example sv.")
@click.option("--size", default=10, show_default=True, help="How many products, at most 120.")
@click.option(
    "--relaxed", default=5, show_default=True, help="How many products that match in part."
)
@click.option("--json", "as_json", is_flag=True, help="The answer itself, as JSON.")
def search(  # noqa: PLR0913 - one argument for each option
    tenant: str,
    words: tuple[str, ...],
    *,
    filter_text: str,
    facets: tuple[str, ...],
    sort: str,
    market: str,
    language: str,
    size: int,
    relaxed: int,
    as_json: bool,
) -> None:
    """Search TENANT for WORDS; without words, list what there is."""
    with open_client(tenant) as client:
        started_s = time.perf_counter()
        response = client.search(
            " ".join(words),
            filter=filter_text,
            facets=[facet_of(text) for text in facets],
            order_by=sort,
            market=market,
            language_code=language,
            page_size=size,
            relaxed_size=relaxed,
            highlight=not as_json,
        )
        took_ms = (time.perf_counter() - started_s) * 1_000
    if as_json:
        click.echo(to_json(response, indent=2))
        return
    show_response(response, took_ms=took_ms, console=Console())


def facet_of(text: str) -> FacetSpec:
    """What to count, from NAME, NAME:BOUND,BOUND or categories:PATH."""
    key, colon, rest = text.partition(":")
    if not colon or not rest:
        return FacetSpec(key=key)
    if key == "categories":
        return FacetSpec(key=key, parent=rest)
    try:
        bounds = [float(bound) for bound in rest.split(",")]
    except ValueError:
        raise InvalidArgumentError(
            f"--facet {text}: after the colon stand numbers, as in price:500,1000"
        ) from None
    intervals = [Interval(minimum=low, maximum=high) for low, high in pairwise(bounds)]
    ends = (Interval(maximum=bounds[0]), Interval(minimum=bounds[-1]))
    return FacetSpec(key=key, intervals=[ends[0], *intervals, ends[1]])


def show_response(response: SearchResponse, *, took_ms: float, console: Console) -> None:
    """Results, facets, and what matches only in part, apart and labelled."""
    if response.results:
        console.print(_results_table(response.results))
    shown = len(response.results)
    count = f"{shown:,} of {response.total_size:,}" if shown < response.total_size else f"{shown:,}"
    noun = "product" if response.total_size == 1 else "products"
    console.print(f"{count} {noun} in {took_ms:.0f} ms", style="bold")
    if response.facets:
        console.print()
        console.print(Columns([_facet_table(facet) for facet in response.facets], padding=(0, 4)))
    if response.relaxed_results:
        console.print()
        console.print(
            f"Only some of the words match ({response.relaxed_total_size:,} products):",
            style="yellow",
        )
        console.print(_results_table(response.relaxed_results))


def _results_table(results: Sequence[SearchResult]) -> Table:
    stocks = [_stock_of(result) for result in results]
    has_stocks = any(stock.plain for stock in stocks)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", justify="right", style="dim")
    table.add_column("title", ratio=1, overflow="fold")
    table.add_column("brand", overflow="fold")
    table.add_column("price", justify="right", no_wrap=True)
    if has_stocks:
        table.add_column("stock", justify="right", no_wrap=True)
    table.add_column("id", style="dim", overflow="fold")
    for number, (result, stock) in enumerate(zip(results, stocks, strict=True), start=1):
        table.add_row(
            str(number),
            _title_of(result),
            Text(result.product.brand),
            price_text(result.price),
            *([stock] if has_stocks else []),
            Text(result.product.id),
        )
    return table


def _stock_of(result: SearchResult) -> Text:
    quantity = result.stock_quantity if result.HasField("stock_quantity") else None
    return stock_text(result.availability, quantity)


def _title_of(result: SearchResult) -> Text:
    marked = next((each.text for each in result.highlights if each.field == "title"), "")
    title = _unmarked(marked) if marked else Text(result.product.title)
    if result.matching_variant_count > 1:
        # Hard spaces: a line must not end between the number and its noun.
        title.append(f" ({result.matching_variant_count}\u00a0variants)", style="dim")
    return title


def _unmarked(marked: str) -> Text:
    """The marks become bold; all else is HTML-escaped by the server and is undone."""
    text = Text()
    for index, part in enumerate(_MARKED.split(marked)):
        text.append(html.unescape(part), style="bold" if index % 2 else "")
    return text


def _facet_table(facet: Facet) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), title_justify="left")
    table.add_column(facet.key.removeprefix("attributes."))
    table.add_column("", justify="right", style="dim")
    for value in facet.values:
        table.add_row(Text(_value_text(value)), f"{value.count:,}")
    if facet.HasField("minimum"):
        table.add_row(Text(f"{facet.minimum:,g} to {facet.maximum:,g}", style="dim"), "")
    return table


def _value_text(value: FacetValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "number":
        return f"{value.number:,g}"
    if kind == "boolean":
        return "yes" if value.boolean else "no"
    if kind == "interval":
        minimum, maximum = value.interval.minimum, value.interval.maximum
        if not value.interval.HasField("minimum"):
            return f"under {maximum:,g}"
        return (
            f"from {minimum:,g}"
            if not value.interval.HasField("maximum")
            else f"{minimum:,g} to {maximum:,g}"
        )
    return value.text
