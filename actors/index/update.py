"""One write's changes to a branch: a small segment, tombstones in older ones, patched inventory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.build import BUILD_PRODUCTS_MAX, NewSegment, build_segment
from actors.index.columns import patch_inventory
from actors.index.combine import SegmentCombiner
from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.keys import ALIVE, segment_prefix
from actors.index.patches import log_patches
from actors.index.ports import ArrayReader, ArrayWriter, MemoryArrays
from actors.index.products import id_hashes
from actors.index.schema import Schema
from actors.index.segments import (
    Segment,
    SegmentList,
    SegmentRecord,
    pack_alive,
    read_segment_list,
    write_segment_list,
)
from node.errors import InvariantError
from protos.internal.records_pb2 import InventoryRecord

TAIL_PRODUCTS_MAX: Final = 500
"""Segments below this size are merged by the writes that follow; larger ones by the builder."""

TAIL_SEGMENTS_PER_TIER: Final = 4
MERGED_PRODUCTS_MAX: Final = 2_000
"""What one write may merge on its way: some 20 ms."""

_TIER_FACTOR: Final = 4


def update_index(writer: ArrayWriter, branch: int, update: IndexUpdate, schema: Schema) -> None:
    """Bring the branch's index up to date with one write; visible with the writer's transaction.

    At most 8,192 upserts. An upsert replaces the product of the same id.
    """
    if len(update.upserts) > BUILD_PRODUCTS_MAX:
        raise InvariantError(f"a write of {len(update.upserts)} products was not split")
    listed = read_segment_list(writer, branch)
    segments = [Segment(writer, branch, record) for record in listed.records]
    gone = [item.product.id.encode() for item in update.upserts] + list(update.deletes)
    deaths = find_live(segments, gone)
    patched = find_live(segments, list(update.inventories))
    for segment, ordinals in deaths:
        listed = listed.with_record(bury(writer, segment, ordinals))
    for segment, ordinals in patched:
        record = _patch(writer, segment, ordinals, update.inventories)
        live_count = next(r for r in listed.records if r.segment_id == segment.id).live_count
        listed = listed.with_record(replace(record, live_count=live_count))
    if update.upserts:
        listed = _append(writer, branch, listed, update.upserts, schema)
    listed = drop_empty(writer, branch, listed)
    write_segment_list(writer, branch, listed)


def find_live(
    segments: Sequence[Segment], product_ids: Sequence[bytes]
) -> list[tuple[Segment, NDArray[np.int32]]]:
    """Which live products have these ids: the segments that hold any, with their ordinals ascending."""
    if not product_ids:
        return []
    hashes = id_hashes(product_ids)
    found = []
    for segment in segments:
        ordinals = segment.products.find_ids(product_ids, hashes)
        ordinals = np.unique(ordinals[ordinals >= 0])
        if segment.alive is not None:
            ordinals = ordinals[segment.alive[ordinals]]
        if len(ordinals):
            found.append((segment, ordinals))
    return found


def bury(writer: ArrayWriter, segment: Segment, ordinals: NDArray[np.int32]) -> SegmentRecord:
    """Mark live products of a segment as dead; the segment's new record, which the caller lists."""
    alive = np.ones(segment.product_count, np.bool_)
    if segment.alive is not None:
        alive = segment.alive.copy()
    alive[ordinals] = False
    writer.put_array(segment.prefix + ALIVE, pack_alive(alive))
    return replace(segment.record, live_count=segment.record.live_count - len(ordinals))


def drop_empty(writer: ArrayWriter, branch: int, listed: SegmentList) -> SegmentList:
    """The list without the segments whose products are all dead; small ones are deleted at once."""
    for record in listed.records:
        if not record.live_count and record.product_count <= MERGED_PRODUCTS_MAX:
            delete_segment(writer, branch, record.segment_id)
    return replace(listed, records=tuple(r for r in listed.records if r.live_count))


def delete_segment(writer: ArrayWriter, branch: int, segment_id: int) -> None:
    """Delete all arrays of a small segment; `merge.collect_garbage` does so for large ones."""
    for key in list(writer.array_keys(segment_prefix(branch, segment_id))):
        writer.delete_array(key)


def _patch(
    writer: ArrayWriter,
    segment: Segment,
    ordinals: NDArray[np.int32],
    inventories: Mapping[bytes, InventoryRecord],
) -> SegmentRecord:
    ids = segment.product_ids(ordinals)
    layout = segment.layout
    patches = [
        (ordinal, inventories[product_id])
        for ordinal, product_id in zip(ordinals.tolist(), ids, strict=True)
    ]
    patch_inventory(writer, segment.prefix, layout, patches)
    log_patches(writer, segment.prefix, segment.record.patch_count, ordinals)
    return replace(segment.record, patch_count=segment.record.patch_count + len(ordinals))


def _append(
    writer: ArrayWriter,
    branch: int,
    listed: SegmentList,
    upserts: Sequence[IndexedProduct],
    schema: Schema,
) -> SegmentList:
    """Add a segment, merging what the tail then has too much of. The new one is written only if it stays."""
    segment_id = listed.next_segment_id
    new = build_segment(
        upserts, schema, prefix=segment_prefix(branch, segment_id), segment_id=segment_id
    )
    listed = SegmentList(segment_id + 1, (*listed.records, new.record))
    unwritten: dict[int, NewSegment] = {segment_id: new}
    while merged := plan_tail_merge(listed.records):  # ends: every round leaves fewer segments
        sources = [
            Segment(_reader_of(record, unwritten, writer), branch, record) for record in merged
        ]
        segment_id = listed.next_segment_id
        combiner = SegmentCombiner(
            sources, prefix=segment_prefix(branch, segment_id), segment_id=segment_id
        )
        entries = tuple(combiner.entries())
        for record in merged:
            if unwritten.pop(record.segment_id, None) is None:
                delete_segment(writer, branch, record.segment_id)
        unwritten[segment_id] = NewSegment(combiner.record, entries)
        listed = replace_records(listed, merged, [combiner.record])
        listed = replace(listed, next_segment_id=segment_id + 1)
    for segment in unwritten.values():
        for key, value in segment.entries:
            writer.put_array(key, value)
    return listed


def _reader_of(
    record: SegmentRecord, unwritten: Mapping[int, NewSegment], writer: ArrayWriter
) -> ArrayReader:
    segment = unwritten.get(record.segment_id)
    if segment is None:
        return writer
    arrays = MemoryArrays()
    for key, value in segment.entries:
        arrays.put_array(key, value)
    return arrays


def plan_tail_merge(records: Sequence[SegmentRecord]) -> tuple[SegmentRecord, ...]:
    """The small segments that a write should merge now; none while each tier has at most four."""
    tiers: dict[tuple[int, int], list[SegmentRecord]] = {}
    for record in records:
        if record.live_count > 0 and record.product_count < TAIL_PRODUCTS_MAX:
            tier = _tier(record.product_count)
            tiers.setdefault((tier, record.weights_version), []).append(record)
    for _, candidates in sorted(tiers.items()):
        if len(candidates) <= TAIL_SEGMENTS_PER_TIER:
            continue
        chosen: list[SegmentRecord] = []
        for record in candidates:
            if sum(r.live_count for r in chosen) + record.live_count <= MERGED_PRODUCTS_MAX:
                chosen.append(record)
        return tuple(chosen)
    return ()


def replace_records(
    listed: SegmentList, merged: Sequence[SegmentRecord], by: Sequence[SegmentRecord]
) -> SegmentList:
    """The list with `by` where the first of `merged` stood."""
    gone = {record.segment_id for record in merged}
    first = next(i for i, record in enumerate(listed.records) if record.segment_id in gone)
    kept_before = [r for r in listed.records[:first] if r.segment_id not in gone]
    kept_after = [r for r in listed.records[first:] if r.segment_id not in gone]
    return replace(listed, records=(*kept_before, *by, *kept_after))


def _tier(product_count: int) -> int:
    tier = 0
    while product_count >= _TIER_FACTOR:  # ends: the count shrinks every round
        product_count //= _TIER_FACTOR
        tier += 1
    return tier
