"""Sessions from events: cut at pauses, whatever order the events come in, and forgotten without a trace."""

from hypothesis import given
from hypothesis import strategies as st

from actors.recommend.session_index import SessionBounds, SessionIndex
from actors.recommendations.sessions import PAUSE_MS, SessionBook

VISITORS = (b"a" * 16, b"b" * 16)
EVENT = st.tuples(
    st.sampled_from(VISITORS),
    st.sampled_from((b"", b"s" * 16)),
    st.integers(0, 40).map(lambda step: step * (PAUSE_MS // 4)),
    st.sampled_from((b"kettle", b"mug", b"plate")),
)


def book_of(events, sessions_max: int = 1_000) -> SessionBook:
    bounds = SessionBounds(sessions_max=sessions_max, session_events_max=50)
    book = SessionBook(SessionIndex(bounds))
    for storage_id, session_hash, time_ms, product in events:
        book.add(storage_id, session_hash, time_ms, [product])
    return book


def held(book: SessionBook) -> dict[bytes, list[tuple[int, bytes]]]:
    return {session.key: list(session.events()) for session in book.index.sessions()}


def test_a_pause_of_half_an_hour_ends_a_session_and_a_shorter_one_does_not() -> None:
    visitor = VISITORS[0]
    book = book_of(
        [
            (visitor, b"", 0, b"kettle"),
            (visitor, b"", PAUSE_MS, b"mug"),
            (visitor, b"", 2 * PAUSE_MS + 1, b"plate"),
        ]
    )

    assert sorted(held(book).values()) == [
        [(0, b"kettle"), (PAUSE_MS, b"mug")],
        [(2 * PAUSE_MS + 1, b"plate")],
    ]


def test_a_late_event_joins_what_it_lies_between() -> None:
    visitor = VISITORS[0]
    book = book_of([(visitor, b"", 0, b"kettle"), (visitor, b"", 2 * PAUSE_MS, b"plate")])
    book.add(visitor, b"", PAUSE_MS, [b"mug"])

    assert list(held(book).values()) == [
        [(0, b"kettle"), (PAUSE_MS, b"mug"), (2 * PAUSE_MS, b"plate")]
    ]


@given(st.lists(EVENT, max_size=40), st.randoms())
def test_what_is_held_does_not_depend_on_the_order_of_events(events, chance) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)

    assert held(book_of(events)) == held(book_of(shuffled))


@given(st.lists(EVENT, max_size=40))
def test_forgetting_a_visitor_leaves_what_would_be_without_them(events) -> None:
    book = book_of(events)
    book.forget(VISITORS[0])

    assert held(book) == held(book_of([one for one in events if one[0] != VISITORS[0]]))
    for product in (b"kettle", b"mug", b"plate"):
        keys = [session.key[:16] for session in book.index.recent(product, 100)]
        assert VISITORS[0] not in keys


def test_sessions_that_had_no_room_leave_nothing_in_the_book() -> None:
    book = book_of(
        [(bytes([number]) * 16, b"", number, b"mug") for number in range(50)], sessions_max=10
    )

    assert book.index.session_count == 10
    assert book._run_count <= 21
