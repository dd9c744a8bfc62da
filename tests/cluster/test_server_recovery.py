"""Whatever process is killed, everything comes back by itself, and neighbours notice nothing."""

import subprocess
import threading
import time
from pathlib import Path

import pytest
from driven_server import Server, eventually, kill

from node.agent.processes import ProcessId, descendants, is_alive
from node.agent.state import read_supervisor_state
from protos.v1.product_pb2 import Product

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def _is_found(server: Server, tenant: str, product_id: str) -> bool:
    with server.client(tenant) as client:
        return client.get_product(product_id, deadline_ms=30_000).id == product_id


def _named(server: Server, program: str) -> ProcessId:
    """A process of Ray, by the program it runs."""
    for process in descendants(server.agent().pid):
        if Path("/proc", str(process.pid), "comm").read_text().strip() == program:
            return process
    raise AssertionError(program)


def test_two_tenants_share_no_process_and_no_directory(server: Server) -> None:
    first, second = server.tenant("first"), server.tenant("second")

    assert first["pid"] != second["pid"]
    assert first["directory"] != second["directory"]


def test_nothing_listens_beyond_this_machine_and_rays_client_port_is_shut(server: Server) -> None:
    ours = {process.pid for process in descendants(server.agent().pid)}
    listed = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in listed.splitlines() if any(f"pid={pid}," in line for pid in ours)]

    assert len(lines) > 3
    assert [line for line in lines if "127.0.0.1" not in line.split()[3]] == []
    assert [line for line in lines if line.split()[3].endswith(":10001")] == []


def test_a_killed_replica_serves_again_while_the_neighbour_sees_no_error(server: Server) -> None:
    with server.client("first") as client:
        client.write_products([Product(id="kettle", title="Kettle")])
    process = server.tenant_process("first")
    stop = threading.Event()
    neighbour: list[object] = []

    def search() -> None:
        with server.client("second") as client:
            while not stop.is_set():
                neighbour.append(client.search("kettle", deadline_ms=5_000).total_size)

    searching = threading.Thread(target=search)
    searching.start()
    kill(process)
    began = time.monotonic()
    found = _is_found(server, "first", "kettle")
    took_s = time.monotonic() - began
    stop.set()
    searching.join()

    assert found
    assert took_s < 10
    assert set(neighbour) == {0}
    assert server.tenant("first")["restart_count"] >= 1


def test_a_replica_that_is_killed_again_and_again_comes_back(server: Server) -> None:
    for _ in range(3):
        kill(server.tenant_process("first"))
        eventually(lambda: server.tenant("first")["state"] == "serving")

    assert _is_found(server, "first", "kettle")


@pytest.mark.parametrize("role", ["front", "operator", "supervisor"])
def test_a_killed_process_of_the_server_is_started_again(server: Server, role: str) -> None:
    process = server.process(role)
    replica = server.tenant_process("first")

    kill(process)
    eventually(lambda: server.is_serving() and server.process(role) != process)

    assert is_alive(replica)
    assert _is_found(server, "first", "kettle")
    restarts = [p["restart_count"] for p in server.status()["processes"] if p["role"] == role]
    assert sum(restarts) == 1


def test_a_supervisor_that_was_started_again_watches_the_replicas_that_ran(
    server: Server,
) -> None:
    adopted = read_supervisor_state(server.paths)
    assert adopted is not None
    assert {entry.tenant for entry in adopted.replicas} == {"first", "second"}

    kill(server.tenant_process("second"))
    eventually(lambda: server.tenant("second")["state"] == "serving")


@pytest.mark.parametrize("program", ["raylet", "gcs_server"])
def test_when_ray_dies_everything_in_it_is_started_again(server: Server, program: str) -> None:
    before = server.tenant_process("first")

    kill(_named(server, program))
    eventually(lambda: not is_alive(before))
    eventually(lambda: server.is_serving() and server.tenant("first")["state"] == "serving")

    assert _is_found(server, "first", "kettle")
    assert server.tenant_process("first") != before


def test_a_deleted_tenants_process_and_directory_are_gone(server: Server) -> None:
    process = server.tenant_process("second")
    store = server.paths.stores / server.tenant("second")["directory"].rpartition("/")[2]
    assert store.is_dir()

    server.done("tenants", "delete", "second", "--yes")

    eventually(lambda: not is_alive(process) and not store.exists())
    assert _is_found(server, "first", "kettle")
    refused = server.call("tenants", "create", "second", "--languages", "sv", "--currency", "SEK")
    assert refused.returncode == 1
    assert "names are never used again" in refused.stderr
