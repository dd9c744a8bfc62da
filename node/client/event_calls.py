"""The call that tells a tenant what its visitors did.

It reads like `shop_calls`; it needs no request id, since each event's own id makes sending it again harmless.
"""

from collections.abc import Sequence
from typing import Final

from node.client.calls import WRITE_DEADLINE_MS, Call
from protos.v1 import event_pb2

_EVENTS: Final = "/saluhall.v1.EventService/"


def write_events(
    events: Sequence[event_pb2.Event],
    *,
    validate_only: bool = False,
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[event_pb2.WriteEventsResponse]:
    """Up to 1,000 events of any age and order; each has a result of its own, in the same order."""
    request = event_pb2.WriteEventsRequest(
        events=events, request_id=request_id, validate_only=validate_only
    )
    return Call(_EVENTS + "WriteEvents", request, event_pb2.WriteEventsResponse, deadline_ms)
