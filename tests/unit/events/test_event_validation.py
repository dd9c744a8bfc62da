"""Which events are taken, and that no refusal repeats what was sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.events.keys import DAY_MS, day_of, event_key, event_key_of, visitor_event_key
from actors.events.validation import event_time_ms, first_violation
from protos.v1.event_pb2 import PROFILE, Event, EventProduct

NOW_MS = 1_700_000_000_000
OLDEST_MS = NOW_MS - 395 * DAY_MS


def good(**fields: object) -> Event:
    base = {
        "event_id": "e",
        "type": Event.VIEW,
        "visitor_id": "v",
        "consent": PROFILE,
        "products": [EventProduct(product_id="p")],
    }
    return Event(**base | fields)


def field_at_fault(event: Event) -> str:
    time_ms = event_time_ms(event, NOW_MS)
    found = first_violation(
        event, time_ms, now_ms=NOW_MS, oldest_ms=OLDEST_MS, oldest_words_ms=OLDEST_MS
    )
    return "" if found is None else found.field


def at(time_ms: int) -> Event:
    event = good()
    event.event_time.FromMilliseconds(time_ms)
    return event


@pytest.mark.parametrize(
    "event",
    [
        good(),
        good(visitor_id="", consent=0),
        good(type=Event.SEARCH, query="kaffe", products=[]),
        good(event_id="å" * 64, session_id="x" * 128, order_id="y" * 128),
        good(query="ä" * 512, filter="f" * 4_096, placement="p" * 64, list="å" * 32),
        good(products=[EventProduct(product_id="p", quantity=3, price_micros=1)] * 100),
        good(currency_code="SEK", position=7, result_count=0),
        good(attribution_token="t" * 1_024),
        at(OLDEST_MS),
        at(NOW_MS + DAY_MS),
    ],
)
def test_what_the_protocol_allows_is_taken(event: Event) -> None:
    assert field_at_fault(event) == ""


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("event_id", good(event_id="")),
        ("event_id", good(event_id="x" * 129)),
        ("event_id", good(event_id="å" * 65)),
        ("type", good(type=0)),
        ("type", good(type=99)),
        ("consent", good(consent=3)),
        ("visitor_id", good(visitor_id="x" * 129)),
        ("session_id", good(session_id="x" * 129)),
        ("order_id", good(order_id="x" * 129)),
        ("products", good(products=[])),
        ("products", good(products=[EventProduct(product_id="p")] * 101)),
        ("products[0].product_id", good(products=[EventProduct()])),
        ("products[0].product_id", good(products=[EventProduct(product_id="x" * 129)])),
        ("products[0].variant_id", good(products=[EventProduct(product_id="p", variant_id="x" * 129)])),
        ("products[0].quantity", good(products=[EventProduct(product_id="p", quantity=-1)])),
        ("products[0].price_micros", good(products=[EventProduct(product_id="p", price_micros=-1)])),
        ("query", good(type=Event.SEARCH, query="  ")),
        ("query", good(query="x" * 1_025)),
        ("filter", good(filter="x" * 4_097)),
        ("placement", good(placement="x" * 65)),
        ("list", good(list="å" * 33)),
        ("market", good(market="x" * 65)),
        ("language_code", good(language_code="x" * 65)),
        ("experiment", good(experiment="x" * 65)),
        ("currency_code", good(currency_code="kr")),
        ("position", good(position=-1)),
        ("result_count", good(result_count=-1)),
        ("attribution_token", good(attribution_token="t" * 1_025)),
        ("event_time", at(OLDEST_MS - 1)),
        ("event_time", at(NOW_MS + DAY_MS + 1)),
    ],
)  # fmt: skip
def test_each_limit_names_its_field(field: str, event: Event) -> None:
    assert field_at_fault(event) == field


@given(
    event=st.builds(
        good,
        event_id=st.text(max_size=200),
        visitor_id=st.text(max_size=200),
        query=st.text(max_size=50),
        type=st.integers(0, 12),
        consent=st.integers(0, 5),
        placement=st.text(max_size=80),
        position=st.integers(-5, 5),
    )
)
def test_no_refusal_repeats_a_value_and_none_fails(event: Event) -> None:
    """Refusals stand in the log, where nothing of a visitor may stand in clear."""
    secret = f"canary{event.event_id}"
    event.event_id = secret

    time_ms = event_time_ms(event, NOW_MS)
    found = first_violation(
        event, time_ms, now_ms=NOW_MS, oldest_ms=OLDEST_MS, oldest_words_ms=OLDEST_MS
    )

    if found is not None:
        assert secret not in found.description
        assert "canary" not in found.description


@given(st.integers(0, 60_000), st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1))
def test_keys_sort_by_day_and_lead_to_each_other(day: int, some: bytes, sequence: int) -> None:
    row = visitor_event_key(some, day, sequence)

    assert event_key_of(row, some) == event_key(day, some)
    assert visitor_event_key(some, day, sequence) < visitor_event_key(some, day + 1, 0)
    assert event_key(day, some) < event_key(day + 1, bytes(16))
    assert day_of(day * DAY_MS) == day_of(day * DAY_MS + DAY_MS - 1) == day
