"""Trying rules out before shoppers see them: who may, and with which rules."""

from typing import Final

from actors.merchandising.tables import SECONDS_MAX, SECONDS_MIN, check_count
from actors.storage.environment import ReadView
from actors.storage.tables import RULES
from node.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError
from protos.internal.link_pb2 import Caller
from protos.v1.account_pb2 import Key
from protos.v1.search_pb2 import SearchRequest

PREVIEWS_MAX: Final = 100


def check_preview(request: SearchRequest, caller: Caller, view: ReadView) -> None:
    """Refuse a preview that the caller may not see, or that names what there is not.

    Raises:
        PermissionDeniedError: the caller's key may only search.
        InvalidArgumentError: too many rules, or a time that is none.
        NotFoundError: a rule does not exist.
    """
    if not request.preview_rules and not request.HasField("rules_time"):
        return
    field = "preview_rules" if request.preview_rules else "rules_time"
    if caller.kind != Caller.PLATFORM and caller.role < Key.WRITE:
        raise PermissionDeniedError(
            f"{field}: needs a key with the role WRITE or ADMIN; shoppers see live rules at this time"
        )
    check_count(len(request.preview_rules), PREVIEWS_MAX, field="preview_rules")
    if not SECONDS_MIN <= request.rules_time.seconds <= SECONDS_MAX:
        raise InvalidArgumentError.of("rules_time", "lies outside the years 1 to 9999")
    for index, rule_id in enumerate(request.preview_rules):
        if not rule_id or view.get(RULES, rule_id.encode()[:64]) is None:
            raise NotFoundError(
                f"preview_rules[{index}]: there is no rule {rule_id[:64]!r}; ListRules names them",
                reason="RULE_NOT_FOUND",
            )
