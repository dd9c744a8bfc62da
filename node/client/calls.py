"""One call of the API as a value: what is sent where, what comes back, and how long it may take."""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, ParamSpec, TypeVar

from google.protobuf.message import Message

P = ParamSpec("P")
"""The arguments of the function that builds a call."""

AnswerT = TypeVar("AnswerT", bound=Message)

READ_DEADLINE_MS: Final = 2_000
WRITE_DEADLINE_MS: Final = 10_000
"""A write may wait for a replica that is being started again."""

OPEN_DEADLINE_MS: Final = 60_000
"""Opening a tenant starts a process."""


class Consistency(StrEnum):
    """How fresh an answer must be, beyond what this client has already seen."""

    UNSET = ""
    EVENTUAL = "eventual"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Call(Generic[AnswerT]):
    """One request, ready to be sent, by whichever client."""

    method: str
    """The gRPC path, for example "/saluhall.v1.SearchService/Search"."""

    request: Message
    answer_type: type[AnswerT]
    deadline_ms: int
    consistency: Consistency = Consistency.UNSET


def new_request_id() -> str:
    """An id that makes a write harmless to repeat; each write has one of its own."""
    return str(uuid.uuid4())
