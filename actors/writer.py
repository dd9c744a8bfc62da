"""The write path of a primary: one thread, one transaction in flight, the next gathering meanwhile.

Each write is resolved against the state after the one before it, appended to the log as changes and
answer, and applied, all in one durable transaction; then every caller of the batch is answered. A lone
write commits at once, and a busy writer's batches grow by themselves. Only price and stock updates, which
come as streams, wait for each other, since every transaction ends the view that searches share.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
import xxhash

from actors.catalog.fields import read_fields
from actors.index.schema import Schema
from actors.merchandising.searched import SearchedSettings, read_settings
from actors.model.fields import FieldBook
from actors.replication.apply import Changed, apply_entry, request_key
from actors.replication.derive import derive
from actors.replication.resolution import Resolution, WriteCommand, WriteContext
from actors.search.merchandise import Merchandise
from actors.storage.environment import ReadView, WriteBatch
from actors.storage.log import last_entry_hash, last_position
from actors.storage.store import Store
from actors.storage.tables import REQUESTS
from node.clock import Clock
from node.config import MIB
from node.errors import (
    InvalidArgumentError,
    InvariantError,
    ResourceExhaustedError,
    SaluhallError,
    StorageError,
)
from node.telemetry import WRITE_FAILED
from protos.internal.records_pb2 import LogEntry, RequestRecord, TenantSettings

QUEUE_LENGTH_MAX: Final = 1_000
QUEUE_SIZE_BYTES_MAX: Final = 64 * MIB
BATCH_LENGTH_MAX: Final = 128
BATCH_SIZE_BYTES_MAX: Final = 4 * MIB
DURABLE_COPIES: Final = 1
PATIENCE_S: Final = 0.02
"""Patient writes alone make no more transactions than one in this time. Measured in one process with 100 searches and
1,000 updates a second, one to a call: without this the updates slow the median search by a third to a half more."""

T = TypeVar("T")

_Committed = tuple[list[bytes | SaluhallError], list[Callable[[], None]]]
"""The answers of a transaction, and what is to be called when it is durable."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: WriteCommand
    answer: asyncio.Future[bytes]


class Writer:
    """Takes writes of one tenant. Created and called on the event loop."""

    def __init__(
        self,
        store: Store,
        *,
        epoch: int,
        clock: Clock,
        on_commit: Callable[[Schema, Merchandise], None],
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._clock = clock
        self._on_commit = on_commit
        self._queue: deque[_Waiting] = deque()
        self._queue_size_bytes = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._running: asyncio.Task[None] | None = None
        self._committed_s = float("-inf")
        """When the last transaction ended, in the event loop's time."""
        self._hurry = asyncio.Event()
        self._settings = TenantSettings()
        self._fields = FieldBook([])
        self._searched = SearchedSettings()
        self.has_changed_index = True
        """Whether the last transaction changed anything that searches see."""

        self._reload()

    @property
    def schema(self) -> Schema:
        """How the last transaction's state is searched."""
        return self._searched.schema

    @property
    def merchandise(self) -> Merchandise:
        """What its merchandisers have decided."""
        return self._searched.merchandise

    async def submit(self, command: WriteCommand) -> bytes:
        """The serialised answer, when the write is durable and visible.

        Raises:
            ResourceExhaustedError: too much is waiting; nothing of this write was done.
            SaluhallError: what the write's resolver refused; nothing of it was done.
        """
        too_long = len(self._queue) >= QUEUE_LENGTH_MAX
        if too_long or self._queue_size_bytes + command.size_bytes > QUEUE_SIZE_BYTES_MAX:
            raise ResourceExhaustedError(
                f"{len(self._queue)} writes are waiting; send fewer at a time",
                reason="WRITES_QUEUED",
                retry_delay_ms=200,
            )
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if not command.is_patient or len(self._queue) >= BATCH_LENGTH_MAX:
            self._hurry.set()
        self._queue_size_bytes += command.size_bytes
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await waiting.answer

    async def run(self, job: Callable[[WriteBatch], T]) -> T:
        """Do local work (never logged) in a transaction of its own, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._local, job)

    def announce(self) -> None:
        """Let reads see what `run` has changed."""
        self.has_changed_index = True
        self._on_commit(self.schema, self.merchandise)

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        if self._running is not None:
            await self._running
        self._thread.shutdown(wait=True)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:  # Ends when nothing waits; `submit` starts it again.
                await self._gather(self._committed_s + PATIENCE_S - loop.time())
                batch = self._next_batch()
                commands = [waiting.command for waiting in batch]
                try:
                    answers, after_commits = await loop.run_in_executor(
                        self._thread, self._commit, commands
                    )
                except SaluhallError as error:
                    answers, after_commits = [error] * len(batch), []
                except Exception as error:  # noqa: BLE001 - translated here, once
                    # Nothing was written, but this process no longer understands its state: callers
                    # are told INTERNAL, and the replica ends and recovers from its log.
                    structlog.get_logger(__name__).exception(WRITE_FAILED)
                    broken = InvariantError(f"a write failed unexpectedly: {type(error).__name__}")
                    answers, after_commits = [broken] * len(batch), []
                self._committed_s = loop.time()
                self._on_commit(self.schema, self.merchandise)
                for after_commit in after_commits:
                    after_commit()
                for waiting, answer in zip(batch, answers, strict=True):
                    _settle(waiting.answer, answer)
        finally:
            self._running = None

    async def _gather(self, seconds: float) -> None:
        """Wait so long for more updates while all writes are patient and fit into one transaction."""
        if not all(waiting.command.is_patient for waiting in self._queue):
            return
        self._hurry.clear()
        if seconds > 0 and len(self._queue) < BATCH_LENGTH_MAX:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size_bytes = 0
        while self._queue and len(batch) < BATCH_LENGTH_MAX and size_bytes < BATCH_SIZE_BYTES_MAX:
            waiting = self._queue.popleft()
            size_bytes += waiting.command.size_bytes
            batch.append(waiting)
        self._queue_size_bytes -= size_bytes
        return batch

    def _local(self, job: Callable[[WriteBatch], T]) -> T:
        with self._store.write(epoch=self._epoch) as batch:
            return job(batch)

    def _commit(self, commands: list[WriteCommand]) -> _Committed:
        """One transaction for all; what a resolver refuses is that command's answer alone."""
        keyring = self._store.keyring
        after_commits: list[Callable[[], None]] = []
        try:
            with self._store.write(epoch=self._epoch) as batch:
                changed = Changed()
                context = WriteContext(batch, self._clock.now_ms(), self._settings, self._fields)
                answers = [
                    self._answer(command, context, batch, changed, after_commits)
                    for command in commands
                ]
                if changed.settings:
                    self._read_schema(batch)
                derive(batch, changed, self.schema)
                # A key is on the disk before anything that it has sealed.
                keyring.sync()
        except BaseException:
            # Nothing of the batch happened, so what was learnt on the way is forgotten.
            self._reload()
            keyring.forget_pending()
            raise
        try:
            keyring.settle()
        except StorageError as error:
            # What is committed says that keys are destroyed, and they are not: nothing may be answered before
            # they are, so the replica ends, and does it when it is opened again.
            raise InvariantError(f"keys could not be destroyed: {error.message}") from error
        self.has_changed_index = changed.index_position > 0
        return answers, after_commits

    def _answer(
        self,
        command: WriteCommand,
        context: WriteContext,
        batch: WriteBatch,
        changed: Changed,
        after_commits: list[Callable[[], None]],
    ) -> bytes | SaluhallError:
        try:
            before = remembered(command, batch)
            if before is not None:
                return before
            learnt_before = self._fields.learnt_count
            resolution = command.resolve(context)
        except (InvariantError, StorageError):
            raise
        except SaluhallError as error:
            return error
        if resolution.changes:
            if resolution.after_commit is not None:
                after_commits.append(resolution.after_commit)
            return _log(command, resolution, context, batch, changed, self._epoch)
        if self._fields.learnt_count != learnt_before:
            # A trial (validate_only) has learnt fields that are not stored.
            self._fields = context.fields = FieldBook(read_fields(batch))
        return _finished(resolution, last_position(batch))

    def _reload(self) -> None:
        with self._store.read() as view:
            self._settings = read_settings(view)
            self._fields = FieldBook(read_fields(view))
            self._read_schema(view)

    def _read_schema(self, view: ReadView) -> None:
        """What searches need to know of the settings, made here so that the event loop need not."""
        self._searched.take(view, self._settings, self._fields.records)


def remembered(command: WriteCommand, view: ReadView) -> bytes | None:
    """The answer this request id got before, if it did."""
    if not command.request_id:
        return None
    value = view.get(REQUESTS, request_key(command.request_id))
    if value is None:
        return None
    record = RequestRecord.FromString(bytes(value))
    if record.request_hash != _request_hash(command):
        raise InvalidArgumentError.of(
            "request_id",
            "was used for another request in the last 24 hours; give every request its own",
            reason="REQUEST_ID_REUSED",
        )
    response = command.response_type.FromString(record.answer)
    response.durable_copies = DURABLE_COPIES  # type: ignore[attr-defined]
    return response.SerializeToString(deterministic=True)


def _log(
    command: WriteCommand,
    resolution: Resolution,
    context: WriteContext,
    batch: WriteBatch,
    changed: Changed,
    epoch: int,
) -> bytes:
    """Give the write its place in the log, apply it, and return its answer."""
    response = resolution.response
    position = last_position(batch) + 1
    response.position = position  # type: ignore[attr-defined]
    secrets = {name: getattr(response, name) for name in resolution.secrets}
    for name in secrets:
        response.ClearField(name)
    entry = LogEntry(
        epoch=epoch,
        position=position,
        previous_hash=last_entry_hash(batch),
        time_ms=context.now_ms,
        changes=resolution.changes,
        answer=response.SerializeToString(deterministic=True),
    )
    if command.request_id:
        entry.request_id = request_key(command.request_id)
        entry.request_hash = _request_hash(command)
    apply_entry(batch, entry, entry.SerializeToString(deterministic=True), changed)
    for name, secret in secrets.items():
        setattr(response, name, secret)
    return _finished(resolution, position)


def _finished(resolution: Resolution, position: int) -> bytes:
    response = resolution.response
    response.position = position  # type: ignore[attr-defined]
    response.durable_copies = DURABLE_COPIES  # type: ignore[attr-defined]
    return response.SerializeToString(deterministic=True)


def _request_hash(command: WriteCommand) -> bytes:
    return xxhash.xxh3_128_digest(command.method.encode() + b"\0" + command.body)


def _settle(answer: asyncio.Future[bytes], outcome: bytes | SaluhallError) -> None:
    if answer.done():
        return
    if isinstance(outcome, SaluhallError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
