"""`saluhall up`, `down` and `status`: one server, from nothing to serving and back."""

import json
import signal
import subprocess
import time
from types import FrameType
from typing import Final, NoReturn

import click
from rich.console import Console

from cluster.cli.profile import (
    DATA_DEFAULT,
    ServerEntry,
    change_profile,
    chosen_paths,
    open_admin_client,
)
from cluster.cli.server import (
    StartFailedError,
    StartRequest,
    agent_log,
    start_agent,
    stop_server,
    wait_serving,
)
from cluster.cli.status_view import (
    directory_table,
    process_table,
    reader_table,
    status_content,
    tenant_table,
)
from node.agent.child import last_words
from node.agent.ports import reachable_address
from node.agent.state import AgentState, running_agent
from node.config import LISTEN_DEFAULT, OPERATOR_LISTEN_DEFAULT, ServerPaths
from node.errors import FailedPreconditionError
from node.tls.files import ca_path, operator_path
from protos.v1.admin_pb2 import GetStatusResponse, Tenant

FRONTS_MAX: Final = 64
TENANTS_WAIT_S_MAX: Final = 30.0
TENANTS_POLL_S: Final = 0.1
FAILED_STARTS_SHOWN: Final = 3
"""A tenant that failed so often has something that waiting does not cure."""


@click.command()
@click.option("--data", metavar="DIR", help=f"Where everything is kept [{DATA_DEFAULT}].")
@click.option(
    "--listen", default=LISTEN_DEFAULT, show_default=True, metavar="HOST:PORT",
    help="Where clients connect, over TLS.",
)  # fmt: skip
@click.option(
    "--operator-listen", default=OPERATOR_LISTEN_DEFAULT, show_default=True, metavar="HOST:PORT",
    help="Where operators connect, with a client certificate.",
)  # fmt: skip
@click.option(
    "--fronts", default=1, show_default=True, type=click.IntRange(1, FRONTS_MAX), metavar="N",
    help="Processes that share the clients' port.",
)  # fmt: skip
@click.option("--detach", is_flag=True, help="Return when everything serves, and leave it running.")
def up(data: str | None, listen: str, operator_listen: str, fronts: int, *, detach: bool) -> None:
    """Start the server of a data directory, which is made if there is none.

    Without --detach it runs until Ctrl-C.
    """
    paths = ServerPaths.of(data or DATA_DEFAULT)
    agent = start_agent(
        StartRequest(
            paths=paths, listen=listen, operator_listen=operator_listen, front_count=fronts
        )
    )
    try:
        # What ends a service must stop the server as Ctrl-C does.
        signal.signal(signal.SIGTERM, _interrupt)
        _await_server(paths, agent, detach=detach)
        if detach:
            return
        agent.wait()
    except BaseException as error:
        with Console(stderr=True).status("Stopping ..."):
            stop_server(paths)
        if detach or not isinstance(error, KeyboardInterrupt):
            raise
        click.echo("Stopped.")
        return
    raise StartFailedError(f"The server has stopped: {last_words(agent_log(paths))}")


@click.command()
@click.option("--data", metavar="DIR", help="Which server [the one started last].")
def down(data: str | None) -> None:
    """Stop a server: no process, socket or lock is left; its data is kept."""
    paths = chosen_paths(data)
    with Console(stderr=True).status("Stopping ..."):
        was_running = stop_server(paths)
    click.echo(f"Stopped {paths.data}." if was_running else f"{paths.data} was not running.")


@click.command()
@click.option("--data", metavar="DIR", help="Which server [the one started last].")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(data: str | None, *, as_json: bool) -> None:
    """Show the processes of a server and how each of its tenants is."""
    paths = chosen_paths(data)
    agent = running_agent(paths)
    if agent is None:
        raise FailedPreconditionError(
            f"{paths.data}: is not running; start it with `saluhall up --data {paths.data}`"
        )
    with open_admin_client(_entry(paths, agent)) as operator:
        answer = operator.get_status()
    if as_json:
        click.echo(json.dumps(status_content(answer), indent=2))
        return
    _print_status(answer)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _await_server(paths: ServerPaths, agent: "subprocess.Popen[bytes]", *, detach: bool) -> None:
    """Wait until everything serves, remember the server, and say what runs where."""
    with Console(stderr=True).status("Starting ...") as spinner:
        state = wait_serving(paths, agent, told=lambda text: spinner.update(f"Starting: {text}"))
        entry = _entry(paths, state)
        change_profile(lambda profile: profile.with_server(entry))
        spinner.update("Waiting for the tenants ...")
        answer = _await_tenants(entry)
    _print_status(answer)
    _print_next_steps(paths, state, has_tenants=bool(answer.tenants), detach=detach)


def _await_tenants(entry: ServerEntry) -> GetStatusResponse:
    """The status, as soon as every tenant serves or has failed to; after a while, as it is."""
    deadline = time.monotonic() + TENANTS_WAIT_S_MAX
    with open_admin_client(entry) as operator:
        while True:  # Ends when all serve or the time is over.
            answer = operator.get_status()
            is_settled = all(
                t.tenant.state == Tenant.SERVING or t.restart_count >= FAILED_STARTS_SHOWN
                for t in answer.tenants
            )
            if is_settled or time.monotonic() > deadline:
                return answer
            time.sleep(TENANTS_POLL_S)


def _entry(paths: ServerPaths, state: AgentState) -> ServerEntry:
    return ServerEntry(
        data=str(paths.data),
        listen=reachable_address(state.listen),
        operator_listen=reachable_address(state.operator_listen),
        ca_file=str(ca_path(paths)),
        operator_file=str(operator_path(paths)),
    )


def _print_status(answer: GetStatusResponse) -> None:
    console = Console()
    console.print(process_table(answer))
    if answer.tenants:
        console.print(tenant_table(answer))
        if (readers := reader_table(answer)) is not None:
            console.print(readers)
        console.print(directory_table(answer))


def _print_next_steps(
    paths: ServerPaths, state: AgentState, *, has_tenants: bool, detach: bool
) -> None:
    click.echo(f"Clients connect to {state.listen} over TLS and trust {ca_path(paths)}.")
    if not has_tenants:
        click.echo("Next: saluhall tenants create NAME --languages sv,en --currency SEK")
    if detach:
        click.echo(f"Stop it: saluhall down --data {paths.data}")
    else:
        click.echo("Ctrl-C stops it.")
