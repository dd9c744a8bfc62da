"""`python -m cluster.boot`: starts the supervisor inside Ray, says its process number, and ends.

One that runs already is found and named instead, since there is to be one.
"""

import argparse
import json
import logging
import sys
from typing import Any, Final

import ray

from cluster.observe import NAMESPACE, SUPERVISOR_NAME
from cluster.supervisor import SupervisorActor
from node.config import ServerPaths

START_S_MAX: Final = 60.0


def main() -> int:
    """Connect, create, begin."""
    parser = argparse.ArgumentParser(prog="python -m cluster.boot")
    parser.add_argument("--data", required=True, help="the server's data directory")
    parser.add_argument("--ray-address", required=True, metavar="HOST:PORT")
    parser.add_argument("--server", required=True, help="this server's name")
    arguments = parser.parse_args()
    paths = ServerPaths.of(arguments.data)
    ray.init(
        address=arguments.ray_address,
        namespace=NAMESPACE,
        log_to_driver=False,
        logging_level=logging.WARNING,
    )
    # Ray's own type of this lacks the methods of a class that Ray has not decorated.
    supervisor: Any = SupervisorActor.options(
        name=SUPERVISOR_NAME,
        get_if_exists=True,
        lifetime="detached",
        num_cpus=0,
        # It is the agent's to start it again.
        max_restarts=0,
        enable_task_events=False,
    ).remote(str(paths.data), arguments.server)
    pid = ray.get(supervisor.start.remote(), timeout=START_S_MAX)
    sys.stdout.write(json.dumps({"pid": pid}) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
