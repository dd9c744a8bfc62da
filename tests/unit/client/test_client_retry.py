"""When a client tries again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.client.retry import RetryPolicy, plan_retry
from node.errors import (
    Code,
    DeadlineExceededError,
    ResourceExhaustedError,
    SaluhallError,
    StorageError,
    UnavailableError,
)

POLICY = RetryPolicy(first_delay_ms=25, delay_ms_max=1_000, attempts_max=20)


def delay(
    error: SaluhallError, *, attempt_count: int = 1, left_ms: float = 1e9, jitter: float = 1.0
) -> float | None:
    return plan_retry(POLICY, error, attempt_count=attempt_count, left_ms=left_ms, jitter=jitter)


def test_what_is_unavailable_is_tried_again() -> None:
    assert delay(UnavailableError("gone")) == 25
    assert delay(StorageError("disk full")) == 25


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.UNAVAILABLE])
def test_nothing_else_is(code: Code) -> None:
    error = SaluhallError("no", retry_delay_ms=10)
    error.code = code

    assert delay(error) is None


def test_a_deadline_or_a_limit_is_the_callers_to_see() -> None:
    assert delay(DeadlineExceededError("late")) is None
    assert delay(ResourceExhaustedError("too many", retry_delay_ms=5)) is None


def test_delays_double_up_to_the_highest() -> None:
    delays = [delay(UnavailableError("gone"), attempt_count=count) for count in range(1, 9)]

    assert delays == [25, 50, 100, 200, 400, 800, 1_000, 1_000]


def test_jitter_takes_away_at_most_half() -> None:
    assert delay(UnavailableError("gone"), jitter=0.0) == 12.5


def test_the_server_may_ask_for_more_time_but_not_for_less() -> None:
    assert delay(UnavailableError("gone", retry_delay_ms=300)) == 300
    assert delay(UnavailableError("gone", retry_delay_ms=1)) == 25


def test_attempts_are_bounded() -> None:
    assert delay(UnavailableError("gone"), attempt_count=19) is not None
    assert delay(UnavailableError("gone"), attempt_count=20) is None


@given(
    attempt_count=st.integers(1, 30),
    left_ms=st.floats(-1_000, 10_000),
    jitter=st.floats(0, 1, exclude_max=True),
    asked_ms=st.none() | st.integers(0, 5_000),
)
def test_no_attempt_begins_after_the_deadline(
    attempt_count: int, left_ms: float, jitter: float, asked_ms: int | None
) -> None:
    planned = delay(
        UnavailableError("gone", retry_delay_ms=asked_ms),
        attempt_count=attempt_count,
        left_ms=left_ms,
        jitter=jitter,
    )

    assert planned is None or 0 < planned < left_ms


def test_a_policy_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        RetryPolicy(first_delay_ms=0)
    with pytest.raises(ValueError, match="at least one"):
        RetryPolicy(attempts_max=0)
