"""The server that the client's tests talk to, and a client of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from client_drivers import AsyncioDriver, BlockingDriver, Driver
from shop_server import ShopServer


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def server(certificates: Path) -> Iterator[ShopServer]:
    running = ShopServer(certificates)
    yield running
    running.stop()


@pytest.fixture(params=[BlockingDriver, AsyncioDriver])
def driver(request: pytest.FixtureRequest, server: ShopServer) -> Iterator[Driver]:
    opened = request.param(server)
    yield opened
    opened.close()
