"""The certificate files of one server: made on first start, renewed long before they expire.

    tls/ca.pem        the authority's certificate: the file to give to clients
    tls/ca.key        its private key
    tls/server.pem    key and certificate of the server, in one file so that both change at once
    tls/operator.pem  key and certificate of the operator's client

Files are replaced by rename, so a reader sees the old or the new one, never half of one.
"""

import fcntl
import os
import re
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from node.config import ServerPaths
from node.errors import StorageError
from node.tls.authority import (
    Identity,
    covers,
    create_authority,
    is_signed_by,
    issue_operator,
    issue_server,
    needs_renewal,
)

LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_UNSPECIFIED_HOSTS: Final = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104 - compared only
_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL)


def ca_path(paths: ServerPaths) -> Path:
    """The authority's certificate: the file to give to clients."""
    return paths.tls / "ca.pem"


def server_path(paths: ServerPaths) -> Path:
    """Key and certificate of the server."""
    return paths.tls / "server.pem"


def operator_path(paths: ServerPaths) -> Path:
    """Key and certificate of the operator's client."""
    return paths.tls / "operator.pem"


def ensure_certificates(
    paths: ServerPaths, hosts: Sequence[str], *, now: datetime | None = None
) -> None:
    """Make what is missing and renew what is due; cheap otherwise. Call it hourly and at start.

    `hosts` are the names and addresses the server listens on, beside those of this machine itself;
    with an unspecified address ("0.0.0.0") the machine's own name is taken. A host that the
    certificate does not name yet makes a new one; a host no longer needed stays until the
    next renewal. Raises InvalidArgumentError for a host that can be none, and StorageError.
    """
    moment = now or datetime.now(UTC)
    wanted = _names_of(hosts)
    try:
        with _locked(paths.tls):
            _ensure(paths, wanted, moment)
    except OSError as error:
        raise StorageError(
            f"{error.filename or paths.tls}: {error.strerror}; certificates cannot be kept there, "
            "free space or choose another --data"
        ) from error


def read_identity(path: Path) -> Identity:
    """Key and certificate from one of the files above.

    Raises StorageError when the file is not there or does not hold both.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; `saluhall up` makes it") from error
    blocks = {match[1]: match[0] for match in _PEM_BLOCK.finditer(text)}
    if b"PRIVATE KEY" not in blocks or b"CERTIFICATE" not in blocks:
        raise StorageError(f"{path}: holds no key with a certificate; remove it and start again")
    return Identity(certificate_pem=blocks[b"CERTIFICATE"], key_pem=blocks[b"PRIVATE KEY"])


def _ensure(paths: ServerPaths, wanted: Sequence[str], now: datetime) -> None:
    authority = _ensure_authority(paths, now)
    server, operator = server_path(paths), operator_path(paths)
    if _is_due(server, authority, now) or not covers(read_identity(server).certificate_pem, wanted):
        _write_identity(server, issue_server(authority, hosts=wanted, now=now))
    if _is_due(operator, authority, now):
        _write_identity(operator, issue_operator(authority, name="local", now=now))


def _names_of(hosts: Sequence[str]) -> tuple[str, ...]:
    named = [socket.gethostname() if host in _UNSPECIFIED_HOSTS else host for host in hosts]
    return tuple(dict.fromkeys([*LOCAL_HOSTS, *(host.strip("[]").lower() for host in named)]))


def _ensure_authority(paths: ServerPaths, now: datetime) -> Identity:
    key_path = paths.tls / "ca.key"
    if not key_path.exists():
        authority = create_authority(now=now)
        # The key first: a certificate without its key would be taken for a finished authority.
        _replace(key_path, authority.key_pem, mode=0o600)
        _replace(ca_path(paths), authority.certificate_pem, mode=0o644)
        return authority
    key_pem = key_path.read_bytes()
    if not ca_path(paths).exists() or needs_renewal(ca_path(paths).read_bytes(), now=now):
        _replace(
            ca_path(paths),
            create_authority(now=now, key_pem=key_pem).certificate_pem,
            mode=0o644,
        )
    return Identity(certificate_pem=ca_path(paths).read_bytes(), key_pem=key_pem)


def _is_due(path: Path, authority: Identity, now: datetime) -> bool:
    if not path.exists():
        return True
    certificate_pem = read_identity(path).certificate_pem
    return needs_renewal(certificate_pem, now=now) or not is_signed_by(
        certificate_pem, authority.certificate_pem
    )


def _write_identity(path: Path, identity: Identity) -> None:
    _replace(path, identity.key_pem + identity.certificate_pem, mode=0o600)


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    """Put a whole new file in the place of the old one, durably."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One process at a time makes certificates."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
