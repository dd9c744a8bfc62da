"""Which segments become one while nobody writes."""

from hypothesis import given
from hypothesis import strategies as st

from actors.index.merge import QUIET_MERGE_FACTOR, plan_quiet_merge
from actors.index.segments import SegmentRecord


def record(segment_id: int, live_count: int, weights_version: int = 0) -> SegmentRecord:
    return SegmentRecord(
        segment_id=segment_id,
        product_count=live_count,
        row_count=live_count,
        live_count=live_count,
        term_count=1,
        identifier_count=0,
        posting_count=1,
        patch_count=0,
        weights_version=weights_version,
    )


def plan(*live_counts: int) -> tuple[int, ...]:
    return plan_quiet_merge([record(number, live) for number, live in enumerate(live_counts)])


def test_one_segment_is_left_alone() -> None:
    assert plan(5_000) == ()
    assert plan() == ()


def test_a_large_segment_is_not_rewritten_for_a_few_products() -> None:
    assert plan(388_000, 10) == ()
    assert plan(388_000, 10, 5) == (1, 2)


def test_segments_join_the_larger_one_when_they_are_an_eighth_of_it() -> None:
    assert plan(4_000, 500) == (0, 1)
    assert plan(4_000, 499) == ()


def test_segments_of_different_weights_wait_for_their_rebuild() -> None:
    assert plan_quiet_merge([record(1, 10, 0), record(2, 10, 1)]) == ()


@given(st.lists(st.integers(1, 100_000), max_size=30))
def test_what_is_left_shrinks_geometrically(live_counts: list[int]) -> None:
    """After quiet merging each segment is more than eight times all smaller ones together."""
    counts = dict(enumerate(live_counts))
    while chosen := plan_quiet_merge([record(key, live) for key, live in counts.items()]):
        counts[chosen[0]] = sum(counts.pop(key) for key in chosen)

    left = sorted(counts.values(), reverse=True)
    for index, live in enumerate(left[:-1]):
        assert sum(left[index + 1 :]) * QUIET_MERGE_FACTOR < live
    assert sum(left) == sum(live_counts)
