"""When something that died is started again."""

from hypothesis import given
from hypothesis import strategies as st

from node.agent.backoff import (
    BREAKER_FAILURE_COUNT,
    DELAY_MS_OPEN,
    SETTLED_MS,
    Failures,
    restart_delay_ms,
)


def _after(deaths: list[int]) -> Failures:
    failures = Failures()
    for ran_ms in deaths:
        failures = failures.after_death(ran_ms=ran_ms)
    return failures


def test_the_first_death_costs_no_wait() -> None:
    assert restart_delay_ms(_after([60_000])) == 0
    assert restart_delay_ms(_after([0])) == 0


def test_each_further_death_in_a_row_waits_longer() -> None:
    delays = [restart_delay_ms(_after([0] * count)) for count in range(1, 9)]

    assert delays == [0, 100, 200, 400, 800, 1_600, 3_200, 5_000]


def test_a_crash_loop_opens_the_breaker() -> None:
    failures = _after([0] * BREAKER_FAILURE_COUNT)

    assert failures.is_crash_loop
    assert restart_delay_ms(failures) == DELAY_MS_OPEN


def test_one_settled_run_closes_the_breaker() -> None:
    failures = _after([0] * 50 + [SETTLED_MS])

    assert not failures.is_crash_loop
    assert restart_delay_ms(failures) == 0
    assert failures.restart_count == 51


@given(st.lists(st.integers(0, 2 * SETTLED_MS), max_size=40))
def test_a_wait_is_bounded_and_never_shrinks_within_a_row_of_quick_deaths(
    deaths: list[int],
) -> None:
    before = _after(deaths)
    after = before.after_death(ran_ms=0)

    assert 0 <= restart_delay_ms(before) <= restart_delay_ms(after) <= DELAY_MS_OPEN
