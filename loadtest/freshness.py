"""`python -m loadtest freshness`: searches while a thousand prices and stock levels change every second.

Quiet and busy windows alternate, so that what else the machine does meets both. Searches come at a fixed rate from a
process of their own, updates through SetInventory from another; latencies count from when a call was due. At the end
the store's file is compared with a compact copy of itself.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console

from loadtest.catalogues import PRODUCT_COUNT, SHOPS, catalogue_products
from loadtest.engine_catalogue import read_catalogue
from loadtest.freshness_client import (
    Window,
    WindowResult,
    encode_search_setup,
    encode_update_setup,
)
from loadtest.path_client import Target
from loadtest.path_measure import cpu_seconds, module_process, tell
from loadtest.path_server import PrivateServer, private_server, words_of
from node.client import shop_calls as calls
from protos.v1.product_pb2 import Product

SHOP: Final = "demo-sv"
QUERY_COUNT: Final = 400
SLOWDOWN_MAX: Final = 1.2
GROWTH_MAX: Final = 3.0
UPDATES_SHARE_MIN: Final = 0.99
_CLIENT: Final = "loadtest.freshness_client"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest freshness`."""
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--products", type=int, default=PRODUCT_COUNT, help="of the demo's shop")
    parser.add_argument("--catalog", type=Path, help="a feed in place of the demo's shop")
    parser.add_argument("--mapping", type=Path, help="of the feed")
    parser.add_argument("--updates", type=int, default=1_000, help="a second")
    parser.add_argument("--batch", type=int, default=10, help="updates in one call")
    parser.add_argument("--searches", type=int, default=100, help="a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="under updates, and quiet")
    parser.add_argument("--windows", type=int, default=5, help="of each kind, in turn")
    parser.add_argument("--seed", type=int, default=1, help="chooses the queries")


@dataclass(slots=True)
class Side:
    """What was measured in the quiet windows, or in those under updates."""

    latencies_ms: list[float] = field(default_factory=list)
    replica_cpu_s: float = 0.0
    front_cpu_s: float = 0.0
    seconds: float = 0.0
    update_latencies_ms: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        """Of the searches."""
        return percentile(self.latencies_ms, share)


class ClientProcess:
    """A process of `freshness_client`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, window: Window) -> None:
        """Let it start; `result` waits for the end."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(window)) + "\n")
        self._process.stdin.flush()

    def result(self) -> WindowResult:
        """Raises RuntimeError when the process gave up; its stderr said why."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a load client ended during a window")
        return WindowResult(**json.loads(line))


def run(arguments: argparse.Namespace) -> int:
    """Start, fill, measure, print, write the file, clean up; 1 when a bar is not met."""
    console = Console()
    products = _products(arguments)
    with private_server() as server:
        console.print(f"A server with {len(products):,} products is being filled")
        admin_key = server.create_tenant(currency_code=SHOPS[SHOP].currency_code)
        server.import_products(admin_key, [_plain(product) for product in products])
        quiet, busy = _measure(server, admin_key, products, arguments)
        store_bytes, compact_bytes = store_sizes(server)
    figures = figures_of(quiet, busy, store_bytes, compact_bytes, arguments)
    for line in report_of(figures):
        console.print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all(figures["holds"].values()) else 1


def figures_of(
    quiet: Side, busy: Side, store_bytes: int, compact_bytes: int, arguments: argparse.Namespace
) -> dict[str, Any]:
    """The content of the JSON file."""
    reached = len(busy.update_latencies_ms) * arguments.batch / busy.seconds
    p50, p99 = (busy.percentile_ms(share) / quiet.percentile_ms(share) for share in (0.5, 0.99))
    mean = statistics.fmean(busy.latencies_ms) / statistics.fmean(quiet.latencies_ms)
    growth = store_bytes / compact_bytes
    return {
        "quiet": _side_figures(quiet),
        "updates": {
            **_side_figures(busy),
            "updates_per_second": round(reached, 1),
            "update_p50_ms": round(percentile(busy.update_latencies_ms, 0.5), 3),
            "update_p99_ms": round(percentile(busy.update_latencies_ms, 0.99), 3),
        },
        "slowdown": {"p50": round(p50, 3), "p99": round(p99, 3), "mean": round(mean, 3)},
        "store_bytes": store_bytes,
        "compact_bytes": compact_bytes,
        "growth": round(growth, 3),
        "holds": {
            "updates": reached >= UPDATES_SHARE_MIN * arguments.updates,
            "p50": p50 <= SLOWDOWN_MAX,
            "p99": p99 <= SLOWDOWN_MAX,
            "growth": growth <= GROWTH_MAX,
        },
        "configuration": {
            "products": arguments.products,
            "batch": arguments.batch,
            "searches_per_second": arguments.searches,
            "seconds": arguments.seconds,
            "windows": arguments.windows,
            "seed": arguments.seed,
            "cpus": os.cpu_count(),
            "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
            "python": platform.python_version(),
        },
    }


def report_of(figures: dict[str, Any]) -> Iterator[str]:
    """What a person reads."""
    quiet, busy, slower = figures["quiet"], figures["updates"], figures["slowdown"]
    yield f"quiet    search p50 {quiet['p50_ms']} ms, p99 {quiet['p99_ms']} ms"
    yield (
        f"updates  search p50 {busy['p50_ms']} ms, p99 {busy['p99_ms']} ms, at "
        f"{busy['updates_per_second']} updates/s (p50 {busy['update_p50_ms']} ms, p99 "
        f"{busy['update_p99_ms']} ms a call)"
    )
    yield (
        f"slower   p50 {slower['p50']} times, p99 {slower['p99']} times, mean {slower['mean']} "
        f"(bar {SLOWDOWN_MAX})"
    )
    yield (
        f"store    {figures['store_bytes']:,} bytes, compact {figures['compact_bytes']:,}: "
        f"{figures['growth']} times (bar {GROWTH_MAX:g})"
    )


def _products(arguments: argparse.Namespace) -> list[Product]:
    if arguments.catalog:
        return read_catalogue(arguments.catalog, arguments.mapping)[: arguments.products]
    return list(catalogue_products(SHOP, count=arguments.products))


def _plain(product: Product) -> Product:
    """The product with prices in the tenant's currency: a feed may have others."""
    prices = [*product.prices, *(p for variant in product.variants for p in variant.prices)]
    for price in prices:
        price.currency_code = ""
    return product


def _measure(
    server: PrivateServer, key: str, products: Sequence[Product], arguments: argparse.Namespace
) -> tuple[Side, Side]:
    target = Target(address=server.address, ca_file=str(server.ca_file), api_key=key)
    queries = words_of(products, count=QUERY_COUNT, seed=arguments.seed)
    searches = encode_search_setup(
        target, [calls.search(query).request.SerializeToString() for query in queries]
    )
    updates = encode_update_setup(target, _skus(products), batch=arguments.batch)
    seconds = arguments.seconds / arguments.windows
    update_calls = arguments.updates / arguments.batch
    warm_up = Window(calls_per_second=arguments.searches, seconds=min(2.0, seconds), seed=0)
    quiet, busy = Side(), Side()
    with client_process(searches) as searcher, client_process(updates) as updater:
        pids = server.process_ids()
        searcher.begin(warm_up)
        searcher.result()
        for number in range(2 * arguments.windows):
            # Which kind comes first changes from pair to pair.
            is_busy = (number + number // 2) % 2 == 1
            side = busy if is_busy else quiet
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            if is_busy:
                seed = -1 - number
                updater.begin(Window(calls_per_second=update_calls, seconds=seconds, seed=seed))
            searcher.begin(
                Window(calls_per_second=arguments.searches, seconds=seconds, seed=number // 2)
            )
            side.latencies_ms += searcher.result().latencies_ms
            if is_busy:
                result = updater.result()
                side.update_latencies_ms += result.latencies_ms
            side.seconds += max(seconds, result.seconds) if is_busy else seconds
            side.replica_cpu_s += cpu_seconds(pids["replica"]) - before["replica"]
            side.front_cpu_s += cpu_seconds(pids["front"]) - before["front"]
    return quiet, busy


def _skus(products: Sequence[Product]) -> list[tuple[str, str]]:
    """One SKU of each product."""
    chance = random.Random(1)
    return [
        (product.id, chance.choice(product.variants).id if product.variants else "")
        for product in products
    ]


@contextmanager
def client_process(setup: str) -> Iterator[ClientProcess]:
    """A process that has its target and waits for windows."""
    with module_process(_CLIENT, []) as process:
        tell(process, setup)
        yield ClientProcess(process)


def store_sizes(server: PrivateServer) -> tuple[int, int]:
    """Bytes on disk of the tenant's store, and of a compact copy of it."""
    (store,) = (path for path in server.paths.stores.iterdir() if (path / "data.mdb").exists())
    with TemporaryDirectory(prefix="saluhall-compact-") as directory:
        copy = Path(directory) / "copy"
        # The library's own tool: a load test knows nothing of how stores are kept.
        command = [sys.executable, "-m", "lmdb", "--read", "--compact", "--env", str(store)]
        subprocess.run([*command, "copy", str(copy)], stdout=subprocess.DEVNULL, check=True)
        sizes = [(path / "data.mdb").stat().st_blocks * 512 for path in (store, copy)]
    return sizes[0], sizes[1]


def _side_figures(side: Side) -> dict[str, float]:
    return {
        "p50_ms": round(side.percentile_ms(0.5), 3),
        "p99_ms": round(side.percentile_ms(0.99), 3),
        "mean_ms": round(statistics.fmean(side.latencies_ms), 3),
        "searches": len(side.latencies_ms),
        "replica_cpu_share": round(side.replica_cpu_s / side.seconds, 3),
        "front_cpu_share": round(side.front_cpu_s / side.seconds, 3),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
