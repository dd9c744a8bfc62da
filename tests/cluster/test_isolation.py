"""Two tenants on one server share nothing that matters; keys open what they are for, while they are."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from driven_server import Server, eventually
from tenant_facts import (
    NO_RETRIES,
    RawAnswer,
    admin_key,
    bearer,
    client_with,
    front_addresses,
    kettles,
    raw_call,
    replica_process,
    segments_of,
    store_of,
)

from actors.index.merge import plan_merge
from loadtest.catalogues import SHOPS, write_catalogue
from node.client import Client
from node.config import MIB
from node.errors import PermissionDeniedError, UnauthenticatedError
from node.keys import mint_key, parse_key, read_platform_key, tenant_key
from node.status import error_from_status_bytes
from protos.v1.account_pb2 import Key
from protos.v1.catalog_pb2 import GetProductRequest
from protos.v1.product_pb2 import Product
from protos.v1.search_pb2 import SearchRequest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

SEARCH = "/saluhall.v1.SearchService/Search"
GET = "/saluhall.v1.CatalogService/GetProduct"
IDLE_MEMORY_BYTES_MAX = 110 * MIB
CATALOGUE_SIZE = 5_000


@pytest.fixture(scope="module")
def admin(server: Server) -> Iterator[Client]:
    """The tenant `first` with two kettles; `second` has a bowl."""
    with server.client("second") as second:
        second.write_products([Product(id="bowl", title="Bowl")])
    with server.client("first") as client:
        client.write_products(kettles("k", 2))
        yield client


def test_the_status_shows_process_memory_products_size_and_directory(
    server: Server, admin: Client
) -> None:
    by_id = {tenant["id"]: tenant for tenant in server.status()["tenants"]}

    assert [by_id[name]["product_count"] for name in ("first", "second")] == [2, 1]
    for name, tenant in by_id.items():
        store = store_of(server, name)
        assert tenant["state"] == "serving"
        assert Path(tenant["directory"]) == store
        assert tenant["store_size_bytes"] == (store / "data.mdb").stat().st_blocks * 512
        actual = anonymous_memory_bytes(tenant["pid"])
        assert abs(tenant["anonymous_memory_bytes"] - actual) < 5 * MIB
    printed = server.done("status")
    assert all(str(tenant["pid"]) in printed for tenant in by_id.values())


def test_two_tenants_share_no_process_directory_or_open_file(server: Server, admin: Client) -> None:
    first, second = (psutil.Process(server.tenant(name)["pid"]) for name in ("first", "second"))
    stores = {name: str(store_of(server, name)) for name in ("first", "second")}

    assert first.pid != second.pid
    assert stores["first"] != stores["second"]
    assert mapped(first, server.paths.stores) == {stores["first"]}
    assert mapped(second, server.paths.stores) == {stores["second"]}


def mapped(process: psutil.Process, stores: Path) -> set[str]:
    """The store directories of which a process has a file open or in its memory."""
    paths = {opened.path for opened in process.open_files()}
    paths |= {each.path for each in process.memory_maps()}
    return {str(Path(path).parent) for path in paths if path.startswith(f"{stores}{os.sep}")}


def test_every_directory_of_the_data_is_its_owners_alone(server: Server, admin: Client) -> None:
    directories = [server.paths.data, *(p for p in server.paths.data.rglob("*") if p.is_dir())]
    secret = [path for path in server.paths.stores.rglob("*") if path.name != "manifest.json"]

    assert {oct(path.stat().st_mode & 0o777) for path in directories} == {"0o700"}
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}
    assert server.paths.runtime.stat().st_mode & 0o777 == 0o700


def test_the_first_admin_key_stands_in_the_profile_only(server: Server, admin: Client) -> None:
    secret = parse_key(admin_key(server, "first")).secret.encode()

    assert server.profile.stat().st_mode & 0o777 == 0o600
    assert secret in server.profile.read_bytes()
    holders = [
        path
        for path in [*server.paths.data.rglob("*"), *server.paths.runtime.rglob("*")]
        if path.is_file() and secret in path.read_bytes()
    ]
    assert holders == []


def ask(server: Server, key: str, name: str) -> RawAnswer:
    request = GetProductRequest(name=name)
    return raw_call(server, GET, request.SerializeToString(), metadata=bearer(key))


def test_whether_something_exists_at_another_tenant_cannot_be_told(
    server: Server, admin: Client
) -> None:
    """A tenant and a product that are there, and such that are not: the same bytes."""
    key = admin_key(server, "first")

    answers = {
        ask(server, key, f"tenants/{tenant}/branches/{branch}/products/{product}")
        for tenant in ("second", "absent", "platform")
        for branch in ("-", "1", "7")
        for product in ("bowl", "absent")
    }

    assert len(answers) == 1
    (answer,) = answers
    assert answer.code is grpc.StatusCode.PERMISSION_DENIED
    assert error_from_status_bytes(answer.details).reason == "TENANT_MISMATCH"
    assert b"second" not in answer.details


def test_an_id_of_another_tenant_is_like_one_that_nobody_has(server: Server, admin: Client) -> None:
    """Products, keys and branches are looked up in the caller's own store and nowhere else."""
    key = admin_key(server, "first")
    found, absent = (
        ask(server, key, f"tenants/-/branches/-/products/{product}") for product in ("bowl", "bawl")
    )

    assert found.code is grpc.StatusCode.NOT_FOUND
    assert found.message.replace("bowl", "bawl") == absent.message
    assert found.details.replace(b"bowl", b"bawl") == absent.details
    assert admin.search("bowl").total_size == 0


def keys_that_are_none(server: Server) -> dict[str, str]:
    """Keys that look right and that no tenant has given out."""
    good = admin_key(server, "first")
    secret = parse_key(good).secret
    platform_key = read_platform_key(server.paths.platform_key)

    def minted(tenant: str, checksum_key: bytes) -> str:
        return mint_key(
            role=Key.ADMIN, tenant_id=tenant, key_id="a" * 10, checksum_key=checksum_key
        ).text

    return {
        "mistyped": good.replace(secret, secret[:-1] + ("a" if secret[-1] != "a" else "b")),
        "forged": minted("first", b"?" * 32),
        "of another tenant under this one's name": good.replace("_first_", "_second_"),
        "of no tenant": minted("absent", tenant_key(platform_key, "absent")),
        "never given out": minted("first", tenant_key(platform_key, "first")),
        "no key at all": "slk_",
    }


def test_every_key_that_is_none_gets_the_same_answer(server: Server, admin: Client) -> None:
    """Whether typed wrongly, forged, of a tenant that does not exist, or never given out."""
    body = SearchRequest(query="kettle").SerializeToString()

    answers = {
        name: raw_call(server, SEARCH, body, metadata=bearer(key))
        for name, key in keys_that_are_none(server).items()
    }
    answers["no metadata"] = raw_call(server, SEARCH, body, metadata=[])

    assert len(set(answers.values())) == 1, answers
    answer = answers["mistyped"]
    assert answer.code is grpc.StatusCode.UNAUTHENTICATED
    error = error_from_status_bytes(answer.details)
    assert error.reason == "KEY_INVALID"
    assert "saluhall keys issue" in error.message


def test_a_key_may_do_what_its_role_says_and_no_more(server: Server, admin: Client) -> None:
    def refused(client: Client, *calls: Any) -> list[str]:
        reasons = []
        for call in calls:
            with pytest.raises(PermissionDeniedError) as error:
                call(client)
            reasons.append(error.value.reason)
        return reasons

    def write(client: Client) -> Any:
        return client.write_products([Product(id="cup", title="Cup")])

    search_key = admin.issue_key(Key.SEARCH).secret
    write_key = admin.issue_key(Key.WRITE).secret
    with client_with(server, search_key) as searcher, client_with(server, write_key) as writer:
        assert searcher.search("kettle").total_size == 2
        assert (
            refused(
                searcher,
                write,
                lambda client: client.get_product("k1"),
                lambda client: client.issue_key(Key.SEARCH),
                lambda client: list(client.import_products(kettles("i", 1))),
            )
            == ["ROLE_TOO_LOW"] * 4
        )
        assert (
            refused(
                writer, lambda client: client.list_keys(), lambda client: client.delete_branch("1")
            )
            == ["ROLE_TOO_LOW"] * 2
        )
        write(writer)
        writer.delete_products(["cup"])


def test_an_expired_key_says_so(server: Server, admin: Client) -> None:
    issued = admin.issue_key(Key.SEARCH, lifetime_seconds=1)
    reasons: list[str] = []
    with client_with(server, issued.secret) as client:
        assert client.search("kettle").total_size == 2

        def is_refused() -> bool:
            try:
                client.search("kettle")
            except UnauthenticatedError as error:
                reasons.append(error.reason)
            return bool(reasons)

        eventually(is_refused, wait_s_max=5)
        ended_ms = issued.key.expire_time.ToMilliseconds()

    assert reasons == ["KEY_EXPIRED"]
    assert 0 <= time.time() * 1_000 - ended_ms < 1_000


def test_a_revoked_key_stops_working_within_a_second_through_every_front(
    server: Server, admin: Client
) -> None:
    """Asked all the while, so that every front holds a verdict when the key is revoked."""
    issued = admin.issue_key(Key.SEARCH)
    addresses = front_addresses(server)
    clients = [client_with(server, issued.secret, each, NO_RETRIES) for each in addresses]
    for client in clients:
        client.search("kettle")

    admin.revoke_key(issued.key.id)
    revoked_s = time.monotonic()
    last_admitted_s = revoked_s
    refusals: set[str] = set()
    while time.monotonic() - revoked_s < 1.5:
        for client in clients:
            asked_s = time.monotonic()
            try:
                client.search("kettle")
                last_admitted_s = asked_s
            except UnauthenticatedError as error:
                refusals.add(error.reason)
    for client in clients:
        client.close()

    assert len(clients) == 2
    assert last_admitted_s - revoked_s < 1.0
    assert refusals == {"KEY_REVOKED"}


def anonymous_memory_bytes(pid: int) -> int:
    lines = Path("/proc", str(pid), "status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1_024


def test_an_idle_replica_with_5000_products_stays_small(server: Server, tmp_path: Path) -> None:
    """After a start and searches of every kind."""
    feed = tmp_path / "demo-en.jsonl"
    write_catalogue("demo-en", feed, count=CATALOGUE_SIZE)
    currency = SHOPS["demo-en"].currency_code
    server.done("tenants", "create", "electronics", "--languages", "en", "--currency", currency)
    server.done("products", "import", "electronics", str(feed))
    eventually(lambda: not plan_merge(segments_of(server, "electronics")))
    listen = server.agent().listen

    server.down()
    server.up(listen=listen, fronts=2)
    with server.client("electronics") as client:
        words = ["usb hub", "wireless headphones", "monitor", "", "laptop bag", "nothing of this"]
        for query in words * 5:
            client.search(
                query,
                filter="price < 500 AND availability = IN_STOCK",
                facets=["brand", "categories", "price", "attributes.colour"],
                order_by="price desc" if query == "monitor" else "",
                highlight=True,
                deadline_ms=20_000,
            )
        total = client.search("").total_size

    assert total == CATALOGUE_SIZE
    size = anonymous_memory_bytes(replica_process(server, "electronics").pid)
    assert size <= IDLE_MEMORY_BYTES_MAX
