"""Histories become events: by a mapping, line by line, and the same ones each time."""

import gzip
import json
from pathlib import Path

import pytest

from node.client.feeds import EventItem, EventMapping, FeedSource, MappingError, read_events
from protos.v1.event_pb2 import PROFILE, Event

EXAMPLES = Path(__file__).parents[3] / "examples"
INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,LANTERN,1,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527.0,United Kingdom
536366,22633,WARMER,six,2010-12-01 08:28:00,1.85,17850.0,United Kingdom
536367,84879,BIRD,32,2010-12-01 08:34:00,1.69,,United Kingdom
"""
SESSIONS = "SessionId\tItemId\tTime\n10036\t14957\t1592337718.0\n10036\t14713\t1592337765.5\n"


def read(path: Path, mapping: EventMapping | None) -> list[EventItem]:
    with FeedSource.open(path) as source:
        return list(read_events(source, mapping))


def events_of(items: list[EventItem]) -> list[Event]:
    return [item.event for item in items if item.event is not None]


@pytest.mark.parametrize("is_packed", [False, True])
def test_lines_of_an_invoice_are_one_purchase(tmp_path: Path, *, is_packed: bool) -> None:
    path = tmp_path / ("invoices.csv.gz" if is_packed else "invoices.csv")
    content = INVOICES.encode()
    path.write_bytes(gzip.compress(content) if is_packed else content)

    items = read(path, EventMapping.load(EXAMPLES / "online-retail-events.toml"))

    first, last = events_of(items)
    assert first.type == Event.PURCHASE
    assert (first.visitor_id, first.order_id, first.consent) == ("17850.0", "536365", PROFILE)
    assert [(p.product_id, p.quantity, p.price_micros) for p in first.products] == [
        ("85123A", 6, 2_550_000),
        ("71053", 1, 3_390_000),
    ]
    assert first.event_time.ToJsonString() == "2010-12-01T08:26:00Z"
    assert first.currency_code == "GBP"
    assert last.visitor_id == ""
    # A cancellation and a quantity that is none are passed over.
    assert [item.line for item in items] == [2, 4, 5, 6]
    assert [item.refusal for item in items] == [None] * 4


def test_sessions_as_serenade_has_them_become_views(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text(SESSIONS, encoding="utf-8")

    views = events_of(read(path, EventMapping.load(EXAMPLES / "sessions-events.toml")))

    assert [view.products[0].product_id for view in views] == ["14957", "14713"]
    assert [view.event_time.ToMilliseconds() for view in views] == [
        1_592_337_718_000,
        1_592_337_765_500,
    ]
    assert {view.session_id for view in views} == {view.visitor_id for view in views} == {"10036"}


def test_reading_again_and_reading_more_gives_the_same_ids(tmp_path: Path) -> None:
    mapping = EventMapping.load(EXAMPLES / "sessions-events.toml")
    path = tmp_path / "s.tsv"
    path.write_text(SESSIONS, encoding="utf-8")
    first = events_of(read(path, mapping))
    path.write_text(SESSIONS + "10036\t14957\t1592337999.0\n", encoding="utf-8")

    longer = events_of(read(path, mapping))

    ids = [event.event_id for event in longer]
    assert [event.event_id for event in first] == ids[:2]
    assert len(set(ids)) == 3


def test_bad_lines_are_told_with_their_number_and_the_rest_is_read(tmp_path: Path) -> None:
    mapping = EventMapping.parse(
        '[fields]\ntype = "what"\nproduct_id = "sku"\nevent_time = "at"\nprice = "price"\n'
        'consent = "ok"\n[types]\naddtocart = "add_to_cart"\n[constants]\nconsent = "none"\n'
    )
    lines = [
        {"what": "addtocart", "sku": "a", "at": "2025-03-01", "ok": "profile"},
        {"what": "stared", "sku": "a", "at": "2025-03-01"},
        {"what": "view", "sku": "a", "at": "yesterday"},
        {"what": "view", "sku": "a", "price": "much"},
        {"what": "VIEW", "sku": "a"},
    ]
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), "{"]), encoding="utf-8")

    items = read(path, mapping)

    assert [item.event is not None for item in items] == [True, False, False, False, True, False]
    assert [item.line for item in items] == [1, 2, 3, 4, 5, 6]
    assert "'stared' is none of search, view" in (items[1].refusal or "")
    assert "is not a date" in (items[2].refusal or "")
    assert "not an amount" in (items[3].refusal or "")
    assert items[0].event is not None
    assert (items[0].event.type, items[0].event.consent) == (Event.ADD_TO_CART, PROFILE)


def test_more_than_a_hundred_lines_of_an_order_are_several_events(tmp_path: Path) -> None:
    mapping = EventMapping.parse(
        'group_by = "o"\n[fields]\nproduct_id = "p"\norder_id = "o"\n'
        '[constants]\ntype = "purchase"\nconsent = "none"\n'
    )
    path = tmp_path / "o.csv"
    path.write_text(
        "o,p\n" + "".join(f"1,{n}\n" for n in range(250)) + ",x\n,y\n", encoding="utf-8"
    )

    events = events_of(read(path, mapping))

    assert [len(event.products) for event in events] == [100, 100, 50, 1, 1]
    assert len({event.event_id for event in events}) == 5


def test_times_are_shifted_by_whole_days(tmp_path: Path) -> None:
    mapping = EventMapping.parse(
        'shift_days = 10\n[fields]\nproduct_id = "p"\nevent_time = "t"\n'
        '[constants]\ntype = "view"\nconsent = "none"\n'
    )
    path = tmp_path / "t.csv"
    path.write_text("p,t\na,2025-01-01T10:00:00+01:00\n", encoding="utf-8")

    (event,) = events_of(read(path, mapping))

    assert event.event_time.ToJsonString() == "2025-01-11T09:00:00Z"


def test_without_a_mapping_lines_are_events_of_the_protocol(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    line = {
        "type": "VIEW",
        "visitorId": "v",
        "consent": "PROFILE",
        "products": [{"productId": "p"}],
    }
    path.write_text(json.dumps(line) + '\n{"typo": 1}\n', encoding="utf-8")

    items = read(path, None)

    assert items[0].event is not None
    assert items[0].event.products[0].product_id == "p"
    assert len(items[0].event.event_id) == 32
    assert "typo" in (items[1].refusal or "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[fields]\n", r"fields\.type or constants\.type"),
        ('[fields]\ntype = "t"\n', r"fields\.consent or constants\.consent"),
        ('[constants]\ntype = "look"\nconsent = "none"\n', "'look' is none of"),
        ('[fields]\nvisitor = "v"\n', r"fields\.visitor: .*visitor_id"),
        ('[constants]\nevent_id = "same"\n', r"constants\.event_id: cannot stand here"),
        ('[types]\nx = "y"\n[constants]\ntype="view"\nconsent="none"\n', r"types\.x: 'y' is none"),
        ('[only]\nx = "("\n', "no regular expression"),
        ("shift_days = 1.5\n", "whole number"),
        ("shift = 1\n[constants]\ntype='view'\nconsent='none'\n", "shift: is not known"),
        ("[", "not TOML"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(MappingError, match=complaint):
        EventMapping.parse(text)
