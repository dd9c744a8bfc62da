"""The part of the small server that keeps rules, synonyms and settings, in pages of two."""

from collections.abc import Callable
from typing import TypeVar

import grpc

from protos.v1 import merchandising_pb2 as messages
from protos.v1 import merchandising_pb2_grpc

EntryT = TypeVar("EntryT", bound=messages.Rule | messages.Synonym)


class MerchandiseShelf(merchandising_pb2_grpc.MerchandisingServiceServicer):
    """What was written stays; `enter` takes a call's id and may fail it."""

    def __init__(self, enter: Callable[[str, grpc.ServicerContext], None]) -> None:
        self._enter = enter
        self.rules: dict[str, messages.Rule] = {}
        self.synonyms: dict[str, messages.Synonym] = {}
        self.settings = messages.SearchSettings()
        self.update_masks: list[list[str]] = []

    def WriteRules(  # noqa: N802
        self, request: messages.WriteRulesRequest, context: grpc.ServicerContext
    ) -> messages.WriteRulesResponse:
        self._enter(request.request_id, context)
        if not request.validate_only:
            self.rules |= {rule.id: rule for rule in request.rules}
        return messages.WriteRulesResponse(position=7)

    def DeleteRules(  # noqa: N802
        self, request: messages.DeleteRulesRequest, context: grpc.ServicerContext
    ) -> messages.DeleteRulesResponse:
        self._enter(request.request_id, context)
        count = sum(self.rules.pop(key, None) is not None for key in request.ids)
        return messages.DeleteRulesResponse(deleted_count=count)

    def ListRules(  # noqa: N802
        self, request: messages.ListRulesRequest, context: grpc.ServicerContext
    ) -> messages.ListRulesResponse:
        self._enter("ListRules", context)
        page, token = _page(self.rules, request.page_token)
        return messages.ListRulesResponse(rules=page, next_page_token=token)

    def WriteSynonyms(  # noqa: N802
        self, request: messages.WriteSynonymsRequest, context: grpc.ServicerContext
    ) -> messages.WriteSynonymsResponse:
        self._enter(request.request_id, context)
        if not request.validate_only:
            self.synonyms |= {synonym.id: synonym for synonym in request.synonyms}
        return messages.WriteSynonymsResponse(position=8)

    def DeleteSynonyms(  # noqa: N802
        self, request: messages.DeleteSynonymsRequest, context: grpc.ServicerContext
    ) -> messages.DeleteSynonymsResponse:
        self._enter(request.request_id, context)
        count = sum(self.synonyms.pop(key, None) is not None for key in request.ids)
        return messages.DeleteSynonymsResponse(deleted_count=count)

    def ListSynonyms(  # noqa: N802
        self, request: messages.ListSynonymsRequest, context: grpc.ServicerContext
    ) -> messages.ListSynonymsResponse:
        self._enter("ListSynonyms", context)
        page, token = _page(self.synonyms, request.page_token)
        return messages.ListSynonymsResponse(synonyms=page, next_page_token=token)

    def GetSearchSettings(  # noqa: N802
        self,
        request: messages.GetSearchSettingsRequest,  # noqa: ARG002
        context: grpc.ServicerContext,
    ) -> messages.SearchSettings:
        self._enter("GetSearchSettings", context)
        return self.settings

    def UpdateSearchSettings(  # noqa: N802
        self, request: messages.UpdateSearchSettingsRequest, context: grpc.ServicerContext
    ) -> messages.UpdateSearchSettingsResponse:
        self._enter(request.request_id, context)
        self.settings = request.settings
        self.update_masks.append(list(request.update_mask.paths))
        return messages.UpdateSearchSettingsResponse(settings=self.settings, position=9)


def _page(held: dict[str, EntryT], token: str) -> tuple[list[EntryT], str]:
    first = int(token or 0)
    keys = sorted(held)
    last = first + 2
    return [held[key] for key in keys[first:last]], str(last) if last < len(keys) else ""
