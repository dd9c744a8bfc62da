"""`python -m loadtest events`: searches while visitors' events are written all the time.

Quiet and busy windows alternate, so that what else the machine does meets both. Searches come at a fixed rate from a
process of their own and are answered by a reader beside the primary; events come in batches from another process, and
each batch is durable when it is answered. Latencies count from when a call was due. At the end the log and the store
are compared with their bounds.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from loadtest.catalogues import PRODUCT_COUNT, SHOPS, catalogue_products
from loadtest.event_bodies import EventSetup
from loadtest.freshness import QUERY_COUNT, SHOP, client_process, percentile, store_sizes
from loadtest.freshness_client import Window, encode_event_setup, encode_search_setup
from loadtest.path_client import Target
from loadtest.path_measure import cpu_seconds
from loadtest.path_server import PrivateServer, private_server, words_of
from node.client import shop_calls as calls
from node.config import MIB
from protos.v1.product_pb2 import Product

SLOWDOWN_MAX: Final = 1.5
EVENTS_SHARE_MIN: Final = 0.99
LOG_BYTES_MAX: Final = 512 * MIB
"""What entries may take (actors/storage/log.py); their pages a tenth more."""

EVENT_BYTES_MAX: Final = 1_000
"""Of the store for each event, beside the log: its row, its visitor's, marks and counts, and free pages."""

_LOG_PAGES_SHARE: Final = 1.1
_READER_START_S_MAX: Final = 60.0
_LOG_STAT: Final = (
    "import json, lmdb, sys\n"
    "environment = lmdb.open(sys.argv[1], readonly=True, max_dbs=64, lib_version=0)\n"
    "with environment.begin() as transaction:\n"
    "    log = environment.open_db(b'log', txn=transaction, create=False)\n"
    "    print(json.dumps(transaction.stat(log)))\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest events`."""
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--duration-s", type=float, default=60.0, help="under events, in all")
    parser.add_argument("--quiet-s", type=float, help="without, in all [as long, at most 60]")
    parser.add_argument("--windows", type=int, default=5, help="of each kind, in turn")
    parser.add_argument("--events", type=int, default=5_000, help="a second")
    parser.add_argument("--batch", type=int, default=100, help="events in one call")
    parser.add_argument("--visitors", type=int, default=50_000)
    parser.add_argument("--searches", type=int, default=50, help="a second")
    parser.add_argument(
        "--readers", type=int, default=1, help="processes that answer searches; 0: the primary"
    )
    parser.add_argument("--products", type=int, default=PRODUCT_COUNT, help="of the demo's shop")
    parser.add_argument(
        "--seed", type=int, default=1, help="chooses queries, visitors and products"
    )


@dataclass(slots=True)
class Side:
    """What was measured in the quiet windows, or in those under events."""

    latencies_ms: list[float] = field(default_factory=list)
    event_latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    """By process."""

    def figures(self) -> dict[str, Any]:
        """Of the searches, and of each process the share of one core that it had."""
        return {
            "p50_ms": round(percentile(self.latencies_ms, 0.5), 3),
            "p99_ms": round(percentile(self.latencies_ms, 0.99), 3),
            "mean_ms": round(statistics.fmean(self.latencies_ms), 3),
            "searches": len(self.latencies_ms),
            "cpu_share": {name: round(s / self.seconds, 3) for name, s in self.cpu_s.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the tenant's files take, in bytes."""

    store: int
    compact: int
    log: int
    keyring: int


def run(arguments: argparse.Namespace) -> int:
    """Start, fill, measure, print, write the file, clean up; 1 when a bar is not met."""
    console = Console()
    products = list(catalogue_products(SHOP, count=arguments.products))
    with private_server() as server:
        console.print(f"A server with {len(products):,} products is being filled")
        admin_key = server.create_tenant(currency_code=SHOPS[SHOP].currency_code)
        server.import_products(admin_key, products)
        _start_readers(server, arguments.readers)
        before = sizes_of(server)
        quiet, busy = _measure(server, admin_key, products, arguments)
        after = sizes_of(server)
    figures = figures_of(quiet, busy, before, after, arguments)
    for line in report_of(figures):
        console.print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all(figures["holds"].values()) else 1


def figures_of(
    quiet: Side, busy: Side, before: Sizes, after: Sizes, arguments: argparse.Namespace
) -> dict[str, Any]:
    """The content of the JSON file."""
    count = len(busy.event_latencies_ms) * arguments.batch
    reached = count / busy.seconds
    p50, p99 = (
        percentile(busy.latencies_ms, share) / percentile(quiet.latencies_ms, share)
        for share in (0.5, 0.99)
    )
    event_bytes = ((after.store - after.log) - (before.store - before.log)) / count
    return {
        "quiet": quiet.figures(),
        "events": {
            **busy.figures(),
            "events": count,
            "events_per_second": round(reached, 1),
            "call_p50_ms": round(percentile(busy.event_latencies_ms, 0.5), 3),
            "call_p99_ms": round(percentile(busy.event_latencies_ms, 0.99), 3),
            "primary_us_per_event": round(busy.cpu_s["primary"] / count * 1e6, 1),
        },
        "slowdown": {"p50": round(p50, 3), "p99": round(p99, 3)},
        "store_bytes": after.store,
        "compact_bytes": after.compact,
        "log_bytes": after.log,
        "keyring_bytes": after.keyring,
        "bytes_per_event": round(event_bytes, 1),
        "holds": {
            "events": reached >= EVENTS_SHARE_MIN * arguments.events,
            "p99": p99 <= SLOWDOWN_MAX,
            "log": after.log <= LOG_BYTES_MAX * _LOG_PAGES_SHARE,
            "store": event_bytes <= EVENT_BYTES_MAX,
        },
        "configuration": {
            "products": arguments.products,
            "batch": arguments.batch,
            "visitors": arguments.visitors,
            "searches_per_second": arguments.searches,
            "readers": arguments.readers,
            "duration_s": arguments.duration_s,
            "windows": arguments.windows,
            "seed": arguments.seed,
            "cpus": os.cpu_count(),
            "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
            "python": platform.python_version(),
        },
    }


def report_of(figures: dict[str, Any]) -> Iterator[str]:
    """What a person reads."""
    quiet, busy, slower = figures["quiet"], figures["events"], figures["slowdown"]
    rate = figures["configuration"]["searches_per_second"]
    yield f"quiet    {rate} searches/s, p50 {quiet['p50_ms']} ms, p99 {quiet['p99_ms']} ms"
    yield (
        f"events   {busy['events_per_second']:,} events/s (p50 {busy['call_p50_ms']} ms, p99 "
        f"{busy['call_p99_ms']} ms a call), search p50 {busy['p50_ms']} ms, p99 {busy['p99_ms']} ms"
    )
    yield f"slower   p50 {slower['p50']} times, p99 {slower['p99']} times (bar {SLOWDOWN_MAX})"
    for name in ("quiet", "events"):
        shares = (f"{who} {share:.0%}" for who, share in figures[name]["cpu_share"].items())
        yield f"cores    {name}: {', '.join(shares)}"
    yield f"primary  {busy['primary_us_per_event']} us of CPU for an event"
    yield (
        f"log      {figures['log_bytes']:,} bytes (bar {LOG_BYTES_MAX * _LOG_PAGES_SHARE:,.0f}); "
        f"store {figures['store_bytes']:,}, compact {figures['compact_bytes']:,}; beside the log "
        f"{figures['bytes_per_event']} bytes an event (bar {EVENT_BYTES_MAX})"
    )


def sizes_of(server: PrivateServer) -> Sizes:
    """What the tenant's only store takes now."""
    (store,) = (path for path in server.paths.stores.iterdir() if (path / "data.mdb").exists())
    command = [sys.executable, "-c", _LOG_STAT, str(store)]
    stat = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
    size, compact = store_sizes(server)
    return Sizes(
        store=size,
        compact=compact,
        log=pages * stat["psize"],
        keyring=(store / "keyring").stat().st_blocks * 512,
    )


def _start_readers(server: PrivateServer, count: int) -> None:
    """Wait until so many answer. Raises TimeoutError."""
    if not count:
        return
    server.set_readers(count)
    deadline = time.monotonic() + _READER_START_S_MAX
    while len(server.reader_ids()) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} readers did not start in {_READER_START_S_MAX:.0f} s")
        time.sleep(0.2)
    # The fronts look for new sockets every second.
    time.sleep(2.0)


def _measure(
    server: PrivateServer, key: str, products: Sequence[Product], arguments: argparse.Namespace
) -> tuple[Side, Side]:
    target = Target(address=server.address, ca_file=str(server.ca_file), api_key=key)
    queries = words_of(products, count=QUERY_COUNT, seed=arguments.seed)
    searches = encode_search_setup(
        target, [calls.search(query).request.SerializeToString() for query in queries]
    )
    ids = [product.id for product in products]
    random.Random(arguments.seed).shuffle(ids)
    setup = EventSetup(
        product_ids=ids, queries=queries, visitor_count=arguments.visitors, batch=arguments.batch
    )
    busy_s = arguments.duration_s / arguments.windows
    quiet_s = (arguments.quiet_s or min(arguments.duration_s, 60.0)) / arguments.windows
    event_calls = arguments.events / arguments.batch
    quiet, busy = Side(), Side()
    with (
        client_process(searches) as searcher,
        client_process(encode_event_setup(target, setup)) as writer,
    ):
        pids = {**server.named_process_ids(), "searcher": searcher.pid, "generator": writer.pid}
        searcher.begin(Window(calls_per_second=arguments.searches, seconds=2.0, seed=0))
        searcher.result()
        for number in range(2 * arguments.windows):
            # Which kind comes first changes from pair to pair.
            is_busy = (number + number // 2) % 2 == 1
            side, seconds = (busy, busy_s) if is_busy else (quiet, quiet_s)
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            if is_busy:
                writer.begin(
                    Window(calls_per_second=event_calls, seconds=seconds, seed=-1 - number)
                )
            searcher.begin(
                Window(calls_per_second=arguments.searches, seconds=seconds, seed=number // 2)
            )
            side.latencies_ms += searcher.result().latencies_ms
            if is_busy:
                result = writer.result()
                side.event_latencies_ms += result.latencies_ms
            side.seconds += max(seconds, result.seconds) if is_busy else seconds
            for name, pid in pids.items():
                spent = cpu_seconds(pid) - before[name]
                side.cpu_s[name] = side.cpu_s.get(name, 0.0) + spent
    return quiet, busy
