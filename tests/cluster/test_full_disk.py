"""A full disk: what cannot be written is refused, what was acknowledged stays, and space heals it."""

import os
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from driven_server import Server, kill
from tenant_facts import client_with, kettles, listed_ids, replica_process

from node.agent.directory import open_data_directory
from node.client import AdminClient, RetryPolicy
from node.config import MIB, ServerPaths
from node.errors import Code, SaluhallError, StorageError, UnavailableError
from node.tls.files import ca_path, operator_path

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

DISK_SIZE = "48m"
FEW_RETRIES = RetryPolicy(first_delay_ms=20, delay_ms_max=50, attempts_max=3)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data directory is a disk of its own, a small one."""
    server = Server(tmp_path_factory.mktemp("server"))
    disk = server.paths.data
    disk.mkdir(mode=0o700)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE},mode=700", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        server.up(fronts=2)
        for name in ("first", "second"):
            server.done("tenants", "create", name, "--languages", "sv", "--currency", "SEK")
        yield server
    finally:
        server.down()
        subprocess.run(["umount", str(disk)], check=True)


def fill(path: Path) -> None:
    """Leave not one byte of the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    size = MIB
    while size:  # Ends: every round halves the size.
        try:
            while os.write(descriptor, bytes(size)) == size:
                pass
        except OSError:
            pass
        size //= 2
    os.close(descriptor)


def test_an_import_on_a_full_disk_is_told_so_loses_nothing_and_can_be_run_again(
    server: Server,
) -> None:
    products = kettles("k", 20_000)
    filler = server.paths.data / "filler"
    with server.client("second") as second:
        second.write_products(kettles("n", 10))
    process = replica_process(server, "first")
    with server.client("first") as client:
        importing = client.import_products(products, retries=FEW_RETRIES)
        acknowledged = [item.product_id for item in islice(importing, 2_000) if not item.error]
        fill(filler)
        with pytest.raises(SaluhallError) as refused:
            acknowledged.extend(item.product_id for item in importing if not item.error)

        assert 2_000 <= len(acknowledged) < len(products)
        assert refused.value.code is Code.UNAVAILABLE
        assert refused.value.reason == "DISK_FULL"
        assert "free space" in refused.value.message
        assert replica_process(server, "first") == process
        assert set(listed_ids(client)) >= set(acknowledged)
        assert client.search("steel kettle").total_size == len(listed_ids(client))
        with server.client("second") as second:
            assert second.search("steel kettle").total_size == 10

        filler.unlink()
        again = list(client.import_products(products[:5_000]))

        assert [item.error for item in again] == [None] * 5_000
        assert set(listed_ids(client)) == {product.id for product in products[:5_000]}


def test_a_killed_process_opens_its_store_again_on_a_full_disk(server: Server) -> None:
    """Opening writes two numbers; a store always has the few pages that this takes."""
    filler = server.paths.data / "filler"
    with server.client("first") as client:
        before = client.search("").total_size
        fill(filler)

        kill(replica_process(server, "first"))

        assert client.search("", deadline_ms=20_000).total_size == before
        filler.unlink()
        client.write_products(kettles("after", 1))
        assert client.search("after0").total_size == 1


def test_a_tenant_that_finds_no_space_is_opened_when_there_is_some(server: Server) -> None:
    """Every attempt in vain leaves nothing behind."""
    filler = server.paths.data / "filler"
    fill(filler)
    operator = AdminClient(
        server.agent().operator_listen,
        ca_file=ca_path(server.paths),
        identity_file=operator_path(server.paths),
    )
    with operator:
        with pytest.raises(UnavailableError) as refused:
            operator.create_tenant(
                "third", language_codes=["sv"], currency_code="SEK", deadline_ms=3_000
            )
        assert "create it again" in refused.value.message
        assert "free space" in server.tenant("third")["message"]
        filler.unlink()
        key = operator.create_tenant("third", language_codes=["sv"], currency_code="SEK").admin_key

    with client_with(server, key) as client:
        client.write_products(kettles("t", 1))
    assert list(server.paths.stores.glob("*.new-*")) == []


def test_a_server_does_not_start_where_it_could_not_write(tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        with pytest.raises(StorageError, match="free some space"):
            open_data_directory(ServerPaths.of(disk / "hall"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
