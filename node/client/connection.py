"""Where a client connects, as whom, and with which settings of gRPC."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node.client.retry import RetryPolicy
from node.config import MIB
from node.errors import InvalidArgumentError
from node.tls.authority import Identity
from node.tls.files import read_identity

CHANNEL_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # Each client has a connection of its own; gRPC would share one among all clients of a process.
    ("grpc.use_local_subchannel_pool", 1),
    # gRPC waits a second and more before it connects again: too long when a front was replaced.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A server that vanished without a word is noticed after 25 s.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_receive_message_length", 64 * MIB),
    # Retries are ours (`retry`): they keep to the deadline and to what may be repeated.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a client connects and as whom."""

    address: str
    """"host:port"."""

    ca_pem: bytes | None
    """The authority to trust; None: those that the machine trusts."""

    api_key: str = field(default="", repr=False)
    identity: Identity | None = field(default=None, repr=False)
    """An operator's certificate and key."""

    retries: RetryPolicy = field(default_factory=RetryPolicy)

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise InvalidArgumentError.of("address", f'{self.address!r} is not "host:port"')
        if not self.api_key.isascii() or any(c.isspace() for c in self.api_key):
            raise InvalidArgumentError.of("api_key", "holds a character that no key has")


def shop_connection(
    address: str, *, api_key: str, ca_file: Path | str | None, retries: RetryPolicy
) -> Connection:
    """With an API key. Raises InvalidArgumentError or StorageError when an argument cannot be
    right.
    """
    return Connection(address=address, ca_pem=_read(ca_file), api_key=api_key, retries=retries)


def operator_connection(
    address: str, *, ca_file: Path | str, identity_file: Path | str, retries: RetryPolicy
) -> Connection:
    """With an operator's certificate (`tls/operator.pem`). Raises like `shop_connection`."""
    return Connection(
        address=address,
        ca_pem=_read(ca_file),
        identity=read_identity(Path(identity_file)),
        retries=retries,
    )


def _read(path: Path | str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgumentError.of("ca_file", f"{path}: {error.strerror}") from error
