"""The calls for a shop's own figures."""

from datetime import date
from typing import Final

from node.client.calls import READ_DEADLINE_MS, Call
from protos.v1 import analytics_pb2

_ANALYTICS: Final = "/saluhall.v1.AnalyticsService/"


def get_analytics(
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    row_count: int = 0,
    deadline_ms: int = READ_DEADLINE_MS,
) -> Call[analytics_pb2.GetAnalyticsResponse]:
    """Searches, clicks, purchases and revenue of some days (UTC), the last 28 by default."""
    request = analytics_pb2.GetAnalyticsRequest(
        first_day=first_day.isoformat() if first_day else "",
        last_day=last_day.isoformat() if last_day else "",
        row_count=row_count,
    )
    return Call(
        _ANALYTICS + "GetAnalytics", request, analytics_pb2.GetAnalyticsResponse, deadline_ms
    )
