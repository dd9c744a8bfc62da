"""The operators' entrance: `python -m node.front.operator --data DIR --listen HOST:PORT`.

A port of its own, for client certificates of operators only. It prints one line of JSON when it
listens, and ends when it is told to (SIGTERM, SIGINT) after the calls under way.
"""

import argparse
import asyncio
import json
import signal
import sys
from importlib import metadata
from typing import Final

from node.clock import SystemClock
from node.config import OPERATOR_LISTEN_DEFAULT, ServerPaths
from node.errors import SaluhallError
from node.registry.embedded import EmbeddedRegistry
from node.tls.version import require_tls13

SERVER_DEFAULT: Final = "local"
"""The name of the one server there is; records say on which server a store is."""

GRACE_S: Final = 5.0


def main() -> int:
    """Run until told to stop; 1 when the port, the registry or the certificates cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m node.front.operator")
    parser.add_argument("--data", required=True, help="the server's data directory")
    parser.add_argument("--listen", default=OPERATOR_LISTEN_DEFAULT, metavar="HOST:PORT")
    parser.add_argument("--server", default=SERVER_DEFAULT, help="this server's name")
    arguments = parser.parse_args()
    require_tls13()
    try:
        asyncio.run(
            _serve(ServerPaths.of(arguments.data), arguments.listen, arguments.server),
        )
    except SaluhallError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


async def _serve(paths: ServerPaths, listen: str, server_name: str) -> None:
    # Only now: gRPC reads its settings when it is imported.
    from node.front.operator_service import open_server  # noqa: PLC0415
    from node.front.operator_tenants import Tenants  # noqa: PLC0415
    from node.telemetry import configure_logging  # noqa: PLC0415

    configure_logging()
    registry = EmbeddedRegistry.of(paths)
    try:
        tenants = Tenants(
            paths=paths,
            registry=registry,
            server=server_name,
            release=metadata.version("saluhall"),
            clock=SystemClock(),
        )
        server, port = open_server(paths, tenants, listen)
        await server.start()
        address = f"{listen.rpartition(':')[0]}:{port}"
        sys.stdout.write(json.dumps({"listen": address}) + "\n")
        sys.stdout.flush()
        await _stop_signal()
        await server.stop(GRACE_S)
    finally:
        registry.close()


async def _stop_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    raise SystemExit(main())
