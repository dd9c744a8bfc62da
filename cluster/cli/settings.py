"""`saluhall settings`: how a tenant's search orders and reads, as a table and as a file."""

import re
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from cluster.cli.product_text import to_json
from cluster.cli.profile import open_client
from cluster.cli.tables import new_table
from node.client.message_toml import pairs
from node.client.settings_files import (
    SettingsChange,
    ranking_change,
    read_settings,
    settings_text,
)
from node.client.text_file import TextFile
from node.errors import InvalidArgumentError
from protos.v1.merchandising_pb2 import SearchSettings


@click.group()
def settings() -> None:
    """Show and change how a tenant's search orders and reads."""


@settings.command()
@click.argument("tenant")
@click.option("--json", "as_json", is_flag=True)
def show(tenant: str, *, as_json: bool) -> None:
    """Show the settings; the lists of words by their lengths, which `export` writes whole."""
    with open_client(tenant) as client:
        current = client.get_search_settings()
    if as_json:
        click.echo(to_json(current, indent=2))
    else:
        show_settings(current, Console())


@settings.command("set")
@click.argument("tenant")
@click.argument("assignments", nargs=-1, required=True, metavar="NAME=VALUE...")
def set_settings(tenant: str, assignments: tuple[str, ...]) -> None:
    """Change settings of the ranking: score_steps=50 collapse_duplicates=false popularity_weight=default."""
    _update(tenant, ranking_change(assignments), source="settings", dry_run=False)


@settings.command()
@click.argument("tenant")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="To a file.")
def export(tenant: str, output: Path | None) -> None:
    """Write all settings as TOML, which `import` reads again."""
    with open_client(tenant) as client:
        text = settings_text(client.get_search_settings())
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"Written to {output}", err=True)


@settings.command("import")
@click.argument("tenant")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Read FILE and show the outcome; write nothing.")
def import_settings(tenant: str, file: str, *, dry_run: bool) -> None:
    """Change what FILE holds (TOML; "-": standard input); the rest stays as it is."""
    source = TextFile.open(file)
    _update(tenant, read_settings(source), source=source.name, dry_run=dry_run)


def _update(tenant: str, change: SettingsChange, *, source: str, dry_run: bool) -> None:
    with open_client(tenant) as client:
        current = client.get_search_settings()
        wanted = change.applied_to(current)
        if dry_run:
            show_settings(wanted, Console())
            click.echo("Nothing was written.")
            return
        if wanted == current:
            click.echo("Nothing changed.")
            return
        try:
            updated = client.update_search_settings(wanted, update_mask=change.mask).settings
        except InvalidArgumentError as error:
            raise located(error, wanted, source=source) from None
    show_settings(updated, Console())


def located(
    error: InvalidArgumentError, wanted: SearchSettings, *, source: str
) -> InvalidArgumentError:
    """The server's first complaint as the file has it: `settings.toml: texts.sv.stop_words: ...`."""
    if not error.violations:
        return error
    violation = error.violations[0]

    def name_of(match: re.Match[str]) -> str:
        return f"texts.{wanted.texts[int(match[1])].language_code}"

    field = re.sub(r"^texts\[(\d+)\]", name_of, violation.field.removeprefix("settings."))
    return InvalidArgumentError(f"{source}: {field}: {violation.description}", reason=error.reason)


def show_settings(shown: SearchSettings, console: Console) -> None:
    """The ranking, setting by setting, and how many words each language's lists hold."""
    ranking = new_table("Ranking")
    ranking.add_column("Setting")
    ranking.add_column("Value", justify="right")
    for name, value in pairs(shown.ranking):
        ranking.add_row(name, value)
    console.print(ranking)
    if not shown.texts:
        return
    texts = new_table("Words")
    for name in ("Language", "Lemmas", "Never split", "Stop words"):
        texts.add_column(name, justify="left" if name == "Language" else "right")
    for text in shown.texts:
        counts = (len(text.lemmas), len(text.never_split), len(text.stop_words))
        texts.add_row(Text(text.language_code), *(f"{count:,}" for count in counts))
    console.print(texts)
