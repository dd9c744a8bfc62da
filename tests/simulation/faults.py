"""What goes wrong, and when: each seed draws some kinds of fault and how often they come."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from node.ids import StoreId
from tests.simulation.disk import EMPTY_IMAGE, Image
from tests.simulation.network import Weather
from tests.simulation.registry import PLACE as REGISTRY
from tests.simulation.supervisor import PLACE as SUPERVISOR

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

IMAGE_PERIOD_US = 1_500_000
CRASH_AGAIN_SHARE = 0.25
"""How often a process that was started again dies while it opens its store."""


class Faults:
    """Plans the faults of a seed and does them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.count = 0
        self.happened: dict[str, int] = {}
        random = world.random
        self.end_us = random.randrange(9_000_000, 16_000_000)
        self._images: dict[str, list[Image]] = {store_id: [] for store_id in world.store_ids}
        self._paused: list[Process] = []
        self._usual = world.network.weather
        self._world.schedule(IMAGE_PERIOD_US, self._take_images)
        kinds: list[tuple[str, Callable[[], bool]]] = [
            ("crash", self._crash),
            ("crash", self._crash),
            ("pause", self._pause),
            ("zombie", self._zombie),
            ("one-way cut", self._cut_one_way),
            ("isolation", self._isolate),
            ("full disk", self._fill_disk),
            ("slow disk", self._slow_disk),
            ("clock jump", self._jump_clock),
            ("put back", self._put_back),
            ("needless promotion", self._promote_someone),
            ("hand-over", self._hand_over),
            ("storm", self._storm),
            ("registry answers lost", self._lose_answers),
            ("ambush", self._ambush),
            ("crash of all", self._crash_all),
        ]
        chosen = random.sample(kinds, random.randrange(4, 10))
        for _ in range(random.randrange(8, 24)):
            name, fault = random.choice(chosen)
            at_us = random.randrange(500_000, self.end_us - 500_000)
            world.schedule(at_us, self._do, name, fault)

    def _do(self, name: str, fault: Callable[[], bool]) -> None:
        if not fault():
            # There is always a link to cut.
            name, fault = "one-way cut", self._cut_one_way
            fault()
        self.count += 1
        self.happened[name] = self.happened.get(name, 0) + 1
        self._world.note(f"FAULT {name}")

    def heal_everything(self) -> None:
        """No fault is left, and every store has a process."""
        world = self._world
        world.note("everything heals")
        world.network.heal_all()
        world.network.weather = Weather()
        self._answer_again()
        world.disk_slowness = 1
        for store_id, store in world.stores.items():
            store.is_full = False
            process = world.owners[store_id]
            if process.is_paused:
                process.resume()
            if not process.is_alive:
                world.start(store_id)
        for process in self._paused:
            process.resume()
        self._paused = []

    @property
    def _random(self) -> Random:
        return self._world.random

    def _some_store(self) -> str:
        """Often the primary: there it hurts most."""
        primary = self._world.registry.group.primary
        if primary is not None and self._random.random() < 0.4:
            return primary
        return self._random.choice(self._world.store_ids)

    def _some_us(self, least: int, most: int) -> int:
        """Short times more often than long ones."""
        return int(least * (most / least) ** self._random.random())

    def _restart(self, store_id: str, process: "Process") -> None:
        """As an agent does, if nobody was faster."""
        world = self._world
        if world.owners[store_id] is not process:
            return
        if process.is_alive and not process.is_paused:
            return
        process.crash()
        world.start(store_id)
        if self._random.random() < CRASH_AGAIN_SHARE and world.now_us < self.end_us:
            world.schedule(self._some_us(500, 50_000), self._crash_again, store_id)

    def _crash_again(self, store_id: str) -> None:
        self._crash_store(store_id)

    def _crash(self) -> bool:
        return self._crash_store(self._some_store())

    def _crash_all(self) -> bool:
        crashed = [self._crash_store(store_id) for store_id in self._world.store_ids]
        return any(crashed)

    def _crash_store(self, store_id: str) -> bool:
        process = self._world.owners[store_id]
        if not process.is_alive:
            return False
        process.crash()
        delay_us = self._some_us(20_000, 4_000_000)
        self._world.schedule(delay_us, self._restart, store_id, process)
        return True

    def _pause(self) -> bool:
        process = self._world.owners[self._some_store()]
        if not process.is_alive or process.is_paused:
            return False
        process.pause()
        self._world.schedule(self._some_us(50_000, 5_000_000), self._resume, process)
        return True

    def _resume(self, process: "Process") -> None:
        if process.is_paused:
            process.resume()

    def _zombie(self) -> bool:
        """A process stands still, another takes its store, and the first one wakes up."""
        world = self._world
        store_id = self._some_store()
        process = world.owners[store_id]
        if not process.is_alive or process.is_paused:
            return False
        process.pause()
        self._paused.append(process)
        world.schedule(self._some_us(1_000, 1_500_000), self._take_over_store, store_id, process)
        world.schedule(self._some_us(5_000, 3_000_000), self._resume, process)
        return True

    def _take_over_store(self, store_id: str, process: "Process") -> None:
        if self._world.owners[store_id] is process:
            self._world.start(store_id)

    def _cut_one_way(self) -> bool:
        places = [*self._world.store_ids, REGISTRY, SUPERVISOR, "client0", "client1"]
        source, target = self._random.sample(places, 2)
        self._cut_for(source, target, self._some_us(100_000, 5_000_000))
        return True

    def _isolate(self) -> bool:
        """All links of a server, in one direction or both."""
        store_id = self._some_store()
        others = [*self._world.store_ids, REGISTRY, SUPERVISOR, "client0", "client1", "client2"]
        if self._random.random() < 0.4:
            # Clients still reach it: a primary that was replaced would like to answer them.
            others = [*self._world.store_ids, REGISTRY, SUPERVISOR]
        if self._random.random() < 0.3 and REGISTRY in others:
            others.remove(REGISTRY)
        direction = self._random.randrange(3)
        duration_us = self._some_us(100_000, 5_000_000)
        for other in others:
            if other == store_id:
                continue
            if direction != 0:
                self._cut_for(store_id, other, duration_us)
            if direction != 1:
                self._cut_for(other, store_id, duration_us)
        return True

    def _cut_for(self, source: str, target: str, duration_us: int) -> None:
        self._world.network.cut(source, target)
        self._world.schedule(duration_us, self._world.network.heal, source, target)

    def _fill_disk(self) -> bool:
        store = self._world.stores[self._world.owners[self._some_store()].store.id]
        store.is_full = True
        self._world.schedule(self._some_us(200_000, 4_000_000), setattr, store, "is_full", False)
        return True

    def _slow_disk(self) -> bool:
        self._world.disk_slowness = self._random.choice((10, 100, 400))
        duration_us = self._some_us(200_000, 2_000_000)
        self._world.schedule(duration_us, setattr, self._world, "disk_slowness", 1)
        return True

    def _jump_clock(self) -> bool:
        process = self._world.owners[self._some_store()]
        process.clock.offset_ms += self._random.randrange(-5_000, 5_000)
        return True

    def _storm(self) -> bool:
        """Much loss, delay and doubling for a while."""
        weather = Weather(
            delay_us_max=self._random.choice((20_000, 200_000)),
            loss=self._random.choice((0.1, 0.4)),
            duplication=0.2,
            lateness=0.05,
        )
        self._world.network.weather = weather
        self._world.schedule(self._some_us(200_000, 3_000_000), self._calm, weather)
        return True

    def _calm(self, storm: Weather) -> None:
        """The storm is over, unless another one came meanwhile."""
        if self._world.network.weather is storm:
            self._world.network.weather = self._usual

    def _lose_answers(self) -> bool:
        """The registry does what it is asked, late, and often says nothing."""
        self._world.registry.answer_loss = self._random.choice((0.2, 0.5, 0.9))
        self._world.registry.slowness_us = self._random.choice((0, 500_000, 2_000_000))
        self._world.schedule(self._some_us(500_000, 4_000_000), self._answer_again)
        return True

    def _answer_again(self) -> None:
        self._world.registry.answer_loss = 0.0
        self._world.registry.slowness_us = 0

    def _ambush(self) -> bool:
        """The next learner falls silent just when its admission is asked for, and that takes long."""
        self._world.registry.on_admission = self._admission_asked
        return True

    def _admission_asked(self, primary: str, learner: str) -> int:
        self._world.note(f"ambush on {learner}")
        delay_us = self._some_us(300_000, 2_500_000)
        self._cut_for(learner, primary, delay_us + 500_000)
        self._cut_for(primary, learner, delay_us + 500_000)
        return delay_us

    def _promote_someone(self) -> bool:
        """A supervisor that is wrong about the primary, or about who is in sync."""
        self._world.supervisor.promote(self._random.choice(self._world.store_ids))
        return True

    def _hand_over(self) -> bool:
        primary = self._world.registry.group.primary
        if primary is None:
            return False
        target = self._random.choice(self._world.store_ids)
        self._world.supervisor.hand_over(primary, target)
        return target != primary

    def _take_images(self) -> None:
        """Somebody copies directories now and then, while nothing is being opened."""
        self._world.schedule(IMAGE_PERIOD_US, self._take_images)
        for store_id, store in self._world.stores.items():
            if store.durable.open == store.durable.opening:
                self._images[store_id].append(store.image())

    def _put_back(self) -> bool:
        """A directory is replaced by an older copy: of an earlier opening, or below the low-water mark.

        A copy from the same opening and above the mark cannot be told from the store itself: that is the
        window that the design accepts. One disk fails at a time: another member must be whole.
        """
        world, registry = self._world, self._world.registry
        store_id = self._some_store()
        store = world.stores[world.owners[store_id].store.id]
        record = registry.group.store(store.id)
        assert record is not None
        others = [
            member
            for member in registry.group.in_sync
            if member != store_id and world.stores[member].damaged_at is None
        ]
        images = [
            image
            for image in (EMPTY_IMAGE, *self._images[store_id])
            if image.durable.open < record.incarnation or image.durable.position < record.low_water
        ]
        process = world.owners[store_id]
        is_zombie = any(zombie.store is store and zombie.is_alive for zombie in self._paused)
        if not others or not images or is_zombie or registry.in_flight.get(store_id):
            return False
        process.crash()
        store.put_back(self._random.choice(images))
        store.damaged_at = record.incarnation
        self._images[store_id] = []
        world.schedule(self._some_us(20_000, 3_000_000), self._restart, store_id, process)
        self._echo(store_id)
        return True

    def _echo(self, store_id: str) -> None:
        """What the store said before arrives again, up to some seconds later."""
        said = self._world.last_answers.get(store_id)
        if said is not None:
            for _ in range(3):
                delay_us = self._some_us(20_000, 4_000_000)
                self._world.schedule(
                    delay_us, self._world.deliver, StoreId(store_id), said.to, said.message
                )
