"""Which replicas of this server to start, to stop, and when: pure decisions.

A tenant is to have its replica while its record in the registry is open. What died is started again
at once, what keeps dying with a growing wait (`node.agent.backoff`), so that one broken store costs
the others nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from node.agent.backoff import Failures, restart_delay_ms
from node.ids import StoreId, TenantId
from protos.internal.records_pb2 import GroupRecord


class Phase(Enum):
    """Where a replica is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class WantedReplica:
    """A store of this server that the registry wants served."""

    tenant_id: TenantId
    store_id: StoreId


@dataclass(frozen=True, slots=True)
class ObservedReplica:
    """A store whose replica this supervisor started, adopted, or saw die."""

    tenant_id: TenantId
    store_id: StoreId
    phase: Phase
    failures: Failures
    down_since_ms: int
    """Monotonic; when it was last seen to die. Says something while the phase is DOWN."""


@dataclass(frozen=True, slots=True)
class ReplicasState:
    """What the supervisor knows at one moment."""

    now_ms: int
    """Monotonic."""

    is_stopping: bool
    """The agent stops everything."""

    wanted: tuple[WantedReplica, ...]
    observed: tuple[ObservedReplica, ...]


@dataclass(frozen=True, slots=True)
class StartReplica:
    """Start a process for a store."""

    tenant_id: TenantId
    store_id: StoreId


@dataclass(frozen=True, slots=True)
class StopReplica:
    """Let a store's process finish what it has and end."""

    store_id: StoreId


Action = StartReplica | StopReplica


def wanted_replicas(groups: Iterable[GroupRecord], *, server: str) -> tuple[WantedReplica, ...]:
    """The stores of open tenants that are on this server, by tenant."""
    return tuple(
        WantedReplica(TenantId(group.tenant_id), StoreId(replica.store_id))
        for group in sorted(groups, key=lambda group: group.tenant_id)
        if group.state == GroupRecord.OPEN
        for replica in group.replicas
        if replica.server == server
    )


def plan_replicas(state: ReplicasState, *, starts_max: int) -> list[Action]:
    """Stop what is not wanted; start what is, healthy ones first, at most `starts_max` at a time."""
    wanted = () if state.is_stopping else state.wanted
    wanted_stores = {replica.store_id for replica in wanted}
    stops = [
        StopReplica(replica.store_id)
        for replica in state.observed
        if replica.phase is Phase.SERVING and replica.store_id not in wanted_stores
    ]
    starting_count = sum(r.phase is Phase.STARTING for r in state.observed)
    due = _due(wanted, state)
    return [*stops, *due[: max(0, starts_max - starting_count)]]


def _due(wanted: Sequence[WantedReplica], state: ReplicasState) -> list[StartReplica]:
    """What may be started now; those that failed least come first, so that none starves."""
    observed = {replica.store_id: replica for replica in state.observed}
    due = []
    for index, replica in enumerate(wanted):
        seen = observed.get(replica.store_id)
        if seen is None:
            due.append((0, index))
        elif seen.phase is Phase.DOWN and (
            state.now_ms - seen.down_since_ms >= restart_delay_ms(seen.failures)
        ):
            due.append((seen.failures.count, index))
    return [
        StartReplica(wanted[index].tenant_id, wanted[index].store_id) for _, index in sorted(due)
    ]
