"""What a client, a feed or an operator gets wrong: a clear error, and the server goes on."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from driven_server import Server, eventually
from tenant_facts import admin_key, bearer, raw_call, replica_process, store_of

from node.client import Client
from node.errors import Code, DeadlineExceededError, InvalidArgumentError, SaluhallError
from node.status import error_from_status_bytes
from protos.v1.catalog_pb2 import WriteProductsRequest
from protos.v1.product_pb2 import Price, Product
from protos.v1.search_pb2 import FacetSpec

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

CATALOG = "/saluhall.v1.CatalogService/"


@pytest.fixture(scope="module")
def shared_client(server: Server) -> Iterator[Client]:
    with server.client("first") as client:
        yield client


@pytest.fixture
def client(server: Server, shared_client: Client) -> Iterator[Client]:
    """Whatever a test does wrong: afterwards nothing is lost, and the process is the same one."""
    kettle = Product(id="kettle", title="Steel kettle", prices=[priced(5_000_000)])
    shared_client.write_products([kettle])
    process = replica_process(server, "first")

    yield shared_client

    assert [result.product.id for result in shared_client.search("steel kettle").results] == [
        "kettle"
    ]
    assert shared_client.search("").total_size == len(list(shared_client.list_products()))
    assert replica_process(server, "first") == process


def priced(micros: int, currency: str = "SEK") -> Price:
    return Price(selling_micros=micros, currency_code=currency)


def teapot(**fields: object) -> Product:
    return Product(id="teapot", **{"title": "Teapot", **fields})


def fields_of(refused: pytest.ExceptionInfo[InvalidArgumentError]) -> list[str]:
    """The fields that the error names; each says what is wrong with it."""
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert refused.value.reason
    assert all(violation.description for violation in refused.value.violations)
    return [violation.field for violation in refused.value.violations]


PRODUCTS = {
    "a negative price": (teapot(prices=[priced(-1)]), "products[0].prices[0].selling_micros"),
    "a wrong currency": (
        teapot(prices=[priced(1, "EUR")]),
        "products[0].prices[0].currency_code",
    ),
    "no currency": (teapot(prices=[priced(1, "kr")]), "products[0].prices[0].currency_code"),
    "2 MB": (teapot(description="x" * 2_000_000), "products[0]"),
    "no title": (teapot(title=""), "products[0].title"),
    "no id": (Product(title="Teapot"), "products[0].id"),
    "a control character": (Product(id="tea\npot", title="Teapot"), "products[0].id"),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_that_cannot_be_is_refused_with_its_field(client: Client, name: str) -> None:
    product, field = PRODUCTS[name]

    with pytest.raises(InvalidArgumentError) as refused:
        client.write_products([Product(id="good", title="Good"), product])

    assert fields_of(refused) == [field.replace("[0]", "[1]", 1)]
    assert client.search("good").total_size == 0


def test_an_import_refuses_what_cannot_be_and_stores_the_rest(client: Client) -> None:
    bad = [product for product, _ in PRODUCTS.values()]
    good = [Product(id=f"cup-{number}", title="Porcelain cup") for number in range(5)]

    items = list(client.import_products([*good[:2], *bad, *good[2:]]))

    errors = [item.error for item in items]
    assert [error is None for error in errors] == [True] * 2 + [False] * len(bad) + [True] * 3
    assert {error.code for error in errors if error} == {Code.INVALID_ARGUMENT}
    assert all(error.violations for error in errors if error)
    assert client.search("porcelain cup").total_size == 5


SEARCHES = {
    "an unknown field in the filter": ({"filter": "moon_phase = 1"}, "filter"),
    "half a filter": ({"filter": "price <"}, "filter"),
    "a number that is none": ({"filter": "price < cheap"}, "filter"),
    "a query of 10,000 words": ({"query": "kettle " * 10_000}, "query"),
    "1,000 facets": ({"facets": ["brand"] * 1_000}, "facets"),
    "an unknown facet": ({"facets": ["moon_phase"]}, "facets[0].key"),
    "a facet of 10,000 values": ({"facets": [FacetSpec(key="brand", limit=10_000)]}, None),
    "an unknown sort key": ({"order_by": "moon_phase"}, "order_by"),
    "a page token that is none": ({"page_token": "bogus"}, "page_token"),
    "an unknown branch": ({"branch": "moon"}, "branch"),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_that_cannot_be_is_refused_with_its_field(client: Client, name: str) -> None:
    arguments, field = SEARCHES[name]
    if field is None:
        assert client.search("kettle", **arguments).total_size == 1
        return

    with pytest.raises(InvalidArgumentError) as refused:
        client.search(**arguments)

    assert fields_of(refused) == [field]


def test_a_page_token_belongs_to_its_query(client: Client) -> None:
    client.write_products([Product(id=f"lamp-{n}", title="Red lamp") for n in range(9)])
    token = client.search("red lamp", page_size=4).next_page_token

    for other in ({"query": "lamp"}, {"query": "red lamp", "filter": "price < 5"}):
        with pytest.raises(InvalidArgumentError) as refused:
            client.search(**other, page_size=4, page_token=token)
        assert fields_of(refused) == ["page_token"]

    assert len(client.search("red lamp", page_size=4, page_token=token).results) == 4


@pytest.mark.parametrize(
    "body", [b"\x12\x05\x12\x02\xff\xfe\x1a", b"\x12\x04\x12\x02\xff\xfe", b"\xff"]
)
def test_bytes_that_are_no_request_or_no_utf8_are_the_callers_fault(
    server: Server, client: Client, body: bytes
) -> None:
    """The second is a whole message: a product whose id is two bytes that no UTF-8 has."""
    answer = raw_call(
        server,
        CATALOG + "WriteProducts",
        body,
        metadata=bearer(admin_key(server, "first")),
    )

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    error = error_from_status_bytes(answer.details)
    assert error.reason == "BODY_MALFORMED"
    assert "UTF-8" in error.message


def test_a_request_above_the_size_limit_is_refused_before_it_is_read(
    server: Server, client: Client
) -> None:
    body = WriteProductsRequest(products=[teapot(description="x" * 5_000_000)]).SerializeToString()

    answer = raw_call(
        server, CATALOG + "WriteProducts", body, metadata=bearer(admin_key(server, "first"))
    )

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error_from_status_bytes(answer.details).reason == "REQUEST_TOO_LARGE"


def test_a_call_without_a_deadline_is_refused(server: Server, client: Client) -> None:
    answer = raw_call(
        server,
        CATALOG + "ListBranches",
        b"",
        metadata=bearer(admin_key(server, "first")),
        timeout_s=None,
    )

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error_from_status_bytes(answer.details).reason == "DEADLINE_MISSING"


def test_a_malformed_line_of_a_feed_is_told_with_its_number_and_the_rest_is_imported(
    server: Server, client: Client, tmp_path: Path
) -> None:
    lines = [
        b'{"id": "f1", "title": "Feeder one"}',
        b'{"id": "f2", "title": "Fee',
        b'{"id": "f3", "title": "F\xff\xfe"}',
        b'{"id": "f4", "title": "Feeder four", "prices": [{"selling_micros": -5}]}',
        b'{"id": "f5"}',
        b'{"id": "f6", "title": "Feeder six"}',
    ]
    feed, rejects = tmp_path / "feed.jsonl", tmp_path / "rejects.jsonl"
    feed.write_bytes(b"\n".join(lines) + b"\n")

    said = server.done("products", "import", "first", str(feed), "--rejects", str(rejects))

    assert "2 imported (2 created, 0 updated), 0 unchanged, 4 failed" in said
    refused = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert sorted(entry["line"] for entry in refused) == [2, 3, 4, 5]
    assert all(entry["reason"] for entry in refused)
    assert client.search("feeder").total_size == 2


def test_a_feed_of_which_nothing_can_be_imported_ends_with_an_error(
    server: Server, client: Client, tmp_path: Path
) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"id": "f1", "title": ""}\n{"title": "No id"}\n')
    rejects = tmp_path / "rejects.jsonl"

    refused = server.call("products", "import", "first", str(feed), "--rejects", str(rejects))

    assert refused.returncode == 1
    assert "2 failed" in refused.stdout


def test_the_command_line_says_an_error_in_one_sentence(server: Server, client: Client) -> None:
    for arguments in (
        ("search", "first", "kettle", "--filter", "moon_phase = 1"),
        ("search", "nobody", "kettle"),
        ("products", "import", "first", "/no/such/file.jsonl"),
        ("tenants", "create", "Not A Name", "--languages", "sv", "--currency", "SEK"),
        ("tenants", "create", "shop", "--languages", "sv", "--currency", "crowns"),
    ):
        refused = server.call(*arguments)

        assert refused.returncode == 1
        assert refused.stderr.startswith("Error: ")
        assert len(refused.stderr.strip().splitlines()) == 1


def test_a_store_of_a_newer_format_is_refused_and_not_touched_while_others_serve(
    server: Server, shared_client: Client
) -> None:
    """What is down says why, and serves again by itself when the right release finds it."""
    with server.client("second") as second:
        second.write_products([Product(id="bowl", title="Bowl")])
    manifest = store_of(server, "second") / "manifest.json"
    listen = server.agent().listen
    server.down()
    as_it_was = manifest.read_text()
    manifest.write_text(json.dumps({**json.loads(as_it_was), "format": 99}))
    data = (manifest.parent / "data.mdb").read_bytes()

    server.up(listen=listen, fronts=2)

    assert shared_client.search("kettle", deadline_ms=20_000).total_size == 1
    eventually(lambda: server.tenant("second")["message"])
    status = server.tenant("second")
    assert status["state"] == "down"
    assert "format 99, this release reads up to 1" in status["message"]
    # The front waits for a process as long as the caller does: either clock may end the call.
    with server.client("second") as second, pytest.raises(DeadlineExceededError):
        second.search("bowl", deadline_ms=500)
    assert (manifest.parent / "data.mdb").read_bytes() == data
    manifest.write_text(as_it_was)
    with server.client("second") as second:
        eventually(lambda: _total(second, "bowl") == 1)


def _total(client: Client, words: str) -> int:
    try:
        return client.search(words).total_size
    except SaluhallError:
        return -1
