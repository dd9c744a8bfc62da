"""`saluhall tenants`: what the operator does with tenants, by the operator's certificate."""

import click
from rich.console import Console

from cluster.cli.profile import change_profile, open_admin_client
from cluster.cli.quantities import time_text
from cluster.cli.tables import new_table
from node.config import READER_COUNT_MAX, profile_path
from protos.v1.admin_pb2 import Tenant


@click.group()
def tenants() -> None:
    """Create, list and delete tenants, and say how many readers each has."""


@tenants.command()
@click.argument("name")
@click.option(
    "--languages",
    required=True,
    metavar="sv,en",
    help="Languages of the catalogue, BCP 47; the first is the default.",
)
@click.option(
    "--currency", required=True, metavar="SEK", help="ISO 4217: what prices without one are in."
)
def create(name: str, languages: str, currency: str) -> None:
    """Open the tenant NAME (a-z, 0-9 and "-") and keep its first admin key in the profile."""
    codes = [code.strip() for code in languages.split(",") if code.strip()]
    with open_admin_client() as operator:
        created = operator.create_tenant(
            name, language_codes=codes, currency_code=currency.strip().upper()
        )
    change_profile(lambda profile: profile.with_admin_key(name, created.admin_key))
    click.echo(f"Created {name}; its admin key is in {profile_path()}.")
    click.echo(f"Next: saluhall products import {name} FILE")


@tenants.command("list")
def list_tenants() -> None:
    """List the tenants that are not deleted."""
    with open_admin_client() as operator:
        listed = list(operator.list_tenants())
    if not listed:
        click.echo(
            "There are no tenants yet. "
            "Next: saluhall tenants create NAME --languages sv,en --currency SEK"
        )
        return
    table = new_table()
    for name in ("Tenant", "State", "Languages", "Currency", "Created"):
        table.add_column(name)
    for tenant in listed:
        table.add_row(
            tenant.id,
            Tenant.State.Name(tenant.state).lower(),
            ", ".join(tenant.language_codes),
            tenant.currency_code,
            time_text(tenant.create_time),
        )
    Console().print(table)


@tenants.command()
@click.argument("name")
@click.argument("count", type=click.IntRange(0, READER_COUNT_MAX))
def readers(name: str, count: int) -> None:
    """Let COUNT processes answer searches of the tenant NAME beside its primary.

    They start and stop within seconds, and searches go on meanwhile; 0: the primary answers alone.
    """
    with open_admin_client() as operator:
        operator.set_readers(name, count)
    click.echo(f"{name} is to have {count} reader{'' if count == 1 else 's'}.")
    if count:
        click.echo("See: saluhall status")


@tenants.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, *, yes: bool) -> None:
    """Destroy the tenant NAME and all its data; its name is never used again."""
    question = f"Destroy {name} with all its products and keys? This cannot be undone"
    if not yes and not click.confirm(question):
        click.echo("Nothing was deleted.", err=True)
        raise click.exceptions.Exit(1)
    with open_admin_client() as operator:
        operator.delete_tenant(name)
    change_profile(lambda profile: profile.with_admin_key(name, None))
    click.echo(f"Deleted {name}.")
