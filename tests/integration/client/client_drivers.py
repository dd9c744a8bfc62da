"""One way to drive both kinds of client."""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from shop_server import KEY, ShopServer

from node.client import AsyncClient, Client, ImportedItem, ImportLimits, RetryPolicy
from protos.v1.product_pb2 import Product


class Driver(Protocol):
    """A client of either kind."""

    client: Client | AsyncClient

    def call(self, method: str, *arguments: Any, **named: Any) -> Any: ...

    def import_products(self, products: Iterable[Product], **named: Any) -> list[ImportedItem]: ...

    def first_imported(self, products: Iterable[Product], **named: Any) -> ImportedItem: ...

    def list_products(self) -> list[Product]: ...

    def listed(self, method: str) -> list[Any]: ...

    def close(self) -> None: ...


class BlockingDriver:
    def __init__(self, server: ShopServer) -> None:
        self.client = Client(server.address, api_key=KEY, ca_file=server.ca_file)

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        return getattr(self.client, method)(*arguments, **named)

    def import_products(self, products: Iterable[Product], **named: Any) -> list[ImportedItem]:
        return list(self.client.import_products(products, **named))

    def first_imported(self, products: Iterable[Product], **named: Any) -> ImportedItem:
        items = self.client.import_products(products, **named)
        first = next(items)
        items.close()  # type: ignore[attr-defined]
        return first

    def list_products(self) -> list[Product]:
        return list(self.client.list_products())

    def listed(self, method: str) -> list[Any]:
        return list(getattr(self.client, method)())

    def close(self) -> None:
        self.client.close()


class AsyncioDriver:
    def __init__(self, server: ShopServer) -> None:
        self._runner = asyncio.Runner()
        self.client = self._runner.run(self._open(server))

    async def _open(self, server: ShopServer) -> AsyncClient:
        return AsyncClient(server.address, api_key=KEY, ca_file=server.ca_file)

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._runner.run(getattr(self.client, method)(*arguments, **named))

    def import_products(self, products: Iterable[Product], **named: Any) -> list[ImportedItem]:
        async def run() -> list[ImportedItem]:
            return [item async for item in self.client.import_products(products, **named)]

        return self._runner.run(run())

    def first_imported(self, products: Iterable[Product], **named: Any) -> ImportedItem:
        async def run() -> ImportedItem:
            items = self.client.import_products(products, **named)
            first = await anext(items)
            await items.aclose()
            return first

        return self._runner.run(run())

    def list_products(self) -> list[Product]:
        async def run() -> list[Product]:
            return [product async for product in self.client.list_products()]

        return self._runner.run(run())

    def listed(self, method: str) -> list[Any]:
        async def run() -> list[Any]:
            return [entry async for entry in getattr(self.client, method)()]

        return self._runner.run(run())

    def close(self) -> None:
        self._runner.run(self.client.close())
        self._runner.close()


FAST_RETRIES = RetryPolicy(first_delay_ms=1, delay_ms_max=20, attempts_max=100)
SMALL_BATCHES = ImportLimits(batch_count_max=5, window_max=3)
