"""`saluhall`: finds the command, runs it, and says in one sentence what went wrong.

Each command's module is imported when it is called: help and typing errors answer at once.
"""

import importlib
import os
import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import click

from node.errors import SaluhallError

FAILED: Final = 1
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a command is, and its line in the help."""

    module: str
    name: str
    help: str


COMMANDS: Final = MappingProxyType(
    {
        "up": _Place("up", "up", "Start the server of a data directory."),
        "down": _Place("up", "down", "Stop it; nothing of it is left behind."),
        "status": _Place("up", "status", "Show what runs, and how each tenant is."),
        "tenants": _Place("tenants", "tenants", "Create, list and delete tenants."),
        "keys": _Place("keys", "keys", "Issue, list and revoke a tenant's API keys."),
        "products": _Place("products", "products", "Import, look at and delete products."),
        "events": _Place("events", "events", "Import what visitors did."),
        "rules": _Place(
            "rules", "rules", "Pin, hide, boost, redirect: rules of a tenant's search."
        ),
        "synonyms": _Place("synonyms", "synonyms", "Words that stand for each other."),
        "settings": _Place("settings", "settings", "How a tenant's search orders and reads."),
        "search": _Place("search", "search", "Search a tenant's products."),
        "visitors": _Place(
            "visitors", "visitors", "A visitor's rights: export, erase, restrict, object."
        ),
        "retention": _Place("retention", "retention", "How long a tenant keeps events and words."),
        "suggest": _Place("suggest", "suggest", "Show what is suggested while a shopper types."),
        "recommend": _Place(
            "recommend", "recommend", "Recommend a tenant's products, with reasons."
        ),
        "recommendations": _Place(
            "recommend", "recommendations", "Show and tune the model behind recommendations."
        ),
        "analytics": _Place("analytics", "analytics", "A tenant's figures, as tables and a plot."),
    }
)


class _Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module = importlib.import_module(f"cluster.cli.{place.module}")
        command = getattr(module, place.name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="saluhall", prog_name="saluhall")
def saluhall() -> None:
    """Product search and recommendations for many shops, each in its own process and database."""


def main() -> None:
    """The console command. Ends the process: 0 done, 1 failed, 2 called wrongly."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit status."""
    try:
        result = saluhall.main(arguments, prog_name="saluhall", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except SaluhallError as error:
        click.echo(f"Error: {error.message}", err=True)
        return FAILED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        click.echo(f"Error: {error}", err=True)
        return FAILED
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
