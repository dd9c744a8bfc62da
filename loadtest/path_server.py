"""A private server for a benchmark: started, filled, stopped and removed."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from node.client import AdminClient, Client
from node.config import ServerPaths
from node.tls.files import ca_path, operator_path
from protos.v1.account_pb2 import Key
from protos.v1.product_pb2 import Product

TENANT: Final = "path"
START_SECONDS_MAX: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateServer:
    """A running server of the benchmark's own."""

    paths: ServerPaths
    address: str
    operator_address: str

    @property
    def ca_file(self) -> Path:
        """Whom to trust."""
        return ca_path(self.paths)

    def create_tenant(self, *, currency_code: str) -> str:
        """The benchmark's tenant; returns its admin key."""
        with self._operator() as operator:
            return operator.create_tenant(
                TENANT, language_codes=["en"], currency_code=currency_code
            ).admin_key

    def import_products(self, admin_key: str, products: Sequence[Product]) -> None:
        """Fill the tenant. Raises the error of the first product that is refused."""
        with Client(self.address, api_key=admin_key, ca_file=self.ca_file) as client:
            for item in client.import_products(products):
                if item.error is not None:
                    raise item.error

    def issue_search_key(self, admin_key: str) -> str:
        """A key as a storefront has it."""
        with Client(self.address, api_key=admin_key, ca_file=self.ca_file) as client:
            return client.issue_key(Key.SEARCH).secret

    def process_ids(self) -> dict[str, int]:
        """The processes on a search's path: front and replica."""
        with self._operator() as operator:
            status = operator.get_status()
        (front,) = (process.pid for process in status.processes if process.role == "front")
        (replica,) = (tenant.pid for tenant in status.tenants if tenant.tenant.id == TENANT)
        return {"front": front, "replica": replica}

    def set_readers(self, count: int) -> None:
        """Say how many processes are to answer searches beside the primary."""
        with self._operator() as operator:
            operator.set_readers(TENANT, count)

    def reader_ids(self) -> list[int]:
        """The readers that run."""
        with self._operator() as operator:
            status = operator.get_status()
        (tenant,) = (tenant for tenant in status.tenants if tenant.tenant.id == TENANT)
        return [reader.pid for reader in tenant.readers if reader.pid and not reader.message]

    def named_process_ids(self) -> dict[str, int]:
        """Every process that a tenant's calls meet, by what it is."""
        ids = self.process_ids()
        readers = {f"reader {index}": pid for index, pid in enumerate(self.reader_ids())}
        return {"front": ids["front"], "primary": ids["replica"], **readers}

    def _operator(self) -> AdminClient:
        return AdminClient(
            self.operator_address,
            ca_file=self.ca_file,
            identity_file=operator_path(self.paths),
        )


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """`saluhall up` with one front in a directory that is gone afterwards."""
    with TemporaryDirectory(prefix="saluhall-path-") as directory:
        data = Path(directory) / "data"
        listen, operator_listen = (f"127.0.0.1:{port}" for port in _free_ports(2))
        environment = {**os.environ, "SALUHALL_PROFILE": str(Path(directory) / "profile.json")}
        up = ["up", "--detach", "--data", str(data), "--fronts", "1"]
        addresses = ["--listen", listen, "--operator-listen", operator_listen]
        try:
            _saluhall([*up, *addresses], environment)
            yield PrivateServer(
                paths=ServerPaths.of(data), address=listen, operator_address=operator_listen
            )
        finally:
            _saluhall(["down", "--data", str(data)], environment)


def words_of(products: Sequence[Product], *, count: int, seed: int) -> list[str]:
    """Queries as shoppers type them: one to three words that stand together in a title."""
    chance = random.Random(seed)
    queries = []
    for _ in range(count):
        words = chance.choice(products).title.split()
        size = min(len(words), chance.choice((1, 2, 2, 3)))
        first = chance.randrange(len(words) - size + 1)
        queries.append(" ".join(words[first : first + size]))
    return queries


def _saluhall(arguments: Sequence[str], environment: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "cluster.cli.main", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        timeout=START_SECONDS_MAX,
        check=True,
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()
