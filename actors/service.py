"""The replica's answers to calls: parse, ask the tenant, serialise. Nothing else."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from google.protobuf.message import Message

from actors.accounts.keys import list_keys, resolve_revoke_key
from actors.catalog.branches import (
    list_branches,
    resolve_activate_branch,
    resolve_create_branch,
    resolve_delete_branch,
)
from actors.catalog.fields import list_fields, resolve_update_field
from actors.catalog.inventory import resolve_set_inventory
from actors.catalog.products import (
    resolve_delete_products,
    resolve_import_products,
    resolve_write_products,
)
from actors.catalog.reads import get_product, list_products
from actors.merchandising.rules import list_rules, resolve_delete_rules, resolve_write_rules
from actors.merchandising.settings import get_settings, resolve_update_settings
from actors.merchandising.synonyms import (
    list_synonyms,
    resolve_delete_synonyms,
    resolve_write_synonyms,
)
from actors.parsing import parse as _parse
from actors.privacy.retention import get_retention, resolve_update_retention
from actors.recommendations.tuning import resolve_again
from actors.replication.resolution import Resolution, WriteCommand
from actors.storage.environment import ReadView
from actors.tenant import Tenant
from node.errors import InvalidArgumentError, InvariantError, SaluhallError
from node.status import status_bytes
from protos.internal import link_pb2
from protos.v1 import (
    account_pb2,
    analytics_pb2,
    catalog_pb2,
    event_pb2,
    merchandising_pb2,
    privacy_pb2,
    recommend_pb2,
    search_pb2,
)

REQUEST_ID_LENGTH_MAX: Final = 128
_SEARCH: Final = "/saluhall.v1.SearchService/"
_CATALOG: Final = "/saluhall.v1.CatalogService/"
_ACCOUNT: Final = "/saluhall.v1.AccountService/"
_MERCHANDISING: Final = "/saluhall.v1.MerchandisingService/"
_EVENTS: Final = "/saluhall.v1.EventService/"
_PRIVACY: Final = "/saluhall.v1.PrivacyService/"
_ANALYTICS: Final = "/saluhall.v1.AnalyticsService/"
_RECOMMEND: Final = "/saluhall.v1.RecommendService/"
_TUNE: Final = _RECOMMEND + "TuneRecommendations"
_REPLICA: Final = "/saluhall.internal.Replica/"

_OF_VISITORS: Final = (_EVENTS, _PRIVACY)
"""Services whose requests name visitors."""

_STREAMS: Final = frozenset({_CATALOG + "SetInventory", _EVENTS + "WriteEvents"})
"""Writes that come in many small calls and may share a transaction."""

_Read = Callable[[link_pb2.Call], bytes]


class TenantService:
    """Answers every call of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._reads: Mapping[str, _Read] = self._read_table()
        self._writes: Mapping[str, _Write] = self._write_table()

    async def handle(self, call: link_pb2.Call) -> link_pb2.Answer:
        """The answer to one call; errors travel inside it."""
        started_ns = time.monotonic_ns()
        try:
            answer = link_pb2.Answer(id=call.id, body=await self._body(call))
        except InvariantError:
            raise
        except SaluhallError as error:
            answer = link_pb2.Answer(id=call.id, error=status_bytes(error))
        answer.duration_us = (time.monotonic_ns() - started_ns) // 1_000
        return answer

    async def _body(self, call: link_pb2.Call) -> bytes:
        if call.method == _ANALYTICS + "GetAnalytics":
            self._tenant.checked_position(call.position_min)
            request = _parse(analytics_pb2.GetAnalyticsRequest, call.body)
            return await self._tenant.analytics(request)
        read = self._reads.get(call.method)
        if read is not None:
            self._tenant.checked_position(call.position_min)
            return read(call)
        write = self._writes.get(call.method)
        if call.method == _TUNE and write is not None:
            return await self._tenant.recommendations.tune(write.command(call))
        if write is not None:
            command = write.command(call)
            if call.method.startswith(_OF_VISITORS):
                command = self._tenant.rights.conceal(command)
            return await self._tenant.writer.submit(command)
        if call.caller.kind == link_pb2.Caller.PLATFORM:
            return self._platform(call)
        raise InvalidArgumentError(f"there is no method {call.method}", reason="METHOD_UNKNOWN")

    def _platform(self, call: link_pb2.Call) -> bytes:
        """What only the platform itself may ask."""
        if call.method == _REPLICA + "VerifyKey":
            request = _parse(link_pb2.VerifyKeyRequest, call.body)
            return self._tenant.verify_key(request).SerializeToString()
        if call.method == _REPLICA + "GetState":
            return self._tenant.state().SerializeToString()
        raise InvalidArgumentError(f"there is no method {call.method}", reason="METHOD_UNKNOWN")

    def _read_table(self) -> Mapping[str, _Read]:
        tenant = self._tenant
        listed = self._listed
        return {
            _SEARCH + "Search": lambda call: tenant.reader.search(call.body, call.caller),
            _SEARCH + "Suggest": lambda call: tenant.reader.suggest(
                _parse(search_pb2.SuggestRequest, call.body)
            ),
            _RECOMMEND + "Recommend": lambda call: tenant.recommend(
                _parse(recommend_pb2.RecommendRequest, call.body)
            ),
            _RECOMMEND + "GetRecommendModel": lambda _call: tenant.recommend_model(),
            _CATALOG + "GetProduct": lambda call: tenant.read(
                partial(_get_product, call.body, tenant.id)
            ),
            _CATALOG + "ListProducts": lambda call: listed(
                lambda view: list_products(
                    _parse(catalog_pb2.ListProductsRequest, call.body), view, tenant_id=tenant.id
                )
            ),
            _CATALOG + "ListBranches": lambda _call: listed(list_branches),
            _CATALOG + "ListFields": lambda call: listed(
                partial(list_fields, _parse(catalog_pb2.ListFieldsRequest, call.body))
            ),
            _ACCOUNT + "ListKeys": lambda _call: listed(list_keys),
            _MERCHANDISING + "ListRules": lambda call: listed(
                partial(list_rules, _parse(merchandising_pb2.ListRulesRequest, call.body))
            ),
            _MERCHANDISING + "ListSynonyms": lambda call: listed(
                partial(list_synonyms, _parse(merchandising_pb2.ListSynonymsRequest, call.body))
            ),
            _MERCHANDISING + "GetSearchSettings": lambda _call: tenant.read(_get_settings),
            _PRIVACY + "ExportVisitor": lambda call: listed(
                partial(tenant.rights.export, _parse(privacy_pb2.ExportVisitorRequest, call.body))
            ),
            _PRIVACY + "SignExport": lambda call: listed(
                lambda _view: tenant.rights.sign(_parse(privacy_pb2.SignExportRequest, call.body))
            ),
            _PRIVACY + "GetRetention": lambda _call: listed(get_retention),
        }

    def _write_table(self) -> "Mapping[str, _Write]":
        catalog: Mapping[str, Callable[..., Resolution]] = {
            "WriteProducts": resolve_write_products,
            "ImportProducts": resolve_import_products,
            "SetInventory": resolve_set_inventory,
            "DeleteProducts": resolve_delete_products,
            "CreateBranch": resolve_create_branch,
            "ActivateBranch": resolve_activate_branch,
            "DeleteBranch": resolve_delete_branch,
            "UpdateField": resolve_update_field,
        }
        account: Mapping[str, Callable[..., Resolution]] = {
            "IssueKey": self._tenant.issue_key,
            "RevokeKey": resolve_revoke_key,
        }
        merchandising: Mapping[str, Callable[..., Resolution]] = {
            "WriteRules": resolve_write_rules,
            "DeleteRules": resolve_delete_rules,
            "WriteSynonyms": resolve_write_synonyms,
            "DeleteSynonyms": resolve_delete_synonyms,
            "UpdateSearchSettings": resolve_update_settings,
        }
        events: Mapping[str, Callable[..., Resolution]] = {
            "WriteEvents": self._tenant.write_events,
        }
        privacy: Mapping[str, Callable[..., Resolution]] = {
            "EraseVisitor": self._tenant.rights.erase,
            "UpdateVisitor": self._tenant.rights.update,
            "UpdateRetention": resolve_update_retention,
        }
        recommend: Mapping[str, Callable[..., Resolution]] = {
            "TuneRecommendations": lambda _request, context: resolve_again(context),
        }
        services = (
            (_RECOMMEND, recommend_pb2, recommend),
            (_CATALOG, catalog_pb2, catalog),
            (_ACCOUNT, account_pb2, account),
            (_MERCHANDISING, merchandising_pb2, merchandising),
            (_EVENTS, event_pb2, events),
            (_PRIVACY, privacy_pb2, privacy),
        )
        return {
            service + name: _Write(
                method=service + name,
                request_type=getattr(messages, f"{name}Request"),
                response_type=getattr(messages, f"{name}Response"),
                resolve=resolve,
            )
            for service, messages, resolvers in services
            for name, resolve in resolvers.items()
        }

    def _listed(self, job: Callable[[ReadView], Message]) -> bytes:
        """A list with the position it reflects."""
        current = self._tenant.reader.current()
        response = job(current.view)
        response.position = current.position  # type: ignore[attr-defined]
        return response.SerializeToString(deterministic=True)


@dataclass(frozen=True, slots=True)
class _Write:
    """One writing method: its messages and who resolves it."""

    method: str
    request_type: type[Message]
    response_type: type[Message]
    resolve: Callable[..., Resolution]

    def command(self, call: link_pb2.Call) -> WriteCommand:
        request = _parse(self.request_type, call.body)
        request_id = getattr(request, "request_id", "")
        if len(request_id) > REQUEST_ID_LENGTH_MAX:
            raise InvalidArgumentError.of(
                "request_id", f"has {len(request_id)} characters; at most {REQUEST_ID_LENGTH_MAX}"
            )
        return WriteCommand(
            method=self.method,
            resolve=partial(self.resolve, request),
            response_type=self.response_type,
            request_id=f"{call.caller.key_id}/{request_id}" if request_id else "",
            body=call.body,
            size_bytes=len(call.body),
            is_patient=self.method in _STREAMS,
        )


def _get_product(body: bytes, tenant_id: str, view: ReadView) -> bytes:
    request = _parse(catalog_pb2.GetProductRequest, body)
    product = get_product(request, view, tenant_id=tenant_id)
    return product.SerializeToString(deterministic=True)


def _get_settings(view: ReadView) -> bytes:
    return get_settings(view).SerializeToString(deterministic=True)
