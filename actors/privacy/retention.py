"""How many days a tenant keeps what: shown and set. What is due is deleted by `actors/event_care.py`."""

from actors.events.retention import DAYS_MAX, RETENTION_KEY, RetentionDays, read_retention
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import RETENTION
from node.errors import InvalidArgumentError
from protos.internal.records_pb2 import RetentionRecord
from protos.v1.privacy_pb2 import Retention, UpdateRetentionRequest, UpdateRetentionResponse


def get_retention(view: ReadView) -> Retention:
    """What holds, whether it was set or is the default."""
    return _to_retention(read_retention(view))


def resolve_update_retention(request: UpdateRetentionRequest, context: WriteContext) -> Resolution:
    """Set what is not 0. Shorter times take effect within seconds, for everything that is kept already."""
    wanted = request.retention
    for name in ("events_days", "searches_days"):
        if not 0 <= getattr(wanted, name) <= DAYS_MAX:
            raise InvalidArgumentError.of(
                f"retention.{name}", f"must be 1 to {DAYS_MAX}, or 0: unchanged"
            )
    before = read_retention(context.view)
    after = RetentionDays(
        wanted.events_days or before.events, wanted.searches_days or before.searches
    )
    resolution = Resolution(UpdateRetentionResponse(retention=_to_retention(after)))
    if after != before:
        record = RetentionRecord(events_days=after.events, searches_days=after.searches)
        resolution.put(RETENTION, RETENTION_KEY, record)
    return resolution


def _to_retention(days: RetentionDays) -> Retention:
    return Retention(events_days=days.events, searches_days=days.searches)
