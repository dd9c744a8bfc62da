"""`saluhall retention`: how many days a tenant keeps what visitors do, and the words they type."""

import click

from cluster.cli.profile import open_client
from protos.v1.privacy_pb2 import Retention


@click.group()
def retention() -> None:
    """Show and set how long a tenant keeps events, and the words in them."""


@retention.command()
@click.argument("tenant")
def show(tenant: str) -> None:
    """Show what holds for TENANT."""
    with open_client(tenant) as client:
        click.echo(retention_text(client.get_retention()))


@retention.command("set")
@click.argument("tenant")
@click.option("--events-days", type=click.IntRange(1, 400), help="Keep events so long.")
@click.option("--searches-days", type=click.IntRange(1, 400), help="Keep words so long.")
@click.option("--yes", is_flag=True, help="Do not ask before something is deleted.")
def set_(tenant: str, events_days: int | None, searches_days: int | None, *, yes: bool) -> None:
    """Change it for TENANT. Shorter times delete what is older, within seconds."""
    if events_days is None and searches_days is None:
        raise click.UsageError("Name --events-days, --searches-days or both.")
    with open_client(tenant) as client:
        before = client.get_retention()
        shorter = (events_days or before.events_days) < before.events_days or (
            searches_days or before.searches_days
        ) < before.searches_days
        question = f"{tenant} keeps {retention_text(before)}. Keep less, and delete what is older"
        if shorter and not yes and not click.confirm(question):
            click.echo("Nothing was changed.", err=True)
            raise click.exceptions.Exit(1)
        changed = client.update_retention(
            events_days=events_days or 0, searches_days=searches_days or 0
        )
    click.echo(retention_text(changed.retention))


def retention_text(days: Retention) -> str:
    """In one line."""
    words_days = min(days.searches_days, days.events_days)
    return f"events {days.events_days} days, words in them {words_days} days"
