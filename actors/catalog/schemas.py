"""From stored settings to what the index wants to know of them."""

from collections.abc import Mapping

from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, FieldSetting, Schema
from protos.internal.records_pb2 import FieldRecord, TenantSettings


def schema_of(settings: TenantSettings, fields: Mapping[str, FieldRecord]) -> Schema:
    """The schema that segments are written with and queries are read with."""
    return Schema(
        language_codes=tuple(settings.language_codes) or ("en",),
        fields={
            key: FieldSetting(
                search_weight=record.search_weight,
                facetable=record.facetable,
                filterable=record.filterable,
                sortable=record.sortable,
            )
            for key, record in fields.items()
        },
        average_lengths=DEFAULT_AVERAGE_LENGTHS,
        weights_version=settings.weights_version,
    )
