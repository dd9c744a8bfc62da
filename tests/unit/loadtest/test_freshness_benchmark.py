"""The freshness benchmark: its calls, and what it makes of their latencies."""

import argparse
import random

from loadtest.freshness import Side, add_arguments, figures_of, report_of
from loadtest.freshness_client import Window, due_times, update_body
from protos.v1.catalog_pb2 import SetInventoryRequest


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_as_many_calls_are_due_as_the_rate_says_at_seeded_times() -> None:
    window = Window(calls_per_second=100, seconds=2.0, seed=3)

    due_s = due_times(window)

    assert len(due_s) == 200
    assert due_s == sorted(due_times(window))
    assert 0 <= due_s[0] < due_s[-1] < 2.0


def test_an_update_sets_the_price_or_the_stock_of_different_skus() -> None:
    skus = [(f"p{number}", "") for number in range(20)]

    request = SetInventoryRequest.FromString(update_body(skus, random.Random(1), batch=10))

    assert len({update.product_id for update in request.updates}) == 10
    assert all(update.HasField("set_time") for update in request.updates)
    assert all(bool(u.prices) != u.HasField("stock_quantity") for u in request.updates)


def test_the_bars_compare_busy_windows_with_quiet_ones() -> None:
    quiet = Side(latencies_ms=[1.0] * 99 + [2.0], seconds=1.0)
    busy = Side(latencies_ms=[1.1] * 99 + [3.0], seconds=1.0, update_latencies_ms=[5.0] * 100)

    figures = figures_of(quiet, busy, 300, 100, arguments())

    assert figures["slowdown"] == {"p50": 1.1, "p99": 1.5, "mean": 1.108}
    assert figures["updates"]["updates_per_second"] == 1_000
    assert figures["holds"] == {"updates": True, "p50": True, "p99": False, "growth": True}
    assert "1.5 times" in "\n".join(report_of(figures))
