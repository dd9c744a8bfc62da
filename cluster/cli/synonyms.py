"""`saluhall synonyms`: words that stand for each other, as a table and as a file."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from cluster.cli.merchandising_sync import Collection, delete_by_ids, plan_sync, sync
from cluster.cli.product_text import to_json
from cluster.cli.profile import open_client
from cluster.cli.tables import new_table
from node.client.synonym_files import entry_text, read_synonyms, synonyms_text
from node.client.text_file import TextFile
from protos.v1.merchandising_pb2 import Synonym

_SYNONYMS_IN_A_REQUEST: Final = 1_000


@click.group()
def synonyms() -> None:
    """List, import, export and delete a tenant's synonyms."""


@synonyms.command("list")
@click.argument("tenant")
@click.option("--json", "as_json", is_flag=True, help="One synonym on each line, as JSON.")
def list_synonyms(tenant: str, *, as_json: bool) -> None:
    """List the synonyms by id."""
    with open_client(tenant) as client:
        listed = list(client.list_synonyms())
    if as_json:
        for synonym in listed:
            click.echo(to_json(synonym))
        return
    if not listed:
        click.echo(f"There are no synonyms yet. Next: saluhall synonyms import {tenant} FILE")
        return
    table = new_table()
    for name in ("Synonym", "Language", "Words"):
        table.add_column(name, overflow="fold")
    for synonym in listed:
        table.add_row(
            Text(synonym.id), Text(synonym.language_code or "all"), Text(entry_text(synonym))
        )
    Console().print(table)


@synonyms.command()
@click.argument("tenant")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="To a file.")
def export(tenant: str, output: Path | None) -> None:
    """Write all synonyms as text, which `import` reads again."""
    with open_client(tenant) as client:
        text = synonyms_text(client.list_synonyms())
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"Written to {output}", err=True)


@synonyms.command("import")
@click.argument("tenant")
@click.argument("file")
@click.option(
    "--language", default="", metavar="sv", help="Of synonyms for which FILE names none [all]."
)
@click.option("--dry-run", is_flag=True, help="Let the server check everything; write nothing.")
@click.option("--prune", is_flag=True, help="Delete the synonyms that FILE does not hold.")
@click.option("--yes", is_flag=True, help="With --prune: do not ask.")
def import_synonyms(
    tenant: str, file: str, language: str, *, dry_run: bool, prune: bool, yes: bool
) -> None:
    """Create and replace the synonyms of FILE (as Solr and Elasticsearch have them; "-": standard
    input).

    A line "laptop, notebook" goes both ways, "tv => television" one way.
    """
    source = TextFile.open(file)
    entries = {entry.synonym.id: entry for entry in read_synonyms(source, language_code=language)}
    with open_client(tenant) as client:
        stored = {synonym.id: synonym for synonym in client.list_synonyms()}
        wanted = {key: entry.synonym for key, entry in entries.items()}
        plan = plan_sync(stored, wanted, prune=prune)
        collection: Collection[Synonym] = Collection(
            "synonym",
            _SYNONYMS_IN_A_REQUEST,
            lambda batch, only: client.write_synonyms(batch, validate_only=only),
            lambda ids: client.delete_synonyms(ids).deleted_count,
            lambda key: f"{source.name}, line {entries[key].line}, synonym {key}",
        )
        sync(collection, plan, file=file, dry_run=dry_run, yes=yes)


@synonyms.command()
@click.argument("tenant")
@click.argument("ids", nargs=-1, required=True)
def delete(tenant: str, ids: tuple[str, ...]) -> None:
    """Delete synonyms by their ids; an id that is not there is no error."""
    with open_client(tenant) as client:
        deleted = delete_by_ids(ids, lambda some: client.delete_synonyms(some).deleted_count)
    click.echo(f"{deleted:,} deleted")
