"""The clients for ordinary, blocking code. Safe to use from several threads."""

import queue
import random
import time
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, cast, overload

import grpc

from node.client import (
    admin_calls,
    analytics_calls,
    event_calls,
    merchandising_calls,
    privacy_calls,
    recommend_calls,
    shop_calls,
)
from node.client.calls import AnswerT, Call, Consistency, P, new_request_id
from node.client.connection import (
    CHANNEL_OPTIONS,
    Connection,
    operator_connection,
    shop_connection,
)
from node.client.imports import (
    IMPORT_RETRIES,
    STREAM_DEADLINE_MS,
    ImportedItem,
    ImportLimits,
    ImportRun,
    StreamBrokenError,
)
from node.client.retry import RetryPolicy
from node.client.session import Attempts, Session
from protos.v1.admin_pb2 import Tenant
from protos.v1.catalog_pb2 import Field, ImportProductsRequest, ImportProductsResponse
from protos.v1.merchandising_pb2 import Rule, Synonym
from protos.v1.privacy_pb2 import ExportVisitorResponse
from protos.v1.product_pb2 import Product


class _Method(Generic[P, AnswerT]):
    """A client's method: builds a call from its arguments, sends it and returns the answer."""

    def __init__(self, build: Callable[P, Call[AnswerT]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "Caller", owner: type) -> Callable[P, AnswerT]: ...
    def __get__(self, client: "Caller | None", owner: type) -> "Self | Callable[P, AnswerT]":
        if client is None:
            return self
        build, send = self._build, client.call

        @wraps(build)
        def bound(*args: P.args, **kwargs: P.kwargs) -> AnswerT:
            return send(build(*args, **kwargs))

        return bound


class Caller(Session):
    """Sends calls over one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._channel = grpc.secure_channel(
            connection.address, self._credentials(), options=CHANNEL_OPTIONS
        )
        self._stubs: dict[str, Callable[..., Any]] = {}

    def call(self, call: Call[AnswerT]) -> AnswerT:
        """Send one call, again if need be; its answer, or one of the errors of `node.errors`."""
        attempts = Attempts(call, self.connection)
        while True:  # Ends with an answer, or when no attempt or time is left.
            metadata = self._metadata(call.consistency)
            try:
                answer = self._stub(call)(call.request, timeout=attempts.left_s, metadata=metadata)
            except grpc.RpcError as failure:
                time.sleep(attempts.delay_s(failure))
            else:
                self._see_answer(answer)
                return cast("AnswerT", answer)

    def close(self) -> None:
        """End the connection; calls under way fail."""
        self._is_closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _stub(self, call: Call[AnswerT]) -> Callable[..., Any]:
        stub = self._stubs.get(call.method)
        if stub is None:
            stub = self._stubs[call.method] = self._channel.unary_unary(
                call.method,
                request_serializer=type(call.request).SerializeToString,
                response_deserializer=call.answer_type.FromString,
            )
        return stub


class Client(Caller):
    """A storefront's or back office's view of one tenant: the one its API key names.

    Every method takes plain arguments and returns the protocol's answer; see `shop_calls`.
    """

    def __init__(
        self,
        address: str,
        *,
        api_key: str,
        ca_file: Path | str | None = None,
        retries: RetryPolicy | None = None,
    ) -> None:
        """Connect on first use to "host:port"; without `ca_file` trust what the machine trusts."""
        super().__init__(
            shop_connection(
                address, api_key=api_key, ca_file=ca_file, retries=retries or RetryPolicy()
            )
        )

    search = _Method(shop_calls.search)
    suggest = _Method(shop_calls.suggest)
    write_products = _Method(shop_calls.write_products)
    set_inventory = _Method(shop_calls.set_inventory)
    delete_products = _Method(shop_calls.delete_products)
    get_product = _Method(shop_calls.get_product)
    list_products_page = _Method(shop_calls.list_products_page)
    create_branch = _Method(shop_calls.create_branch)
    list_branches = _Method(shop_calls.list_branches)
    activate_branch = _Method(shop_calls.activate_branch)
    delete_branch = _Method(shop_calls.delete_branch)
    list_fields_page = _Method(shop_calls.list_fields_page)
    update_field = _Method(shop_calls.update_field)
    issue_key = _Method(shop_calls.issue_key)
    list_keys = _Method(shop_calls.list_keys)
    revoke_key = _Method(shop_calls.revoke_key)
    write_events = _Method(event_calls.write_events)
    recommend = _Method(recommend_calls.recommend)
    get_recommend_model = _Method(recommend_calls.get_recommend_model)
    tune_recommendations = _Method(recommend_calls.tune_recommendations)
    write_rules = _Method(merchandising_calls.write_rules)
    delete_rules = _Method(merchandising_calls.delete_rules)
    list_rules_page = _Method(merchandising_calls.list_rules_page)
    write_synonyms = _Method(merchandising_calls.write_synonyms)
    delete_synonyms = _Method(merchandising_calls.delete_synonyms)
    list_synonyms_page = _Method(merchandising_calls.list_synonyms_page)
    get_search_settings = _Method(merchandising_calls.get_search_settings)
    update_search_settings = _Method(merchandising_calls.update_search_settings)
    export_visitor_page = _Method(privacy_calls.export_visitor_page)
    sign_export = _Method(privacy_calls.sign_export)
    erase_visitor = _Method(privacy_calls.erase_visitor)
    update_visitor = _Method(privacy_calls.update_visitor)
    get_retention = _Method(privacy_calls.get_retention)
    update_retention = _Method(privacy_calls.update_retention)
    get_analytics = _Method(analytics_calls.get_analytics)

    def list_products(self, *, branch: str = "") -> Iterator[Product]:
        """All products of a branch, by id, a page at a time."""
        page_token = ""
        while True:  # Ends with the last page, which names no next one.
            page = self.list_products_page(branch=branch, page_token=page_token)
            yield from page.products
            page_token = page.next_page_token
            if not page_token:
                return

    def list_fields(self) -> Iterator[Field]:
        """All fields and how each is used."""
        page_token = ""
        while True:  # Ends with the last page, which names no next one.
            page = self.list_fields_page(page_token=page_token)
            yield from page.fields
            page_token = page.next_page_token
            if not page_token:
                return

    def list_rules(self) -> Iterator[Rule]:
        """All rules, by id."""
        page_token = ""
        while True:  # Ends with the last page, which names no next one.
            page = self.list_rules_page(page_token=page_token)
            yield from page.rules
            page_token = page.next_page_token
            if not page_token:
                return

    def list_synonyms(self) -> Iterator[Synonym]:
        """All synonyms, by id."""
        page_token = ""
        while True:  # Ends with the last page, which names no next one.
            page = self.list_synonyms_page(page_token=page_token)
            yield from page.synonyms
            page_token = page.next_page_token
            if not page_token:
                return

    def export_visitor(self, visitor_id: str) -> Iterator[ExportVisitorResponse]:
        """Everything that is kept of a visitor, page by page; at least one page."""
        page_token = ""
        while True:  # Ends with the last page, which names no next one.
            page = self.export_visitor_page(visitor_id, page_token=page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return

    def import_products(
        self,
        products: Iterable[Product],
        *,
        branch: str = "",
        validate_only: bool = False,
        limits: ImportLimits | None = None,
        retries: RetryPolicy = IMPORT_RETRIES,
    ) -> Iterator[ImportedItem]:
        """Import any number of products; yields what became of each, batch by batch.

        When the connection or the replica dies, it goes on by itself with nothing lost or doubled;
        it raises UnavailableError after many streams in a row that brought no answer.
        """
        run = ImportRun(
            import_id=new_request_id(),
            branch=branch,
            validate_only=validate_only,
            limits=limits or ImportLimits(),
            retries=retries,
        )
        source = iter(products)
        while not run.is_done:  # Each turn brings an answer, or counts as a try in vain.
            stream = _ImportStream(self, self._channel, self._metadata(Consistency.UNSET))
            try:
                yield from self._pump(run, source, stream)
            except StreamBrokenError as broken:
                time.sleep(run.broke(broken.error, jitter=random.random()) / 1000)
            finally:
                stream.close()

    def _pump(
        self, run: ImportRun, source: Iterator[Product], stream: "_ImportStream"
    ) -> Iterator[ImportedItem]:
        stream.send(run.take_requests())
        while not run.is_done:
            if run.wants_product:
                product = next(source, None)
                if product is None:
                    run.finish()
                elif (refused := run.add(product)) is not None:
                    yield refused
                stream.send(run.take_requests())
            else:
                response = stream.receive()
                self.see(response.position)
                yield from run.answer(response)


class AdminClient(Caller):
    """The operator's view of the platform."""

    def __init__(
        self,
        address: str,
        *,
        ca_file: Path | str,
        identity_file: Path | str,
        retries: RetryPolicy | None = None,
    ) -> None:
        """Connect on first use to the operators' port, as the operator of `identity_file`."""
        super().__init__(
            operator_connection(
                address,
                ca_file=ca_file,
                identity_file=identity_file,
                retries=retries or RetryPolicy(),
            )
        )

    create_tenant = _Method(admin_calls.create_tenant)
    list_tenants_page = _Method(admin_calls.list_tenants_page)
    delete_tenant = _Method(admin_calls.delete_tenant)
    set_readers = _Method(admin_calls.set_readers)
    get_status = _Method(admin_calls.get_status)

    def list_tenants(self) -> Iterator[Tenant]:
        """All tenants, by id."""
        page_token = ""
        while True:  # Ends with the last page, which names no next one.
            page = self.list_tenants_page(page_token=page_token)
            yield from page.tenants
            page_token = page.next_page_token
            if not page_token:
                return


class _ImportStream:
    """One stream of import messages."""

    def __init__(self, session: Session, channel: grpc.Channel, metadata: Any) -> None:
        self._session = session
        # Bounded by the import's window: no more requests than that are ever unanswered.
        self._requests: queue.SimpleQueue[ImportProductsRequest | None] = queue.SimpleQueue()
        self._call = channel.stream_stream(
            shop_calls.IMPORT_METHOD,
            request_serializer=ImportProductsRequest.SerializeToString,
            response_deserializer=ImportProductsResponse.FromString,
        )(
            iter(self._requests.get, None),
            timeout=STREAM_DEADLINE_MS / 1000,
            metadata=metadata,
        )

    def send(self, requests: list[ImportProductsRequest]) -> None:
        for request in requests:
            self._requests.put(request)

    def receive(self) -> ImportProductsResponse:
        """The next answer. Raises StreamBrokenError when there will be none."""
        try:
            response = next(self._call, None)
        except grpc.RpcError as failure:
            raise self._session.stream_broken(failure) from None
        if response is None:
            raise self._session.stream_broken(None)
        return response

    def close(self) -> None:
        """Let the server go, and the thread that reads the requests."""
        self._requests.put(None)
        self._call.cancel()
