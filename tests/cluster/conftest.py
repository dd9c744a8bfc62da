"""Servers for the tests of a module: starting one takes seconds, so they share it."""

from collections.abc import Iterator

import pytest
from driven_server import Server


@pytest.fixture(scope="module")
def stopped_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the test itself starts; whatever runs in the end is stopped."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    if server.paths.data.exists():
        server.down()


@pytest.fixture(scope="module")
def server(stopped_server: Server) -> Server:
    """A running server with two fronts and the tenants `first` and `second`."""
    stopped_server.up(fronts=2)
    for name in ("first", "second"):
        stopped_server.done("tenants", "create", name, "--languages", "sv", "--currency", "SEK")
    return stopped_server
