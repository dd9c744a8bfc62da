"""Sessions made for tests."""

from collections.abc import Iterable

from hypothesis import strategies as st

from actors.recommend.next_products import Scored, next_products
from actors.recommend.parameters import Parameters, Scorer
from actors.recommend.session_index import SessionBounds, SessionIndex

ROOMY = SessionBounds(sessions_max=1_000, session_events_max=1_000)

keys = st.sampled_from([b"s%d" % number for number in range(6)])
products = st.sampled_from([b"p%d" % number for number in range(8)])
events = st.tuples(keys, products, st.integers(0, 40))
histories = st.lists(events, max_size=60)
visits = st.lists(products, min_size=1, max_size=15)
parameters = st.builds(
    Parameters,
    scorer=st.sampled_from(Scorer),
    products_max=st.integers(1, 20),
    recent_max=st.integers(1, 4),
    neighbours_max=st.integers(1, 4),
    idf_weight=st.floats(0, 5),
    successor_weight=st.floats(0, 2),
    wider_weight=st.floats(0, 2),
    repeat_weight=st.floats(0, 2),
)


def filled(
    history: Iterable[tuple[bytes, bytes, int]], bounds: SessionBounds = ROOMY
) -> SessionIndex:
    """An index that was given these events in this order."""
    index = SessionIndex(bounds)
    for key, product, time_ms in history:
        index.add(key, product, time_ms)
    return index


def content(index: SessionIndex) -> list[tuple[bytes, list[tuple[int, bytes]]]]:
    """All that an index holds."""
    return [(session.key, list(session.events())) for session in index.sessions()]


def answer(
    index: SessionIndex, visit: list[bytes], settings: Parameters, *, is_novel: bool = False
) -> list[Scored]:
    """Everything that would be recommended."""
    return next_products(
        index, visit, now_ms=50, parameters=settings, count_max=100, is_novel=is_novel
    )
