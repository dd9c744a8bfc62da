"""One tenant, open: its store, its writer, its reader, and the care of its index.

Opening takes the store over from whatever process still holds it, and records the opening in the store
and in the registry, so that an older copy of the directory can never serve (DESIGN: incarnations).
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from actors.accounts.keys import resolve_issue_key, verify_key
from actors.analytics import get_analytics
from actors.attribution import read_token
from actors.catalog.branches import branch_key, deleting_branch, resolve_purge
from actors.catalog.fields import SETTINGS_KEY
from actors.event_care import EventCare
from actors.events.learnt import LearntEvent
from actors.events.resolve import EventPorts, resolve_write_events
from actors.index.schema import Schema
from actors.learning.care import LearningCare
from actors.model.fields import core_fields
from actors.privacy.erasure import replay_erasures
from actors.privacy.memory import latest_events
from actors.privacy.rights import VisitorRights
from actors.reader import Reader
from actors.recommendations.keeper import Recommendations
from actors.replication.resolution import Resolution, WriteCommand, WriteContext
from actors.search.merchandise import Merchandise
from actors.storage.environment import ReadView
from actors.storage.keyring import VisitorKey, wrapping_key
from actors.storage.log import last_position
from actors.storage.store import Store
from actors.storage.tables import BRANCHES, FIELDS, SETTINGS
from actors.upkeep import Upkeep
from actors.writer import Writer
from node.clock import Clock, SystemClock
from node.config import ServerPaths
from node.errors import InvariantError, ResourceExhaustedError, SaluhallError, UnavailableError
from node.ids import StoreId, TenantId
from node.keys import tenant_key
from node.registry.port import ConflictError, Registry, Versioned
from protos.internal.link_pb2 import GetStateResponse, VerifyKeyRequest, VerifyKeyResponse
from protos.internal.records_pb2 import BranchRecord, GroupRecord, TenantSettings
from protos.v1.account_pb2 import IssueKeyRequest
from protos.v1.analytics_pb2 import GetAnalyticsRequest, GetAnalyticsResponse
from protos.v1.catalog_pb2 import Branch, CreateBranchResponse, DeleteBranchResponse
from protos.v1.event_pb2 import WriteEventsRequest, WriteEventsResponse
from protos.v1.recommend_pb2 import RecommendRequest

LOW_WATER_PERIOD_S: Final = 60.0
TICK_S: Final = 1.0
SUMMINGS_MAX: Final = 2
"""Calls of GetAnalytics at once."""
FIRST_BRANCH: Final = 1


class Tenant:
    """A tenant's primary. Reads and writes are called on the event loop."""

    def __init__(
        self, store: Store, *, paths: ServerPaths, group: GroupRecord, clock: Clock
    ) -> None:
        self.id = TenantId(group.tenant_id)
        self.incarnation = 0
        self.epoch = group.epoch
        self._store = store
        self._clock = clock
        self._checksum_key = tenant_key(paths.platform_key.read_bytes(), self.id)
        self.writer = Writer(store, epoch=group.epoch, clock=clock, on_commit=self._committed)
        self.reader = Reader(
            store,
            tenant_id=self.id,
            schema=self.writer.schema,
            merchandise=self.writer.merchandise,
            keyring=store.keyring,
            clock=clock,
        )
        self.on_events: Callable[[Sequence[LearntEvent]], None] | None = None
        """Told of every event that is durable and may be learnt from, before its write is answered."""

        self.on_forget: Callable[[bytes], None] | None = None
        """Told of the storage id of whose data may not be used any more, before the decision is answered."""

        self.rights = VisitorRights(
            keyring=store.keyring,
            tenant_id=self.id,
            store_id=store.identity.store_id,
            forget=self.forget,
            remember=self._remember,
        )
        self._event_ports = EventPorts(
            keyring=store.keyring,
            read_token=partial(read_token, key=store.keyring.token_key()),
            learn=self._learn,
        )
        self.recommendations = Recommendations(store, self.writer)
        self.on_events = self.recommendations.learn
        self.on_forget = self.recommendations.forget
        self._event_care = EventCare(store, self.writer, clock)
        self._learning_care = LearningCare()
        self._upkeep = Upkeep(store, self.writer)
        self._care: asyncio.Task[None] | None = None
        self._summing: set[asyncio.Task[GetAnalyticsResponse]] = set()
        """Figures on their way, which read the store."""

    @classmethod
    async def open(
        cls,
        paths: ServerPaths,
        tenant_id: TenantId,
        store_id: StoreId,
        registry: Registry,
        clock: Clock | None = None,
    ) -> "Tenant":
        """Open the store for serving; the store is created when it was never opened before.

        Raises:
            StorageError: the store is missing, damaged, stale, or of a newer format.
            UnavailableError: another process is opening it at the same time.
        """
        versioned = _group(registry, tenant_id)
        replica = _replica(versioned.record, store_id)
        wrapping = wrapping_key(paths.platform_key.read_bytes(), tenant_id)
        directory = paths.store(store_id)
        if replica.incarnation == 0 and not directory.exists():
            paths.stores.mkdir(mode=0o700, parents=True, exist_ok=True)
            Store.create(
                directory,
                store_id=store_id,
                tenant_id=tenant_id,
                epoch=versioned.record.epoch,
                wrapping_key=wrapping,
            )
        store = Store.open(directory, wrapping_key=wrapping)
        try:
            with store.read() as view:
                replay_erasures(view, store.keyring)
            incarnation = _record_opening(store, registry, versioned, store_id)
            tenant = cls(store, paths=paths, group=versioned.record, clock=clock or SystemClock())
        except BaseException:
            store.close()
            raise
        tenant.incarnation = incarnation
        await tenant._begin(versioned.record.settings)
        tenant._care = asyncio.create_task(tenant._take_care(registry, store_id))
        return tenant

    def checked_position(self, position_min: int) -> None:
        """Refuse to answer from a state that is older than the caller has seen."""
        if position_min > self.reader.position:
            raise UnavailableError(
                f"position {position_min} is not here yet; this copy is at {self.reader.position}",
                reason="POSITION_AHEAD",
                retry_delay_ms=50,
            )

    def issue_key(self, request: IssueKeyRequest, context: WriteContext) -> Resolution:
        """Resolve the issue of a key with this tenant's keyring."""
        return resolve_issue_key(
            request,
            context,
            tenant_id=self.id,
            keyring=self._store.keyring,
            checksum_key=self._checksum_key,
        )

    def write_events(self, request: WriteEventsRequest, context: WriteContext) -> Resolution:
        """Resolve the writing of events with this tenant's keyring."""
        resolution = resolve_write_events(request, context, ports=self._event_ports)
        return self.recommendations.watch(resolution)

    def verify_key(self, request: VerifyKeyRequest) -> VerifyKeyResponse:
        """What a front asks about a key."""
        view = self.reader.current().view
        return verify_key(request, view, keyring=self._store.keyring, now_ms=self._clock.now_ms())

    def state(self) -> GetStateResponse:
        """What `status` shows."""
        current = self.reader.current()
        return GetStateResponse(
            pid=os.getpid(),
            position=current.position,
            epoch=self.epoch,
            product_count=self.reader.product_count,
            store_size_bytes=self._store.size_bytes,
            directory=str(self._store.directory),
            anonymous_memory_bytes=_anonymous_memory_bytes(),
            state_hash=f"{current.view.state_hash:032x}",
            segment_count=_segment_count(self.reader),
        )

    def recommend(self, request: RecommendRequest) -> bytes:
        """The serialised RecommendResponse."""
        return self.reader.recommend(request, self.recommendations.recommend)

    def recommend_model(self) -> bytes:
        """The serialised RecommendModel that is in use."""
        current = self.reader.current()
        model = self.recommendations.model(current.view, current.position)
        return model.SerializeToString(deterministic=True)

    def read(self, job: Callable[[ReadView], bytes]) -> bytes:
        """Answer something that only reads the tables."""
        return self.reader.read(job)

    async def analytics(self, request: GetAnalyticsRequest) -> bytes:
        """The serialised figures; summed in a thread, since they may be of many rows."""
        if len(self._summing) >= SUMMINGS_MAX:
            raise ResourceExhaustedError(
                f"{len(self._summing)} figures are being summed; ask again when they are done",
                reason="ANALYTICS_BUSY",
                retry_delay_ms=1_000,
            )
        position = self.reader.position
        summing = asyncio.create_task(
            asyncio.to_thread(
                get_analytics,
                request,
                self._store.open_view,
                now_ms=self._clock.now_ms(),
            )
        )
        self._summing.add(summing)
        summing.add_done_callback(self._summing.discard)
        response = await asyncio.shield(summing)
        response.position = position
        return response.SerializeToString(deterministic=True)

    async def close(self) -> None:
        """Finish what was accepted, then let go of the store."""
        if self._care is not None:
            self._care.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._care
        await self.recommendations.close()
        await self._upkeep.close()
        await self.writer.close()
        await asyncio.gather(*self._summing, return_exceptions=True)
        self.reader.close()
        self._store.close()

    def _committed(self, schema: Schema, merchandise: Merchandise) -> None:
        self.reader.committed(schema, merchandise)
        if self.writer.has_changed_index:
            # Events come all the time, and must not keep small segments from being merged.
            self._upkeep.wake()

    def forget(self, storage_id: bytes) -> None:
        """Nothing of this visitor is in memory when this returns."""
        if self.on_forget is not None:
            self.on_forget(storage_id)

    def _remember(self, visitor: VisitorKey) -> None:
        """Learn again what is kept of a visitor whose data may be used again."""
        if self.on_events is not None:
            self.on_events(latest_events(self.reader.current().view, visitor))

    def _learn(self, events: Sequence[LearntEvent]) -> None:
        if self.on_events is not None:
            self.on_events(events)

    async def _begin(self, settings: TenantSettings) -> None:
        """The first entry of a new tenant's log: its settings, fields and first branch."""
        with self._store.read() as view:
            is_new = last_position(view) == 0
        if is_new:
            await self.writer.submit(
                WriteCommand(
                    "saluhall/begin", partial(_resolve_begin, settings), CreateBranchResponse
                )
            )
        self.recommendations.start()
        await self._upkeep.start()

    async def _take_care(self, registry: Registry, store_id: StoreId) -> None:
        """Every second: free old views and dead readers' slots, purge; every minute: low water."""
        elapsed_s = 0.0
        while True:  # Ends when the tenant is closed.
            await asyncio.sleep(TICK_S)
            self.reader.release_if_old()
            self._store.reader_check()
            with contextlib.suppress(SaluhallError):
                await self._purge()
            with contextlib.suppress(SaluhallError):
                await self._event_care.tick()
                await self._drop_unused()
                self.recommendations.tick(self._clock.now_ms())
            elapsed_s += TICK_S
            if elapsed_s >= LOW_WATER_PERIOD_S:
                elapsed_s = 0.0
                self._record_low_water(registry, store_id)

    async def _drop_unused(self) -> None:
        with self._store.read() as view:
            is_due = self._learning_care.is_due(view)
        if is_due:
            await self.writer.submit(
                WriteCommand("saluhall/learned", self._resolve_unused, WriteEventsResponse)
            )

    def _resolve_unused(self, context: WriteContext) -> Resolution:
        return self.recommendations.watch(self._learning_care.resolve(context))

    async def _purge(self) -> None:
        with self._store.read() as view:
            number = deleting_branch(view)
        if number is not None:
            await self._upkeep.collect(number)
            await self.writer.submit(
                WriteCommand("saluhall/purge", partial(resolve_purge, number), DeleteBranchResponse)
            )

    def _record_low_water(self, registry: Registry, store_id: StoreId) -> None:
        """Tell the registry what this store has reached; a failure is made up for next minute."""
        with contextlib.suppress(SaluhallError):
            versioned = _group(registry, self.id)
            replica = _replica(versioned.record, store_id)
            position = self.reader.position
            if replica.low_water < position:
                replica.low_water = position
                registry.compare_and_set(
                    self.id, expected_revision=versioned.revision, record=versioned.record
                )


def _record_opening(
    store: Store, registry: Registry, versioned: Versioned, store_id: StoreId
) -> int:
    """Note the opening in the store, in the registry, and in the store again."""
    record = versioned.record
    replica = _replica(record, store_id)
    incarnation = store.begin_opening(incarnation=replica.incarnation, low_water=replica.low_water)
    replica.incarnation = incarnation
    try:
        registry.compare_and_set(
            TenantId(record.tenant_id), expected_revision=versioned.revision, record=record
        )
    except ConflictError as error:
        raise UnavailableError(
            f"{record.tenant_id}: its registry record changed while it was opened; open it again",
            reason="OPENING_RACED",
            retry_delay_ms=100,
        ) from error
    store.finish_opening(incarnation)
    return incarnation


def _group(registry: Registry, tenant_id: TenantId) -> Versioned:
    versioned = registry.get(tenant_id)
    if versioned is None or versioned.record.state != GroupRecord.OPEN:
        raise UnavailableError(f"{tenant_id}: the registry has no open tenant of this name")
    return versioned


def _replica(record: GroupRecord, store_id: StoreId) -> GroupRecord.Replica:
    for replica in record.replicas:
        if replica.store_id == store_id:
            return replica
    raise InvariantError(f"{record.tenant_id}: the registry knows no store {store_id}")


def _resolve_begin(settings: TenantSettings, context: WriteContext) -> Resolution:
    context.settings.CopyFrom(settings)
    resolution = Resolution(CreateBranchResponse())
    resolution.put(SETTINGS, SETTINGS_KEY, settings)
    for record in core_fields():
        context.fields.replace(record)
        resolution.put(FIELDS, record.key.encode(), record)
    branch = BranchRecord(
        number=FIRST_BRANCH,
        state=Branch.LIVE,
        create_time_ms=settings.create_time_ms,
        activate_time_ms=settings.create_time_ms,
    )
    resolution.put(BRANCHES, branch_key(FIRST_BRANCH), branch)
    return resolution


def _segment_count(reader: Reader) -> int:
    searched = reader.searched()
    return len(searched.branch(searched.record("").number).segments)


def _anonymous_memory_bytes() -> int:
    """RssAnon of this process: what it holds itself, without pages of files."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1_024
    return 0
