"""Shows what an import would store and refuse, without a server."""

from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.cli.product_text import product_panel
from node.client.feeds import Converter, FeedSource, Mapping, read_products, sample_records

_PRODUCTS_SHOWN: Final = 3
_REFUSALS_SHOWN: Final = 20
_UNUSED_SHOWN: Final = 30


def show_dry_run(source: FeedSource, mapping: Mapping, console: Console) -> None:
    """The first products, then every line's verdict in sum, with the first reasons for refusals."""
    unused = _unused_fields(source, mapping)
    products, refused = 0, 0
    ids: Counter[str] = Counter()
    refusals = Table("line", "refused because", box=None)
    for item in read_products(source, mapping):
        if item.product is None:
            refused += 1
            if refused <= _REFUSALS_SHOWN:
                refusals.add_row(f"{item.line:,}", Text(item.refusal or ""))
            continue
        products += 1
        ids[item.product.id] += 1
        if products <= _PRODUCTS_SHOWN:
            console.print(product_panel(item.product, title=f"line {item.line:,}"))
    if refused:
        console.print(refusals)
    if refused > _REFUSALS_SHOWN:
        console.print(f"... and {refused - _REFUSALS_SHOWN:,} more")
    if unused:
        console.print(f"Not imported: {', '.join(unused)}", style="dim", markup=False)
    repeated = products - len(ids)
    if repeated:
        most, count = ids.most_common(1)[0]
        console.print(
            f"{repeated:,} lines repeat an id (the most frequent: {most}, {count:,} times): the last one wins",
            style="yellow",
            markup=False,
        )
    console.print(
        f"{products:,} products can be imported, {refused:,} are refused. Nothing was written."
    )


def _unused_fields(source: FeedSource, mapping: Mapping) -> list[str]:
    converter = Converter(mapping)
    records = sample_records(source, delimiter=mapping.delimiter)
    names = dict.fromkeys(
        name
        for record in records
        if record.fields
        for name in converter.unused_fields(record.fields)
    )
    shown = list(names)[:_UNUSED_SHOWN]
    more = len(names) - len(shown)
    return shown + ([f"and {more} more"] if more else [])
