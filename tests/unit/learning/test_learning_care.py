"""Tables of what is learned stay within their bounds, and evidence is smooth."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from learning_state import DAY_MS, NOW_MS, State, Told, hash_text

from actors.index.products import id_hash
from actors.learning import care
from actors.learning.care import LearningCare
from actors.learning.evidence import chosen_for
from actors.learning.memory import LearnedMemory
from actors.model.fields import FieldBook
from actors.replication.resolution import WriteContext
from actors.search.suggest_typed import read_typed
from actors.storage.tables import (
    BY_NUMBER,
    POPULAR_QUERIES,
    PRODUCT_COUNTS,
    PRODUCTS,
    QUERIES,
    product_key,
)
from actors.text.analyzer import analyzer_of
from node.clock import ManualClock
from protos.internal.records_pb2 import TenantSettings
from protos.v1.event_pb2 import Event


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path, [f"cup-{number}" for number in range(50)])
    yield state
    state.close()


def take_care(state: State, caring: LearningCare, *, now_ms: int = NOW_MS) -> None:
    with state.environment.write() as batch:
        context = WriteContext(batch, now_ms, TenantSettings(), FieldBook([]))
        for change in caring.resolve(context).changes:
            batch.delete(BY_NUMBER[change.table], change.key)


def searches(words: str, count: int) -> list[Told]:
    return [Told(Event.SEARCH, visitor=f"visitor {number}", query=words) for number in range(count)]


def test_of_a_full_table_the_least_used_go(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    caring = LearningCare()
    caring._stretches[1].count_max = 100
    state.write(
        *[one for number in range(100) for one in searches(f"query {number}", number // 10)]
    )

    for _ in range(3):
        take_care(state, caring)

    with state.read() as view:
        assert view.count(QUERIES) <= care.FULL_SHARE * 100
        assert view.get(QUERIES, hash_text("query 99")) is not None
        assert view.get(QUERIES, hash_text("query 11")) is None


def test_counts_of_products_that_no_branch_has_go(state: State) -> None:
    state.write(Told(Event.VIEW, "cup-1", visitor="a"), Told(Event.VIEW, "cup-2", visitor="a"))
    with state.environment.write() as batch:
        batch.delete(PRODUCTS, product_key(1, b"cup-1"))

    take_care(state, LearningCare())

    with state.read() as view:
        assert [bytes(key) for key, _ in view.range(PRODUCT_COUNTS)] == [b"cup-2"]


def test_a_query_that_nobody_searches_any_more_is_no_longer_suggested(state: State) -> None:
    state.write(*searches("cup", 30))

    take_care(state, LearningCare(), now_ms=NOW_MS + 14 * DAY_MS)
    with state.read() as view:
        assert view.count(POPULAR_QUERIES) == 1

    take_care(state, LearningCare(), now_ms=NOW_MS + 14 * 6 * DAY_MS)
    with state.read() as view:
        assert view.count(POPULAR_QUERIES) == 0


def test_evidence_grows_with_visitors_and_stays_below_certainty(state: State) -> None:
    shares = []
    for number in range(40):
        state.write(Told(Event.CLICK, "cup-1", visitor=f"visitor {number}", query="cup"))
        with state.read() as view:
            chosen = chosen_for(view, hash_text("cup"))
        assert chosen is not None
        shares.append(chosen.shares[id_hash(b"cup-1")])

    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(1 / 6)
    assert 0.8 < shares[-1] < 1


def test_pictures_are_taken_anew_when_something_was_counted(state: State) -> None:
    """Of tables of any length: here of more rows than are read at once."""
    clock = ManualClock()
    memory = LearnedMemory(state.environment, clock)
    memory.refresh()
    assert memory.popularity is None
    state.write(*[one for number in range(300) for one in searches(f"cup {number}", 20)])
    state.write(Told(Event.PURCHASE, "cup-7", visitor="a"))

    memory.refresh()

    first = memory.popularity
    assert first is not None
    assert first.most == pytest.approx(2.1972, abs=1e-3)
    assert len(memory.popular) == 300
    typed = read_typed("CUP 29", analyzer_of("sv"))
    assert "cup 299" in list(memory.popular.going_on(typed))
    memory.refresh()
    assert memory.popularity is first
    memory.close()
