"""The calls with which a shop steers its search: rules, synonyms, and settings of ranking and text.

They read like `shop_calls`: names and meanings are the protocol's, a write has a request id.
"""

from collections.abc import Sequence
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask

from node.client.calls import READ_DEADLINE_MS, WRITE_DEADLINE_MS, Call, new_request_id
from protos.v1 import merchandising_pb2

_MERCHANDISING: Final = "/saluhall.v1.MerchandisingService/"


def write_rules(
    rules: Sequence[merchandising_pb2.Rule],
    *,
    validate_only: bool = False,
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[merchandising_pb2.WriteRulesResponse]:
    """Create or replace up to 100 rules, all or none."""
    request = merchandising_pb2.WriteRulesRequest(
        rules=rules, request_id=request_id or new_request_id(), validate_only=validate_only
    )
    return Call(
        _MERCHANDISING + "WriteRules", request, merchandising_pb2.WriteRulesResponse, deadline_ms
    )


def delete_rules(
    ids: Sequence[str], *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[merchandising_pb2.DeleteRulesResponse]:
    """Delete up to 1,000 rules; deleting what is not there is no error."""
    request = merchandising_pb2.DeleteRulesRequest(
        ids=ids, request_id=request_id or new_request_id()
    )
    return Call(
        _MERCHANDISING + "DeleteRules", request, merchandising_pb2.DeleteRulesResponse, deadline_ms
    )


def list_rules_page(
    *, page_size: int = 100, page_token: str = "", deadline_ms: int = READ_DEADLINE_MS
) -> Call[merchandising_pb2.ListRulesResponse]:
    """One page of the rules, by id."""
    request = merchandising_pb2.ListRulesRequest(page_size=page_size, page_token=page_token)
    return Call(
        _MERCHANDISING + "ListRules", request, merchandising_pb2.ListRulesResponse, deadline_ms
    )


def write_synonyms(
    synonyms: Sequence[merchandising_pb2.Synonym],
    *,
    validate_only: bool = False,
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[merchandising_pb2.WriteSynonymsResponse]:
    """Create or replace up to 1,000 synonyms, all or none."""
    request = merchandising_pb2.WriteSynonymsRequest(
        synonyms=synonyms, request_id=request_id or new_request_id(), validate_only=validate_only
    )
    return Call(
        _MERCHANDISING + "WriteSynonyms",
        request,
        merchandising_pb2.WriteSynonymsResponse,
        deadline_ms,
    )


def delete_synonyms(
    ids: Sequence[str], *, request_id: str = "", deadline_ms: int = WRITE_DEADLINE_MS
) -> Call[merchandising_pb2.DeleteSynonymsResponse]:
    """Delete up to 1,000 synonyms; deleting what is not there is no error."""
    request = merchandising_pb2.DeleteSynonymsRequest(
        ids=ids, request_id=request_id or new_request_id()
    )
    return Call(
        _MERCHANDISING + "DeleteSynonyms",
        request,
        merchandising_pb2.DeleteSynonymsResponse,
        deadline_ms,
    )


def list_synonyms_page(
    *, page_size: int = 500, page_token: str = "", deadline_ms: int = READ_DEADLINE_MS
) -> Call[merchandising_pb2.ListSynonymsResponse]:
    """One page of the synonyms, by id."""
    request = merchandising_pb2.ListSynonymsRequest(page_size=page_size, page_token=page_token)
    return Call(
        _MERCHANDISING + "ListSynonyms",
        request,
        merchandising_pb2.ListSynonymsResponse,
        deadline_ms,
    )


def get_search_settings(
    *, deadline_ms: int = READ_DEADLINE_MS
) -> Call[merchandising_pb2.SearchSettings]:
    """How search orders and reads, beside the weights of fields."""
    return Call(
        _MERCHANDISING + "GetSearchSettings",
        merchandising_pb2.GetSearchSettingsRequest(),
        merchandising_pb2.SearchSettings,
        deadline_ms,
    )


def update_search_settings(
    settings: merchandising_pb2.SearchSettings,
    *,
    update_mask: Sequence[str] = (),
    request_id: str = "",
    deadline_ms: int = WRITE_DEADLINE_MS,
) -> Call[merchandising_pb2.UpdateSearchSettingsResponse]:
    """Change what the mask names, for example "ranking.score_steps"; without a mask everything."""
    request = merchandising_pb2.UpdateSearchSettingsRequest(
        settings=settings,
        update_mask=FieldMask(paths=update_mask) if update_mask else None,
        request_id=request_id or new_request_id(),
    )
    return Call(
        _MERCHANDISING + "UpdateSearchSettings",
        request,
        merchandising_pb2.UpdateSearchSettingsResponse,
        deadline_ms,
    )
