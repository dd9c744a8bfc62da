"""Limits: what they admit over time, for any sequence of requests."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.ids import TenantId
from node.limits import Admission, BoundedCache, LimitsConfig, RateLimit, RateLimiter, Refused

RATES = st.builds(
    RateLimit,
    name=st.just("test"),
    per_second=st.floats(0.5, 5_000),
    burst=st.floats(1, 500),
)
ARRIVALS = st.lists(st.tuples(st.integers(0, 500), st.floats(0.1, 20)), min_size=1, max_size=200)


@settings(deadline=None)
@given(limit=RATES, arrivals=ARRIVALS)
def test_never_more_than_the_burst_and_the_rate_over_any_window(
    limit: RateLimit, arrivals: list[tuple[int, float]]
) -> None:
    limiter, now_ms, admitted = RateLimiter(limit), 0, []
    for wait_ms, cost in arrivals:
        now_ms += wait_ms
        if limiter.admit(now_ms=now_ms, cost=cost) is None:
            admitted.append((now_ms, min(cost, limit.burst)))

    for first, (start_ms, _) in enumerate(admitted):
        total = 0.0
        for time_ms, cost in admitted[first:]:
            total += cost
            allowed = limit.burst + (time_ms - start_ms) / 1_000 * limit.per_second
            assert total <= allowed + 0.01


@settings(deadline=None)
@given(limit=RATES, arrivals=ARRIVALS)
def test_who_comes_back_when_told_is_admitted(
    limit: RateLimit, arrivals: list[tuple[int, float]]
) -> None:
    limiter, now_ms = RateLimiter(limit), 0
    for wait_ms, cost in arrivals:
        now_ms += wait_ms
        refused = limiter.admit(now_ms=now_ms, cost=cost)
        if refused is not None:
            now_ms += refused.retry_delay_ms
            assert limiter.admit(now_ms=now_ms, cost=cost) is None


def test_a_cost_above_the_burst_is_not_refused_for_ever() -> None:
    limiter = RateLimiter(RateLimit(name="test", per_second=10, burst=5))

    assert limiter.admit(now_ms=0, cost=1_000) is None
    assert limiter.admit(now_ms=0, cost=1) == Refused("test", 100)


def test_a_tenant_has_its_own_places_and_leaves_the_others_theirs() -> None:
    admission = Admission(LimitsConfig(tenant_concurrency_max=2, concurrency_max=3))
    one, two = admission.of(TenantId("one")), admission.of(TenantId("two"))
    assert one.admit(now_ms=0, cost=1) is None
    assert one.admit(now_ms=0, cost=1) is None

    assert one.admit(now_ms=0, cost=1) == Refused("tenant-concurrency", 100)
    assert two.admit(now_ms=0, cost=1) is None
    assert two.admit(now_ms=0, cost=1) == Refused("concurrency", 100)

    one.release()
    assert two.admit(now_ms=0, cost=1) is None


def test_one_tenant_at_its_rate_does_not_slow_another() -> None:
    rate = RateLimit(name="tenant-rate", per_second=1, burst=1)
    admission = Admission(LimitsConfig(tenant_rate=rate))
    assert admission.of(TenantId("one")).admit(now_ms=0, cost=1) is None

    assert admission.of(TenantId("one")).admit(now_ms=0, cost=1) == Refused("tenant-rate", 1_000)
    assert admission.of(TenantId("two")).admit(now_ms=0, cost=1) is None


@settings(deadline=None)
@given(keys=st.lists(st.integers(0, 20), max_size=200), count_max=st.integers(1, 8))
def test_a_cache_keeps_the_entries_used_last(keys: list[int], count_max: int) -> None:
    cache: BoundedCache[int, str] = BoundedCache(count_max=count_max)
    order: list[int] = []
    for key in keys:
        if cache.get(key) is None:
            cache.put(key, str(key))
        order = [other for other in order if other != key][-(count_max - 1) or len(order) :]
        order.append(key)

    assert len(cache) == len(order) <= count_max
    assert all(cache.get(key) == str(key) for key in order)


def test_nonsense_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="burst"):
        RateLimit(name="x", per_second=1, burst=0)
    with pytest.raises(ValueError, match="concurrency"):
        LimitsConfig(tenant_concurrency_max=10, concurrency_max=5)
    with pytest.raises(ValueError, match="count_max"):
        BoundedCache(count_max=0)
