"""The events benchmark: the calls it makes, and what it makes of the figures."""

import argparse
import random

from loadtest.event_bodies import EventSetup, event_body
from loadtest.events import Side, Sizes, add_arguments, figures_of, report_of
from protos.v1.event_pb2 import NONE, Event, WriteEventsRequest

SETUP = EventSetup(product_ids=["a", "b"], queries=["x"], visitor_count=50, batch=100)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_calls_have_events_of_all_types_that_no_other_call_has() -> None:
    chance = random.Random(1)

    calls = [WriteEventsRequest.FromString(event_body(SETUP, chance, n)) for n in range(10)]

    events = [event for call in calls for event in call.events]
    assert len({event.event_id for event in events}) == len(events) == 1_000
    assert {event.type for event in events} == set(Event.Type.values()) - {
        Event.TYPE_UNSPECIFIED, Event.REMOVE_FROM_CART, Event.FAVOURITE,
    }  # fmt: skip
    assert 50 < sum(event.consent == NONE for event in events) < 150
    assert all(event.products or event.type == Event.SEARCH for event in events)


def test_the_bars_are_rate_slowdown_log_and_bytes() -> None:
    quiet = Side(latencies_ms=[1.0] * 100, seconds=1.0, cpu_s={"primary": 0.1})
    busy = Side(
        latencies_ms=[1.2] * 98 + [1.6] * 2,
        seconds=1.0,
        event_latencies_ms=[5.0] * 50,
        cpu_s={"primary": 0.5, "generator": 0.05},
    )
    before = Sizes(store=1_000, compact=900, log=500, keyring=64)
    after = Sizes(store=2_001_000, compact=1, log=1_000_500, keyring=64)

    figures = figures_of(quiet, busy, before, after, arguments())

    assert figures["holds"] == {"events": True, "p99": False, "log": True, "store": True}
    assert figures["slowdown"] == {"p50": 1.2, "p99": 1.6}
    assert figures["bytes_per_event"] == 200
    assert figures["events"]["primary_us_per_event"] == 100
    assert figures["events"]["cpu_share"] == {"primary": 0.5, "generator": 0.05}
    assert "5,000.0 events/s" in "\n".join(report_of(figures))
