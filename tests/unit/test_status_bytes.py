"""Errors on the wire: what survives the journey, what never leaves the platform."""

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import (
    Code,
    InvalidArgumentError,
    InvariantError,
    ResourceExhaustedError,
    SaluhallError,
    StorageError,
    UnavailableError,
    Violation,
)
from node.keys import KeyInvalidError
from node.link import LinkBrokenError
from node.status import STATUS_SIZE_MAX, error_from_status_bytes, status_bytes

ERROR_CLASSES = [
    c
    for c in SaluhallError.__subclasses__()
    if c is not InvariantError and c.__module__ == SaluhallError.__module__
]


@pytest.mark.parametrize("kind", ERROR_CLASSES)
def test_an_error_arrives_as_what_it_was(kind: type[SaluhallError]) -> None:
    sent = kind(
        "what failed",
        reason="REASON" if kind is not StorageError else None,
        metadata={"tenant": "demo"},
        violations=[Violation("products[3].title", "is empty")],
        retry_delay_ms=1_500,
    )

    arrived = error_from_status_bytes(status_bytes(sent))

    assert type(arrived) is kind
    for name in ("code", "message", "reason", "metadata", "violations", "retry_delay_ms"):
        assert getattr(arrived, name) == getattr(sent, name)


def test_at_most_one_detail_of_each_type() -> None:
    error = InvalidArgumentError(
        "two fields", violations=[Violation("a", "x"), Violation("b", "y")], retry_delay_ms=5
    )

    status = Status.FromString(status_bytes(error))

    kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
    assert kinds == ["ErrorInfo", "BadRequest", "RetryInfo"]


@pytest.mark.parametrize("error", [ValueError("the secret"), InvariantError("the secret")])
def test_text_of_bugs_never_leaves_the_platform(error: Exception) -> None:
    content = status_bytes(error)

    arrived = error_from_status_bytes(content)

    assert b"secret" not in content
    assert arrived.code is Code.INTERNAL
    assert arrived.reason == "INTERNAL"


@settings(deadline=None)
@given(
    message=st.text(max_size=5_000),
    fields=st.lists(st.tuples(st.text(max_size=500), st.text(max_size=2_000)), max_size=200),
)
def test_a_status_always_fits_a_header(message: str, fields: list[tuple[str, str]]) -> None:
    error = InvalidArgumentError(message, violations=[Violation(*field) for field in fields])

    content = status_bytes(error)

    assert len(content) <= STATUS_SIZE_MAX
    kept = error_from_status_bytes(content)
    omitted = int(kept.metadata.get("violations_omitted", 0))
    assert len(kept.violations) + omitted == len(fields)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_damaged_bytes_become_an_error_too(content: bytes) -> None:
    assert isinstance(error_from_status_bytes(content), SaluhallError)


def test_errors_with_arguments_of_their_own_arrive_as_their_family() -> None:
    broken = error_from_status_bytes(status_bytes(LinkBrokenError("gone", may_have_run=True)))
    invalid = error_from_status_bytes(status_bytes(KeyInvalidError()))
    busy = error_from_status_bytes(status_bytes(ResourceExhaustedError("x", retry_delay_ms=7)))

    assert (type(broken), broken.reason) == (UnavailableError, "REPLICA_GONE")
    assert invalid.reason == "KEY_INVALID"
    assert busy.retry_delay_ms == 7
