"""From stored settings to what the index wants to know of them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from actors.index.schema import (
    DEFAULT_AVERAGE_LENGTHS,
    FieldSetting,
    Schema,
    weights_version_of,
)
from actors.text.lists import TextLists
from protos.internal.records_pb2 import FieldRecord, TenantSettings

_SETTINGS_MAX: Final = 1_024


def schema_of(
    settings: TenantSettings, fields: Mapping[str, FieldRecord], texts: Mapping[str, TextLists]
) -> Schema:
    """The schema that segments are written with and queries are read with.

    Args:
        settings: of the tenant.
        fields: what each field is used for, by key.
        texts: what the tenant reads differently, by language.
    """
    return Schema(
        language_codes=tuple(settings.language_codes) or ("en",),
        fields={
            key: _setting(
                search_weight=record.search_weight,
                facetable=record.facetable,
                filterable=record.filterable,
                sortable=record.sortable,
            )
            for key, record in fields.items()
        },
        average_lengths=DEFAULT_AVERAGE_LENGTHS,
        weights_version=weights_version_of(settings.weights_version),
        texts=texts,
    )


@lru_cache(_SETTINGS_MAX)
def _setting(
    *, search_weight: float, facetable: bool, filterable: bool, sortable: bool
) -> FieldSetting:
    """Thousands of fields have few settings, and an import that learns fields asks for all of them again."""
    return FieldSetting(
        search_weight=search_weight,
        facetable=facetable,
        filterable=filterable,
        sortable=sortable,
    )
