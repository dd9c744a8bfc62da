"""Messages as TOML tables: the keys are the protocol's fields, a value that is not set is left out.

Enumerations are written in lower case, times as TOML's times. What is written reads back as an equal
message.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from node.errors import InvalidArgumentError

MessageT = TypeVar("MessageT", bound=Message)
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_LITERAL: Final = re.compile(r"[^'\x00-\x1f\x7f]*")
_NANOS_OF_MICRO: Final = 1_000


def message_of(kind: type[MessageT], content: object, path: str = "") -> MessageT:
    """The message that a TOML table says. Raises InvalidArgumentError, naming the key."""
    if not isinstance(content, dict):
        raise InvalidArgumentError(f"{path or 'the file'}: must be a table, {{ ... }}")
    message = kind()
    fields = cast("Mapping[str, FieldDescriptor]", message.DESCRIPTOR.fields_by_name)
    for key, value in content.items():
        place = f"{path}.{key}" if path else key
        if key not in fields:
            raise InvalidArgumentError(f"{place}: is not known{near_words(key, list(fields))}")
        _refuse_second_choice(message, fields[key], place)
        _set(message, fields[key], value, place)
    return message


def near_words(word: str, known: Sequence[str]) -> str:
    """What an unknown word may have meant, to be added to the sentence that refuses it."""
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"


def inline_table(message: Message) -> str:
    """The message on one line: `{ query_is = "tv", markets = ["se"] }`."""
    parts = ", ".join(f"{name} = {text}" for name, text in pairs(message))
    return f"{{ {parts} }}" if parts else "{}"


def pairs(message: Message) -> list[tuple[str, str]]:
    """The set fields of a message in the protocol's order, each as its name and its TOML value."""
    return [(field.name, _text(field, value)) for field, value in message.ListFields()]


def toml_key(name: str) -> str:
    """A key of a table, in quotes where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else toml_value(name)


def toml_value(value: object) -> str:
    """A text, number, truth value or list of these. A text with quotes in it stands in single ones."""
    if isinstance(value, str):
        if ('"' in value or "\\" in value) and _LITERAL.fullmatch(value):
            return f"'{value}'"
        # TOML's basic strings are written as JSON's, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    assert isinstance(value, Sequence)
    return "[" + ", ".join(toml_value(each) for each in value) + "]"


def _refuse_second_choice(message: Message, field: FieldDescriptor, place: str) -> None:
    choice = field.containing_oneof
    chosen = None if choice is None else message.WhichOneof(choice.name)
    if chosen is not None:
        raise InvalidArgumentError(f"{place}: stands beside {chosen}, and only one of them can be")


def _set(message: Message, field: FieldDescriptor, value: object, place: str) -> None:
    target: Any = message
    if _is_text_map(field):
        if not isinstance(value, dict):
            raise InvalidArgumentError(f"{place}: must be a table")
        for key, each in value.items():
            text = _typed(each, str, f"{place}.{key}: must be a text")
            getattr(target, field.name)[key] = text
    elif field.is_repeated:
        if not isinstance(value, list):
            raise InvalidArgumentError(f"{place}: must be a list, [ ... ]")
        getattr(target, field.name).extend(
            _checked(field, each, f"{place}[{index}]") for index, each in enumerate(value)
        )
    elif field.message_type is not None:
        getattr(target, field.name).CopyFrom(_checked(field, value, place))
        getattr(target, field.name).SetInParent()
    else:
        setattr(target, field.name, _checked(field, value, place))


def _checked(field: FieldDescriptor, value: object, place: str) -> Any:
    """One value in the form that its field takes."""
    if field.message_type is not None:
        if field.message_type.full_name == Timestamp.DESCRIPTOR.full_name:
            return _timestamp(value, place)
        return message_of(GetMessageClass(field.message_type), value, place)
    if field.enum_type is not None:
        return _enum_number(field.enum_type, value, place)
    if field.type == FieldDescriptor.TYPE_STRING:
        return _typed(value, str, f"{place}: must be a text")
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _typed(value, bool, f"{place}: must be true or false")
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return float(_typed(value, float, f"{place}: must be a number"))
    number = _typed(value, int, f"{place}: must be a whole number")
    if not -(1 << 31) <= number < 1 << 31:
        raise InvalidArgumentError(f"{place}: {number} is far too large")
    return number


def _typed(value: object, kind: type, sentence: str) -> Any:
    is_whole_number = type(value) is int and kind is float
    if type(value) is not kind and not is_whole_number:
        raise InvalidArgumentError(sentence)
    return value


def _enum_number(kind: EnumDescriptor, value: object, place: str) -> int:
    # The first value of each enumeration says that nothing was said: leaving the key out does too.
    numbers = {each.name.lower(): each.number for each in kind.values[1:]}
    if not isinstance(value, str) or value not in numbers:
        raise InvalidArgumentError(f"{place}: must be one of {', '.join(map(repr, numbers))}")
    return numbers[value]


def _timestamp(value: object, place: str) -> Timestamp:
    timestamp = Timestamp()
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            timestamp.FromDatetime(value)
            return timestamp
        if isinstance(value, str):
            timestamp.FromJsonString(value)
            return timestamp
    except (ValueError, OverflowError):
        pass
    raise InvalidArgumentError(
        f"{place}: must be a time with its zone, for example 2026-11-27T00:00:00+01:00"
    )


def _text(field: FieldDescriptor, value: Any) -> str:
    if _is_text_map(field):
        assert isinstance(value, Mapping)
        parts = ", ".join(f"{toml_key(key)} = {toml_value(value[key])}" for key in sorted(value))
        return f"{{ {parts} }}"
    if field.is_repeated:
        return "[" + ", ".join(_one_text(field, each) for each in value) + "]"
    return _one_text(field, value)


def _one_text(field: FieldDescriptor, value: Any) -> str:
    if isinstance(value, Timestamp):
        return _time_text(value)
    if isinstance(value, Message):
        return inline_table(value)
    if field.enum_type is not None:
        return toml_value(field.enum_type.values_by_number[value].name.lower())
    return toml_value(value)


def _time_text(timestamp: Timestamp) -> str:
    """TOML's own time, in quotes where TOML would cut its digits."""
    if timestamp.nanos % _NANOS_OF_MICRO:
        return toml_value(timestamp.ToJsonString())
    return timestamp.ToDatetime(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def _is_text_map(field: FieldDescriptor) -> bool:
    """The only kind of map that the protocol's settings have."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry
