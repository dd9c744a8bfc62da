"""`saluhall products`: feeds in, products out, branches and field settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cluster.cli.dry_run import show_dry_run
from cluster.cli.feed_import import ImportCounts, ImportProgress, Rejects, import_feed
from cluster.cli.full_import import FullImport
from cluster.cli.product_text import price_text, product_panel, stock_text, to_json
from cluster.cli.profile import open_client
from cluster.cli.quantities import time_text
from node.client import Client
from node.client.feeds import (
    OWN_MAPPING,
    FeedSource,
    Mapping,
    propose_mapping,
    read_products,
    sample_records,
    to_toml,
)
from node.errors import InvalidArgumentError
from protos.v1.catalog_pb2 import Branch, Field
from protos.v1.common_pb2 import WriteOutcome
from protos.v1.product_pb2 import Product, Variant

_DELETED_AT_A_TIME: Final = 1_000
_FIELD_SETTINGS: Final = {
    "weight": "search_weight",
    "search_weight": "search_weight",
    "facetable": "facetable",
    "filterable": "filterable",
    "sortable": "sortable",
}
_TRUE_WORDS: Final = frozenset({"true", "yes", "on", "1"})
_FALSE_WORDS: Final = frozenset({"false", "no", "off", "0"})


@click.group()
def products() -> None:
    """Import, look at and delete a tenant's products."""


@products.command("import")
@click.argument("tenant")
@click.argument("file")
@click.option("--mapping", "mapping_path", help="TOML file that says which field becomes what.")
@click.option(
    "--full", is_flag=True, help="The file is the whole catalogue: replace the one that is live."
)
@click.option("--dry-run", is_flag=True, help="Show what would be stored; needs no server.")
@click.option("--rejects", "rejects_path", help="Where refused items go [FILE.rejected.jsonl].")
@click.option(
    "--refused-max", default=1.0, show_default=True, metavar="PERCENT",
    help="With --full: the new catalogue goes live only if no more than this share was refused.",
)  # fmt: skip
def import_products(
    tenant: str,
    file: str,
    mapping_path: str | None,
    *,
    full: bool,
    dry_run: bool,
    rejects_path: str | None,
    refused_max: float,
) -> int:
    """Import FILE (JSONL, CSV, TSV or Google Merchant XML; .gz too; "-": standard input).

    It can be interrupted and run again: what is stored already is recognised and passed quickly.
    Refused items go to a file with line number and reason; the others are imported all the same.
    Ends with 0 unless all were refused or the import could not go on.
    """
    with FeedSource.open(file) as source:
        mapping = _mapping_for(source, mapping_path)
        if dry_run:
            show_dry_run(source, mapping, Console())
            return 0
        rejects = Rejects(Path(rejects_path or _rejects_name(file)))
        with open_client(tenant) as client, rejects:
            whole = FullImport.begin(client, tenant, refused_max / 100) if full else None
            counts = _run_import(client, source, mapping, rejects, whole)
            click.echo(str(counts))
            if rejects.count:
                click.echo(f"Refused items, with line and reason: {rejects.path}", err=True)
            if whole:
                whole.finish(counts)
    return int(counts.refused == counts.total)


def _run_import(
    client: Client,
    source: FeedSource,
    mapping: Mapping,
    rejects: Rejects,
    whole: FullImport | None,
) -> ImportCounts:
    counts = ImportCounts()
    items = read_products(source, mapping)
    try:
        with ImportProgress(source) as shown:
            import_feed(
                client,
                items,
                branch=whole.branch if whole else "",
                counts=counts,
                rejects=rejects,
                shown=shown,
            )
    except BaseException:
        # Whatever ended it, the person is told how far it got; what was answered is stored.
        click.echo(f"Stopped after line {counts.line:,}: {counts}", err=True)
        if whole:
            whole.abandon()
        elif counts.total:
            click.echo(
                "Run the same command again: what is stored already passes quickly.", err=True
            )
        raise
    return counts


def _rejects_name(file: str) -> str:
    return "stdin.rejected.jsonl" if file == "-" else f"{Path(file).name}.rejected.jsonl"


def _mapping_for(source: FeedSource, mapping_path: str | None) -> Mapping:
    """The given mapping, or a proposed one, whose guesses are told."""
    if mapping_path is not None:
        return Mapping.load(mapping_path)
    proposal = propose_mapping([each.fields for each in sample_records(source) if each.fields])
    if proposal.mapping is not OWN_MAPPING:
        click.echo(
            f"No --mapping is given, so this is assumed (`saluhall products inspect {source.name}` "
            "writes it to be edited):",
            err=True,
        )
        for name, fields in proposal.mapping.rules.fields.items():
            click.echo(f"  {name:<16} {', '.join(fields)}", err=True)
        for note in proposal.notes:
            click.echo(f"  - {note}", err=True)
    return proposal.mapping


@products.command()
@click.argument("file")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it here."
)
def inspect(file: str, output: Path | None) -> None:
    """Propose a mapping for FILE, to be checked and edited."""
    with FeedSource.open(file) as source:
        records = [each.fields for each in sample_records(source) if each.fields]
        proposal = propose_mapping(records)
        name = source.format.value
    head = f"A mapping for {Path(file).name} ({name}), proposed from its first {len(records):,} records."
    text = to_toml(proposal.mapping, notes=[head, *proposal.notes])
    target = output or Path("mapping.toml")
    if output is None:
        click.echo(text, nl=False)
        click.echo(f"Keep it: saluhall products inspect {file} -o {target}", err=True)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"Written to {output}", err=True)
    click.echo(
        f"Try it:  saluhall products import TENANT {file} --mapping {target} --dry-run", err=True
    )


@products.command()
@click.argument("tenant")
@click.argument("product_id")
@click.option("--branch", default="", help="Another branch than the live one.")
@click.option("--json", "as_json", is_flag=True)
def get(tenant: str, product_id: str, branch: str, *, as_json: bool) -> None:
    """Show one product as it is stored."""
    with open_client(tenant) as client:
        product = client.get_product(product_id, branch=branch)
    if as_json:
        click.echo(to_json(product, indent=2))
    else:
        Console().print(product_panel(product, title=product.name))


@products.command("list")
@click.argument("tenant")
@click.option("--branch", default="", help="Another branch than the live one.")
@click.option("--limit", default=24, show_default=True, help="How many; 0: all.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, which `import` reads again.")
def list_products(tenant: str, branch: str, limit: int, *, as_json: bool) -> None:
    """List products by id."""
    with open_client(tenant) as client:
        if as_json:
            for count, product in enumerate(client.list_products(branch=branch), start=1):
                click.echo(to_json(product))
                if count == limit:
                    return
            return
        total = client.list_products_page(branch=branch, page_size=1).total_size
        table = Table("id", "title", "brand", Column("price", justify="right"), "stock", box=None)
        shown = 0
        for product in client.list_products(branch=branch):
            table.add_row(*_row_of(product))
            shown += 1
            if shown == limit:
                break
    Console().print(table)
    click.echo(f"{shown:,} of {total:,} products")


def _row_of(product: Product) -> Sequence[str | Text]:
    offers: list[Product | Variant] = [product, *product.variants]
    prices = [offer.prices[0] for offer in offers if offer.prices]
    cheapest = min(prices, key=lambda price: price.selling_micros, default=None)
    quantities = [offer.stock_quantity for offer in offers if offer.HasField("stock_quantity")]
    first = product.variants[0] if product.variants else product
    stock = stock_text(first.availability, sum(quantities) if quantities else None)
    price = price_text(cheapest) if cheapest is not None else Text("")
    return (Text(product.id), Text(product.title), Text(product.brand), price, stock)


@products.command()
@click.argument("tenant")
@click.argument("ids", nargs=-1, required=True)
@click.option("--branch", default="", help="Another branch than the live one.")
def delete(tenant: str, ids: tuple[str, ...], branch: str) -> None:
    """Delete products by their ids; an id that is not there is no error."""
    deleted = 0
    with open_client(tenant) as client:
        for start in range(0, len(ids), _DELETED_AT_A_TIME):
            some = ids[start : start + _DELETED_AT_A_TIME]
            response = client.delete_products(some, branch=branch)
            for product_id, outcome in zip(some, response.outcomes, strict=True):
                deleted += outcome == WriteOutcome.DELETED
                if outcome != WriteOutcome.DELETED:
                    click.echo(f"{product_id}: was not there", err=True)
    click.echo(f"{deleted:,} deleted")


@products.command()
@click.argument("tenant")
@click.option("--activate", metavar="ID", help="Make this branch the live one.")
@click.option(
    "--delete", "delete_id", metavar="ID", help="Delete this branch; the live one cannot be."
)
def branches(tenant: str, activate: str | None, delete_id: str | None) -> None:
    """List the branches of the catalogue, or change them."""
    with open_client(tenant) as client:
        if activate is not None:
            client.activate_branch(activate)
        if delete_id is not None:
            client.delete_branch(delete_id)
        listed = client.list_branches().branches
    table = Table(
        "branch", "state", Column("products", justify="right"), "created", "went live", box=None
    )
    for branch in listed:
        state = Branch.State.Name(branch.state).lower()
        table.add_row(
            branch.id,
            Text(state, style="green" if branch.state == Branch.LIVE else ""),
            Text(f"{branch.product_count:,}", justify="right"),
            time_text(branch.create_time),
            time_text(branch.activate_time) if branch.HasField("activate_time") else "",
        )
    Console().print(table)


@products.command()
@click.argument("tenant")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY.SETTING=VALUE",
    help="For example title.weight=4 or attributes.colour.facetable=true; may be repeated.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True)
def fields(tenant: str, changes: tuple[str, ...], *, as_json: bool) -> None:
    """List how each field is searched, faceted, filtered and sorted, or change it."""
    parsed = [field_change(change) for change in changes]
    with open_client(tenant) as client:
        for field, setting in parsed:
            client.update_field(field, update_mask=[setting])
        listed = sorted(client.list_fields(), key=lambda field: field.key)
    if as_json:
        for field in listed:
            click.echo(to_json(field))
        return
    changed = {field.key for field, _ in parsed}
    table = Table(
        Column("field", overflow="fold"),
        Column("weight", justify="right"),
        "facet",
        "filter",
        "sort",
        "holds",
        "set by",
        box=None,
    )
    for field in listed:
        if not changed or field.key in changed:
            table.add_row(*_field_row(field))
    Console().print(table)


def _field_row(field: Field) -> Sequence[str | Text]:
    kinds = (
        ("texts", field.has_texts),
        ("numbers", field.has_numbers),
        ("booleans", field.has_booleans),
    )
    return (
        Text(field.key),
        Text(f"{field.search_weight:g}" if field.search_weight else "-", justify="right"),
        *("yes" if each else "-" for each in (field.facetable, field.filterable, field.sortable)),
        ", ".join(kind for kind, is_held in kinds if is_held),
        Text("inferred", style="dim") if field.inferred else "you",
    )


def field_change(change: str) -> tuple[Field, str]:
    """A field with one setting, and the setting's name, from "attributes.colour.facetable=true"."""
    path, equals, value = change.partition("=")
    key, dot, name = path.rpartition(".")
    setting = _FIELD_SETTINGS.get(name)
    if not equals or not dot or not key or setting is None:
        raise InvalidArgumentError(
            f"--set {change}: write KEY.SETTING=VALUE, where SETTING is weight, facetable, filterable or sortable"
        )
    field = Field(key=key)
    try:
        setattr(field, setting, float(value) if setting == "search_weight" else _boolean(value))
    except ValueError:
        wanted = "a number" if setting == "search_weight" else "true or false"
        raise InvalidArgumentError(f"--set {change}: {name} must be {wanted}") from None
    return field, setting


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE_WORDS:
        return True
    if text.lower() in _FALSE_WORDS:
        return False
    raise ValueError(text)
