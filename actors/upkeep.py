"""The care of the index: merging segments in another process, and rebuilding what is outdated.

The builder reads the store, writes a scratch file and ends. The owner copies the file in by small
transactions, which searches do not see, and publishes with one that changes the list of segments.
Whatever happens to the merged segments meanwhile is carried over before that.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from actors.catalog.branches import read_branches
from actors.index.merge import (
    carry_patches,
    collect_garbage,
    needs_rebuild,
    plan_merge,
    plan_quiet_merge,
    publish_merge,
)
from actors.index.segments import SegmentRecord, read_segment_list
from actors.scratch import Entry, read_chunks
from actors.storage.environment import WriteBatch
from actors.storage.marks import mark_publication
from actors.storage.store import Store
from actors.storage.tables import INVENTORIES, product_key
from actors.writer import Writer
from node.errors import SaluhallError, StorageError
from node.telemetry import MERGE_FAILED, SEGMENTS_MERGED
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.catalog_pb2 import Branch

PATCHES_PER_TRANSACTION_MAX: Final = 1_000
KEYS_PER_TRANSACTION_MAX: Final = 256
CARRY_ROUNDS_MAX: Final = 100
BUILD_S_MAX: Final = 900.0
RETRY_S: Final = 5.0
QUIET_S: Final = 1.0
Plan = Callable[[Sequence[SegmentRecord]], tuple[int, ...]]
_log = structlog.get_logger(__name__)


class BuilderFailedError(StorageError):
    """The builder ended without a whole file; it is tried again later, searches go on meanwhile."""

    reason = "BUILDER_FAILED"


@dataclass(frozen=True, slots=True)
class Build:
    """What the builder is asked for."""

    branch: int
    segment_ids: tuple[int, ...]
    """Empty: rebuild the whole branch with today's settings."""


class Upkeep:
    """Watches the segments of one tenant and has them merged."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._scratch = store.directory / "scratch"

    async def start(self) -> None:
        """Remove what an earlier process left half-done, then watch."""
        self._scratch.unlink(missing_ok=True)
        for branch in self._branches():
            await self.collect(branch)
        self._task = asyncio.create_task(self._watch())
        self._wanted.set()

    def wake(self) -> None:
        """Something was written: look again whether to merge."""
        self._wanted.set()

    async def close(self) -> None:
        """Stop; a builder that runs is ended."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to merge or rebuild, even while nobody writes."""
        return self._next_build() is None and self._next_build(plan_quiet_merge) is None

    async def collect(self, branch: int) -> None:
        """Delete the arrays that no listed segment has, a few at a time."""
        job = partial(collect_garbage, branch=branch, keep=(), keys_max=KEYS_PER_TRANSACTION_MAX)
        while await self._writer.run(job) == KEYS_PER_TRANSACTION_MAX:
            continue  # Ends: every round deletes keys, and nothing adds any meanwhile.

    async def _watch(self) -> None:
        while True:  # Ends when the tenant is closed.
            await self._wanted.wait()
            self._wanted.clear()
            build = self._next_build() or await self._quiet_build()
            if build is None:
                continue
            try:
                await self._build(build)
            except (SaluhallError, OSError) as error:
                _log.warning(MERGE_FAILED, tenant=self._store.identity.tenant_id, why=str(error))
                await asyncio.sleep(RETRY_S)
            self._wanted.set()

    async def _quiet_build(self) -> Build | None:
        """What is worth merging when nobody writes for a while; None as soon as someone does."""
        try:
            async with asyncio.timeout(QUIET_S):
                await self._wanted.wait()
        except TimeoutError:
            return self._next_build(plan_quiet_merge)
        return None

    def _next_build(self, plan: Plan = plan_merge) -> Build | None:
        with self._store.read() as view:
            for branch in self._branches():
                records = read_segment_list(view, branch).records
                if needs_rebuild(records, self._writer.schema):
                    return Build(branch, ())
                segment_ids = plan(records)
                if segment_ids:
                    return Build(branch, segment_ids)
        return None

    def _branches(self) -> list[int]:
        with self._store.read() as view:
            return [
                record.number for record in read_branches(view) if record.state != Branch.DELETING
            ]

    async def _build(self, build: Build) -> None:
        try:
            await self._run_builder(build)
            record_key = b""
            for chunk in read_chunks(self._scratch):
                await self._writer.run(partial(_copy, chunk))
                record_key = chunk[-1][0]
        finally:
            self._scratch.unlink(missing_ok=True)
        published = await self._publish(build.branch, record_key)
        await self.collect(build.branch)
        _log.info(
            SEGMENTS_MERGED,
            tenant=self._store.identity.tenant_id,
            branch=build.branch,
            count=len(build.segment_ids),
            published=published,
        )

    async def _run_builder(self, build: Build) -> None:
        what = ["--rebuild"]
        if build.segment_ids:
            what = ["--segments", ",".join(map(str, build.segment_ids))]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "actors.builder",
            *("--store", str(self._store.directory)),
            *("--scratch", str(self._scratch)),
            *("--branch", str(build.branch)),
            *what,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(BUILD_S_MAX):
                _, complaint = await process.communicate()
        except TimeoutError as error:
            raise BuilderFailedError(f"the builder took over {BUILD_S_MAX:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise BuilderFailedError(
                complaint.decode(errors="replace")[-500:] or "the builder died"
            )

    async def _publish(self, branch: int, record_key: bytes) -> bool:
        """Carry over what happened meanwhile, then let searches see the new segments."""
        carry = partial(_carry, branch, record_key)
        for _ in range(CARRY_ROUNDS_MAX):
            if await self._writer.run(carry):
                break
        published = await self._writer.run(partial(_publish, branch, record_key))
        self._writer.announce()
        return published


def _copy(entries: list[Entry], batch: WriteBatch) -> None:
    for key, value in entries:
        batch.put_array(key, value)


def _carry(branch: int, record_key: bytes, batch: WriteBatch) -> bool:
    return carry_patches(
        batch,
        branch,
        record_key,
        partial(_inventory, batch, branch),
        patches_max=PATCHES_PER_TRANSACTION_MAX,
    )


def _publish(branch: int, record_key: bytes, batch: WriteBatch) -> bool:
    published = publish_merge(batch, branch, record_key, partial(_inventory, batch, branch))
    if published:
        mark_publication(batch)
    return published


def _inventory(batch: WriteBatch, branch: int, product_id: bytes) -> InventoryRecord | None:
    value = batch.get(INVENTORIES, product_key(branch, product_id))
    return None if value is None else InventoryRecord.FromString(bytes(value))
