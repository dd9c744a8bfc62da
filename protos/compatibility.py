"""Keeps the public API compatible: what was once in `v1/api.json` must stay as it was.

The rules are those of buf's WIRE_JSON category: a field keeps its number, name, type and cardinality,
an enum value its number and name, a method its messages and streaming. A field or value may go only
when its number is reserved.

Run `python protos/compatibility.py` to record additions; it refuses what breaks the contract.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

API_FILE: Final = Path(__file__).parent / "v1" / "api.json"
Contract = dict[str, dict[str, str]]


def load_files() -> list[FileDescriptor]:
    """The descriptors of every file of the public API."""
    names = sorted(path.stem for path in (Path(__file__).parent / "v1").glob("*.proto"))
    return [importlib.import_module(f"protos.v1.{name}_pb2").DESCRIPTOR for name in names]


def describe(files: list[FileDescriptor]) -> Contract:
    """Every message, enum and service, each with its members as text."""
    contract: Contract = {}
    for file in files:
        for message in file.message_types_by_name.values():
            _describe_message(message, contract)
        for enum in file.enum_types_by_name.values():
            _describe_enum(enum, contract)
        for service in file.services_by_name.values():
            contract[service.full_name] = {
                method.name: " ".join(
                    (
                        "stream" if method.client_streaming else "unary",
                        method.input_type.full_name,
                        "stream" if method.server_streaming else "unary",
                        method.output_type.full_name,
                    )
                )
                for method in service.methods
            }
    return contract


def incompatibilities(old: Contract, new: Contract) -> list[str]:
    """Sentences that say what of `old` is gone or different in `new`."""
    found = []
    for name, members in old.items():
        if name not in new:
            found.append(f"{name} is gone")
            continue
        for member, meaning in members.items():
            now = new[name].get(member)
            if now is None:
                found.append(f"{name} {member} ({meaning}) is gone; reserve its number instead")
            elif now not in {meaning, "reserved"}:
                found.append(f"{name} {member} was ({meaning}) and is ({now})")
    return found


def _describe_message(message: Descriptor, contract: Contract) -> None:
    members = {str(field.number): _describe_field(field) for field in message.fields}
    proto = DescriptorProto()
    message.CopyToProto(proto)
    for reserved in proto.reserved_range:
        members |= {str(number): "reserved" for number in range(reserved.start, reserved.end)}
    contract[message.full_name] = members
    for nested in message.nested_types:
        _describe_message(nested, contract)
    for enum in message.enum_types:
        _describe_enum(enum, contract)


def _describe_enum(enum: EnumDescriptor, contract: Contract) -> None:
    members = {str(value.number): value.name for value in enum.values}
    proto = EnumDescriptorProto()
    enum.CopyToProto(proto)
    for reserved in proto.reserved_range:
        members |= {str(number): "reserved" for number in range(reserved.start, reserved.end + 1)}
    contract[enum.full_name] = members


def _describe_field(field: FieldDescriptor) -> str:
    kind = str(field.type)
    if field.message_type is not None:
        kind = field.message_type.full_name
    elif field.enum_type is not None:
        kind = field.enum_type.full_name
    many = "repeated" if field.is_repeated else "single"
    presence = "optional" if field.has_presence else "implicit"
    return f"{field.name} {kind} {many} {presence}"


def record() -> None:
    """Add what is new to `api.json`; refuse to record a break."""
    new = describe(load_files())
    old = json.loads(API_FILE.read_text(encoding="utf-8")) if API_FILE.exists() else {}
    found = incompatibilities(old, new)
    if found:
        raise SystemExit("The public API would break:\n" + "\n".join(found))
    API_FILE.write_text(json.dumps(new, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    record()
