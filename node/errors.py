"""Every error the platform raises: one tree, each with its gRPC code and what to do about it.

SaluhallError
├── InvalidArgumentError     the request can never succeed as it stands
├── NotFoundError            what it names does not exist
├── AlreadyExistsError
├── FailedPreconditionError  the state forbids it; change the state first
├── AbortedError             someone else changed the state; read again, then retry
├── UnauthenticatedError     no key, or none we can read
├── PermissionDeniedError    the key is good but may not do this
├── ResourceExhaustedError   a limit was reached; says when to come back
├── UnavailableError         not now; retry with the same request id
├── DeadlineExceededError
├── StorageError             the store cannot do its work (disk full, damaged, newer format)
└── InvariantError           a bug or damage: the process must not go on
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """The gRPC status codes, without importing gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request and what is wrong with it."""

    field: str
    """Path inside the request, for example `products[3].prices[0].selling_micros`."""

    description: str
    """A sentence that says what is wrong and what would be right."""


class SaluhallError(Exception):
    """The root. `reason` is the machine-readable name that clients may rely on (AIP-193)."""

    code = Code.UNKNOWN
    reason = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_delay_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_delay_ms = retry_delay_ms


class InvalidArgumentError(SaluhallError):
    """The request can never succeed as it stands; `violations` name the fields to change."""

    code = Code.INVALID_ARGUMENT
    reason = "INVALID_REQUEST"

    @classmethod
    def of(
        cls, field: str, description: str, *, reason: str | None = None
    ) -> "InvalidArgumentError":
        """The common case: one field is wrong."""
        return cls(
            f"{field}: {description}", reason=reason, violations=[Violation(field, description)]
        )


class NotFoundError(SaluhallError):
    """What the request names does not exist here."""

    code = Code.NOT_FOUND
    reason = "NOT_FOUND"


class AlreadyExistsError(SaluhallError):
    """What the request would create exists."""

    code = Code.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class FailedPreconditionError(SaluhallError):
    """The state forbids it; retrying does not help until the state is changed."""

    code = Code.FAILED_PRECONDITION
    reason = "FAILED_PRECONDITION"


class AbortedError(SaluhallError):
    """Someone else changed the state first; read again, then retry."""

    code = Code.ABORTED
    reason = "ABORTED"


class UnauthenticatedError(SaluhallError):
    """No key was sent, or none that could be one of ours."""

    code = Code.UNAUTHENTICATED
    reason = "KEY_INVALID"


class PermissionDeniedError(SaluhallError):
    """The caller is known and may not do this."""

    code = Code.PERMISSION_DENIED
    reason = "ROLE_TOO_LOW"


class ResourceExhaustedError(SaluhallError):
    """A limit was reached; `retry_delay_ms` says when to come back."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "LIMIT_REACHED"


class UnavailableError(SaluhallError):
    """Not now. Retrying with the same request id is safe."""

    code = Code.UNAVAILABLE
    reason = "UNAVAILABLE"


class DeadlineExceededError(SaluhallError):
    """The caller's deadline passed before there was an answer."""

    code = Code.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class StorageError(SaluhallError):
    """The store cannot do its work; the message says why and what to do."""

    code = Code.UNAVAILABLE
    reason = "STORAGE_UNAVAILABLE"


class InvariantError(SaluhallError):
    """Something that cannot be has happened: the process ends and recovers from its log."""

    code = Code.INTERNAL
    reason = "INTERNAL"
