"""`python -m loadtest demo`: a market hall with two shops: started, filled, searched, hurt,
stopped.

Everything that an operator would do goes through the `saluhall` command; the searches around the
kill go through the client library, since a new process for each would hide how soon the answer
comes.
"""

import argparse
import contextlib
import os
import re
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from loadtest.catalogues import PRODUCT_COUNT, SHOPS, write_catalogue
from loadtest.demo_server import DemoError, DemoServer
from loadtest.demo_visitor import SHOP as VISITED_SHOP
from loadtest.demo_visitor import visit
from node.config import profile_path
from node.errors import SaluhallError

_LANGUAGES: Final = {"demo-sv": "sv,en", "demo-en": "en"}
_KILLED_SHOP: Final = "demo-sv"
_OTHER_SHOP: Final = "demo-en"
_ANSWER_DEADLINE_MS: Final = 20_000
_SECONDS_MAX: Final = 60
_DATA_DEFAULT: Final = ".saluhall"
_TOTAL: Final = re.compile(r"(\d[\d,]*) products? in \d+ ms")

_SEARCHES: Final = (
    ("demo-sv", "vinterjacka dam", "--facet", "brand", "--facet", "attributes.farg"),
    ("demo-sv", "vinterjaka dam", "--explain", "--size", "2"),
    ("demo-sv", "vandringskängor", "--filter", 'price < 3000 AND attributes.storlek = "42"',
     "--facet", "attributes.kon", "--sort", "price"),
    ("demo-sv", "", "--filter", 'categories = "Camping > Tält"', "--facet", "categories:Camping > Tält",
     "--facet", "price:2000,5000,10000"),
    ("demo-en", "wireless headphones", "--filter", "price < 150 AND availability = IN_STOCK",
     "--facet", "brand", "--facet", "attributes.colour"),
    ("demo-en", "usb hub", "--facet", "brand", "--size", "5"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest demo`."""
    parser.add_argument(
        "--leave-running",
        action="store_true",
        help="leave the server at the usual ports, with your own profile, and print keys",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help=f"data directory (a temporary one; {_DATA_DEFAULT} if left running)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs it; 0 only when everything held."""
    console = Console()
    try:
        if arguments.leave_running:
            return _leave_running(arguments.data or Path(_DATA_DEFAULT), console)
        return _from_start_to_stop(arguments.data, console)
    except (DemoError, SaluhallError, OSError) as error:
        console.print(f"The demo failed: {error}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted.", style="yellow")
        return 130


@dataclass(slots=True)
class _Steps:
    """Does one thing after the other and remembers how long each took."""

    console: Console
    taken: list[tuple[str, float]] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        with self.console.status(name):
            yield
        seconds = time.perf_counter() - started_s
        self.taken.append((name, seconds))
        self.console.print(Text(f"\u2713 {name} ", style="green").append(f"{seconds:.1f} s", "dim"))

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.taken)

    def show(self) -> None:
        table = Table("step", "seconds", box=None, header_style="dim", padding=(0, 3, 0, 0))
        table.columns[1].justify = "right"
        for name, seconds in self.taken:
            table.add_row(name, f"{seconds:.2f}")
        table.add_row(Text("all", style="bold"), Text(f"{self.seconds:.2f}", style="bold"))
        self.console.print(Rule("Times", align="left", style="dim"))
        self.console.print(table)


def _from_start_to_stop(data: Path | None, console: Console) -> int:
    steps = _Steps(console)
    with tempfile.TemporaryDirectory(prefix="saluhall-demo-") as temporary:
        directory = Path(temporary)
        server = DemoServer.private(directory, data or directory / "data")
        try:
            with steps.step("Start the server"):
                server.up()
            keys = _open_shops(server, steps, directory)
            _search(server, steps)
            visit(server, keys[VISITED_SHOP], directory, step=steps.step, console=console)
            status = server.run("status", "--data", str(server.data), environment=_look_of(console))
            console.print(Text.from_ansi(status))
            _kill_and_search(server, steps, keys)
            count = len(server.processes())
        except BaseException:
            # Nothing of the demo may be left behind, but what went wrong matters more.
            with contextlib.suppress(DemoError):
                _stop(server)
            raise
        with steps.step("Stop the server"):
            _stop(server)
        with steps.step(f"Check that none of {count} processes is left"):
            left = server.processes_left()
        if left or not count:
            raise DemoError(f"{count} processes ran, of which after `saluhall down`: {left}")
    steps.show()
    if steps.seconds > _SECONDS_MAX:
        console.print(f"It took longer than {_SECONDS_MAX} s.", style="yellow")
    return 0


def _leave_running(data: Path, console: Console) -> int:
    steps = _Steps(console)
    server = DemoServer.of_user(data)
    if server.is_up():
        console.print(f"A server answers at {server.listen} already.")
    else:
        with steps.step("Start the server"):
            server.up()
    with tempfile.TemporaryDirectory(prefix="saluhall-demo-") as temporary:
        keys = _open_shops(server, steps, Path(temporary))
    steps.show()
    facts = {
        "address": server.listen,
        "operators": server.operator_listen,
        "authority": str(server.ca_file),
        "profile": str(profile_path()),
        **{f"search key of {shop}": key for shop, key in keys.items()},
    }
    console.print(Rule("It runs", align="left", style="dim"))
    for name, value in facts.items():
        # In one piece whatever the width: these are copied.
        console.print(f"{name:<22} {value}", markup=False, highlight=False, soft_wrap=True)
    python = Path(sys.executable)
    saluhall = shlex.quote(str(python.with_name("saluhall")))
    first_key = keys[_KILLED_SHOP]
    console.print(
        f"\nTry:   {saluhall} search demo-sv vinterjacka dam --facet brand\n"
        f"       SALUHALL_KEY={first_key} {shlex.quote(str(python))} examples/storefront.py vinterjacka\n"
        f"Stop:  {saluhall} down --data {shlex.quote(str(data))}",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    return 0


def _open_shops(server: DemoServer, steps: _Steps, directory: Path) -> dict[str, str]:
    """Both tenants with their catalogues; a search key of each."""
    present = server.tenant_ids()
    keys = {}
    for shop, words in SHOPS.items():
        if shop not in present:
            with steps.step(f"Open {shop}"):
                languages, currency = _LANGUAGES[shop], words.currency_code
                server.run(
                    "tenants", "create", shop, "--languages", languages, "--currency", currency
                )
        path = directory / f"{shop}.jsonl"
        with steps.step(f"Make the catalogue of {shop}, {PRODUCT_COUNT:,} products"):
            write_catalogue(shop, path)
        with steps.step(f"Import into {shop}"):
            said = server.run("products", "import", shop, str(path))
        steps.console.print(f"  {said.strip()}", highlight=False, soft_wrap=True)
        if ", 0 failed" not in said:
            raise DemoError(f"products of {shop} were refused: {said}")
        keys[shop] = server.issue_search_key(shop)
    return keys


def _search(server: DemoServer, steps: _Steps) -> None:
    for shop, words, *options in _SEARCHES:
        arguments = ["search", shop, *words.split(), *options]
        with steps.step(f"Search {shop}: {words or 'a listing'}"):
            said = server.run(*arguments, environment=_look_of(steps.console))
        steps.console.print(f"$ saluhall {shlex.join(arguments)}", style="bold", markup=False)
        shown = Text.from_ansi(said)
        steps.console.print(shown, "")
        match = _TOTAL.search(shown.plain)
        if match is None or match.group(1) == "0":
            raise DemoError(f"saluhall {shlex.join(arguments)} found nothing")


def _look_of(console: Console) -> dict[str, str]:
    """Lets a command whose output is caught write as if it wrote here."""
    look = {"COLUMNS": str(console.width)}
    return look | {"FORCE_COLOR": "1"} if console.is_terminal else look


def _kill_and_search(server: DemoServer, steps: _Steps, keys: dict[str, str]) -> None:
    """The killed tenant answers again by itself, and the other one notices nothing."""
    killed, other = server.client(keys[_KILLED_SHOP]), server.client(keys[_OTHER_SHOP])
    with killed, other:
        before = killed.search("vinterjacka").total_size
        other.search("usb hub")
        pid = server.tenant_pid(_KILLED_SHOP)
        with steps.step(f"kill -9 {pid} ({_KILLED_SHOP}), and its next search answered"):
            os.kill(pid, signal.SIGKILL)
            other_ms = _milliseconds(lambda: other.search("usb hub"))
            after = killed.search("vinterjacka", deadline_ms=_ANSWER_DEADLINE_MS).total_size
        if before != after:
            raise DemoError(f"{before} products before the kill, {after} after it")
        steps.console.print(
            f"  {after} products as before; meanwhile {_OTHER_SHOP} answered in {other_ms:.0f} ms",
            highlight=False,
        )


def _milliseconds(act: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    act()
    return (time.perf_counter() - started_s) * 1_000


def _stop(server: DemoServer) -> None:
    """Stops it, and whatever a failed start has left."""
    try:
        server.down()
    except DemoError:
        for process in server.processes_left():
            process.kill()
        raise
