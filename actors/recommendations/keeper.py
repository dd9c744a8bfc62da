"""Recommendations of one open tenant: its memory, what fills it, and the choice of its session model."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Final

from actors.events.learnt import LearntEvent
from actors.events.retention import read_retention
from actors.recommend.parameters import Parameters
from actors.recommendations.answer import Place, Recommender
from actors.recommendations.memory import RecommendMemory
from actors.recommendations.rebuild import Rebuild
from actors.recommendations.tuning import (
    choose_model,
    parameters_of,
    read_model,
    resolve_again,
    resolve_model,
)
from actors.replication.resolution import Resolution, WriteCommand, WriteContext
from actors.storage.environment import ReadView
from actors.storage.store import Store
from actors.storage.tables import EVENTS, PRODUCT_COUNTS
from actors.writer import DURABLE_COPIES, Writer, remembered
from node.errors import SaluhallError
from protos.v1.recommend_pb2 import (
    RecommendModel,
    RecommendRequest,
    TuneRecommendationsResponse,
)

TUNE_EVENTS_MIN: Final = 1_000
"""The first choice is made when so many events have been learnt; before, there is nothing to choose by."""
TUNE_GROWTH: Final = 0.5
"""The next one when there are so many times more: at 1,000, 1,500, 2,250 events and so on."""
TUNE_PERIOD_MS: Final = 3_600_000
"""Not more often than this by itself."""
LOOK_PERIOD_MS: Final = 10_000


class Recommendations:
    """Everything that recommends, for one tenant. Used on the event loop."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self.memory = RecommendMemory(store.keyring)
        self._store = store
        self._writer = writer
        self._recommender = Recommender(self.memory, store.keyring)
        self._rebuild: asyncio.Task[None] | None = None
        self._is_outdated = False
        """Whether what is being read is no longer what has to be known."""

        self._tuning: asyncio.Task[None] | None = None
        self._tuner = asyncio.Lock()
        self._looked_ms = 0

    def start(self) -> None:
        """Begin to read what is stored."""
        with self._store.read() as view:
            self._take_model(read_model(view))
            is_empty = not view.count(EVENTS) and not view.count(PRODUCT_COUNTS)
        if is_empty:
            self.memory.ready()
        else:
            self._rebuild = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Stop what runs in the background."""
        for task in (self._rebuild, self._tuning):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def recommend(self, request: RecommendRequest, place: Place) -> bytes:
        """The serialised RecommendResponse."""
        return self._recommender.answer(request, place)

    def model(self, view: ReadView, position: int) -> RecommendModel:
        """The model that is in use."""
        model = read_model(view)
        if not model.chosen.scorer:
            model.chosen.CopyFrom(_untested(self.memory))
        model.session_count = self.memory.index.session_count
        model.event_count = self.memory.event_count
        model.warming_up = not self.memory.is_ready
        model.position = position
        model.durable_copies = DURABLE_COPIES
        return model

    def learn(self, events: Sequence[LearntEvent]) -> None:
        """Events that are durable, and may be learnt from."""
        self.memory.learn(events)

    def watch(self, resolution: Resolution) -> Resolution:
        """Have the counts that a write changes in memory as soon as they are durable."""
        changes = [one for one in resolution.changes if one.table == PRODUCT_COUNTS.number]
        if changes:
            before = resolution.after_commit

            def learn() -> None:
                self.memory.learn_counts(changes)
                if before is not None:
                    before()

            resolution.after_commit = learn
        return resolution

    def forget(self, storage_id: bytes) -> None:
        """Be as if this visitor had never been: they are erased, object, or have restricted all use."""
        if self.memory.forget(storage_id):
            # What their sessions had pushed out is in the store, and belongs in their place.
            self._is_outdated = True
            if self._rebuild is None or self._rebuild.done():
                self._is_outdated = False
                self.memory.read_again()
                self._rebuild = asyncio.create_task(self._read())

    async def tune(self, command: WriteCommand) -> bytes:
        """Choose a model anew and log it; the serialised answer, of the first time if the request was sent before."""
        async with self._tuner:
            with self._store.read() as view:
                before = remembered(command, view)
            if before is not None:
                return before
            model = await choose_model(self.memory)
            return await self._writer.submit(
                replace(command, resolve=partial(self._resolve_choice, model))
            )

    def tick(self, now_ms: int) -> None:
        """Forget what is no longer kept, and choose a model by ourselves when enough new events have come."""
        if now_ms - self._looked_ms < LOOK_PERIOD_MS or not self.memory.is_ready:
            return
        self._looked_ms = now_ms
        with self._store.read() as view:
            oldest_ms = read_retention(view).oldest_event_ms(now_ms)
            model = read_model(view)
        self.memory.expire(oldest_ms)
        is_busy = self._tuning is not None and not self._tuning.done()
        since_ms = now_ms - model.tune_time.ToMilliseconds()
        wanted = max(TUNE_EVENTS_MIN, model.event_count * (1 + TUNE_GROWTH))
        if not is_busy and since_ms >= TUNE_PERIOD_MS and self.memory.event_count >= wanted:
            self._tuning = asyncio.create_task(self._tune_quietly())

    async def _tune_quietly(self) -> None:
        with contextlib.suppress(SaluhallError):
            # Tried again later; until then the model before is used.
            await self.tune(
                WriteCommand("saluhall/tune", resolve_again, TuneRecommendationsResponse)
            )

    async def _read(self) -> None:
        await Rebuild(self._store, self.memory).run()
        while self._is_outdated:  # Ends when no visitor is forgotten meanwhile.
            self._is_outdated = False
            self.memory.read_again()
            await Rebuild(self._store, self.memory).run()

    def _resolve_choice(self, model: RecommendModel, context: WriteContext) -> Resolution:
        resolution = resolve_model(model, context)
        resolution.after_commit = partial(self._take_model, model)
        return resolution

    def _take_model(self, model: RecommendModel) -> None:
        self.memory.parameters = parameters_of(model)


def _untested(memory: RecommendMemory) -> RecommendModel.Figures:
    """The defaults, which nothing has chosen."""
    named = {one.name: getattr(memory.parameters, one.name) for one in fields(Parameters)}
    return RecommendModel.Figures(scorer=named.pop("scorer"), parameters=named)
