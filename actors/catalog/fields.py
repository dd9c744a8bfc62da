"""Reading and editing the settings of fields."""

from typing import Final

from actors.model.fields import UNSEARCHABLE
from actors.model.pages import decode_page_token, encode_page_token
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import FIELDS, SETTINGS
from node.errors import InvalidArgumentError, NotFoundError
from protos.internal.records_pb2 import FieldRecord
from protos.v1.catalog_pb2 import (
    Field,
    ListFieldsRequest,
    ListFieldsResponse,
    UpdateFieldRequest,
    UpdateFieldResponse,
)

WEIGHT_MAX: Final = 100.0
PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 1_000
SETTINGS_KEY: Final = b"tenant"
_EDITABLE: Final = ("search_weight", "facetable", "filterable", "sortable")


def read_fields(view: ReadView) -> list[FieldRecord]:
    """The settings of every field, by key."""
    return [FieldRecord.FromString(bytes(value)) for _, value in view.range(FIELDS)]


def list_fields(request: ListFieldsRequest, view: ReadView) -> ListFieldsResponse:
    """A page of settings, by key."""
    size = page_size(request.page_size, default=PAGE_SIZE_DEFAULT, maximum=PAGE_SIZE_MAX)
    start = decode_page_token(request.page_token, scope="fields")
    response = ListFieldsResponse()
    for key, value in view.range(FIELDS, b"", start):
        if len(response.fields) == size:
            response.next_page_token = encode_page_token(bytes(key), scope="fields")
            break
        response.fields.append(to_field(FieldRecord.FromString(bytes(value))))
    return response


def resolve_update_field(request: UpdateFieldRequest, context: WriteContext) -> Resolution:
    """Edit one field's settings. A new weight shows in results when the index has been rebuilt."""
    key = request.field.key
    known = context.fields.records.get(key)
    if known is None:
        raise NotFoundError(
            f"field.key: this catalogue has no field {key[:80]!r}; ListFields names them",
            reason="FIELD_NOT_FOUND",
        )
    paths = list(request.update_mask.paths) or list(_EDITABLE)
    for path in paths:
        if path not in _EDITABLE:
            raise InvalidArgumentError.of(
                "update_mask", f'"{path[:80]}" cannot be edited; use {", ".join(_EDITABLE)}'
            )
    _check_weight(request.field, paths)
    record = FieldRecord()
    record.CopyFrom(known)
    for path in paths:
        setattr(record, path, getattr(request.field, path))
    record.inferred = False
    resolution = Resolution(UpdateFieldResponse(field=to_field(record)))
    if record == known:
        return resolution
    resolution.put(FIELDS, key.encode(), record)
    if record.search_weight != known.search_weight:
        context.settings.weights_version += 1
        resolution.put(SETTINGS, SETTINGS_KEY, context.settings)
    context.fields.replace(record)
    return resolution


def to_field(record: FieldRecord) -> Field:
    """A field's settings as the API shows them."""
    return Field(
        key=record.key,
        search_weight=record.search_weight,
        facetable=record.facetable,
        filterable=record.filterable,
        sortable=record.sortable,
        has_texts=record.has_texts,
        has_numbers=record.has_numbers,
        has_booleans=record.has_booleans,
        inferred=record.inferred,
    )


def page_size(asked: int, *, default: int, maximum: int) -> int:
    """AIP-158: absent is the default, too much is the maximum, negative is an error."""
    if asked < 0:
        raise InvalidArgumentError.of("page_size", f"is {asked}; must be at least 0")
    return min(asked or default, maximum)


def _check_weight(field: Field, paths: list[str]) -> None:
    if "search_weight" not in paths:
        return
    if not 0 <= field.search_weight <= WEIGHT_MAX:
        raise InvalidArgumentError.of("field.search_weight", "must lie between 0 and 100")
    if field.search_weight and field.key in UNSEARCHABLE:
        raise InvalidArgumentError.of(
            "field.search_weight", f"{field.key} holds no words; filter or sort by it instead"
        )
