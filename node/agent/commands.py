"""The command line and environment of each process that the agent starts."""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.agent.ports import LOOPBACK, free_loopback_port
from node.config import MIB, ServerPaths

OBJECT_STORE_SIZE: Final = 80 * MIB
"""Nothing is ever put into Ray's object store; it refuses to be smaller than 75 MiB."""

RECONNECT_S: Final = 3_600
"""How long Ray's node process goes on without Ray's head."""

_QUIET: Final[Mapping[str, str]] = {
    # Everything of Ray then takes 127.0.0.1 for this machine's address and listens there only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_COLOR_PREFIX": "0",
}
_RAY: Final[Mapping[str, str]] = {
    **_QUIET,
    "RAY_START_HOOK": "node.agent.ray_start.keep_client_off",
    # 15 by default: on a busy machine a replica would get a thirtieth of a front's time.
    "RAY_worker_niceness": "0",
    # Its first victims would be replicas; bounds are ours to keep.
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": str(RECONNECT_S),
    "RAY_raylet_death_check_interval_milliseconds": "200",
    # Memory of a replica: one arena for each of Ray's many threads would cost more than it gives.
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program with its arguments and what its environment has beside the agent's own."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    """Where its stderr goes, and its stdout after the first line."""

    def full_environment(self) -> dict[str, str]:
        """The environment to start it with."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        return {**inherited, **self.environment}


def front_command(paths: ServerPaths, *, listen: str, index: int) -> Command:
    """A front. All of them share one port."""
    return Command(
        arguments=_module(
            "node.front",
            *("--data", str(paths.data)),
            *("--listen", listen),
            *("--own-listen", f"{LOOPBACK}:0"),
            *("--index", str(index)),
        ),
        environment={},
        log=paths.logs / f"front-{index}.log",
    )


def operator_command(paths: ServerPaths, *, listen: str, server: str) -> Command:
    """The operators' front."""
    return Command(
        arguments=_module(
            "node.front.operator",
            *("--data", str(paths.data)),
            *("--listen", listen),
            *("--server", server),
        ),
        environment={},
        log=paths.logs / "operator.log",
    )


def ray_command(paths: ServerPaths, *, port: int) -> Command:
    """A Ray cluster of this server's own: no dashboard, no client port, loopback only."""
    return Command(
        arguments=_module(
            "ray.scripts.scripts",
            *("start", "--head", "--block", "--disable-usage-stats", "--no-monitor"),
            f"--port={port}",
            "--node-ip-address=127.0.0.1",
            f"--temp-dir={ray_directory(paths)}",
            f"--object-store-memory={OBJECT_STORE_SIZE}",
            f"--num-cpus={os.cpu_count() or 1}",
            "--include-dashboard=false",
            "--include-log-monitor=false",
            # 0: whichever are free; without it Ray takes 10002 to 19999 for itself.
            *("--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0"),
        ),
        environment={**_RAY, "RAY_AUTH_TOKEN_PATH": str(token_path(paths))},
        log=paths.logs / "ray.log",
    )


def supervisor_command(paths: ServerPaths, *, ray_address: str, server: str) -> Command:
    """Starts the supervisor inside Ray and ends when it works."""
    return Command(
        arguments=_module(
            "cluster.boot",
            *("--data", str(paths.data)),
            *("--ray-address", ray_address),
            *("--server", server),
        ),
        environment={**_QUIET, "RAY_AUTH_TOKEN_PATH": str(token_path(paths))},
        log=paths.logs / "supervisor.log",
    )


def prepare_ray(paths: ServerPaths) -> int:
    """A port for a new Ray, whose token is written; what `ray_started_path` named is gone."""
    ray_started_path(paths).unlink(missing_ok=True)
    descriptor = os.open(token_path(paths), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return free_loopback_port()


def ray_directory(paths: ServerPaths) -> Path:
    """Ray's sessions."""
    return paths.runtime / "ray"


def ray_started_path(paths: ServerPaths) -> Path:
    """Ray writes this file when everything of it runs (`write_ray_address`, ray 2.60)."""
    return ray_directory(paths) / "ray_current_cluster"


def token_path(paths: ServerPaths) -> Path:
    """Without what is in it nobody can speak to this Ray."""
    return paths.runtime / "ray.token"


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    # -P: the working directory is no place to import from.
    return (sys.executable, "-P", "-m", name, *arguments)
