"""Calls of both clients against a real server: retries, errors, metadata, deadlines."""

import time

import pytest
from client_drivers import Driver
from shop_server import KEY, ShopServer

from node.client import AsyncClient, Client, Consistency
from node.client import shop_calls as calls
from node.errors import (
    Code,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SaluhallError,
    StorageError,
    UnavailableError,
    Violation,
)
from protos.v1.event_pb2 import Event, EventResult
from protos.v1.product_pb2 import Product

KETTLE = Product(id="kettle", title="Kettle")


def test_a_write_is_tried_again_under_the_same_request_id(
    driver: Driver, server: ShopServer
) -> None:
    server.failures = [UnavailableError("starting"), UnavailableError("starting")]

    driver.call("write_products", [KETTLE])

    ids = [what for what, _ in server.requests]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert server.write_counts["kettle"] == 1


def test_events_are_sent_again_with_their_own_ids(driver: Driver, server: ShopServer) -> None:
    server.failures = [UnavailableError("starting")]

    answer = driver.call("write_events", [Event(event_id="a"), Event(event_id="b")])

    assert [result.outcome for result in answer.results] == [EventResult.ACCEPTED] * 2
    assert server.event_ids == ["a", "b", "a", "b"]


def test_two_writes_have_two_request_ids_and_a_given_one_is_kept(
    driver: Driver, server: ShopServer
) -> None:
    driver.call("write_products", [KETTLE])
    driver.call("write_products", [KETTLE])
    driver.call("write_products", [KETTLE], request_id="mine")

    ids = [what for what, _ in server.requests]
    assert len(set(ids)) == 3
    assert ids[2] == "mine"


def test_an_error_arrives_whole_and_is_not_tried_again(driver: Driver, server: ShopServer) -> None:
    server.failures = [
        InvalidArgumentError(
            "price: must not be negative",
            reason="PRICE_NEGATIVE",
            metadata={"product": "kettle"},
            violations=[Violation("products[0].prices[0]", "must not be negative")],
        )
    ]

    with pytest.raises(InvalidArgumentError) as caught:
        driver.call("write_products", [KETTLE])

    error = caught.value
    assert (error.message, error.reason) == ("price: must not be negative", "PRICE_NEGATIVE")
    assert error.metadata == {"product": "kettle"}
    assert error.violations == (Violation("products[0].prices[0]", "must not be negative"),)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        PermissionDeniedError("no"),
        ResourceExhaustedError("too many", retry_delay_ms=70),
        FailedPreconditionError("not now"),
    ],
)
def test_only_what_is_unavailable_is_tried_again(
    driver: Driver, server: ShopServer, failure: SaluhallError
) -> None:
    server.failures = [failure]

    with pytest.raises(type(failure)) as caught:
        driver.call("search", "kettle")

    assert caught.value.retry_delay_ms == failure.retry_delay_ms
    assert len(server.requests) == 1


def test_retries_end_with_the_deadline_and_the_last_explanation(
    driver: Driver, server: ShopServer
) -> None:
    server.failures = [UnavailableError("the shop is being opened")] * 1_000
    began = time.monotonic()

    with pytest.raises(UnavailableError, match="being opened"):
        driver.call("search", "kettle", deadline_ms=300)

    assert time.monotonic() - began < 2
    assert 2 <= len(server.requests) <= 20


def test_a_storage_error_is_tried_again_like_any_unavailability(
    driver: Driver, server: ShopServer
) -> None:
    server.failures = [StorageError("disk full")]

    driver.call("search", "kettle")

    assert len(server.requests) == 2


def test_a_server_that_comes_back_is_found_within_the_deadline(
    driver: Driver, server: ShopServer
) -> None:
    driver.call("search", "kettle")
    server.stop()
    with pytest.raises(UnavailableError, match=server.address):
        driver.call("search", "kettle", deadline_ms=200)

    server.start()

    driver.call("search", "kettle", deadline_ms=5_000)


def test_an_answer_that_does_not_come_is_a_deadline_exceeded(
    driver: Driver, server: ShopServer
) -> None:
    server.requests = SlowList()

    with pytest.raises(DeadlineExceededError, match="Search"):
        driver.call("search", "kettle", deadline_ms=100)


class SlowList(list):  # type: ignore[type-arg]
    """Takes longer to append to than the test's deadline."""

    def append(self, item: object) -> None:
        time.sleep(0.5)
        super().append(item)


def test_the_key_and_the_position_seen_travel_along(driver: Driver, server: ShopServer) -> None:
    driver.call("search", "kettle", consistency=Consistency.STRONG)
    position = driver.call("write_products", [KETTLE]).position

    driver.call("search", "kettle")

    (_, first), _, (_, last) = server.requests
    assert first["authorization"] == f"Bearer {KEY}"
    assert first["saluhall-consistency"] == "strong"
    assert "saluhall-position-min" not in first
    assert last["saluhall-position-min"] == str(position)
    assert driver.client.position == position


def test_a_position_seen_elsewhere_can_be_handed_over_and_never_goes_back(
    driver: Driver, server: ShopServer
) -> None:
    driver.client.see(41)
    driver.client.see(7)

    driver.call("search", "kettle")

    assert server.requests[0][1]["saluhall-position-min"] == "41"


def test_pages_are_read_on_until_the_last(driver: Driver, server: ShopServer) -> None:
    for number in range(5):
        server.products[str(number)] = Product(id=str(number))

    assert [product.id for product in driver.list_products()] == ["0", "1", "2", "3", "4"]


def test_a_product_is_asked_for_by_its_resource_name(driver: Driver, server: ShopServer) -> None:
    server.products["kettle"] = KETTLE

    assert driver.call("get_product", "kettle") == KETTLE
    assert server.requests[0][0] == "tenants/-/branches/-/products/kettle"


def test_a_method_that_the_server_lacks_is_a_typed_error_too(driver: Driver) -> None:
    with pytest.raises(SaluhallError) as caught:
        driver.call("list_keys")

    assert caught.value.code is Code.UNIMPLEMENTED


def test_a_closed_client_says_so(server: ShopServer) -> None:
    client = Client(server.address, api_key=KEY, ca_file=server.ca_file)
    client.close()

    with pytest.raises(FailedPreconditionError, match="closed"):
        client.search("kettle")


async def test_a_closed_asyncio_client_says_so(server: ShopServer) -> None:
    client = AsyncClient(server.address, api_key=KEY, ca_file=server.ca_file)
    await client.close()

    with pytest.raises(FailedPreconditionError, match="closed"):
        await client.search("kettle")


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", "localhost:0", ":70", "a:b"])
def test_an_address_that_is_none_is_refused(server: ShopServer, address: str) -> None:
    with pytest.raises(InvalidArgumentError, match="host:port"):
        Client(address, api_key=KEY, ca_file=server.ca_file)


def test_a_missing_file_of_an_authority_is_refused(server: ShopServer) -> None:
    with pytest.raises(InvalidArgumentError, match="ca_file"):
        Client(server.address, api_key=KEY, ca_file="absent.pem")


def test_both_clients_offer_the_same_methods() -> None:
    public = {name for name in vars(Client) if not name.startswith("_")}

    assert public == {name for name in vars(AsyncClient) if not name.startswith("_")}
    assert Client.search.__doc__ == calls.search.__doc__
