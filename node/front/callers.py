"""Who calls: from the `authorization` metadata to a key that its tenant knows."""

import asyncio
from functools import partial
from typing import Final

from node.clock import Clock
from node.errors import DeadlineExceededError, ResourceExhaustedError
from node.front.config import VerdictConfig
from node.front.metrics import VERDICTS_ASKED, FrontMetrics
from node.front.routing import Outgoing, Route, Router
from node.front.verdicts import Judgement, Verdict, judge
from node.ids import TenantId
from node.keys import ApiKey, KeyInvalidError, parse_key, tenant_key
from node.limits import Admission, BoundedCache, TenantAdmission
from node.status import error_from_status_bytes
from protos.internal.link_pb2 import Caller, VerifyKeyRequest, VerifyKeyResponse

VERIFY_KEY_PATH: Final = "/saluhall.internal.Replica/VerifyKey"
_PREFIX: Final = "Bearer "
_PLATFORM: Final = Caller(kind=Caller.PLATFORM)


class KnownKey:
    """A key whose checksum is good, and what its tenant last said of it."""

    __slots__ = ("admission", "asking", "caller", "key", "verdict")

    def __init__(self, key: ApiKey, admission: TenantAdmission) -> None:
        self.key = key
        self.admission = admission
        self.verdict: Verdict | None = None
        self.caller = Caller(kind=Caller.KEY, key_id=key.key_id)
        """As the replica gets it; its role is the verdict's."""

        self.asking: asyncio.Task[None] | None = None
        """A question under way; everyone who needs it waits for the same one."""

    @property
    def tenant_id(self) -> TenantId:
        return self.key.tenant_id


class Callers:
    """The keys that this front has seen lately."""

    def __init__(
        self,
        platform_key: bytes,
        router: Router,
        admission: Admission,
        *,
        clock: Clock,
        config: VerdictConfig,
        metrics: FrontMetrics,
    ) -> None:
        self._platform_key = platform_key
        self._router = router
        self._admission = admission
        self._clock = clock
        self._config = config
        self._metrics = metrics
        self._keys: BoundedCache[str, KnownKey] = BoundedCache(count_max=config.keys_max)

    def identify(self, authorization: str) -> KnownKey:
        """The key in this metadata. Nothing is looked up.

        Raises KeyInvalidError unless the key reads as one and its checksum is good.
        """
        known = self._keys.get(authorization)
        if known is not None:
            return known
        if not authorization.startswith(_PREFIX):
            raise KeyInvalidError
        key = parse_key(authorization[len(_PREFIX) :])
        if not key.has_good_checksum(tenant_key(self._platform_key, key.tenant_id)):
            raise KeyInvalidError
        known = KnownKey(key, self._admission.of(key.tenant_id))
        self._keys.put(authorization, known)
        return known

    def check(self, known: KnownKey, route: Route, *, role_needed: int) -> bool:
        """Whether the key may do this by what is known of it. False: `ask`, then check again.

        Raises the caller's error when it is known that the key may not.
        """
        link = route.link
        judgement = judge(
            known.verdict,
            role_needed=role_needed,
            has_primary=link is not None and link.is_open,
            monotonic_ms=self._clock.monotonic_ms(),
            now_ms=self._clock.now_ms(),
            config=self._config,
        )
        if judgement is Judgement.ADMIT_AND_ASK and known.asking is None:
            self._refresh(known, route)
        return judgement is not Judgement.ASK

    async def ask(self, known: KnownKey, route: Route, *, ends_s: float) -> None:
        """Have the tenant's replica look at the key; then check again.

        Raises ResourceExhaustedError when too many keys of this tenant are asked, and what a call
        to the replica may raise.
        """
        asking = known.asking or self._start_asking(known, route)
        try:
            async with asyncio.timeout_at(ends_s):
                # Whoever stops waiting must not stop the others.
                await asyncio.shield(asking)
        except TimeoutError:
            raise DeadlineExceededError(
                "The tenant's process did not answer before the deadline, so the API key was not "
                "verified"
            ) from None

    def _refresh(self, known: KnownKey, route: Route) -> None:
        try:
            self._start_asking(known, route)
        except ResourceExhaustedError:
            return  # the verdict at hand is good for a while yet; the next request tries again

    def _start_asking(self, known: KnownKey, route: Route) -> asyncio.Task[None]:
        refused = known.admission.verifications.admit(now_ms=self._clock.monotonic_ms(), cost=1)
        if refused is not None:
            raise ResourceExhaustedError(
                "Too many different API keys of this tenant are in use at once",
                reason="TOO_MANY_KEYS",
                metadata={"limit": refused.limit},
                retry_delay_ms=refused.retry_delay_ms,
            )
        self._metrics.count(VERDICTS_ASKED)
        asking = asyncio.get_running_loop().create_task(self._ask(known, route))
        known.asking = asking
        asking.add_done_callback(partial(_asked, known))
        return asking

    async def _ask(self, known: KnownKey, route: Route) -> None:
        question = VerifyKeyRequest(key_id=known.key.key_id, secret=known.key.secret)
        # From before the call: what was revoked after this moment may be missing in the answer.
        asked_ms = self._clock.monotonic_ms()
        ends_s = asyncio.get_running_loop().time() + self._config.ask_ms_max / 1_000
        answer = await route.call(
            Outgoing(
                method=VERIFY_KEY_PATH,
                body=question.SerializeToString(),
                caller=_PLATFORM,
                ends_s=ends_s,
                position_min=0,
                is_repeatable=True,
                may_ask_readers=False,
                sends_max=self._router.config.sends_max,
                held_s_max=self._router.config.held_s_max,
            )
        )
        if answer.error:
            raise error_from_status_bytes(answer.error)
        response = VerifyKeyResponse.FromString(answer.body)
        known.caller.role = response.role
        known.verdict = Verdict(
            kind=response.verdict,
            role=response.role,
            expire_time_ms=response.expire_time_ms,
            asked_ms=asked_ms,
        )


def _asked(known: KnownKey, asking: asyncio.Task[None]) -> None:
    known.asking = None
    if not asking.cancelled():
        # Those who waited got it; nobody may have waited for a refresh.
        asking.exception()
