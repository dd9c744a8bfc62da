"""`saluhall keys`: a tenant's API keys, by the tenant's own admin key."""

from typing import Final

import click
from rich.console import Console

from cluster.cli.profile import open_client
from cluster.cli.quantities import read_duration_s, time_text
from cluster.cli.tables import new_table
from protos.v1.account_pb2 import Key

_ROLES: Final = {"search": Key.SEARCH, "write": Key.WRITE, "admin": Key.ADMIN}


@click.group()
def keys() -> None:
    """Issue, list and revoke a tenant's API keys."""


@keys.command()
@click.argument("tenant")
@click.option(
    "--role",
    type=click.Choice(list(_ROLES)),
    required=True,
    help="What the key may do; each includes those before it.",
)
@click.option("--expires", metavar="90d", help="When it ends, from now; never if left out.")
def issue(tenant: str, role: str, expires: str | None) -> None:
    """Issue a key. It is printed once and kept nowhere."""
    lifetime_seconds = 0 if expires is None else read_duration_s(expires, option="--expires")
    with open_client(tenant) as client:
        issued = client.issue_key(_ROLES[role], lifetime_seconds=lifetime_seconds)
    # Only the key goes to standard output, so that it can be piped to where it is needed.
    click.echo(f"Key {issued.key.id} of {tenant} ({role}); it cannot be shown again:", err=True)
    click.echo(issued.secret)


@keys.command("list")
@click.argument("tenant")
def list_keys(tenant: str) -> None:
    """List a tenant's keys, without their secrets."""
    with open_client(tenant) as client:
        listed = client.list_keys().keys
    table = new_table()
    for name in ("Key", "Role", "Created", "Expires", "Revoked"):
        table.add_column(name)
    for key in listed:
        table.add_row(
            key.id,
            Key.Role.Name(key.role).lower(),
            time_text(key.create_time),
            time_text(key.expire_time) if key.HasField("expire_time") else "never",
            time_text(key.revoke_time) if key.HasField("revoke_time") else "",
        )
    Console().print(table)


@keys.command()
@click.argument("tenant")
@click.argument("key_id")
def revoke(tenant: str, key_id: str) -> None:
    """Make the key KEY_ID stop working everywhere within a second."""
    with open_client(tenant) as client:
        client.revoke_key(key_id)
    click.echo(f"Revoked {key_id}.")
