"""Merging large segments and rebuilding them, outside the process that takes writes.

The builder reads a view, makes the new segments' arrays and, last, the record of the merge. The owner
copies all of it into the store, transaction by transaction, while writes go on; then `publish_merge`
carries over what happened to the sources meanwhile (deletions, inventory patches) and changes the
branch's list. Nothing sees the new segments before, and views that are open keep the old ones.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from actors.index.arrays import VALUE_SIZE_MAX, Entry
from actors.index.build import BUILD_PRODUCTS_MAX, build_segment
from actors.index.columns import patch_inventory
from actors.index.combine import SegmentCombiner
from actors.index.document import IndexedProduct
from actors.index.keys import (
    branch_prefix,
    merge_key,
    merge_prefix,
    piece_key,
    segment_id_of,
    segment_prefix,
)
from actors.index.patches import read_patches
from actors.index.ports import ArrayReader, ArrayWriter, MemoryArrays
from actors.index.schema import Schema
from actors.index.segments import (
    PRODUCTS_PER_SEGMENT_MAX,
    RECORD,
    BranchView,
    Segment,
    SegmentList,
    SegmentRecord,
    pack_alive,
    pack_record,
    read_segment_list,
    write_segment_list,
)
from actors.index.update import (
    TAIL_PRODUCTS_MAX,
    bury,
    drop_empty,
    find_live,
    replace_records,
)
from node.errors import InvariantError
from protos.internal.records_pb2 import InventoryRecord

MERGE_SEGMENTS_MIN: Final = 4
QUIET_MERGE_FACTOR: Final = 8
_DEAD_SHARE_MAX: Final = 0.2
_MERGED_ID: Final = 1 << 63
_HEADER: Final = struct.Struct("<II")
_SOURCE: Final = struct.Struct("<QQI")

ReadInventory = Callable[[bytes], InventoryRecord | None]
"""From a product id to its present inventory."""


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """What new segments were made of."""

    sources: tuple["SourceState", ...]
    made: tuple[SegmentRecord, ...]


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as the merge read it."""

    segment_id: int
    patch_count: int
    alive_bits: bytes
    """As `pack_alive`; empty: all were."""


def plan_merge(records: Sequence[SegmentRecord]) -> tuple[int, ...]:
    """The ids of segments that should become one now, smallest tier first; empty: none.

    Segments of like size (a factor of 8) wait until there are four of them, so every product is
    rewritten a logarithmic number of times; one with a fifth of its products dead is rewritten alone.
    """
    tiers: dict[tuple[int, int], list[SegmentRecord]] = {}
    for record in records:
        if record.product_count >= TAIL_PRODUCTS_MAX:
            tier = len(f"{record.live_count:o}")
            tiers.setdefault((tier, record.weights_version), []).append(record)
    for _, candidates in sorted(tiers.items()):
        chosen: list[int] = []
        live_count = 0
        for record in candidates:
            if live_count + record.live_count <= PRODUCTS_PER_SEGMENT_MAX:
                chosen.append(record.segment_id)
                live_count += record.live_count
        if len(chosen) >= MERGE_SEGMENTS_MIN:
            return tuple(chosen)
    for record in records:
        if (
            record.product_count >= TAIL_PRODUCTS_MAX
            and record.live_count < (1 - _DEAD_SHARE_MAX) * record.product_count
        ):
            return (record.segment_id,)
    return ()


def plan_quiet_merge(records: Sequence[SegmentRecord]) -> tuple[int, ...]:
    """The ids of segments that should become one while nobody writes; empty: none.

    A search costs about as much for each segment, however small. Segments join the next larger one
    when together they have at least an eighth of its products, so a product is rewritten at most
    some 8 times for each time the branch grows eightfold.
    """
    ordered = sorted(records, key=lambda record: (-record.live_count, record.segment_id))
    for index, largest in enumerate(ordered[:-1]):
        chosen = ordered[index:]
        smaller = sum(record.live_count for record in chosen[1:])
        if any(record.weights_version != largest.weights_version for record in chosen):
            return ()
        if smaller + largest.live_count > PRODUCTS_PER_SEGMENT_MAX:
            continue
        if smaller * QUIET_MERGE_FACTOR >= largest.live_count:
            return tuple(record.segment_id for record in chosen)
    return ()


def needs_rebuild(records: Sequence[SegmentRecord], schema: Schema) -> bool:
    """Whether impacts of another version of the weights are still in use."""
    return any(record.weights_version != schema.weights_version for record in records)


def merged_segment_id(source_ids: Sequence[int], index: int) -> int:
    """The id of a merge's product: its sources go with it, so no other merge ever has the same."""
    packed = struct.pack(f"<{len(source_ids) + 1}Q", *source_ids, index)
    return xxhash.xxh3_64_intdigest(packed) | _MERGED_ID


def merge_segments(reader: ArrayReader, branch: int, segment_ids: Sequence[int]) -> Iterator[Entry]:
    """Keys and values of the segment that replaces these (all of one weights_version), record last."""
    wanted = set(segment_ids)
    sources = [s for s in BranchView(reader, branch).segments if s.id in wanted]
    if len(sources) != len(wanted):
        raise InvariantError(f"branch {branch} lacks some of the segments {sorted(wanted)}")
    segment_id = merged_segment_id([source.id for source in sources], 0)
    combiner = SegmentCombiner(
        sources, prefix=segment_prefix(branch, segment_id), segment_id=segment_id
    )
    yield from combiner.entries()
    yield from _encode_record(branch, sources, [combiner.record])


def rebuild_segments(
    reader: ArrayReader,
    branch: int,
    products: Iterable[IndexedProduct],
    schema: Schema,
    *,
    products_per_segment: int,
) -> Iterator[Entry]:
    """Keys and values of segments that replace all that `reader` lists, made from the products anew.

    Args:
        products: all live products of the branch, each once, read in the same view.
        products_per_segment: bounds memory: about 1.5 kB each.
    """
    sources = BranchView(reader, branch).segments
    source_ids = [source.id for source in sources]
    made: list[SegmentRecord] = []
    remaining = iter(products)
    while parts := _build_parts(islice(remaining, products_per_segment), schema):
        segment_id = merged_segment_id(source_ids, len(made))
        combiner = SegmentCombiner(
            parts, prefix=segment_prefix(branch, segment_id), segment_id=segment_id
        )
        yield from combiner.entries()
        made.append(combiner.record)
    yield from _encode_record(branch, sources, made)


def _build_parts(products: Iterator[IndexedProduct], schema: Schema) -> list[Segment]:
    parts = []
    while batch := list(islice(products, BUILD_PRODUCTS_MAX)):
        arrays = MemoryArrays()
        part = build_segment(batch, schema, prefix=segment_prefix(0, 0), segment_id=0)
        for key, value in part.entries:
            arrays.put_array(key, value)
        parts.append(Segment(arrays, 0, part.record))
    return parts


def carry_patches(
    writer: ArrayWriter,
    branch: int,
    key: bytes,
    read_inventory: ReadInventory,
    *,
    patches_max: int,
) -> bool:
    """Carry over a bounded number of patches before publishing; True when few are left to carry.

    `key` is that of the merge's record: the last that `merge_segments` or `rebuild_segments` gave.
    """
    merge = _read_record(writer, key)
    listed = read_segment_list(writer, branch)
    if merge is None or not _all_listed(merge, listed):
        return True
    made = [Segment(writer, branch, record) for record in merge.made]
    by_id = {record.segment_id: record for record in listed.records}
    sources = []
    room = patches_max
    for source in merge.sources:
        stop = min(by_id[source.segment_id].patch_count, source.patch_count + room)
        room -= stop - source.patch_count
        segment = Segment(writer, branch, by_id[source.segment_id])
        _carry(writer, segment, made, source.patch_count, stop, read_inventory)
        sources.append(replace(source, patch_count=stop))
    _write_record(writer, key, MergeRecord(tuple(sources), merge.made))
    return room > 0


def publish_merge(
    writer: ArrayWriter, branch: int, key: bytes, read_inventory: ReadInventory
) -> bool:
    """Put the new segments in their sources' place; False when the merge has to be done again.

    It has to when a source is gone (another merge took it) or was patched more often than its log
    reaches back. The new segments' arrays are then garbage, as the sources' are when it succeeds.
    """
    merge = _read_record(writer, key)
    if merge is None:
        return False
    _delete_record(writer, key)
    listed = read_segment_list(writer, branch)
    if not _all_listed(merge, listed):
        return False
    made = [Segment(writer, branch, record) for record in merge.made]
    by_id = {record.segment_id: record for record in listed.records}
    gone: list[bytes] = []
    for source in merge.sources:
        segment = Segment(writer, branch, by_id[source.segment_id])
        stop = segment.record.patch_count
        if not _carry(writer, segment, made, source.patch_count, stop, read_inventory):
            return False
        gone += segment.product_ids(_newly_dead(source, segment))
    records = {segment.id: segment.record for segment in made}
    for segment, ordinals in find_live(made, gone):
        records[segment.id] = bury(writer, segment, ordinals)
    merged = [by_id[source.segment_id] for source in merge.sources]
    listed = _replaced(listed, merged, list(records.values()))
    write_segment_list(writer, branch, drop_empty(writer, branch, listed))
    return True


def collect_garbage(writer: ArrayWriter, branch: int, *, keep: Iterable[int], keys_max: int) -> int:
    """Delete up to `keys_max` arrays that nothing lists: of merged segments, and of merges given up.

    Returns how many were deleted; fewer than `keys_max`: none are left.

    Args:
        writer: where the branch is stored.
        branch: its number; all arrays of a branch without a list are garbage.
        keep: segments that are being copied in and not yet published.
        keys_max: bounds the transaction.
    """
    kept = set(keep)
    wanted = kept | {record.segment_id for record in read_segment_list(writer, branch).records}
    arrays = (k for k in writer.array_keys(branch_prefix(branch)) if segment_id_of(k) not in wanted)
    merges = (k for k in writer.array_keys(merge_prefix(branch)) if segment_id_of(k) not in kept)
    found = list(islice(chain(arrays, merges), keys_max))
    for key in found:
        writer.delete_array(key)
    return len(found)


def _replaced(
    listed: SegmentList, merged: Sequence[SegmentRecord], by: Sequence[SegmentRecord]
) -> SegmentList:
    if merged:
        return replace_records(listed, merged, by)
    return replace(listed, records=(*by, *listed.records))


def _carry(
    writer: ArrayWriter,
    source: Segment,
    made: Sequence[Segment],
    start: int,
    stop: int,
    read_inventory: ReadInventory,
) -> bool:
    """Apply a source's patches `start` to `stop` to the new segments; False when they are forgotten."""
    ordinals = read_patches(writer, source.prefix, start=start, stop=stop)
    if ordinals is None:
        return False
    if source.alive is not None:
        ordinals = ordinals[source.alive[ordinals]]
    for segment, new_ordinals in find_live(made, source.product_ids(ordinals)):
        ids = segment.product_ids(new_ordinals)
        found = [
            (ordinal, read_inventory(product_id))
            for ordinal, product_id in zip(new_ordinals.tolist(), ids, strict=True)
        ]
        patches = [(ordinal, record) for ordinal, record in found if record is not None]
        patch_inventory(writer, segment.prefix, segment.layout, patches)
    return True


def _newly_dead(source: SourceState, segment: Segment) -> NDArray[np.int32]:
    dead = segment.dead_ordinals
    if not source.alive_bits:
        return dead
    bits = np.frombuffer(source.alive_bits, np.uint8)
    return dead[np.unpackbits(bits, count=segment.product_count).view(np.bool_)[dead]]


def _all_listed(merge: MergeRecord, listed: SegmentList) -> bool:
    ids = {record.segment_id for record in listed.records}
    return all(source.segment_id in ids for source in merge.sources)


def _encode_record(
    branch: int, sources: Sequence[Segment], made: Sequence[SegmentRecord]
) -> Iterator[Entry]:
    states = tuple(
        SourceState(
            source.id,
            source.record.patch_count,
            b"" if source.alive is None else pack_alive(source.alive),
        )
        for source in sources
    )
    key = merge_key(branch, made[0].segment_id if made else 0)
    pieces = _record_pieces(MergeRecord(states, tuple(made)))
    for index in range(len(pieces) - 1, 0, -1):
        yield piece_key(key, index), pieces[index]
    yield key, pieces[0]


def _record_pieces(merge: MergeRecord) -> list[bytes]:
    parts = [_HEADER.pack(len(merge.sources), len(merge.made))]
    for source in merge.sources:
        parts += [
            _SOURCE.pack(source.segment_id, source.patch_count, len(source.alive_bits)),
            source.alive_bits,
        ]
    parts += [pack_record(record) for record in merge.made]
    joined = b"".join(parts)
    return [
        joined[start : start + VALUE_SIZE_MAX] for start in range(0, len(joined), VALUE_SIZE_MAX)
    ]


def _write_record(writer: ArrayWriter, key: bytes, merge: MergeRecord) -> None:
    for index, piece in enumerate(_record_pieces(merge)):
        writer.put_array(piece_key(key, index) if index else key, piece)


def _read_record(reader: ArrayReader, key: bytes) -> MergeRecord | None:
    joined = b"".join(
        bytes(value)
        for piece in reader.array_keys(key)
        if (value := reader.get_array(piece)) is not None
    )
    if not joined:
        return None
    source_count, made_count = _HEADER.unpack_from(joined)
    at = _HEADER.size
    sources = []
    for _ in range(source_count):
        segment_id, patch_count, size = _SOURCE.unpack_from(joined, at)
        at += _SOURCE.size
        sources.append(SourceState(segment_id, patch_count, joined[at : at + size]))
        at += size
    made = RECORD.iter_unpack(joined[at : at + made_count * RECORD.size])
    return MergeRecord(tuple(sources), tuple(SegmentRecord(*fields) for fields in made))


def _delete_record(writer: ArrayWriter, key: bytes) -> None:
    for piece in list(writer.array_keys(key)):
        writer.delete_array(piece)
