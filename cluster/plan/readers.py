"""Which readers of this server to start, to stop, and when: pure decisions.

A reader belongs to one incarnation of a tenant's primary. Readers are started after the replicas that are
due, so that they never hold one up; what keeps dying waits as replicas do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.plan.replicas import Phase
from node.agent.backoff import Failures, restart_delay_ms
from node.ids import StoreId, TenantId
from protos.internal.records_pb2 import GroupRecord


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader, for as long as its store is not opened anew."""

    tenant_id: TenantId
    store_id: StoreId
    incarnation: int
    index: int
    """Among the readers of its store, from 0."""


@dataclass(frozen=True, slots=True)
class ObservedReader:
    """A reader that this supervisor started, adopted, or saw die."""

    reader: Reader
    phase: Phase
    failures: Failures
    down_since_ms: int
    """Monotonic; says something while the phase is DOWN."""


@dataclass(frozen=True, slots=True)
class ReadersState:
    """What the supervisor knows at one moment."""

    now_ms: int
    """Monotonic."""

    is_stopping: bool
    """The agent stops everything."""

    replicas_starting_count: int
    wanted: tuple[Reader, ...]
    observed: tuple[ObservedReader, ...]


@dataclass(frozen=True, slots=True)
class StartReader:
    """Start a process for a reader."""

    reader: Reader


@dataclass(frozen=True, slots=True)
class StopReader:
    """Let a reader answer what it has and end."""

    reader: Reader


@dataclass(frozen=True, slots=True)
class ForgetReader:
    """It has died, and nobody wants it again."""

    reader: Reader


Action = StartReader | StopReader | ForgetReader


def wanted_readers(groups: Iterable[GroupRecord], *, server: str) -> tuple[Reader, ...]:
    """The readers of open tenants whose primary was opened on this server, by tenant and index."""
    return tuple(
        Reader(TenantId(group.tenant_id), StoreId(replica.store_id), replica.incarnation, index)
        for group in sorted(groups, key=lambda group: group.tenant_id)
        if group.state == GroupRecord.OPEN
        for replica in group.replicas
        if replica.store_id == group.primary
        and replica.server == server
        and replica.incarnation > 0
        for index in range(group.reader_count)
    )


def plan_readers(state: ReadersState, *, starts_max: int) -> list[Action]:
    """Stop what is not wanted; start what is, at most `starts_max` processes of any kind at a time."""
    wanted = () if state.is_stopping else state.wanted
    wanted_set = set(wanted)
    unwanted = [seen for seen in state.observed if seen.reader not in wanted_set]
    ends: list[Action] = [
        StopReader(seen.reader) if seen.phase is Phase.SERVING else ForgetReader(seen.reader)
        for seen in unwanted
        if seen.phase in {Phase.SERVING, Phase.DOWN}
    ]
    starting = sum(seen.phase is Phase.STARTING for seen in state.observed)
    room = max(0, starts_max - starting - state.replicas_starting_count)
    return [*ends, *_due(wanted, state)[:room]]


def _due(wanted: tuple[Reader, ...], state: ReadersState) -> list[StartReader]:
    """What may be started now; those that failed least come first, so that none starves."""
    observed = {seen.reader: seen for seen in state.observed}
    due = []
    for number, reader in enumerate(wanted):
        seen = observed.get(reader)
        if seen is None:
            due.append((0, number))
        elif seen.phase is Phase.DOWN and (
            state.now_ms - seen.down_since_ms >= restart_delay_ms(seen.failures)
        ):
            due.append((seen.failures.count, number))
    return [StartReader(wanted[number]) for _, number in sorted(due)]
