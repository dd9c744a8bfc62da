"""How a field is known to hold personal data, and what it then has to say."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

import protos.internal
import protos.v1
from protos.v1.privacy_options_pb2 import PersonalData, personal

PERSONAL_MESSAGES: Final = frozenset(
    {
        "saluhall.v1.Event",
        "saluhall.v1.EventProduct",
        "saluhall.v1.ExportedEvent",
        "saluhall.v1.RecommendContext",
        "saluhall.v1.Visitor",
        "saluhall.internal.ErasureRecord",
        "saluhall.internal.EventContent",
        "saluhall.internal.EventRecord",
        "saluhall.internal.VisitorRecord",
    }
)
"""All that these say is said of one person: every field of theirs is annotated."""

IMPERSONAL_MESSAGES: Final = frozenset(
    {
        "google.protobuf.FieldMask",
        "google.protobuf.Timestamp",
        "google.protobuf.Any",
        "google.rpc.Status",
        # What the shop asks for, and what it has: not who it is shown to.
        "saluhall.v1.Placement",
        "saluhall.v1.ProductFactor",
        "saluhall.v1.Retention",
    }
)
"""Other messages within requests of the three services: what they say is said of nobody."""

NAMES: Final = re.compile(
    r"visitor|session|shopper|customer|person|user|consent|order_id|event_id|storage_id|e_?mail|phone|address"
    r"|(^|_)(ip|tag|query|queries|words|cart|basket|birth|gender|device|cookie|location)(_|$)"
)
"""Names that speak of persons, of what they typed, or of what stands for them."""

EXCEPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "saluhall.v1.ProcessStatus.address": "where a process of the server listens",
        "saluhall.v1.GetAnalyticsResponse.queries": "figures of what at least 20 visitors searched",
        "saluhall.v1.GetAnalyticsResponse.no_result_queries": "as queries",
        "saluhall.v1.GetAnalyticsResponse.trending_queries": "as queries",
        "saluhall.v1.RuleCondition.query_is": "a merchandiser's",
        "saluhall.v1.RuleCondition.query_contains": "a merchandiser's",
        "saluhall.v1.ReplaceAction.words": "a merchandiser's",
        "saluhall.v1.Synonym.words": "a merchandiser's",
        "saluhall.v1.TextSettings.stop_words": "a merchandiser's",
        "saluhall.v1.Explanation.words": "of a product, for the caller who sent the query",
        "saluhall.v1.SuggestResponse.queries": "what at least 20 visitors searched, or the catalogue says",
        "saluhall.v1.QuerySuggestion.query": "as SuggestResponse.queries",
        "saluhall.internal.QueryRecord.words": "stored once at least 20 visitors have searched them",
        "saluhall.internal.RetentionProgressRecord.words_key": "a place in a table",
        "saluhall.internal.AttributionContent.query_hash": "a keyed hash of words, tied to nobody",
    }
)
"""Fields whose names speak of persons while they do not, and why."""

_NUMBERS: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_DOUBLE,
        FieldDescriptor.TYPE_FLOAT,
    }
)
"""A number that is named after persons counts them."""


def faults_of(messages: Iterable[Descriptor]) -> list[str]:
    """Every field that holds personal data by these rules, and does not say what it has to."""
    return [fault for message in messages for field in message.fields for fault in _faults(field)]


def unknown_within(requests: Iterable[Descriptor]) -> list[str]:
    """Messages inside requests that nobody has yet declared to be personal or not."""
    known = PERSONAL_MESSAGES | IMPERSONAL_MESSAGES
    within = {
        message.full_name for request in requests for message in _reachable(request, set())
    } - {request.full_name for request in requests}
    return sorted(within - known)


def all_messages() -> list[Descriptor]:
    """Of the public API and of what is stored."""
    return [
        message
        for module in _modules()
        for top in _file(module).message_types_by_name.values()
        for message in _with_nested(top)
    ]


def _faults(field: FieldDescriptor) -> Iterator[str]:
    owner = field.containing_type
    assert owner is not None
    name = f"{owner.full_name}.{field.name}"
    options = field.GetOptions()
    if options.HasExtension(personal):
        yield from (f"{name}: {fault}" for fault in _incomplete(options.Extensions[personal]))
    elif field.message_type is not None and field.message_type.full_name in PERSONAL_MESSAGES:
        return  # Each field of that message says it for itself.
    elif owner.full_name in PERSONAL_MESSAGES:
        yield f"{name}: is not annotated, and all of its message is personal"
    elif _speaks_of_persons(field) and name not in EXCEPTIONS:
        yield f"{name}: is not annotated, and its name speaks of a person"


def _speaks_of_persons(field: FieldDescriptor) -> bool:
    return field.type not in _NUMBERS and NAMES.search(field.name) is not None


def _incomplete(said: PersonalData) -> Iterator[str]:
    if said.category == PersonalData.CATEGORY_UNSPECIFIED:
        yield "has no category"
    if not said.purposes or PersonalData.PURPOSE_UNSPECIFIED in said.purposes:
        yield "has no purpose"
    if said.retention == PersonalData.RETENTION_UNSPECIFIED:
        yield "has no retention"


def _reachable(message: Descriptor, seen: set[str]) -> Iterator[Descriptor]:
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    yield message
    for field in message.fields:
        if field.message_type is not None:
            yield from _reachable(field.message_type, seen)


def _with_nested(message: Descriptor) -> Iterator[Descriptor]:
    yield message
    for nested in message.nested_types:
        yield from _with_nested(nested)


def _modules() -> Iterator[ModuleType]:
    for package in (protos.v1, protos.internal):
        for found in pkgutil.iter_modules(package.__path__):
            if found.name.endswith("_pb2"):
                yield importlib.import_module(f"{package.__name__}.{found.name}")


def _file(module: ModuleType) -> FileDescriptor:
    descriptor: FileDescriptor = module.DESCRIPTOR
    return descriptor
