"""`saluhall visitors`: what a visitor has a right to: a copy of their data, its erasure, and their say in its use."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cluster.cli.profile import open_client
from cluster.cli.quantities import time_text
from node.client.exports import ExportInvalidError, VerifiedExport, verify_export, write_export
from node.errors import NotFoundError, SaluhallError
from protos.v1.privacy_pb2 import EraseVisitorResponse, Visitor


@click.group()
def visitors() -> None:
    """Export, erase, restrict and object: a visitor's rights. ID is the visitor_id of events."""


@visitors.command()
@click.argument("tenant")
@click.argument("visitor_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The ZIP file to write.",
)
def export(tenant: str, visitor_id: str, output: Path) -> None:
    """Write a signed ZIP of everything that TENANT keeps of the visitor ID."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with open_client(tenant) as client, bar:
        task = bar.add_task("events", total=None)
        count = write_export(
            client,
            output,
            tenant=tenant,
            visitor_id=visitor_id,
            shown=lambda done, total: bar.update(task, completed=done, total=total),
        )
    click.echo(f"Written to {output}: {count:,} events")
    if not count:
        click.echo(f"{tenant} keeps no event of this visitor; is the ID right?", err=True)
    click.echo(f"Next: saluhall visitors verify {output}")


@visitors.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """Check that FILE, an export, is as it was handed out: every hash and every signature."""
    verified = verify_export(file)
    click.echo(
        f"{file.name} is whole: {verified.event_count:,} events of {verified.visitor_id} at "
        f"{verified.tenant}, exported on {verified.export_time}"
    )
    click.echo(f"Signed with the key {verified.public_key}")
    click.echo(_whose_key(verified))


@visitors.command()
@click.argument("tenant")
@click.argument("visitor_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(tenant: str, visitor_id: str, *, yes: bool) -> None:
    """Make everything that TENANT keeps of the visitor ID unreadable, for ever."""
    question = f"Erase the visitor {visitor_id} of {tenant}? This cannot be undone"
    if not yes and not click.confirm(question):
        click.echo("Nothing was erased.", err=True)
        raise click.exceptions.Exit(1)
    with open_client(tenant) as client:
        receipt = client.erase_visitor(visitor_id)
    click.echo(receipt_text(receipt, tenant))


@visitors.command()
@click.argument("tenant")
@click.argument("visitor_id", metavar="ID")
@click.option("--undo", is_flag=True, help="Take the restriction back.")
def restrict(tenant: str, visitor_id: str, *, undo: bool) -> None:
    """Keep the data of the visitor ID, and use it for nothing."""
    with open_client(tenant) as client:
        visitor = client.update_visitor(visitor_id, restricted=not undo).visitor
    click.echo(decisions_text(visitor))


@visitors.command("object")
@click.argument("tenant")
@click.argument("visitor_id", metavar="ID")
@click.option("--undo", is_flag=True, help="Take the objection back.")
def object_(tenant: str, visitor_id: str, *, undo: bool) -> None:
    """Make no profile of the visitor ID from now on, and use none."""
    with open_client(tenant) as client:
        visitor = client.update_visitor(visitor_id, objected=not undo).visitor
    click.echo(decisions_text(visitor))


def receipt_text(receipt: EraseVisitorResponse, tenant: str) -> str:
    """What an erasure's answer says, for the shop's files."""
    if receipt.was_known:
        return (
            f"Erased. Receipt {receipt.receipt_id} of {tenant}, {time_text(receipt.erase_time)}; "
            f"the key is destroyed in: {', '.join(receipt.erased_stores)}"
        )
    if receipt.receipt_id:
        return (
            f"Nothing is kept of this visitor since {time_text(receipt.erase_time)}: "
            f"receipt {receipt.receipt_id}"
        )
    return f"{tenant} keeps nothing of this visitor; is the ID right?"


def decisions_text(visitor: Visitor) -> str:
    """What holds now."""
    restricted = (
        f"restricted since {time_text(visitor.restrict_time)}: kept, used for nothing"
        if visitor.restricted
        else "not restricted"
    )
    objected = (
        f"objected on {time_text(visitor.object_time)}: no profile"
        if visitor.objected
        else "not objected"
    )
    return f"{visitor.event_count:,} events; {restricted}; {objected}"


def _whose_key(verified: VerifiedExport) -> str:
    """Whether the tenant itself would sign so. Raises ExportInvalidError when it would not."""
    try:
        with open_client(verified.tenant) as client:
            signed = client.sign_export(verified.manifest_hash)
    except NotFoundError:
        return (
            f"Not compared with {verified.tenant}'s own key, since the profile has no admin key of "
            "it: ask the shop for its public key"
        )
    except SaluhallError as error:
        return f"Not compared with {verified.tenant}'s own key: {error.message}"
    if (signed.public_key, signed.signature) != (verified.public_key, verified.signature):
        raise ExportInvalidError(
            f"it was signed with another key than {verified.tenant}'s, which is {signed.public_key}"
        )
    return f"It is the key of {verified.tenant} on this server"
