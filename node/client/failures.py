"""What gRPC reports, as errors of our own tree: with the server's explanation where it gave one."""

from typing import cast

import grpc

from node.errors import Code, DeadlineExceededError, SaluhallError, UnavailableError
from node.status import STATUS_METADATA_KEY, error_from_status_bytes


def error_of(failure: grpc.RpcError, *, address: str, method: str) -> SaluhallError:
    """The error behind a failed call.

    A server of ours sends the whole error along; what comes without it was made by gRPC itself (no
    connection, deadline) or by something between, so the address or method is named.
    """
    # Both kinds of RpcError that calls raise are also the call itself.
    call = cast("grpc.Call", failure)
    for key, value in call.trailing_metadata() or ():
        if key == STATUS_METADATA_KEY:
            return error_from_status_bytes(cast("bytes", value))
    code = Code(call.code().value[0])
    details = call.details() or call.code().value[1]
    if code is Code.UNAVAILABLE:
        return UnavailableError(f"{address}: {details}")
    if code is Code.DEADLINE_EXCEEDED:
        return DeadlineExceededError(f"{address}: {method} was not answered before its deadline")
    error = SaluhallError(f"{address}: {method}: {details}", reason=code.name)
    error.code = code
    return error
