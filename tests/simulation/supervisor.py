"""A supervisor as the protocol has to expect it: it sees some of what is so, and may be wrong."""

from typing import TYPE_CHECKING

from node.ids import StoreId

if TYPE_CHECKING:
    from tests.simulation.world import World

PLACE = "supervisor"
PERIOD_US = 200_000


class Supervisor:
    """Promotes an in-sync store when the primary seems gone. It never writes the registry itself."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._patience_us = world.random.choice((400_000, 800_000, 1_500_000))
        self._well_us = world.now_us
        world.schedule(PERIOD_US, self._look)

    def _look(self) -> None:
        world = self._world
        world.schedule(PERIOD_US, self._look)
        group = world.registry.group
        process = None if group.primary is None else world.owners.get(group.primary)
        is_well = (
            process is not None
            and process.is_alive
            and not process.is_paused
            and process.replica.is_open_primary
            and not world.network.is_cut(PLACE, process.store.id)
            and not world.network.is_cut(process.store.id, PLACE)
        )
        if is_well:
            self._well_us = world.now_us
        elif world.now_us - self._well_us > self._patience_us:
            candidates = [store for store in group.in_sync if store != group.primary]
            # A primary that never opens may have to be told itself that it was named.
            self.promote(world.random.choice(candidates or list(group.in_sync)))

    def promote(self, store_id: str) -> None:
        """Ask a store's process to become primary."""
        self._world.network.send(PLACE, store_id, self._promote, store_id)

    def hand_over(self, source: str, target: StoreId) -> None:
        """Ask a primary to make another store the primary."""
        self._world.network.send(PLACE, source, self._hand_over, source, target)

    def _promote(self, store_id: str) -> None:
        process = self._world.owners.get(store_id)
        if process is not None:
            process.promote()

    def _hand_over(self, source: str, target: StoreId) -> None:
        process = self._world.owners.get(source)
        if process is not None:
            process.hand_over(target)
