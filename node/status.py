"""Errors as they travel: our own tree to google.rpc.Status bytes, and back.

The bytes stand in an Answer between replica and front, in `grpc-status-details-bin` between front
and client, and in the items of an import. At most one detail of each type (AIP-193): ErrorInfo
always, BadRequest when fields are at fault, RetryInfo when waiting helps.
"""

from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from node.errors import (
    AbortedError,
    AlreadyExistsError,
    Code,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    InvariantError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SaluhallError,
    StorageError,
    UnauthenticatedError,
    UnavailableError,
    Violation,
)

DOMAIN: Final = "saluhall"
STATUS_METADATA_KEY: Final = "grpc-status-details-bin"

STATUS_SIZE_MAX: Final = 4_096
"""The bytes travel in a header, in base64, beside the message: clients take 8 KiB of headers."""

_MESSAGE_LENGTH_MAX: Final = 512
_TEXT_LENGTH_MAX: Final = 256
_VIOLATIONS_MAX: Final = 32

_BY_CODE: Final[dict[int, type[SaluhallError]]] = {
    error.code: error
    for error in (
        InvalidArgumentError,
        NotFoundError,
        AlreadyExistsError,
        FailedPreconditionError,
        AbortedError,
        UnauthenticatedError,
        PermissionDeniedError,
        ResourceExhaustedError,
        UnavailableError,
        DeadlineExceededError,
        InvariantError,
    )
}


def status_bytes(error: BaseException) -> bytes:
    """A serialised google.rpc.Status for any exception.

    Text of exceptions that are not ours, and of broken invariants, stays here: callers get
    INTERNAL and no word of what is inside.
    """
    if not isinstance(error, SaluhallError) or isinstance(error, InvariantError):
        error = SaluhallError("Something failed inside the platform; its log says what")
        error.code = Code.INTERNAL
        error.reason = InvariantError.reason
    violations_max = min(len(error.violations), _VIOLATIONS_MAX)
    while len(content := _serialise(error, violations_max)) > STATUS_SIZE_MAX and violations_max:
        violations_max //= 2
    return content


def error_from_status_bytes(content: bytes) -> SaluhallError:
    """The error that these bytes stand for, as the class of our tree that has its code.

    Bytes that are no Status become an INTERNAL error. Details that are not ours are left out.
    """
    try:
        status = Status.FromString(content)
        code = Code(status.code)
    except (DecodeError, ValueError):
        return InvariantError("An error arrived that could not be read")
    reason, metadata, violations, retry_delay_ms = code.name, {}, [], None
    for packed in status.details:
        info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
        if packed.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif packed.Unpack(bad):
            violations = [Violation(v.field, v.description) for v in bad.field_violations]
        elif packed.Unpack(retry):
            retry_delay_ms = retry.retry_delay.ToMilliseconds()
    kind = StorageError if reason == StorageError.reason else _BY_CODE.get(code, SaluhallError)
    error = kind.__new__(kind)
    # Subclasses may have arguments of their own; what every error carries is set by the root.
    SaluhallError.__init__(
        error,
        status.message,
        reason=reason,
        metadata=metadata,
        violations=violations,
        retry_delay_ms=retry_delay_ms,
    )
    error.code = code
    return error


def _serialise(error: SaluhallError, violations_max: int) -> bytes:
    status = Status(code=int(error.code), message=_cut(error.message, _MESSAGE_LENGTH_MAX))
    for detail in _details(error, violations_max):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return bytes(status.SerializeToString())


def _details(error: SaluhallError, violations_max: int) -> list[ErrorInfo | BadRequest | RetryInfo]:
    metadata = {key: _cut(value, _TEXT_LENGTH_MAX) for key, value in error.metadata.items()}
    if len(error.violations) > violations_max:
        metadata["violations_omitted"] = str(len(error.violations) - violations_max)
    details = [ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)]
    if violations_max:
        bad = BadRequest()
        for violation in error.violations[:violations_max]:
            bad.field_violations.add(
                field=_cut(violation.field, _TEXT_LENGTH_MAX),
                description=_cut(violation.description, _TEXT_LENGTH_MAX),
            )
        details.append(bad)
    if error.retry_delay_ms is not None:
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(error.retry_delay_ms)
        details.append(retry)
    return details


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1] + "…"
