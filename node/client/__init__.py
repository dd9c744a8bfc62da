"""The library of storefronts, the command line, load tests and tests.

    with Client("shop.example:7700", api_key=KEY, ca_file="ca.pem") as client:
        for result in client.search("winter jacket", facets=["brand"]).results:
            print(result.product.title)

`AsyncClient` is the same for asyncio; `AdminClient` and `AsyncAdminClient` are the operator's.
Calls have deadlines; what is unavailable is tried again within them, with the same request id;
errors are those of `node.errors`, with the server's explanation; a client reads its own writes.
"""

from node.client.asynchronous import AsyncAdminClient, AsyncClient
from node.client.blocking import AdminClient, Client
from node.client.calls import Consistency
from node.client.imports import ImportedItem, ImportLimits
from node.client.retry import RetryPolicy

__all__ = [
    "AdminClient",
    "AsyncAdminClient",
    "AsyncClient",
    "Client",
    "Consistency",
    "ImportLimits",
    "ImportedItem",
    "RetryPolicy",
]
