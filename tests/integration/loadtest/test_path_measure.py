"""The measuring itself, between two echoes of one kind: real processes, short rounds."""

import argparse
import os
import time
from pathlib import Path

import pytest

from loadtest.path import add_arguments, figures_of, table_of
from loadtest.path_client import Target
from loadtest.path_measure import (
    ECHO,
    SALUHALL,
    Level,
    Plan,
    client_process,
    cpu_seconds,
    echo_server,
    measure,
)
from loadtest.path_server import words_of
from node.config import ServerPaths
from node.tls.files import ca_path, ensure_certificates
from protos.v1.product_pb2 import Product

SIZES = {b"\x1a\x01a": 2_000, b"\x1a\x01b": 3_000}


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Level]:
    paths = ServerPaths.of(tmp_path_factory.mktemp("data"))
    ensure_certificates(paths, [])
    ca_file = str(ca_path(paths))
    plan = Plan(concurrencies=(1, 4), rounds=2, seconds=0.3, warm_up_seconds=0.1)
    with echo_server(paths.data, SIZES) as one, echo_server(paths.data, SIZES) as other:
        targets = {
            ECHO: Target(address=one, ca_file=ca_file, api_key="slk_test"),
            SALUHALL: Target(address=other, ca_file=ca_file, api_key="slk_test"),
        }
        with client_process(targets, list(SIZES)) as client:
            return measure(client, {"front": os.getpid(), "replica": os.getpid()}, plan)


def test_an_echo_is_about_as_fast_as_its_twin(levels: dict[int, Level]) -> None:
    """Far bounds: this proves that both sides are measured alike, not how fast the machine is."""
    for level in levels.values():
        assert 0.2 < level.ratio < 5
        assert level.saluhall_p50_ms <= level.saluhall_p95_ms <= level.saluhall_p99_ms
        assert level.cpu_us["client"] > 0


def test_the_file_has_the_form_that_was_promised(levels: dict[int, Level]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    figures = figures_of(levels, SIZES, parser.parse_args([]))

    assert set(figures["concurrency"]) == {"1", "4"}
    assert set(figures["concurrency"]["1"]) == {
        "echo_rps",
        "echo_p50_ms",
        "saluhall_rps",
        "saluhall_p50_ms",
        "saluhall_p95_ms",
        "saluhall_p99_ms",
        "ratio",
        "cpu_us",
    }
    assert set(figures["concurrency"]["1"]["cpu_us"]) == {"client", "front", "replica"}


def test_the_table_has_a_row_for_each_concurrency(levels: dict[int, Level]) -> None:
    assert table_of(levels).row_count == 2


def test_a_round_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    """A benchmark of refused calls would look very fast."""
    paths = ServerPaths.of(tmp_path)
    ensure_certificates(paths, [])
    plan = Plan(concurrencies=(1,), rounds=1, seconds=0.1, warm_up_seconds=0.1)
    with echo_server(paths.data, SIZES) as address:
        target = Target(address=address, ca_file=str(ca_path(paths)), api_key="slk_test")
        with (
            client_process({ECHO: target, SALUHALL: target}, [b"not expected"]) as client,
            pytest.raises(RuntimeError, match="ended during a round"),
        ):
            measure(client, {}, plan)


def test_cpu_time_grows_with_work() -> None:
    before = cpu_seconds(os.getpid())
    ends = time.process_time() + 0.05
    while time.process_time() < ends:
        pass

    assert 0.03 <= cpu_seconds(os.getpid()) - before < 5


def test_queries_are_words_of_titles_and_the_same_for_the_same_seed() -> None:
    products = [Product(title="Red wool hat"), Product(title="Kettle")]

    queries = words_of(products, count=50, seed=3)

    assert queries == words_of(products, count=50, seed=3)
    assert all(query in "Red wool hat" or query == "Kettle" for query in queries)
