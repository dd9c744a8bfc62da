"""What runs: the replicas and readers that Ray knows by name."""

from typing import Any, Final

import ray

from cluster.plan.names import NamedReader, NamedReplica, read_reader_name, read_replica_name

NAMESPACE: Final = "saluhall"
SUPERVISOR_NAME: Final = "supervisor"


def list_replicas() -> list[NamedReplica]:
    """Every replica that runs in this Ray, whoever started it."""
    named = (read_replica_name(name) for name in ray.util.list_named_actors())
    return [replica for replica in named if replica is not None]


def list_readers() -> list[NamedReader]:
    """Every reader that runs in this Ray, whoever started it."""
    named = (read_reader_name(name) for name in ray.util.list_named_actors())
    return [reader for reader in named if reader is not None]


def find_actor(named: NamedReplica | NamedReader) -> Any | None:
    """Ray's handle of its actor; None if it has died meanwhile."""
    try:
        return ray.get_actor(named.name, namespace=NAMESPACE)
    except ValueError:
        return None
