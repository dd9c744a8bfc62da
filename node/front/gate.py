"""What every call passes before its body is looked at: deadline, key, limits, role."""

import asyncio
from typing import Any, Final

import grpc

from node.clock import Clock
from node.errors import InvalidArgumentError, ResourceExhaustedError, UnavailableError
from node.front.callers import Callers, KnownKey
from node.front.methods import Kind, Method
from node.front.routing import Outgoing, Route, Router
from node.keys import KeyInvalidError
from node.limits import Refused
from protos.internal.link_pb2 import Answer

Context = grpc.aio.ServicerContext[bytes, bytes]

_ASKS_MAX: Final = 3
"""A verdict that came late (the replica was away) may be too old already and is asked again."""

_POSITION_MAX: Final = 2**63 - 1


class Entrance:
    """A call that was let in; `leave` when it has ended."""

    __slots__ = ("ends_s", "known", "method", "position_min", "route")

    def __init__(
        self, method: Method, known: KnownKey, route: Route, *, ends_s: float, position_min: int
    ) -> None:
        self.method = method
        self.known = known
        self.route = route
        self.ends_s = ends_s
        """In the event loop's time."""
        self.position_min = position_min

    def leave(self) -> None:
        """Give its place to the next."""
        self.known.admission.release()


class Gate:
    """Lets calls in."""

    def __init__(self, callers: Callers, router: Router, clock: Clock) -> None:
        self._callers = callers
        self._router = router
        self._clock = clock
        self._loop = asyncio.get_running_loop()

    def enter(self, method: Method, context: Context) -> Entrance:
        """Let a call in, by its metadata and deadline alone.

        Raises InvalidArgumentError, KeyInvalidError or ResourceExhaustedError.
        """
        authorization, position_min = _read_metadata(context)
        left_s = context.time_remaining()
        if left_s is None:
            raise InvalidArgumentError(
                "Set a deadline on every call; at most "
                f"{method.deadline_ms_max // 1_000} s are used here",
                reason="DEADLINE_MISSING",
            )
        known = self._callers.identify(authorization)
        route = self._router.find(known.tenant_id)
        if route is None:
            # Not a word about tenants that do not exist: the key is as wrong as a mistyped one.
            raise KeyInvalidError
        refused = known.admission.admit(now_ms=self._clock.monotonic_ms(), cost=method.cost)
        if refused is not None:
            raise limit_reached(refused)
        ends_s = self._loop.time() + min(left_s, method.deadline_ms_max / 1_000)
        return Entrance(method, known, route, ends_s=ends_s, position_min=position_min)

    async def check_key(self, entrance: Entrance) -> None:
        """Return when the key may do this by a verdict that is fresh enough.

        Raises UnauthenticatedError or PermissionDeniedError, or why the replica cannot be asked.
        """
        known, route = entrance.known, entrance.route
        for _ in range(_ASKS_MAX):
            if self._callers.check(known, route, role_needed=entrance.method.role):
                return
            await self._callers.ask(known, route, ends_s=entrance.ends_s)
        raise UnavailableError("The API key could not be verified; retry", reason="TENANT_DOWN")

    def charge(self, entrance: Entrance) -> Refused | None:
        """Count one more message of a call that was let in."""
        admission = entrance.known.admission
        return admission.charge(now_ms=self._clock.monotonic_ms(), cost=entrance.method.cost)

    async def send(self, entrance: Entrance, body: bytes) -> Answer:
        """The replica's answer; it may hold an error. Raises what `Route.call` raises, and
        InvalidArgumentError for a body above the method's limit.
        """
        method, config = entrance.method, self._router.config
        if len(body) > method.body_size_bytes_max:
            raise InvalidArgumentError(
                f"The request has {len(body)} bytes; at most {method.body_size_bytes_max} are "
                "allowed: send less in one request",
                reason="REQUEST_TOO_LARGE",
            )
        is_import = method.kind is Kind.IMPORT
        return await entrance.route.call(
            Outgoing(
                method=method.path,
                body=body,
                caller=entrance.known.caller,
                ends_s=entrance.ends_s,
                position_min=entrance.position_min,
                is_repeatable=method.is_repeatable,
                may_ask_readers=method.may_ask_readers,
                sends_max=config.import_sends_max if is_import else config.sends_max,
                # An import waits as long as its client does; it is few messages at a time.
                held_s_max=method.deadline_ms_max / 1_000 if is_import else config.held_s_max,
            )
        )


def limit_reached(refused: Refused) -> ResourceExhaustedError:
    """The error for a request above a limit."""
    return ResourceExhaustedError(
        f"The limit {refused.limit} was reached; come back in {refused.retry_delay_ms} ms",
        metadata={"limit": refused.limit},
        retry_delay_ms=refused.retry_delay_ms,
    )


def _read_metadata(context: Context) -> tuple[str, int]:
    """The authorization and the position that the answer must include (0: any)."""
    authorization, position_min = "", 0
    metadata: Any = context.invocation_metadata()
    for key, value in metadata:
        if key == "authorization":
            authorization = value
        elif key == "saluhall-position-min":
            position_min = _position(value)
        elif key == "saluhall-consistency" and value not in {"eventual", "strong"}:
            raise InvalidArgumentError.of(
                "metadata saluhall-consistency", 'must be "eventual" or "strong"'
            )
    if not authorization:
        raise KeyInvalidError
    return authorization, position_min


def _position(value: str) -> int:
    # isdecimal alone would let digits of other scripts through; ASCII is certain in metadata.
    if not value.isdecimal() or len(value) > len(str(_POSITION_MAX)) or int(value) > _POSITION_MAX:
        raise InvalidArgumentError.of(
            "metadata saluhall-position-min", "must be a position from an earlier answer"
        )
    return int(value)
