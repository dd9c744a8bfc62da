"""Rules, written, deleted and listed."""

from typing import Final

from actors.catalog.schemas import schema_of
from actors.merchandising.rule_checks import RuleChecker
from actors.merchandising.settings import texts_of
from actors.merchandising.tables import (
    check_count,
    delete_messages,
    finished,
    id_violations,
    put_messages,
    read_page,
    refuse,
)
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import RULES
from node.config import MIB
from protos.v1.merchandising_pb2 import (
    DeleteRulesRequest,
    DeleteRulesResponse,
    ListRulesRequest,
    ListRulesResponse,
    Rule,
    WriteRulesRequest,
    WriteRulesResponse,
)

RULES_MAX: Final = 10_000
RULES_SIZE_BYTES_MAX: Final = 16 * MIB
WRITTEN_MAX: Final = 100


def resolve_write_rules(request: WriteRulesRequest, context: WriteContext) -> Resolution:
    """All rules of the request or none."""
    check_count(len(request.rules), WRITTEN_MAX, field="rules")
    violations = id_violations([rule.id for rule in request.rules], "rules")
    texts = texts_of(context.view)
    checker = RuleChecker(schema_of(context.settings, context.fields.records, texts))
    for index, rule in enumerate(request.rules):
        violations += checker.violations(rule, f"rules[{index}]")
    refuse(violations)
    resolution = Resolution(WriteRulesResponse())
    put_messages(
        resolution,
        context,
        RULES,
        [(rule.id, _as_stored(rule)) for rule in request.rules],
        count_max=RULES_MAX,
        size_bytes_max=RULES_SIZE_BYTES_MAX,
    )
    return finished(resolution, context, validate_only=request.validate_only)


def resolve_delete_rules(request: DeleteRulesRequest, context: WriteContext) -> Resolution:
    """Those that do not exist are passed over."""
    response = DeleteRulesResponse()
    resolution = Resolution(response)
    response.deleted_count = delete_messages(resolution, context, RULES, request.ids)
    return finished(resolution, context)


def list_rules(request: ListRulesRequest, view: ReadView) -> ListRulesResponse:
    """A page of rules, by id."""
    values, next_page_token = read_page(
        view, RULES, size=request.page_size, page_token=request.page_token
    )
    rules = map(Rule.FromString, values)
    return ListRulesResponse(rules=rules, next_page_token=next_page_token)


def _as_stored(rule: Rule) -> Rule:
    """The rule with what it leaves open said."""
    stored = Rule()
    stored.CopyFrom(rule)
    if stored.state == Rule.STATE_UNSPECIFIED:
        stored.state = Rule.LIVE
    return stored
