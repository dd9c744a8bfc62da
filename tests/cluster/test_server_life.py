"""Up, status, down: what an operator does with a server, and what a bad day does to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from driven_server import Server, eventually, kill

from node.agent.processes import ProcessId, is_alive, process_id, processes_of, send
from protos.v1.product_pb2 import Product

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def test_a_server_starts_says_what_runs_where_and_leaves_nothing_when_stopped(
    stopped_server: Server,
) -> None:
    said = stopped_server.up()
    state = stopped_server.agent()
    processes = {process["role"]: process for process in stopped_server.status()["processes"]}

    assert state.listen in said
    assert set(processes) == {"agent", "ray", "supervisor", "operator", "front"}
    assert all(process["anonymous_memory_bytes"] > 0 for process in processes.values())

    stopped_server.down()

    assert stopped_server.traces() == []


def test_the_data_directory_and_all_keys_in_it_are_the_owners_alone(
    stopped_server: Server,
) -> None:
    paths = stopped_server.paths
    secrets = [paths.platform_key, paths.tls / "ca.key", paths.tls / "operator.pem"]

    assert paths.data.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600] * len(secrets)
    assert stopped_server.profile.stat().st_mode & 0o777 == 0o600


def test_stopping_what_does_not_run_is_no_error(stopped_server: Server) -> None:
    assert "was not running" in stopped_server.down()


def test_a_port_in_use_is_named_before_anything_starts(stopped_server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        refused = stopped_server.call(
            "up", "--detach", "--data", str(stopped_server.paths.data), "--listen", address
        )

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Error: {address} is in use by another program")
    assert stopped_server.traces() == []


def test_a_data_directory_of_a_newer_format_is_refused_and_not_touched(
    stopped_server: Server,
) -> None:
    identity = stopped_server.paths.data / "server.json"
    as_it_was = identity.read_text()
    identity.write_text(json.dumps({**json.loads(as_it_was), "format": 99}))

    refused = stopped_server.call("up", "--detach", "--data", str(stopped_server.paths.data))
    identity.write_text(as_it_was)

    assert refused.returncode == 1
    assert "has format 99; this release knows formats up to 1" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert stopped_server.traces() == []


def test_after_a_power_cut_the_next_start_just_works(stopped_server: Server) -> None:
    """Sockets, the lock's file, the agent's state and Ray's session are all still there."""
    stopped_server.up()
    stopped_server.done("tenants", "create", "shop", "--languages", "sv", "--currency", "SEK")
    with stopped_server.client("shop") as client:
        client.write_products([Product(id="kettle", title="Kettle")])
    stopped_server.kill_everything()
    assert stopped_server.paths.runtime.exists()

    stopped_server.up()

    with stopped_server.client("shop") as client:
        assert client.get_product("kettle").title == "Kettle"


def test_a_second_start_says_that_it_is_running_already(stopped_server: Server) -> None:
    refused = stopped_server.call("up", "--detach", "--data", str(stopped_server.paths.data))

    assert refused.returncode == 1
    assert "is already running" in refused.stderr
    assert str(stopped_server.agent().pid) in refused.stderr
    assert stopped_server.is_serving()


def test_a_server_whose_agent_was_killed_is_started_anew_over_what_is_left(
    stopped_server: Server,
) -> None:
    """Its fronts still hold the port, its replica the store."""
    agent = stopped_server.agent()
    kill(agent.process)
    left = processes_of(stopped_server.paths)
    assert len(left) > 3

    stopped_server.up(listen=agent.listen)

    assert not any(is_alive(process) for process in left)
    with stopped_server.client("shop") as client:
        assert client.get_product("kettle").title == "Kettle"


def test_a_server_whose_agent_was_killed_can_be_stopped(stopped_server: Server) -> None:
    kill(stopped_server.agent().process)

    stopped_server.down()

    assert stopped_server.traces() == []


def test_a_server_in_the_foreground_stops_in_order_on_ctrl_c(stopped_server: Server) -> None:
    foreground = subprocess.Popen(
        [
            *(sys.executable, "-m", "cluster.cli.main", "up"),
            *("--data", str(stopped_server.paths.data)),
            *("--listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0"),
        ],
        env={**os.environ, "SALUHALL_PROFILE": str(stopped_server.profile)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    eventually(lambda: stopped_server.is_serving() or foreground.poll() is not None)
    started = time.monotonic()

    foreground.send_signal(signal.SIGINT)
    said, _ = foreground.communicate(timeout=60)

    assert foreground.returncode == 0
    assert said.endswith("Stopped.\n")
    assert time.monotonic() - started < 30
    assert stopped_server.traces() == []


def test_only_a_process_that_is_beyond_doubt_ours_is_ever_signalled() -> None:
    """A number may belong to someone else by now; the start time tells."""
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    current = process_id(other.pid)
    assert current is not None

    send(ProcessId(other.pid, current.start_time - 1), signal.SIGKILL)
    survived = is_alive(current)
    other.communicate(b"\n", timeout=30)

    assert survived
    assert other.returncode == 0
