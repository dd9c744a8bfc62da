"""Addresses: read, checked to be free, chosen."""

import socket

import pytest

from node.agent.ports import PortInUseError, free_address, reachable_address, read_address
from node.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:7700", ("127.0.0.1", 7700)),
        ("[::1]:80", ("::1", 80)),
        ("shop.example:0", ("shop.example", 0)),
    ],
)
def test_host_and_port_are_read(text: str, expected: tuple[str, int]) -> None:
    assert read_address(text, option="--listen") == expected


@pytest.mark.parametrize("text", ["", "7700", "host:", ":7700", "host:x", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused_by_the_name_of_the_option(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--listen"):
        read_address(text, option="--listen")


def test_port_0_becomes_a_free_port() -> None:
    host, port = read_address(free_address("127.0.0.1:0", option="--listen"), option="--listen")

    assert host == "127.0.0.1"
    with socket.create_server((host, port)):
        pass


def test_a_port_that_others_share_is_in_use_too() -> None:
    """Fronts share their port (SO_REUSEPORT); a second server must not slip in among them."""
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(("127.0.0.1", 0))
        shared.listen()
        address = f"127.0.0.1:{shared.getsockname()[1]}"

        with pytest.raises(PortInUseError, match=f"{address} is in use"):
            free_address(address, option="--listen")


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"192\.0\.2\.77:7700"):
        free_address("192.0.2.77:7700", option="--listen")


def test_a_server_on_all_addresses_is_reached_on_this_machines_own() -> None:
    assert reachable_address("0.0.0.0:7700") == "127.0.0.1:7700"
    assert reachable_address("192.0.2.7:7700") == "192.0.2.7:7700"
