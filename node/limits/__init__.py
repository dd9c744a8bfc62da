"""How much anyone may ask for: pure decisions. Time is passed in; nothing waits or is sent."""

from node.limits.admission import Admission, LimitsConfig, TenantAdmission
from node.limits.bounded import BoundedCache
from node.limits.rate import RateLimit, RateLimiter, Refused

__all__ = [
    "Admission",
    "BoundedCache",
    "LimitsConfig",
    "RateLimit",
    "RateLimiter",
    "Refused",
    "TenantAdmission",
]
