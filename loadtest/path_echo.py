"""The other side of the comparison: a bare `grpc.aio` server with the same certificate and sizes.

`python -m loadtest.path_echo DATA`: serves under the certificate of a server's data directory. It
reads from stdin, as one JSON line, the size of the answer to each request, and prints its port.
"""

import asyncio
import base64
import json
import sys

from node.config import ServerPaths
from node.tls.version import require_tls13


def encode_sizes(sizes: dict[bytes, int]) -> str:
    """The line for the process: how many bytes answer each request."""
    return json.dumps({base64.b64encode(request).decode(): n for request, n in sizes.items()})


async def _main(paths: ServerPaths) -> None:
    # Only now: gRPC reads its settings when it is imported.
    import grpc  # noqa: PLC0415
    from grpc import aio  # noqa: PLC0415

    from node.tls.credentials import server_credentials  # noqa: PLC0415

    sizes = json.loads(sys.stdin.readline())
    answers = {base64.b64decode(request): bytes(size) for request, size in sizes.items()}

    async def answer(request: bytes, _: object) -> bytes:
        return answers[request]

    server = aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("saluhall.v1.SearchService", {"Search": handler}),)
    )
    port = server.add_secure_port("127.0.0.1:0", server_credentials(paths))
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)  # Until whoever started us lets go.
    await server.stop(0)


if __name__ == "__main__":
    require_tls13()
    asyncio.run(_main(ServerPaths.of(sys.argv[1])))
