"""The kinds of personal data that are kept, with purposes and retention, read from the protocol's own annotations."""

from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor import FieldDescriptor

from protos.v1.event_pb2 import Event, EventProduct
from protos.v1.privacy_options_pb2 import PersonalData, personal
from protos.v1.privacy_pb2 import ExportedEvent, Retention, Visitor

_MESSAGES: Final = (Event, EventProduct, ExportedEvent, Visitor)


@dataclass(frozen=True, slots=True)
class DataKind:
    """One field that holds personal data."""

    field: str
    """For example "Event.query"."""

    category: str
    """As saluhall.v1.PersonalData.Category, in small letters; so the others."""

    purposes: tuple[str, ...]
    retention: str
    retention_days: int | None
    """None: as long as the tenant has the visitor, or never stored."""


def data_kinds(retention: Retention) -> list[DataKind]:
    """Every annotated field of what an export holds.

    Args:
        retention: the tenant's days.
    """
    return [
        _kind(field, retention)
        for message in _MESSAGES
        for field in message.DESCRIPTOR.fields
        if field.GetOptions().HasExtension(personal)
    ]


def _kind(field: FieldDescriptor, retention: Retention) -> DataKind:
    said: PersonalData = field.GetOptions().Extensions[personal]
    days = {
        PersonalData.EVENTS: retention.events_days,
        PersonalData.SEARCHES: min(retention.searches_days, retention.events_days),
    }
    owner = field.containing_type
    assert owner is not None
    return DataKind(
        field=f"{owner.name}.{field.name}",
        category=PersonalData.Category.Name(said.category).lower(),
        purposes=tuple(
            PersonalData.Purpose.Name(purpose).lower() for purpose in sorted(said.purposes)
        ),
        retention=PersonalData.Retention.Name(said.retention).lower(),
        retention_days=days.get(said.retention),
    )
