"""A small real gRPC server over TLS that keeps products and breaks when it is told to."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from merchandise_shelf import MerchandiseShelf

from node.config import ServerPaths
from node.errors import InvalidArgumentError, SaluhallError, UnavailableError
from node.status import status_bytes
from node.tls.credentials import server_credentials
from node.tls.files import ca_path, ensure_certificates
from protos.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    merchandising_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
)
from protos.v1.common_pb2 import CREATED
from protos.v1.product_pb2 import Product

KEY = "slk_test"


class ShopServer(
    catalog_pb2_grpc.CatalogServiceServicer,
    search_pb2_grpc.SearchServiceServicer,
    event_pb2_grpc.EventServiceServicer,
):
    """State that survives a restart: products, answers by request id, and what was seen."""

    def __init__(self, directory: Path) -> None:
        self.paths = ServerPaths.of(directory)
        ensure_certificates(self.paths, [])
        self.products: dict[str, Product] = {}
        self.write_counts: Counter[str] = Counter()
        self.requests: list[tuple[str, dict[str, str | bytes]]] = []
        self.failures: list[SaluhallError] = []
        """Each call takes the first of these, if there is one."""
        self.break_stream: Callable[[int], SaluhallError | str | None] = lambda _: None
        """What happens instead of the n-th answer of all streams, from 1; "lost": done, not told;
        "ended": the stream ends in order."""
        self.open_streams = 0
        self._answers: dict[str, bytes] = {}
        self._answer_count = 0
        self._position = 0
        self._lock = threading.Lock()
        self.shelf = MerchandiseShelf(self._enter)
        self.event_ids: list[str] = []
        """Of every event that arrived, in each attempt."""
        self.suggest_requests: list[search_pb2.SuggestRequest] = []
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return ca_path(self.paths)

    def start(self) -> None:
        """Listen, on the port it had before if it had one."""
        self._server = grpc.server(
            ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)], compression=None
        )
        catalog_pb2_grpc.add_CatalogServiceServicer_to_server(self, self._server)
        search_pb2_grpc.add_SearchServiceServicer_to_server(self, self._server)
        event_pb2_grpc.add_EventServiceServicer_to_server(self, self._server)
        merchandising_pb2_grpc.add_MerchandisingServiceServicer_to_server(self.shelf, self._server)
        self.port = self._server.add_secure_port(
            f"127.0.0.1:{self.port}", server_credentials(self.paths)
        )
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=0).wait()

    def Search(  # noqa: N802
        self,
        request: search_pb2.SearchRequest,  # noqa: ARG002
        context: grpc.ServicerContext,
    ) -> search_pb2.SearchResponse:
        self._enter("Search", context)
        return search_pb2.SearchResponse(total_size=len(self.products), position=self._position)

    def Suggest(  # noqa: N802
        self, request: search_pb2.SuggestRequest, context: grpc.ServicerContext
    ) -> search_pb2.SuggestResponse:
        self._enter("Suggest", context)
        self.suggest_requests.append(request)
        return search_pb2.SuggestResponse(
            queries=[search_pb2.QuerySuggestion(query=request.query)], position=self._position
        )

    def WriteEvents(  # noqa: N802
        self, request: event_pb2.WriteEventsRequest, context: grpc.ServicerContext
    ) -> event_pb2.WriteEventsResponse:
        self.event_ids += [event.event_id for event in request.events]
        self._enter("WriteEvents", context)
        self._position += 1
        outcome = event_pb2.EventResult.ACCEPTED
        return event_pb2.WriteEventsResponse(
            results=[event_pb2.EventResult(outcome=outcome) for _ in request.events],
            position=self._position,
        )

    def GetProduct(  # noqa: N802
        self, request: catalog_pb2.GetProductRequest, context: grpc.ServicerContext
    ) -> Product:
        self._enter(request.name, context)
        return self.products[request.name.rsplit("/", 1)[1]]

    def WriteProducts(  # noqa: N802
        self, request: catalog_pb2.WriteProductsRequest, context: grpc.ServicerContext
    ) -> catalog_pb2.WriteProductsResponse:
        self._enter(request.request_id, context)
        return catalog_pb2.WriteProductsResponse.FromString(
            self._once(request.request_id, lambda: self._write(request))
        )

    def ListProducts(  # noqa: N802
        self, request: catalog_pb2.ListProductsRequest, context: grpc.ServicerContext
    ) -> catalog_pb2.ListProductsResponse:
        self._enter("ListProducts", context)
        held = sorted(self.products)
        first = int(request.page_token or 0)
        last = first + 2
        return catalog_pb2.ListProductsResponse(
            products=[self.products[i] for i in held[first:last]],
            next_page_token=str(last) if last < len(held) else "",
        )

    def ImportProducts(  # noqa: N802
        self,
        request_iterator: Iterator[catalog_pb2.ImportProductsRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[catalog_pb2.ImportProductsResponse]:
        self._enter("ImportProducts", context)
        self.open_streams += 1
        context.add_callback(self._left)
        for request in request_iterator:
            self._answer_count += 1
            event = self.break_stream(self._answer_count)
            if isinstance(event, SaluhallError):
                self._abort(event, context)
            if event == "ended":
                return
            answer = self._once(request.request_id, lambda r=request: self._import(r))
            if event == "lost":
                self._abort(UnavailableError("the stream broke"), context)
            yield catalog_pb2.ImportProductsResponse.FromString(answer)

    def _left(self) -> None:
        self.open_streams -= 1

    def _enter(self, what: str, context: grpc.ServicerContext) -> None:
        self.requests.append((what, dict(context.invocation_metadata())))
        if self.failures:
            self._abort(self.failures.pop(0), context)

    def _abort(self, error: SaluhallError, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", status_bytes(error)),))
        code = next(code for code in grpc.StatusCode if code.value[0] == error.code)
        context.abort(code, error.message)

    def _once(self, request_id: str, act: Callable[[], bytes]) -> bytes:
        with self._lock:
            if request_id not in self._answers:
                self._answers[request_id] = act()
            return self._answers[request_id]

    def _write(self, request: catalog_pb2.WriteProductsRequest) -> bytes:
        self._keep(list(request.products))
        return catalog_pb2.WriteProductsResponse(
            outcomes=[CREATED] * len(request.products), position=self._position
        ).SerializeToString()

    def _import(self, request: catalog_pb2.ImportProductsRequest) -> bytes:
        response = catalog_pb2.ImportProductsResponse(request_id=request.request_id)
        for product in request.products:
            item = response.items.add(outcome=CREATED)
            if product.title:
                self._keep([product])
            else:
                item.ClearField("outcome")
                refusal = InvalidArgumentError.of("title", "is required")
                item.status.ParseFromString(status_bytes(refusal))
        response.position = self._position
        return response.SerializeToString()

    def _keep(self, products: list[Product]) -> None:
        self._position += 1
        for product in products:
            self.products[product.id] = product
            self.write_counts[product.id] += 1
