"""`saluhall rules`: what a shop's merchandisers decide about its results, as a table and as a file."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from cluster.cli.merchandising_sync import Collection, delete_by_ids, plan_sync, sync
from cluster.cli.product_text import to_json
from cluster.cli.profile import open_client
from cluster.cli.rule_view import actions_text, conditions_text, state_text
from cluster.cli.tables import new_table
from node.client.rule_files import read_rules, rule_text, rules_text
from node.client.text_file import TextFile
from node.errors import NotFoundError
from protos.v1.merchandising_pb2 import Rule

_RULES_IN_A_REQUEST: Final = 100
_STATE_STYLES: Final = {"live": "green", "draft": "yellow", "paused": "dim"}


@click.group()
def rules() -> None:
    """List, show, import, export and delete a tenant's rules."""


@rules.command("list")
@click.argument("tenant")
@click.option("--json", "as_json", is_flag=True, help="One rule on each line, as JSON.")
def list_rules(tenant: str, *, as_json: bool) -> None:
    """List the rules in the order in which they act."""
    with open_client(tenant) as client:
        listed = sorted(client.list_rules(), key=lambda rule: (rule.precedence, rule.id))
    if as_json:
        for rule in listed:
            click.echo(to_json(rule))
        return
    if not listed:
        click.echo(f"There are no rules yet. Next: saluhall rules import {tenant} FILE")
        return
    table = new_table()
    for name in ("Rule", "State", "Precedence", "When", "Does"):
        table.add_column(name, overflow="fold")
    for rule in listed:
        state = state_text(rule)
        table.add_row(
            Text(rule.id),
            Text(state, style=_STATE_STYLES[state]),
            str(rule.precedence),
            Text(conditions_text(rule)),
            Text(actions_text(rule)),
        )
    Console().print(table)


@rules.command()
@click.argument("tenant")
@click.argument("rule_id")
def show(tenant: str, rule_id: str) -> None:
    """Show the rule RULE_ID as it stands in a file."""
    with open_client(tenant) as client:
        rule = next((rule for rule in client.list_rules() if rule.id == rule_id), None)
    if rule is None:
        raise NotFoundError(f"{tenant} has no rule {rule_id!r}; see `saluhall rules list {tenant}`")
    click.echo(rule_text(rule), nl=False)


@rules.command()
@click.argument("tenant")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="To a file.")
def export(tenant: str, output: Path | None) -> None:
    """Write all rules as TOML, which `import` reads again."""
    with open_client(tenant) as client:
        text = rules_text(client.list_rules())
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"Written to {output}", err=True)


@rules.command("import")
@click.argument("tenant")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Let the server check everything; write nothing.")
@click.option("--prune", is_flag=True, help="Delete the rules that FILE does not hold.")
@click.option("--yes", is_flag=True, help="With --prune: do not ask.")
def import_rules(tenant: str, file: str, *, dry_run: bool, prune: bool, yes: bool) -> None:
    """Create and replace the rules of FILE (TOML; "-": standard input). They act at once."""
    source = TextFile.open(file)
    entries = {entry.rule.id: entry for entry in read_rules(source)}

    def place_of(rule_id: str) -> str:
        line = entries[rule_id].line
        return f"{source.name}{'' if line is None else f', line {line}'}, rule {rule_id}"

    with open_client(tenant) as client:
        stored = {rule.id: rule for rule in client.list_rules()}
        wanted = {key: entry.rule for key, entry in entries.items()}
        plan = plan_sync(stored, wanted, prune=prune)
        collection: Collection[Rule] = Collection(
            "rule",
            _RULES_IN_A_REQUEST,
            lambda batch, only: client.write_rules(batch, validate_only=only),
            lambda ids: client.delete_rules(ids).deleted_count,
            place_of,
        )
        sync(collection, plan, file=file, dry_run=dry_run, yes=yes)


@rules.command()
@click.argument("tenant")
@click.argument("ids", nargs=-1, required=True)
def delete(tenant: str, ids: tuple[str, ...]) -> None:
    """Delete rules by their ids; an id that is not there is no error."""
    with open_client(tenant) as client:
        deleted = delete_by_ids(ids, lambda some: client.delete_rules(some).deleted_count)
    click.echo(f"{deleted:,} deleted")
