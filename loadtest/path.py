"""`python -m loadtest path`: a search over TLS against a bare echo, in one run with one client.

The echo is a `grpc.aio` server with the same certificate that answers the same requests with as
many bytes. Rounds against both alternate, so that what else the machine does meets both.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from loadtest.catalogues import PRODUCT_COUNT, SHOPS, catalogue_products
from loadtest.path_client import Target
from loadtest.path_measure import (
    ECHO,
    SALUHALL,
    Level,
    Plan,
    client_process,
    echo_server,
    measure,
)
from loadtest.path_server import PrivateServer, private_server, spellings, words_of
from node.client import Client
from node.client import shop_calls as calls

CONCURRENCIES: Final = (1, 8, 32)
SHOP: Final = "demo-en"
QUERY_COUNT: Final = 400
REPORT_WIDTH: Final = 120
"""Columns of the report where it is not a terminal that decides."""

RATIO_MIN: Final = 0.35
P50_RATIO_MAX: Final = 2.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest path`."""
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--products", type=int, default=PRODUCT_COUNT, help="in the catalogue")
    parser.add_argument("--rounds", type=int, default=5, help="for each server and concurrency")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds before the first")
    parser.add_argument(
        "--spellings",
        type=int,
        default=1,
        help="of each query; with many, hardly any answer is one that was given a moment ago",
    )
    parser.add_argument("--seed", type=int, default=1, help="chooses the queries")


def run(arguments: argparse.Namespace) -> int:
    """Start, fill, measure, print, write the file, clean up."""
    console = Console()
    if not console.is_terminal:
        console.width = REPORT_WIDTH
    plan = Plan(
        concurrencies=CONCURRENCIES,
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        warm_up_seconds=arguments.warm_up,
    )
    products = list(catalogue_products(SHOP, count=arguments.products))
    queries = spellings(
        words_of(products, count=QUERY_COUNT, seed=arguments.seed), count=arguments.spellings
    )
    with private_server() as server:
        console.print(f"A server with {len(products):,} products is being filled")
        admin_key = server.create_tenant(currency_code=SHOPS[SHOP].currency_code)
        server.import_products(admin_key, products)
        search_key = server.issue_search_key(admin_key)
        sizes = answer_sizes(server, search_key, queries)
        console.print(_sizes_text(sizes))
        levels = _compare(server, search_key, sizes, plan)
    console.print(table_of(levels))
    console.print(_verdict(levels))
    if arguments.json:
        figures = figures_of(levels, sizes, arguments)
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def answer_sizes(server: PrivateServer, key: str, queries: Sequence[str]) -> dict[bytes, int]:
    """Each search request as bytes, and how many bytes the platform answers with."""
    sizes = {}
    with Client(server.address, api_key=key, ca_file=server.ca_file) as client:
        for query in queries:
            call = calls.search(query)
            sizes[call.request.SerializeToString()] = client.call(call).ByteSize()
    return sizes


def figures_of(
    levels: Mapping[int, Level], sizes: Mapping[bytes, int], arguments: argparse.Namespace
) -> dict[str, Any]:
    """The content of the JSON file."""
    return {
        "concurrency": {
            str(concurrency): {
                "echo_rps": round(level.echo_rps, 1),
                "echo_p50_ms": round(level.echo_p50_ms, 3),
                "saluhall_rps": round(level.saluhall_rps, 1),
                "saluhall_p50_ms": round(level.saluhall_p50_ms, 3),
                "saluhall_p95_ms": round(level.saluhall_p95_ms, 3),
                "saluhall_p99_ms": round(level.saluhall_p99_ms, 3),
                "ratio": round(level.ratio, 4),
                "cpu_us": {name: round(us, 1) for name, us in level.cpu_us.items()},
            }
            for concurrency, level in levels.items()
        },
        "configuration": {
            "products": arguments.products,
            "rounds": arguments.rounds,
            "seconds": arguments.seconds,
            "seed": arguments.seed,
            "spellings": arguments.spellings,
            "request_bytes_median": statistics.median(len(request) for request in sizes),
            "answer_bytes_median": statistics.median(sizes.values()),
            "cpus": os.cpu_count(),
            "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "commit": _commit(),
        },
    }


def table_of(levels: Mapping[int, Level]) -> Table:
    """What a person reads."""
    table = Table(title="A search over TLS against a bare grpc.aio echo")
    for heading in (
        *("concurrency", "echo rps", "p50 ms", "saluhall rps", "p50 ms", "p95 ms", "p99 ms"),
        *("ratio", "client µs", "front µs", "replica µs"),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for concurrency, level in levels.items():
        table.add_row(
            str(concurrency),
            f"{level.echo_rps:,.0f}",
            f"{level.echo_p50_ms:.2f}",
            f"{level.saluhall_rps:,.0f}",
            f"{level.saluhall_p50_ms:.2f}",
            f"{level.saluhall_p95_ms:.2f}",
            f"{level.saluhall_p99_ms:.2f}",
            f"{level.ratio:.3f}",
            *(f"{level.cpu_us[name]:.0f}" for name in ("client", "front", "replica")),
        )
    return table


def _compare(
    server: PrivateServer, key: str, sizes: Mapping[bytes, int], plan: Plan
) -> dict[int, Level]:
    with ExitStack() as stack:
        echo_address = stack.enter_context(echo_server(server.paths.data, sizes))
        targets = {
            name: Target(address=address, ca_file=str(server.ca_file), api_key=key)
            for name, address in ((ECHO, echo_address), (SALUHALL, server.address))
        }
        client = stack.enter_context(client_process(targets, list(sizes)))
        return measure(client, server.process_ids(), plan)


def _sizes_text(sizes: Mapping[bytes, int]) -> str:
    requests = sorted(len(request) for request in sizes)
    answers = sorted(sizes.values())
    return (
        f"{len(sizes)} different searches; requests of {requests[0]} to {requests[-1]} bytes, "
        f"answers of {answers[0]:,} to {answers[-1]:,} bytes (median "
        f"{statistics.median(answers):,.0f})"
    )


def _verdict(levels: Mapping[int, Level]) -> str:
    busy, alone = levels[CONCURRENCIES[-1]], levels[CONCURRENCIES[0]]
    p50_ratio = alone.saluhall_p50_ms / alone.echo_p50_ms
    return (
        f"ratio at {CONCURRENCIES[-1]}: {busy.ratio:.3f} (bar {RATIO_MIN}), "
        f"p50 at {CONCURRENCIES[0]}: {p50_ratio:.2f} times the echo's (bar {P50_RATIO_MAX})"
    )


def _commit() -> str:
    try:
        ended = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return ended.stdout.strip()
