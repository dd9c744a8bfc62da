"""A call's body as the message that it is to be."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from node.errors import InvalidArgumentError

RequestT = TypeVar("RequestT", bound=Message)


def parse(message_type: type[RequestT], body: bytes) -> RequestT:
    """The message. Raises InvalidArgumentError when the body is none of its type."""
    try:
        return message_type.FromString(body)
    except DecodeError as error:
        raise InvalidArgumentError(
            f"the body is no {message_type.DESCRIPTOR.name}, or a text in it is not UTF-8; "
            "send what the generated client code serialises",
            reason="BODY_MALFORMED",
        ) from error
