"""Whether one more request may begin: for this tenant, and for the front as a whole."""

from dataclasses import dataclass, field
from typing import Final

from node.ids import TenantId
from node.limits.bounded import BoundedCache
from node.limits.rate import RateLimit, RateLimiter, Refused

CONCURRENCY_RETRY_MS: Final = 100
"""A place becomes free when any request ends; most end well within this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """What one front admits. Meant to protect: ordinary use, and a load test, stay far below."""

    tenant_rate: RateLimit = field(
        default_factory=lambda: RateLimit(name="tenant-rate", per_second=10_000, burst=20_000)
    )
    """In cost units: a search costs 1. A front serves some 3,000 searches a second on two cores."""

    verification_rate: RateLimit = field(
        default_factory=lambda: RateLimit(name="verification-rate", per_second=500, burst=1_000)
    )
    """Per tenant: keys asked of its replica. It has at most 100, each asked twice a second."""

    tenant_concurrency_max: int = 512
    """Requests of one tenant at a time, those included whose body has not arrived yet."""

    concurrency_max: int = 2_048
    """Requests of all tenants at a time."""

    tenants_max: int = 10_000
    """Tenants whose counts are remembered; the one seen least recently is forgotten first."""

    def __post_init__(self) -> None:
        if not 0 < self.tenant_concurrency_max <= self.concurrency_max or self.tenants_max < 1:
            raise ValueError("concurrency must be positive, a tenant's at most the front's")


class TenantAdmission:
    """The counts of one tenant. Each `admit` that is answered with None needs one `release`."""

    __slots__ = ("_admission", "_rate", "running_count", "verifications")

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self._rate = RateLimiter(admission.config.tenant_rate)
        self.verifications = RateLimiter(admission.config.verification_rate)
        self.running_count = 0

    def admit(self, *, now_ms: float, cost: float) -> Refused | None:
        """None when one more request may begin; it is counted until `release`."""
        admission, config = self._admission, self._admission.config
        if self.running_count >= config.tenant_concurrency_max:
            return Refused("tenant-concurrency", CONCURRENCY_RETRY_MS)
        if admission.running_count >= config.concurrency_max:
            return Refused("concurrency", CONCURRENCY_RETRY_MS)
        # Last, so that a request refused above does not use up any of the rate.
        refused = self._rate.admit(now_ms=now_ms, cost=cost)
        if refused is None:
            self.running_count += 1
            admission.running_count += 1
        return refused

    def charge(self, *, now_ms: float, cost: float) -> Refused | None:
        """Count work inside a request that runs already, such as one message of an import."""
        return self._rate.admit(now_ms=now_ms, cost=cost)

    def release(self) -> None:
        """One admitted request has ended."""
        self.running_count -= 1
        self._admission.running_count -= 1


class Admission:
    """All tenants' counts, and their sum."""

    def __init__(self, config: LimitsConfig) -> None:
        self.config = config
        self.running_count = 0
        self._tenants: BoundedCache[TenantId, TenantAdmission] = BoundedCache(
            count_max=config.tenants_max
        )

    def of(self, tenant_id: TenantId) -> TenantAdmission:
        """The counts of one tenant; requests under way keep the ones they began with."""
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            tenant = TenantAdmission(self)
            self._tenants.put(tenant_id, tenant)
        return tenant
