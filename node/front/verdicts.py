"""What a replica said of a key, and how long that holds: a pure decision."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from node.errors import PermissionDeniedError, SaluhallError, UnauthenticatedError
from node.front.config import VerdictConfig
from node.keys import KeyInvalidError
from protos.internal.link_pb2 import VerifyKeyResponse
from protos.v1.account_pb2 import Key

_ROLES: Final = {int(role): name.lower() for name, role in Key.Role.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The replica's word on one key."""

    kind: int
    """A VerifyKeyResponse.Verdict."""

    role: int
    """A saluhall.v1.Key.Role."""

    expire_time_ms: int
    """Milliseconds since 1970; 0: never."""

    asked_ms: int
    """When the question was sent, monotonic: what was revoked before that is known here."""


class Judgement(Enum):
    """What to do with a request whose key is known."""

    ADMIT = 1
    ADMIT_AND_ASK = 2
    """Good, but soon too old: ask again beside the request."""

    ASK = 3
    """Ask first, then judge again."""


def judge(
    verdict: Verdict | None,
    *,
    role_needed: int,
    has_primary: bool,
    monotonic_ms: int,
    now_ms: int,
    config: VerdictConfig,
) -> Judgement:
    """Whether the verdict at hand is enough. Raises what the caller gets when the key is not."""
    if verdict is None:
        return Judgement.ASK
    age_ms = monotonic_ms - verdict.asked_ms
    is_prolonged = (
        not has_primary and role_needed == Key.SEARCH and verdict.kind == VerifyKeyResponse.VALID
    )
    if age_ms >= (config.prolonged_ms if is_prolonged else config.fresh_ms):
        return Judgement.ASK
    refusal = _refusal(verdict, role_needed=role_needed, now_ms=now_ms)
    if refusal is not None:
        raise refusal
    return Judgement.ADMIT_AND_ASK if age_ms >= config.refresh_ms else Judgement.ADMIT


def _refusal(verdict: Verdict, *, role_needed: int, now_ms: int) -> SaluhallError | None:
    kinds = VerifyKeyResponse
    is_over = 0 < verdict.expire_time_ms <= now_ms
    if verdict.kind == kinds.EXPIRED or (verdict.kind == kinds.VALID and is_over):
        return UnauthenticatedError(
            "The API key has expired; issue a new one", reason="KEY_EXPIRED"
        )
    if verdict.kind == kinds.REVOKED:
        return UnauthenticatedError("The API key was revoked", reason="KEY_REVOKED")
    if verdict.kind != kinds.VALID:
        return KeyInvalidError()
    if verdict.role < role_needed:
        return PermissionDeniedError(
            f"This call needs a key with the role {_ROLES[role_needed]}; "
            f"this key has the role {_ROLES.get(verdict.role, 'unknown')}",
            reason="ROLE_TOO_LOW",
        )
    return None
