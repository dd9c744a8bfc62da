"""gRPC credentials from the certificate files, followed while they change."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

import grpc

from node.config import ServerPaths
from node.errors import PermissionDeniedError, StorageError, UnauthenticatedError
from node.tls.authority import Role, role_of
from node.tls.files import ca_path, read_identity, server_path
from node.tls.version import negotiated_tls13


def server_credentials(paths: ServerPaths) -> grpc.ServerCredentials:
    """TLS for everyone. A renewed file is served from the next connection on; open ones go on."""
    files = _CertificateFiles(paths)
    return _following(files, require_client_authentication=False)


def operator_server_credentials(paths: ServerPaths) -> grpc.ServerCredentials:
    """TLS for holders of a certificate of our authority; `operator_of` then asks for the role."""
    files = _CertificateFiles(paths)
    return _following(files, require_client_authentication=True)


def channel_credentials(
    ca_pem: bytes | None, certificate_pem: bytes | None = None, key_pem: bytes | None = None
) -> grpc.ChannelCredentials:
    """A client's side: whom to trust (None: the machine's own list), and who it is, if it must
    say so.
    """
    return grpc.ssl_channel_credentials(
        root_certificates=ca_pem, private_key=key_pem, certificate_chain=certificate_pem
    )


def operator_of(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """The name of the operator who calls, from gRPC's `context.auth_context()`.

    Raises UnauthenticatedError without TLS 1.3, PermissionDeniedError when the certificate is not
    an operator's.
    """
    if not negotiated_tls13(auth_context):
        raise UnauthenticatedError("Calls come over TLS 1.3 only", reason="TLS_TOO_OLD")
    for uri in auth_context.get("peer_spiffe_id", ()):
        match role_of(uri.decode("utf-8", "replace")):
            case (Role.OPERATOR, name):
                return name
    raise PermissionDeniedError(
        "This port is for operators; the certificate shown is not an operator's",
        reason="NOT_AN_OPERATOR",
    )


def _following(
    files: "_CertificateFiles", *, require_client_authentication: bool
) -> grpc.ServerCredentials:
    # None means "as before" to gRPC; the type stubs do not know that.
    changed = cast("Callable[[], grpc.ServerCertificateConfiguration]", files.changed)
    return grpc.dynamic_ssl_server_credentials(files.read(), changed, require_client_authentication)


class _CertificateFiles:
    """The files as gRPC wants them: asked before each handshake, so a look costs two stat calls."""

    def __init__(self, paths: ServerPaths) -> None:
        self._paths = paths
        self._seen: tuple[tuple[int, int, int], ...] = ()

    def read(self) -> grpc.ServerCertificateConfiguration:
        """The certificate as it stands. Raises StorageError when there is none."""
        self._seen = self._stamps()
        identity = read_identity(server_path(self._paths))
        return grpc.ssl_server_certificate_configuration(
            [(identity.key_pem, identity.certificate_pem)],
            root_certificates=ca_path(self._paths).read_bytes(),
        )

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The certificate if it was replaced; None keeps the one in use, also when the file is
        damaged.
        """
        try:
            if self._stamps() == self._seen:
                return None
            return self.read()
        except (OSError, StorageError):
            return None

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_stamp(path(self._paths)) for path in (server_path, ca_path))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; `saluhall up` makes it") from error
    return status.st_mtime_ns, status.st_ino, status.st_size
