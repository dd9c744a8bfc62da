"""The main job on a real server: imports, searches, kills and restarts; nothing lost, nothing doubled."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime, sleep, time
from typing import Any

import pytest
from driven_server import Server, eventually, kill
from tenant_facts import (
    NO_RETRIES,
    admin_key,
    client_with,
    front_addresses,
    kettles,
    listed_ids,
    replica_process,
    replica_state,
    segments_of,
)

from actors.index.merge import plan_merge, plan_quiet_merge
from actors.index.segments import SegmentRecord
from loadtest.catalogues import catalogue_records
from node.errors import SaluhallError
from protos.v1.catalog_pb2 import InventoryUpdate
from protos.v1.common_pb2 import CREATED
from protos.v1.product_pb2 import Price, Product

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = 3_000
KILLS = 3


@contextmanager
def searching(server: Server, tenant: str) -> Iterator[list[object]]:
    """Search all the while, without a second try; what every search brought."""
    stop = threading.Event()
    brought: list[object] = []

    def search() -> None:
        with client_with(server, admin_key(server, tenant), retries=NO_RETRIES) as client:
            while not stop.is_set():
                try:
                    brought.append(client.search("steel kettle").total_size)
                except SaluhallError as error:
                    brought.append(str(error))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield brought
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def neighbour(server: Server) -> str:
    """A tenant with ten kettles."""
    with server.client("second") as client:
        client.write_products(kettles("n", 10))
    return "second"


def test_an_import_goes_on_by_itself_when_the_tenants_process_is_killed(
    server: Server, neighbour: str
) -> None:
    """Killed three times in the middle of a client's import; what was acknowledged is there at once."""
    products = kettles("c", PRODUCTS)
    acknowledged: list[str] = []
    outcomes = []
    with server.client("first") as client, searching(server, neighbour) as brought:
        for item in client.import_products(iter(products)):
            outcomes.append(item.outcome)
            acknowledged.append(item.product_id)
            if len(outcomes) % (PRODUCTS // (KILLS + 1)) == 0 and len(outcomes) < PRODUCTS:
                kill(replica_process(server, "first"))
                last = client.get_product(acknowledged[-1], deadline_ms=20_000)
                assert last.id == acknowledged[-1]

        assert outcomes == [CREATED] * PRODUCTS
        assert acknowledged == [product.id for product in products]
        stored = [found for found in listed_ids(client) if found.startswith("c")]
        assert sorted(stored) == sorted(acknowledged)
        assert client.search("steel kettle").total_size == len(listed_ids(client))
    assert set(brought) == {10}
    assert len(brought) > 20
    assert server.tenant("first")["restart_count"] >= KILLS


def test_an_import_of_the_command_line_goes_on_when_the_tenants_process_is_killed(
    server: Server, neighbour: str
) -> None:
    """The feed comes in portions, and the process dies while each of them is under way."""
    records = list(catalogue_records("demo-sv", count=PRODUCTS))
    portion = PRODUCTS // KILLS
    with (
        server.client("first") as client,
        searching(server, neighbour) as brought,
        _importing_stdin(server, "first") as importing,
    ):
        before = client.search("").total_size
        for start in range(0, PRODUCTS, portion):
            so_far = client.search("", deadline_ms=20_000).total_size
            for record in records[start : start + portion]:
                importing.stdin.write(json.dumps(record) + "\n")
            importing.stdin.flush()
            eventually(
                lambda so_far=so_far: client.search("", deadline_ms=20_000).total_size > so_far
            )
            kill(replica_process(server, "first"))
        said, complaints = importing.communicate(timeout=90)

        assert importing.returncode == 0, complaints
        assert f"{PRODUCTS:,} imported ({PRODUCTS:,} created, 0 updated)" in said
        assert "0 unchanged, 0 failed" in said
        ids = {record["id"] for record in records}
        stored = [found for found in listed_ids(client) if found in ids]
        assert sorted(stored) == sorted(ids)
        assert client.search("").total_size == before + PRODUCTS
    assert set(brought) == {10}


@contextmanager
def _importing_stdin(server: Server, tenant: str) -> Iterator[Any]:
    """The import command, which reads what the test writes."""
    importing = subprocess.Popen(
        [sys.executable, "-m", "cluster.cli.main", "products", "import", tenant, "-"],
        env={**os.environ, "SALUHALL_PROFILE": str(server.profile), "PYTHONPATH": str(ROOT)},
        cwd=server.profile.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield importing
    finally:
        if importing.poll() is None:
            importing.kill()
            importing.communicate()


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(900)
def test_an_acknowledged_write_is_in_the_next_search_through_another_front(
    server: Server, count: int
) -> None:
    """Creations, prices, brands and deletions; neither client knows what the other has seen."""
    key = admin_key(server, "second")
    addresses = front_addresses(server)
    assert len(set(addresses)) == 2
    missing: list[str] = []
    clients = [client_with(server, key, address, NO_RETRIES) for address in addresses]
    for number in range(count):
        # The same product four times, then the next; each time through the other pair of fronts.
        writer, searcher = clients[number % 2], clients[1 - number % 2]
        product_id = f"w{count}x{number // 4}"
        if not _write(writer, searcher, product_id, step=number % 4):
            missing.append(f"{product_id} in step {number % 4}")
    for client in clients:
        client.close()

    assert missing == []


def _write(writer: Any, searcher: Any, product_id: str, *, step: int) -> bool:
    """Write once and search once; whether the search has seen it."""
    this = f'id = "{product_id}"'
    if step == 0:
        writer.write_products([Product(id=product_id, title=f"Teapot {product_id}")])
        found = searcher.search(product_id).results
        return [result.product.id for result in found] == [product_id]
    if step == 1:
        price = Price(selling_micros=7_500_000, currency_code="SEK")
        update = InventoryUpdate(product_id=product_id, prices=[price])
        update.set_time.GetCurrentTime()
        writer.set_inventory([update])
        return searcher.search(filter=f"{this} AND price = 7.5").total_size == 1
    if step == 2:
        writer.write_products([Product(id=product_id, brand="Ny")], update_mask=["brand"])
        return searcher.search(product_id, filter='brand = "ny"').total_size == 1
    writer.delete_products([product_id])
    return searcher.search(product_id).total_size == 0


def test_after_a_stop_and_a_start_the_first_answer_is_there_at_once_and_nothing_is_rebuilt(
    server: Server,
) -> None:
    """The clock starts when the process can be a replica: Ray keeps processes in stock, which it
    starts before the supervisor that gives them a store.
    """
    eventually(lambda: _is_merged(segments_of(server, "first")))
    segments, state = segments_of(server, "first"), replica_state(server, "first")
    log = server.paths.logs / "replica-first.log"
    size_before = log.stat().st_size
    listen = server.agent().listen

    server.down()
    answered: list[float] = []
    asking = threading.Thread(target=_ask_until_answered, args=(server, listen, answered))
    asking.start()
    server.up(listen=listen, fronts=2)
    asking.join()

    began = max(_process_start(server.tenant_process("first").pid), _supervisor_start(server))
    after = replica_state(server, "first")
    assert answered[0] - began < 1.0
    assert segments_of(server, "first") == segments
    assert after.state_hash == state.state_hash
    assert (after.position, after.segment_count) == (state.position, state.segment_count)
    assert b"segments_merged" not in log.read_bytes()[size_before:]


def _ask_until_answered(server: Server, listen: str, answered: list[float]) -> None:
    key = admin_key(server, "first")
    while not answered:
        # A channel that was refused waits before it connects again; a new one does not.
        with client_with(server, key, listen, NO_RETRIES) as client:
            try:
                assert client.search("steel kettle").total_size > 0
            except SaluhallError:
                sleep(0.01)
            else:
                answered.append(time())


def _is_merged(segments: Sequence[SegmentRecord]) -> bool:
    return not plan_merge(segments) and not plan_quiet_merge(segments)


def _process_start(pid: int) -> float:
    """When a process started, by the clock of `time`.

    The kernel counts from its boot, and tells the time of that in whole seconds only: what is
    computed with it (psutil's create_time) is up to a second too early.
    """
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    age = clock_gettime(CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time() - age


def _supervisor_start(server: Server) -> float:
    lines = (server.paths.logs / "supervisor.log").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    started = [e["timestamp"] for e in events if e["event"] == "supervisor_started"]
    return datetime.fromisoformat(started[-1]).astimezone(UTC).timestamp()
