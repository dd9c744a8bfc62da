"""TCP addresses of this machine: read, checked to be free, chosen."""

import errno
import socket

from node.errors import FailedPreconditionError, InvalidArgumentError

LOOPBACK = "127.0.0.1"


class PortInUseError(FailedPreconditionError):
    """Someone else listens there."""

    reason = "PORT_IN_USE"


def read_address(text: str, *, option: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[ipv6]:port". Raises InvalidArgumentError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise InvalidArgumentError.of(option, f'{text!r} is not "host:port", as 127.0.0.1:7700')
    return host, int(port)


def free_address(text: str, *, option: str) -> str:
    """The address if it can be listened on, with a free port in the place of port 0.

    Raises:
        PortInUseError: another process listens there.
        InvalidArgumentError: the text is no address, or none of this machine.
    """
    host, port = read_address(text, option=option)
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # A connection of an earlier server that still lingers does not keep the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            chosen = probe.getsockname()[1]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"{text} is in use by another program; stop that, or choose another {option}"
            ) from error
        raise InvalidArgumentError.of(option, f"{text}: {error.strerror}") from error
    return f"[{host}]:{chosen}" if ":" in host else f"{host}:{chosen}"


def free_loopback_port() -> int:
    """A port on which nobody listens at this moment."""
    return read_address(free_address(f"{LOOPBACK}:0", option="port"), option="port")[1]


def reachable_address(listen: str) -> str:
    """Where a client on this machine reaches what listens there."""
    host, port = read_address(listen, option="--listen")
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared only
        return f"{LOOPBACK}:{port}"
    return listen
