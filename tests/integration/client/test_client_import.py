"""Imports over streams that break, against a real server."""

import random
import threading
from collections.abc import Iterator

import pytest
from client_drivers import FAST_RETRIES, SMALL_BATCHES, Driver
from shop_server import ShopServer

from node.client import RetryPolicy
from node.errors import (
    Code,
    PermissionDeniedError,
    SaluhallError,
    UnavailableError,
    Violation,
)
from protos.v1.common_pb2 import CREATED
from protos.v1.product_pb2 import Product


def products(count: int) -> Iterator[Product]:
    return (Product(id=f"p{number}", title=f"Product {number}") for number in range(count))


def assert_all_written_once(server: ShopServer, count: int) -> None:
    assert set(server.products) == {f"p{number}" for number in range(count)}
    assert set(server.write_counts.values()) == {1}


def test_every_product_is_answered_in_order(driver: Driver, server: ShopServer) -> None:
    items = driver.import_products(products(23), limits=SMALL_BATCHES)

    assert [(item.index, item.product_id) for item in items] == [
        (number, f"p{number}") for number in range(23)
    ]
    assert all(item.outcome == CREATED and item.error is None for item in items)
    assert_all_written_once(server, 23)
    assert driver.client.position == 23


@pytest.mark.parametrize("seed", range(4))
def test_an_import_goes_on_by_itself_whatever_breaks(
    driver: Driver, server: ShopServer, seed: int
) -> None:
    """Streams fail before an answer, after the work but before its answer, or end too early."""
    generator = random.Random(seed)
    events: list[SaluhallError | str | None] = [UnavailableError("killed"), "lost", "ended"]
    server.break_stream = lambda _: generator.choice([*events, None, None, None])

    items = driver.import_products(products(100), limits=SMALL_BATCHES, retries=FAST_RETRIES)

    assert [item.index for item in items] == list(range(100))
    assert_all_written_once(server, 100)


def test_an_import_outlives_a_server_that_is_stopped_and_started(
    driver: Driver, server: ShopServer
) -> None:
    reached = threading.Event()

    def restart() -> None:
        reached.wait()
        server.stop()
        server.start()

    server.break_stream = lambda number: reached.set() if number == 5 else None  # type: ignore[func-returns-value]
    restarting = threading.Thread(target=restart)
    restarting.start()

    items = driver.import_products(products(200), limits=SMALL_BATCHES)

    restarting.join()
    assert [item.index for item in items] == list(range(200))
    assert_all_written_once(server, 200)


def test_it_gives_up_after_streams_in_vain(driver: Driver, server: ShopServer) -> None:
    server.break_stream = lambda _: UnavailableError("the disk is full")

    with pytest.raises(UnavailableError, match="disk is full"):
        driver.import_products(products(3), retries=RetryPolicy(first_delay_ms=1, attempts_max=4))

    assert len(server.requests) == 4


def test_a_key_that_may_not_import_ends_it_soon(driver: Driver, server: ShopServer) -> None:
    """Not always at the first stream: gRPC for asyncio hides the status of a failed write."""
    server.failures = [PermissionDeniedError("this key may only search")] * 40

    with pytest.raises(PermissionDeniedError, match="only search"):
        driver.import_products(products(3), retries=FAST_RETRIES)

    assert len(server.requests) <= 20


def test_a_refused_product_has_its_reason_and_stops_no_other(
    driver: Driver, server: ShopServer
) -> None:
    items = driver.import_products([Product(id="bad"), Product(id="p0", title="good")])

    assert items[0].error is not None
    assert items[0].error.code is Code.INVALID_ARGUMENT
    assert items[0].error.violations == (Violation("title", "is required"),)
    assert items[1].error is None
    assert_all_written_once(server, 1)


def test_a_product_larger_than_any_message_is_refused_here(
    driver: Driver, server: ShopServer
) -> None:
    huge = Product(id="huge", title="x" * 4_000_000)

    items = driver.import_products([huge, Product(id="p0", title="good")])

    refused = {item.product_id: item.error for item in items}
    assert refused["huge"] is not None
    assert refused["p0"] is None


def test_a_caller_who_stops_listening_leaves_no_stream_behind(
    driver: Driver, server: ShopServer
) -> None:
    first = driver.first_imported(products(1_000), limits=SMALL_BATCHES)

    assert first.index == 0
    server.stop()
    assert server.open_streams == 0


def test_an_error_of_the_source_reaches_the_caller(driver: Driver, server: ShopServer) -> None:
    """Even one that looks like a broken connection: the import must not try again on its own."""

    def source() -> Iterator[Product]:
        yield from products(7)
        raise UnavailableError("the feed is gone")

    with pytest.raises(UnavailableError, match="the feed is gone"):
        driver.import_products(source(), limits=SMALL_BATCHES)

    assert len(server.requests) <= 1
