"""Readers on a real server: what is acknowledged they find, and whatever becomes of them harms nobody."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from driven_server import Server, eventually, kill
from tenant_facts import (
    NO_RETRIES,
    admin_key,
    client_with,
    group_of,
    kettles,
    replica_process,
    store_of,
)

from node.agent.processes import ProcessId, is_alive, send
from node.agent.state import ReaderEntry, read_supervisor_state
from node.client import Client
from node.errors import SaluhallError
from protos.v1.merchandising_pb2 import PinAction, Rule, RuleAction
from protos.v1.product_pb2 import Product

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

KETTLES = 10


def reader_entries(server: Server, tenant: str) -> list[ReaderEntry]:
    state = read_supervisor_state(server.paths)
    return [] if state is None else [e for e in state.readers if e.tenant == tenant]


def reader_processes(server: Server, tenant: str) -> list[ProcessId]:
    """Those that serve now, by index."""
    entries = sorted(reader_entries(server, tenant), key=lambda entry: entry.index)
    found = [ProcessId(entry.pid, entry.start_time) for entry in entries if entry.pid]
    return [process for process in found if is_alive(process)]


def set_readers(server: Server, tenant: str, count: int) -> list[ProcessId]:
    """Have so many, and wait until they serve."""
    server.done("tenants", "readers", tenant, str(count))
    eventually(lambda: len(reader_processes(server, tenant)) == count)
    if not count:
        eventually(lambda: not reader_entries(server, tenant))
    return reader_processes(server, tenant)


def is_stopped(process: ProcessId) -> bool:
    """Whether it stands still, with all its threads."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


@contextmanager
def stopped(*processes: ProcessId) -> Iterator[None]:
    """As a machine that hangs: nothing answers, no connection breaks."""
    for process in processes:
        send(process, signal.SIGSTOP)
    eventually(lambda: all(map(is_stopped, processes)))
    try:
        yield
    finally:
        for process in processes:
            send(process, signal.SIGCONT)


def only_readers_answer(server: Server, client: Client) -> bool:
    """Whether a search is answered while the primary is stopped."""
    with stopped(replica_process(server, "first")):
        try:
            return client.search("steel kettle", deadline_ms=400).total_size >= KETTLES
        except SaluhallError:
            return False


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Client]:
    """A client of the tenant `first` that tries everything once only."""
    with client_with(server, admin_key(server, "first"), retries=NO_RETRIES) as client:
        client.write_products(kettles("k", KETTLES))
        yield client


@contextmanager
def searching(
    server: Server, *, rounds_min: int = 50, deadline_ms: int = 2_000
) -> Iterator[list[float]]:
    """Search all the while, without a second try: how long each took; a failure is raised."""
    stop = threading.Event()
    took: list[float] = []
    failures: list[SaluhallError] = []

    def search() -> None:
        with client_with(server, admin_key(server, "first"), retries=NO_RETRIES) as client:
            while not stop.is_set():
                started = time.monotonic()
                try:
                    assert client.search("steel kettle", deadline_ms=deadline_ms).results
                    assert client.suggest("kett", deadline_ms=deadline_ms).queries
                except SaluhallError as error:
                    failures.append(error)
                took.append(time.monotonic() - started)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield took
        eventually(lambda: len(took) >= rounds_min)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_searches_go_on_while_the_primary_does_nothing(server: Server, shop: Client) -> None:
    (reader,) = set_readers(server, "first", 1)

    eventually(lambda: only_readers_answer(server, shop))

    shown = server.tenant("first")["readers"]
    assert [(one["index"], one["pid"], one["message"]) for one in shown] == [(0, reader.pid, "")]
    assert shown[0]["anonymous_memory_bytes"] > 10_000_000
    assert "Readers" in server.done("status")


def test_an_acknowledged_write_is_in_the_next_search_of_a_reader(
    server: Server, shop: Client
) -> None:
    """A thousand writes of one client, each looked for at once by another that knows of none."""
    set_readers(server, "first", 1)
    eventually(lambda: only_readers_answer(server, shop))
    missing = []
    with client_with(server, admin_key(server, "first"), retries=NO_RETRIES) as searcher:
        for number in range(1_000):
            product = Product(id="w", title=f"Teapot number{number}")
            written = shop.write_products([product])
            answer = searcher.search(f"number{number}", filter='id = "w"')
            if len(answer.results) != 1 or answer.position < written.position:
                missing.append(number)
        shop.delete_products(["w"])

    assert missing == []
    assert only_readers_answer(server, shop)


def test_a_rule_is_seen_at_once(server: Server, shop: Client) -> None:
    set_readers(server, "first", 1)
    eventually(lambda: only_readers_answer(server, shop))
    for number in range(KETTLES):
        pin = PinAction(product_ids=[f"k{number}"], place=1)
        shop.write_rules([Rule(id="top", actions=[RuleAction(pin=pin)])])

        assert shop.search("steel kettle").results[0].product.id == f"k{number}"
    shop.delete_rules(["top"])


def test_no_search_fails_when_a_reader_is_killed(server: Server, shop: Client) -> None:
    first = set_readers(server, "first", 2)
    with searching(server):
        for _ in range(3):
            process = reader_processes(server, "first")[0]
            kill(process)
            eventually(
                lambda gone=process: (
                    len(now := reader_processes(server, "first")) == 2 and gone not in now
                )
            )

    assert set(reader_processes(server, "first")) != set(first)


def test_no_search_fails_when_readers_are_stopped_and_stuck_ones_are_replaced(
    server: Server, shop: Client
) -> None:
    stuck = set_readers(server, "first", 2)
    with searching(server) as took:
        time.sleep(0.5)
        with stopped(*stuck):
            eventually(lambda: not any(map(is_alive, stuck)))
            assert shop.write_products([Product(id="s", title="Steel sieve")]).position
        eventually(lambda: len(reader_processes(server, "first")) == 2)

    assert max(took) < 2.0
    assert not set(stuck) & set(reader_processes(server, "first"))


def test_readers_serve_the_next_incarnation_of_a_killed_primary(
    server: Server, shop: Client
) -> None:
    """Killed in the middle of writes, while readers hold the file open: nothing is lost or stuck."""
    before = set_readers(server, "first", 2)
    for round_number in range(3):
        stop = threading.Event()
        acknowledged: list[str] = []
        thread = threading.Thread(target=_write_until, args=(server, stop, acknowledged))
        thread.start()
        eventually(lambda kept=acknowledged: len(kept) > 20)
        kill(replica_process(server, "first"))
        stop.set()
        thread.join()

        ids = set(acknowledged)
        shop.search("steel", deadline_ms=20_000)
        with server.client("first") as patient:
            found = {product.id for product in patient.list_products()}
        assert ids <= found, round_number
    eventually(
        lambda: len(now := reader_processes(server, "first")) == 2 and not set(now) & set(before)
    )
    eventually(lambda: only_readers_answer(server, shop))


def _write_until(server: Server, stop: threading.Event, acknowledged: list[str]) -> None:
    with client_with(server, admin_key(server, "first"), retries=NO_RETRIES) as client:
        number = 0
        while not stop.is_set():
            product_id = f"x{os.getpid()}-{number}"
            number += 1
            try:
                client.write_products([Product(id=product_id, title="Steel tray")])
            except SaluhallError:
                continue
            acknowledged.append(product_id)


def test_without_readers_the_primary_answers(server: Server, shop: Client) -> None:
    processes = set_readers(server, "first", 2)
    with searching(server):
        set_readers(server, "first", 0)

    assert not any(map(is_alive, processes))
    assert not only_readers_answer(server, shop)
    assert server.tenant("first")["readers"] == []


def test_so_many_readers_are_refused(server: Server, shop: Client) -> None:
    assert server.call("tenants", "readers", "first", "9").returncode != 0
    assert "no tenant" in server.call("tenants", "readers", "nobody", "1").stderr


def test_readers_of_a_deleted_tenant_end_and_its_files_go(server: Server) -> None:
    (reader,) = set_readers(server, "second", 1)
    directory = store_of(server, "second")

    server.done("tenants", "delete", "second", "--yes")

    eventually(lambda: not is_alive(reader))
    eventually(lambda: not directory.exists())
    assert group_of(server.paths, "second").reader_count == 1
