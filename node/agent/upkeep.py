"""What the agent does beside keeping processes: buries stores, renews certificates, reaps."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from node.agent.ports import read_address
from node.agent.processes import ProcessId, is_alive, reap_children
from node.agent.state import ReaderEntry, ReplicaEntry, read_supervisor_state
from node.agent.stores import destroy_store, plan_stores, set_store_aside, store_names
from node.clock import Clock
from node.config import ServerPaths
from node.errors import SaluhallError
from node.registry.embedded import EmbeddedRegistry
from node.registry.port import Registry
from node.telemetry import STORE_DESTROYED, STORE_SET_ASIDE, UPKEEP_FAILED
from node.tls.files import ensure_certificates

TICK_S: Final = 1.0
CERTIFICATES_PERIOD_MS: Final = 3_600_000

_log = structlog.get_logger()


class Upkeep:
    """Runs beside the keepers."""

    def __init__(self, paths: ServerPaths, *, hosts: Sequence[str], clock: Clock) -> None:
        self._paths = paths
        self._hosts = [read_address(listen, option="--listen")[0] for listen in hosts]
        self._clock = clock
        self._certified_ms = clock.monotonic_ms()
        self._buried_revision = -1

    async def run(self) -> None:
        """Every second, until it is cancelled."""
        registry = EmbeddedRegistry.of(self._paths)
        try:
            while True:  # Ends when it is cancelled: the agent stops.
                await asyncio.sleep(TICK_S)
                reap_children()
                self._attempt(lambda: self._bury(registry))
                self._attempt(self._certify)
        finally:
            registry.close()

    def _bury(self, registry: Registry) -> None:
        """Destroy stores of tenants deleted since; one that a process still holds waits."""
        revision = registry.revision()
        if revision == self._buried_revision:
            return
        groups = [versioned.record for versioned in registry.list()]
        plan = plan_stores(store_names(self._paths), groups)
        held = _held_stores(self._paths)
        for name in plan.destroy:
            if name in held:
                return
            # An unfinished store may be in the making at this moment; only deleted ones go here.
            if "." not in name:
                destroy_store(self._paths, name)
                _log.info(STORE_DESTROYED, store_id=name)
        self._buried_revision = revision

    def _certify(self) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._certified_ms >= CERTIFICATES_PERIOD_MS:
            ensure_certificates(self._paths, self._hosts)
            self._certified_ms = now_ms

    def _attempt(self, work: Callable[[], None]) -> None:
        """A failure is reported and made up for at the next turn; everything else goes on."""
        try:
            work()
        except (SaluhallError, OSError) as error:
            _log.warning(UPKEEP_FAILED, message=str(error))


def clear_stores(paths: ServerPaths) -> None:
    """Bury and set aside before any process of the new server opens a store."""
    registry = EmbeddedRegistry.of(paths)
    try:
        groups = [versioned.record for versioned in registry.list()]
    finally:
        registry.close()
    plan = plan_stores(store_names(paths), groups)
    for name in plan.destroy:
        destroy_store(paths, name)
        _log.info(STORE_DESTROYED, store_id=name)
    for name in plan.set_aside:
        place = set_store_aside(paths, name)
        _log.warning(STORE_SET_ASIDE, store_id=name, place=str(place))


def _held_stores(paths: ServerPaths) -> set[str]:
    state = read_supervisor_state(paths)
    if state is None:
        return set()
    entries: list[ReplicaEntry | ReaderEntry] = [*state.replicas, *state.readers]
    return {
        entry.store_id
        for entry in entries
        if entry.pid and is_alive(ProcessId(entry.pid, entry.start_time))
    }
