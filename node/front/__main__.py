"""The process of one front: `python -m node.front --data DIR --listen HOST:PORT --index N`.

Writes one line of JSON to stdout when it listens: {"listen", "own_listen", "pid", "index"}. Ends on
SIGTERM or SIGINT, after the calls under way. Events go to stderr.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import signal
import sys
from functools import partial

import structlog
import uvloop

from node.config import ServerPaths
from node.errors import SaluhallError
from node.telemetry import FRONT_LISTENS, configure_logging
from node.tls.version import require_tls13

_EXIT_CONFIGURATION = 78
"""EX_CONFIG: starting again will not help; the message says what to change."""

_COLLECT_AFTER = 50_000
"""Allocations between collections: a request leaves no cycles behind, so few are needed."""


def main() -> int:
    """Run until told to stop; the exit code."""
    options = _options()
    configure_logging()
    require_tls13()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        # One descriptor for each awake tenant and each client.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        # Less CPU for each call than asyncio's own loop (`python -m loadtest path` tells how much).
        uvloop.run(_serve(options))
    except SaluhallError as error:
        sys.stderr.write(f"saluhall front: {error.message}\n")
        return _EXIT_CONFIGURATION
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m node.front", description=__doc__)
    parser.add_argument("--data", required=True, help="the server's data directory")
    parser.add_argument("--listen", required=True, help="HOST:PORT, shared by all fronts")
    parser.add_argument("--own-listen", help="HOST:PORT of this front alone")
    parser.add_argument("--index", type=int, required=True, help="which of the fronts this is")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    # gRPC reads its environment when it is imported: `require_tls13` must come first.
    from node.clock import SystemClock  # noqa: PLC0415
    from node.front.config import FrontConfig  # noqa: PLC0415
    from node.front.server import Front  # noqa: PLC0415
    from node.keys import read_platform_key  # noqa: PLC0415
    from node.registry.embedded import EmbeddedRegistry  # noqa: PLC0415
    from node.tls.credentials import server_credentials  # noqa: PLC0415

    paths = ServerPaths.of(options.data)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    registry = EmbeddedRegistry.of(paths)
    try:
        front = Front(
            paths=paths,
            registry=registry,
            platform_key=read_platform_key(paths.platform_key),
            credentials=partial(server_credentials, paths),
            clock=SystemClock(),
            config=FrontConfig(),
        )
        listen, own_listen = await front.start(listen=options.listen, own_listen=options.own_listen)
        addresses = {"listen": listen, "own_listen": own_listen, "pid": os.getpid()}
        structlog.get_logger(__name__).info(FRONT_LISTENS, index=options.index, **addresses)
        sys.stdout.write(json.dumps(addresses | {"index": options.index}) + "\n")
        sys.stdout.flush()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, 20, 50)
        await stopping.wait()
        await front.stop()
    finally:
        registry.close()


if __name__ == "__main__":
    sys.exit(main())
