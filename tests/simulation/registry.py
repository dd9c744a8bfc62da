"""The virtual registry: one record, changed by compare-and-set, whose answers may get lost."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from actors.replication.protocol.effects import CompareAndSet, ReadGroup
from actors.replication.protocol.events import GroupRead, GroupSet
from actors.replication.protocol.group import Group
from tests.simulation.network import Network, Schedule

if TYPE_CHECKING:
    from tests.simulation.invariants import Checker
    from tests.simulation.process import Process

PLACE = "registry"


class Registry:
    """Linearizable, as etcd is; what fails is the way there and back."""

    def __init__(
        self,
        group: Group,
        random: Random,
        schedule: Schedule,
        network: Network,
        checker: "Checker",
    ) -> None:
        self.group = group
        self.revision = 1
        self.answer_loss = 0.0
        self.slowness_us = 0
        """Changes wait up to so long before they are made."""

        self.on_admission: Callable[[str, str], int] | None = None
        """Called once, when the next admission is asked for; says how late it will be made."""

        self.lost_answers = 0
        """Changes that were made and of which the asker never heard."""

        self.in_flight: dict[str, int] = {}
        """Compare-and-sets on their way, by store."""

        self._random = random
        self._schedule = schedule
        self._network = network
        self._checker = checker

    def read(self, process: "Process", question: ReadGroup) -> None:
        """Send a question on its way."""
        self._network.send(process.store.id, PLACE, self._read, process, question.token)

    def compare_and_set(self, process: "Process", question: CompareAndSet) -> None:
        """Send a change on its way; it may arrive long after its process is gone."""
        store_id = process.store.id
        self.in_flight[store_id] = self.in_flight.get(store_id, 0) + 1
        admitted = [s for s in question.group.in_sync if s not in self.group.in_sync]
        if self.on_admission is not None and admitted:
            on_admission, self.on_admission = self.on_admission, None
            self._schedule(on_admission(store_id, admitted[0]), self._set, process, question)
            return
        if not self._network.send(store_id, PLACE, self._arrived, process, question):
            self.in_flight[store_id] -= 1

    def _read(self, process: "Process", token: int) -> None:
        self._answer(process, GroupRead(0, token, self.revision, self.group))

    def _arrived(self, process: "Process", question: CompareAndSet) -> None:
        delay_us = int(self._random.random() * self.slowness_us)
        self._schedule(delay_us, self._set, process, question)

    def _set(self, process: "Process", question: CompareAndSet) -> None:
        store_id = process.store.id
        self.in_flight[store_id] = max(0, self.in_flight[store_id] - 1)
        if question.expected_revision != self.revision:
            self._answer(process, GroupSet(0, question.token, None))
            return
        before, self.group = self.group, question.group
        self.revision += 1
        self._checker.registry_changed(before, self.group, self.revision)
        if not self._answer(process, GroupSet(0, question.token, self.revision)):
            self.lost_answers += 1

    def _answer(self, process: "Process", answer: GroupRead | GroupSet) -> bool:
        if self._random.random() < self.answer_loss:
            return False
        return self._network.send(PLACE, process.store.id, process.registry_answered, answer)
