"""`saluhall search`: what a shopper would see, as a table."""

import time
from collections.abc import Sequence
from itertools import pairwise

import click
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.cli.explanation_view import show_explained
from cluster.cli.product_text import marked_text, price_text, stock_text, to_json
from cluster.cli.profile import open_client
from cluster.cli.quantities import read_time
from node.errors import InvalidArgumentError
from protos.v1.search_pb2 import (
    DroppedPin,
    Facet,
    FacetSpec,
    FacetValue,
    Interval,
    SearchResponse,
    SearchResult,
)


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
@click.option("--price-list", default="", help="A customer price list of the market.")
@click.option("--store", default="", help="A store of the market, whose stock counts.")
@click.option("--language", default="", help="Of the words, for example sv.")
@click.option("--size", default=10, show_default=True, help="How many products, at most 120.")
@click.option(
    "--relaxed", default=5, show_default=True, help="How many products that match in part."
)
@click.option("--explain", is_flag=True, help="Say of each product what put it there.")
@click.option("--as-typed", is_flag=True, help="Do not look for typing errors.")
@click.option("--without-rules", is_flag=True, help="Leave the rules out.")
@click.option("--without-synonyms", is_flag=True, help="Leave the synonyms out.")
@click.option(
    "--preview-rule",
    "preview_rules",
    multiple=True,
    metavar="ID",
    help="Let a draft of a rule act as if it were live; may be repeated.",
)
@click.option(
    "--rules-time", metavar="2026-12-01T08:00", help="Look at the rules' windows at this time."
)
@click.option(
    "--without-learned-popularity",
    is_flag=True,
    help="Leave out how popular products are with visitors.",
)
@click.option(
    "--without-click-evidence",
    is_flag=True,
    help="Leave out which products visitors chose for these words.",
)
@click.option("--all-copies", is_flag=True, help="Show products of one title one by one.")
@click.option("--json", "as_json", is_flag=True, help="The answer itself, as JSON.")
def search(  # noqa: PLR0913 - one argument for each option
    tenant: str,
    words: tuple[str, ...],
    *,
    filter_text: str,
    facets: tuple[str, ...],
    sort: str,
    market: str,
    price_list: str,
    store: str,
    language: str,
    size: int,
    relaxed: int,
    explain: bool,
    as_typed: bool,
    without_rules: bool,
    without_synonyms: bool,
    preview_rules: tuple[str, ...],
    rules_time: str | None,
    without_learned_popularity: bool,
    without_click_evidence: bool,
    all_copies: bool,
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
            price_list=price_list,
            store=store,
            language_code=language,
            page_size=size,
            relaxed_size=relaxed,
            highlight=not as_json and not explain,
            explain=explain,
            as_typed=as_typed,
            without_rules=without_rules,
            without_synonyms=without_synonyms,
            preview_rules=preview_rules,
            rules_time=None if rules_time is None else read_time(rules_time, option="--rules-time"),
            show_duplicates=all_copies,
            without_learned_popularity=without_learned_popularity,
            without_click_evidence=without_click_evidence,
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
    """Results, facets, what matches only in part or is merely related, apart and labelled, and what rules did."""
    _show_reading(response, console)
    if response.results:
        _show_results(response.results, console)
    shown = len(response.results)
    count = f"{shown:,} of {response.total_size:,}" if shown < response.total_size else f"{shown:,}"
    noun = "product" if response.total_size == 1 else "products"
    console.print(f"{count} {noun} in {took_ms:.0f} ms", style="bold")
    if response.facets:
        console.print()
        console.print(Columns([_facet_table(facet) for facet in response.facets], padding=(0, 4)))
    if response.relaxed_results:
        total = f"{response.relaxed_total_size:,} products"
        _show_label(f"Only some of the words match ({total}):", console)
        _show_results(response.relaxed_results, console)
    if response.related_results:
        _show_label("Nothing matches; related products:", console)
        _show_results(response.related_results, console)
    _show_rules(response, console)


def _show_reading(response: SearchResponse, console: Console) -> None:
    """What the words were taken for, before the results that were found for it."""
    for query, line in (
        (response.replaced_query, f"Rules made it {response.replaced_query}."),
        (response.corrected_query, f"Results for {response.corrected_query}:"),
        (response.did_you_mean, f"Did you mean {response.did_you_mean}?"),
    ):
        if query:
            console.print(line, style="yellow", markup=False)


def _show_label(label: str, console: Console) -> None:
    console.print()
    console.print(label, style="yellow", markup=False)


def _show_results(results: Sequence[SearchResult], console: Console) -> None:
    if any(result.HasField("explanation") for result in results):
        show_explained(results, console)
    else:
        console.print(_results_table(results))


def _show_rules(response: SearchResponse, console: Console) -> None:
    """The rules that acted, with what came of them."""
    lines = [
        f"rule {rule.rule_id}: {', '.join(rule.actions)}"
        + (" (preview)" if rule.preview else "")
        + (f"  {rule.description}" if rule.description else "")
        for rule in response.applied_rules
    ]
    if response.redirect_url:
        lines.append(f"redirect to {response.redirect_url}")
    lines += [
        f"banner {banner.id} (rule {banner.rule_id}): {banner.title} -> {banner.target_url}"
        for banner in response.banners
    ]
    lines += [
        f"pin of {pin.product_id} dropped (rule {pin.rule_id}): "
        + DroppedPin.Reason.Name(pin.reason).lower().replace("_", " ")
        for pin in response.dropped_pins
    ]
    if lines:
        console.print()
    for line in lines:
        console.print(line, style="dim", markup=False, highlight=False)


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
    title = marked_text(marked) if marked else Text(result.product.title)
    if result.matching_variant_count > 1:
        # Hard spaces: a line must not end between the number and its noun.
        title.append(f" ({result.matching_variant_count}\u00a0variants)", style="dim")
    if result.pinned:
        title.append(" pinned", style="yellow")
    if result.duplicate_count:
        title.append(f" (+{result.duplicate_count}\u00a0alike)", style="dim")
    if result.missing_words:
        title.append(f" without {', '.join(result.missing_words)}", style="yellow")
    return title


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
