"""Only TLS 1.3: how a Python gRPC server is brought to refuse older versions.

grpcio has no setting for the lowest version and accepts TLS 1.2. Its cipher list, though, holds for
TLS 1.2 alone and is read once, when gRPC is imported. With certificates of the kind ECDSA only, a
list that names one RSA cipher leaves TLS 1.2 with nothing to agree on, while TLS 1.3 goes on. (A
TLS 1.3 cipher in that list makes the port fail to bind.) `negotiated_tls13` is the second lock: an
interceptor asks it for each call.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from node.errors import InvariantError

TLS13_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {"GRPC_SSL_CIPHER_SUITES": "ECDHE-RSA-AES256-GCM-SHA384"}
)
"""What the environment of a process must hold before it imports gRPC, if it is to serve TLS."""


def require_tls13() -> None:
    """Make this process refuse anything older than TLS 1.3; the first thing a serving process does.

    Raises InvariantError when gRPC is imported already without the setting, since it is too late
    then.
    """
    missing = {k: v for k, v in TLS13_ENVIRONMENT.items() if os.environ.get(k) != v}
    if missing and "grpc" in sys.modules:
        raise InvariantError(
            "gRPC was imported before require_tls13(): this process would accept TLS 1.2. "
            f"Start it with {', '.join(f'{k}={v}' for k, v in missing.items())}"
        )
    os.environ.update(missing)


def negotiated_tls13(auth_context: Mapping[str, Iterable[bytes]]) -> bool:
    """Whether a call came over TLS 1.3, from gRPC's `context.auth_context()`."""
    return list(auth_context.get("ssl_tls_version", ())) == [b"TLSv1.3"]
