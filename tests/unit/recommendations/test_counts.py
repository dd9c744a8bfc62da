"""Counts of products in memory: comparable whenever they were written, and in step with every write."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lamp_shop import Shop, lamp

from actors.learning.decay import LASTING_MS, RECENT_MS
from actors.recommendations.catalogue import Catalogue
from actors.recommendations.counts import CountedProducts, ProductCounts
from protos.internal.records_pb2 import ProductCountsRecord

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS
IDS = [f"p{number}" for number in range(12)]


def counted(counts: ProductCounts, segment_size: int = 1_000) -> tuple[Catalogue, CountedProducts]:
    shop = Shop(*[lamp(product_id) for product_id in IDS], segment_size=segment_size)
    catalogue = Catalogue(shop.view)
    return catalogue, CountedProducts(catalogue, counts)


def row(days: float, lasting: float, recent: float = 0.0) -> ProductCountsRecord:
    return ProductCountsRecord(
        time_ms=round(START_MS + days * DAY_MS), lasting=lasting, recent=recent
    )


def test_a_count_is_worth_half_of_an_equal_one_a_half_life_later() -> None:
    counts = ProductCounts()
    counts.write(b"p1", row(0, 8))
    counts.write(b"p2", row(LASTING_MS / DAY_MS, 8))

    assert counts.lasting(counts.row(b"p1")[0]) == pytest.approx(4)
    assert counts.lasting(counts.row(b"p2")[0]) == pytest.approx(8)


def test_rows_that_were_written_meanwhile_are_newer_than_those_read() -> None:
    counts = ProductCounts()
    counts.write(b"p1", row(1, 8))
    counts.load([(b"p1", row(0, 2)), (b"p2", row(0, 2))])

    assert counts.lasting(counts.row(b"p1")[0]) == pytest.approx(8)
    assert counts.count == 2


def test_a_burst_is_a_trend_and_what_is_always_popular_is_none() -> None:
    counts = ProductCounts()
    steady = 100.0
    counts.write(b"p1", row(0, steady, steady * RECENT_MS / LASTING_MS))
    counts.write(b"p2", row(0, 10, 9))
    catalogue, products = counted(counts)
    p1, p2 = catalogue.numbers_of([b"p1", b"p2"])

    assert products.trends[p1] == 0
    assert products.trends[p2] > 1
    assert products.popularity[p1] > products.popularity[p2] > 0


@given(
    st.lists(st.tuples(st.sampled_from(IDS), st.floats(0, 30), st.floats(0.01, 1e6)), min_size=1),
    st.integers(1, 12),
)
def test_counts_in_step_equal_counts_read_at_once(writes, segment_size: int) -> None:
    counts = ProductCounts()
    catalogue, products = counted(counts, segment_size)
    for product_id, days, lasting in writes:
        counts.write(product_id.encode(), row(days, lasting))
        products.popularity  # noqa: B018 - brings the arrays in step
    _, afresh = counted(counts, segment_size)

    np.testing.assert_array_equal(products.popularity, afresh.popularity)
    whole, at_once = counted(counts)
    for product_id in IDS:
        here = catalogue.numbers_of([product_id.encode()])[0]
        there = whole.numbers_of([product_id.encode()])[0]
        assert products.popularity[here] == at_once.popularity[there]
