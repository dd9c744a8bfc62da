"""Every field that holds personal data says what kind it is, what for, and how long it is kept."""

import itertools

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor
from personal_data import (
    EXCEPTIONS,
    IMPERSONAL_MESSAGES,
    PERSONAL_MESSAGES,
    all_messages,
    faults_of,
    unknown_within,
)

from protos.v1 import event_pb2, privacy_options_pb2, privacy_pb2, recommend_pb2
from protos.v1.privacy_options_pb2 import PersonalData, personal

_FILES = itertools.count()


def requests() -> list[Descriptor]:
    """Of the services that are told of visitors."""
    services = (
        event_pb2.DESCRIPTOR.services_by_name["EventService"],
        recommend_pb2.DESCRIPTOR.services_by_name["RecommendService"],
        privacy_pb2.DESCRIPTOR.services_by_name["PrivacyService"],
    )
    return [method.input_type for service in services for method in service.methods]


def made(name: str, *fields: tuple[str, PersonalData | None], type_number: int = 9) -> Descriptor:
    """A message of the package saluhall.v1 with these fields."""
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, privacy_options_pb2.DESCRIPTOR):
        proto = descriptor_pb2.FileDescriptorProto()
        needed.CopyToProto(proto)
        pool.Add(proto)
    file = descriptor_pb2.FileDescriptorProto(
        name=f"made{next(_FILES)}.proto", package="saluhall.v1"
    )
    file.dependency.append("protos/v1/privacy_options.proto")
    message = file.message_type.add(name=name)
    for number, (field_name, said) in enumerate(fields, 1):
        field = message.field.add(name=field_name, number=number, type=type_number, label=1)
        if said is not None:
            field.options.Extensions[personal].CopyFrom(said)
    pool.Add(file)
    return pool.FindMessageTypeByName(f"saluhall.v1.{name}")


COMPLETE = PersonalData(
    category=PersonalData.BEHAVIOUR,
    purposes=[PersonalData.STATISTICS],
    retention=PersonalData.EVENTS,
)


def test_every_field_with_personal_data_is_annotated() -> None:
    messages = all_messages()

    assert len(messages) > 100
    assert faults_of(messages) == []


def test_every_message_that_visitors_are_told_of_in_is_declared() -> None:
    """A new message within a request is refused until somebody has decided what it is."""
    assert unknown_within(requests()) == []


def test_what_is_declared_exists() -> None:
    names = {message.full_name for message in all_messages()}
    fields = {f"{m.full_name}.{field.name}" for m in all_messages() for field in m.fields}

    assert names >= PERSONAL_MESSAGES
    assert names >= {name for name in IMPERSONAL_MESSAGES if name.startswith("saluhall.")}
    assert fields >= EXCEPTIONS.keys()


def test_a_new_field_of_a_personal_message_is_refused() -> None:
    found = faults_of([made("Event", ("colour_of_eyes", None))])

    assert found == [
        "saluhall.v1.Event.colour_of_eyes: is not annotated, and all of its message is personal"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "visitor_id",
        "visitor",
        "session_key",
        "order_id",
        "email",
        "e_mail",
        "phone",
        "ip",
        "client_ip",
        "last_query",
        "query",
        "words",
        "storage_id",
        "cart",
        "consent",
        "user",
        "customer_number",
        "device_id",
    ],
)
def test_a_field_whose_name_speaks_of_a_person_is_refused_in_any_message(name: str) -> None:
    assert len(faults_of([made("Anything", (name, None))])) == 1
    assert faults_of([made("Anything", (name, COMPLETE))]) == []


@pytest.mark.parametrize(
    "name", ["order_by", "description", "ship", "tags", "skip", "recipe", "stage"]
)
def test_a_field_whose_name_speaks_of_nobody_is_not_asked(name: str) -> None:
    assert faults_of([made("Anything", (name, None))]) == []


def test_a_number_of_visitors_is_not_asked() -> None:
    int64 = descriptor_pb2.FieldDescriptorProto.TYPE_INT64

    assert faults_of([made("Anything", ("visitor_count", None), type_number=int64)]) == []


def test_an_annotation_that_leaves_something_open_is_refused() -> None:
    found = faults_of([made("Event", ("place", PersonalData(category=PersonalData.BEHAVIOUR)))])

    assert found == [
        "saluhall.v1.Event.place: has no purpose",
        "saluhall.v1.Event.place: has no retention",
    ]


def test_a_new_message_within_a_request_is_refused() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="new.proto", package="saluhall.v1")
    file.message_type.add(name="Household")
    request = file.message_type.add(name="AskRequest")
    request.field.add(
        name="household", number=1, type=11, label=1, type_name=".saluhall.v1.Household"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    found = unknown_within([pool.FindMessageTypeByName("saluhall.v1.AskRequest")])

    assert found == ["saluhall.v1.Household"]
