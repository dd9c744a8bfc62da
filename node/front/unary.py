"""One request, one answer: the path that every search takes. Its cost is measured in microseconds.

Registered with gRPC as a stream of requests, which is the same on the wire, so that a request whose
body never comes can be cut (see `reading`).
"""

import time
from collections.abc import Awaitable, Callable

from node.front.answers import body_of, fail, set_duration
from node.front.gate import Context, Gate
from node.front.methods import Method
from node.front.metrics import REQUESTS, FrontMetrics
from node.front.reading import FirstReads

UnaryBehaviour = Callable[[object, Context], Awaitable[bytes]]


def unary_behaviour(
    method: Method, *, gate: Gate, reads: FirstReads, metrics: FrontMetrics
) -> UnaryBehaviour:
    """What gRPC calls for each call of this method."""

    async def behave(_: object, context: Context) -> bytes:
        started_ns = time.perf_counter_ns()
        metrics.count(REQUESTS)
        try:
            entrance = gate.enter(method, context)
            try:
                await gate.check_key(entrance)
                answer = await gate.send(entrance, await reads.read(context))
            finally:
                entrance.leave()
            body = body_of(answer)
        except Exception as error:  # noqa: BLE001 - translated here, once for every call
            await fail(context, error, started_ns=started_ns, path=method.path, metrics=metrics)
        set_duration(context, started_ns)
        return body

    return behave
