"""`python -m node.agent --data DIR ...`: what `saluhall up` starts. Ends when it is told to."""

import argparse
import asyncio
import os
import sys

import structlog

from node.agent.agent import Agent, AgentConfig
from node.agent.directory import make_runtime_directory, open_data_directory
from node.agent.lock import AgentLock
from node.agent.ports import read_address
from node.agent.processes import KILL_MS_MAX, adopt_orphans, end, processes_of
from node.agent.upkeep import clear_stores
from node.clock import SystemClock
from node.config import ServerPaths
from node.errors import SaluhallError
from node.keys import ensure_platform_key
from node.telemetry import LEFTOVERS_ENDED, configure_logging
from node.tls.files import ensure_certificates


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 when it cannot start, with the reason as the last line."""
    parser = argparse.ArgumentParser(prog="python -m node.agent")
    parser.add_argument("--data", required=True, help="the server's data directory")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--operator-listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--fronts", type=int, required=True, metavar="N")
    arguments = parser.parse_args()
    configure_logging()
    paths = ServerPaths.of(arguments.data)
    try:
        identity = open_data_directory(paths)
        with AgentLock(paths):
            config = AgentConfig(
                listen=arguments.listen,
                operator_listen=arguments.operator_listen,
                front_count=arguments.fronts,
                server=identity.name,
            )
            _prepare(paths, config)
            asyncio.run(_run(paths, config))
    except SaluhallError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


def _prepare(paths: ServerPaths, config: AgentConfig) -> None:
    """Everything that must be there, and nothing that an earlier agent left."""
    leftovers = processes_of(paths)
    if leftovers:
        end(leftovers, wait_ms_max=KILL_MS_MAX)
        structlog.get_logger().warning(LEFTOVERS_ENDED, pids=[p.pid for p in leftovers])
    make_runtime_directory(paths)
    # All that the agent starts inherits this directory; `processes_of` knows them by it.
    os.chdir(paths.runtime)
    hosts = [
        read_address(listen, option="--listen")[0]
        for listen in (config.listen, config.operator_listen)
    ]
    ensure_certificates(paths, hosts)
    ensure_platform_key(paths.platform_key)
    clear_stores(paths)


async def _run(paths: ServerPaths, config: AgentConfig) -> None:
    adopt_orphans()
    await Agent(paths, config, clock=SystemClock()).run()


if __name__ == "__main__":
    raise SystemExit(main())
