"""Merging: what is planned, what is carried over, what is left behind."""

import numpy as np
import pytest
from index_oracle import BRANCH, SCHEMA, inventory, make_product

from actors.index.columns import open_columns
from actors.index.document import IndexUpdate
from actors.index.merge import (
    carry_patches,
    collect_garbage,
    merge_segments,
    needs_rebuild,
    plan_merge,
    publish_merge,
)
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import SegmentRecord, open_branch
from actors.index.update import TAIL_SEGMENTS_PER_TIER, update_index
from actors.model.storefront import GENERAL
from node.errors import InvariantError


def prices(arrays: MemoryArrays) -> dict[str, int]:
    found = {}
    for segment in open_branch(arrays, BRANCH).segments:
        columns = open_columns(segment.arrays, segment.prefix, segment.layout)
        alive = np.arange(segment.product_count)
        if segment.alive is not None:
            alive = np.flatnonzero(segment.alive)
        by_row = columns.inventory.price(GENERAL, None)
        for ordinal in alive.tolist():
            row = int(segment.layout.first_rows()[ordinal])
            found[segment.product_id(ordinal).decode()] = int(by_row[row])
    return found


def two_segments() -> MemoryArrays:
    arrays = MemoryArrays()
    first = [make_product("a", "red", 1), make_product("d", "red", 4)]
    update_index(arrays, BRANCH, IndexUpdate(first), SCHEMA)
    second = [make_product("b", "blue", 2), make_product("c", "shoe", 3, variants=["x", "y"])]
    update_index(arrays, BRANCH, IndexUpdate(second), SCHEMA)
    return arrays


def merged(arrays: MemoryArrays) -> tuple[list[tuple[bytes, bytes]], bytes]:
    ids = [segment.id for segment in open_branch(arrays, BRANCH).segments]
    scratch = list(merge_segments(arrays, BRANCH, ids))
    return scratch, scratch[-1][0]


def copy_in(arrays: MemoryArrays, scratch: list[tuple[bytes, bytes]]) -> None:
    for key, value in scratch:
        arrays.put_array(key, value)


def record(segment_id: int, product_count: int, *, live: int | None = None) -> SegmentRecord:
    live_count = product_count if live is None else live
    return SegmentRecord(segment_id, product_count, product_count, live_count, 1, 1, 1, 0, 1)


def test_a_price_changed_during_a_merge_is_the_new_price_after_it():
    arrays = two_segments()
    scratch, key = merged(arrays)
    patch = IndexUpdate(inventories={b"a": inventory(10), b"c": inventory(30)})
    update_index(arrays, BRANCH, patch, SCHEMA)
    copy_in(arrays, scratch)

    published = publish_merge(arrays, BRANCH, key, patch.inventories.get)

    assert published
    assert len(open_branch(arrays, BRANCH).segments) == 1
    assert prices(arrays) == {"a": 10, "b": 2, "c": 30, "d": 4}


def test_patches_can_be_carried_over_in_bounded_steps():
    arrays = two_segments()
    scratch, key = merged(arrays)
    patch = IndexUpdate(inventories={b"b": inventory(20), b"c": inventory(30)})
    update_index(arrays, BRANCH, patch, SCHEMA)
    copy_in(arrays, scratch)

    first = carry_patches(arrays, BRANCH, key, patch.inventories.get, patches_max=1)
    second = carry_patches(arrays, BRANCH, key, patch.inventories.get, patches_max=2)

    assert (first, second) == (False, True)
    assert publish_merge(arrays, BRANCH, key, dict[bytes, None]().get)
    assert prices(arrays) == {"a": 1, "b": 20, "c": 30, "d": 4}


def test_a_product_replaced_during_a_merge_is_the_new_one_after_it():
    arrays = two_segments()
    scratch, key = merged(arrays)
    update_index(arrays, BRANCH, IndexUpdate([make_product("a", "green", 5)]), SCHEMA)
    update_index(arrays, BRANCH, IndexUpdate(deletes=[b"b"]), SCHEMA)
    copy_in(arrays, scratch)

    assert publish_merge(arrays, BRANCH, key, lambda _: None)

    assert prices(arrays) == {"a": 5, "c": 3, "d": 4}


def test_a_merge_whose_source_is_gone_is_refused_and_becomes_garbage():
    arrays = two_segments()
    before = set(arrays.array_keys(b""))
    scratch, key = merged(arrays)
    update_index(arrays, BRANCH, IndexUpdate(deletes=[b"a", b"d"]), SCHEMA)
    copy_in(arrays, scratch)

    published = publish_merge(arrays, BRANCH, key, lambda _: None)

    assert not published
    while collect_garbage(arrays, BRANCH, keep=(), keys_max=7):
        pass
    assert set(arrays.array_keys(b"")) < before
    assert prices(arrays) == {"b": 2, "c": 3}


def test_nothing_of_a_merge_is_seen_before_it_is_published():
    arrays = two_segments()
    scratch, _ = merged(arrays)

    copy_in(arrays, scratch)

    assert len(open_branch(arrays, BRANCH).segments) == 2
    kept = [segment.id for segment in open_branch(arrays, BRANCH).segments]
    garbage = {key for key, _ in scratch}
    assert collect_garbage(arrays, BRANCH, keep=(), keys_max=1_000) == len(garbage)
    assert [segment.id for segment in open_branch(arrays, BRANCH).segments] == kept


def test_merging_segments_that_are_not_there_is_a_bug():
    with pytest.raises(InvariantError):
        list(merge_segments(two_segments(), BRANCH, [1, 99]))


def test_small_writes_do_not_pile_up():
    arrays = MemoryArrays()
    for number in range(200):
        update_index(arrays, BRANCH, IndexUpdate([make_product(f"p{number}", "red")]), SCHEMA)

    segments = open_branch(arrays, BRANCH).segments

    assert len(segments) <= 4 * TAIL_SEGMENTS_PER_TIER
    assert sum(segment.product_count for segment in segments) == 200


def test_a_branch_whose_products_are_all_deleted_holds_no_arrays_of_segments():
    arrays = two_segments()

    update_index(arrays, BRANCH, IndexUpdate(deletes=[b"a", b"b", b"c", b"d", b"unknown"]), SCHEMA)

    assert open_branch(arrays, BRANCH).live_count == 0
    assert list(arrays.array_keys(b"s")) == []


def test_segments_of_like_size_are_merged_when_there_are_four():
    records = [record(number, 2_000) for number in range(3)] + [record(9, 100_000)]

    assert plan_merge(records) == ()
    assert plan_merge([*records, record(10, 1_500)]) == (0, 1, 2, 10)


def test_a_segment_with_a_fifth_of_its_products_dead_is_rewritten():
    assert plan_merge([record(1, 10_000, live=8_500)]) == ()
    assert plan_merge([record(1, 10_000, live=7_900)]) == (1,)


def test_a_segment_never_has_more_than_a_million_products():
    records = [record(number, 400_000) for number in range(6)]

    assert plan_merge(records) == ()


def test_new_weights_ask_for_a_rebuild():
    schema = Schema(("en",), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=2)

    assert needs_rebuild([record(1, 10)], schema)
    assert not needs_rebuild([record(1, 10)], SCHEMA)


def test_branches_do_not_see_each_other():
    arrays = two_segments()
    update_index(arrays, BRANCH + 1, IndexUpdate([make_product("z", "red")]), SCHEMA)

    update_index(arrays, BRANCH + 1, IndexUpdate(deletes=[b"a"]), SCHEMA)

    assert sorted(prices(arrays)) == ["a", "b", "c", "d"]
    assert open_branch(arrays, BRANCH + 1).live_count == 1
