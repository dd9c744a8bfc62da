"""An import as a state machine without I/O: what to send next, what an answer means, when to give
up.

Products are gathered into batches, each with a request id of its own. A few batches are under way
at a time (the window). When the stream breaks, every unanswered batch is sent again with the same
request id over a new stream, and the server knows those it has done already: nothing is lost and
nothing is doubled.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from node.client.retry import RetryPolicy, plan_retry
from node.config import KIB, MIB
from node.errors import Code, InvalidArgumentError, InvariantError, SaluhallError, UnavailableError
from node.status import error_from_status_bytes
from protos.v1.catalog_pb2 import ImportItem, ImportProductsRequest, ImportProductsResponse
from protos.v1.common_pb2 import WRITE_OUTCOME_UNSPECIFIED, WriteOutcome
from protos.v1.product_pb2 import Product

STREAM_DEADLINE_MS: Final = 60_000
"""Of one stream, not of the import: a stream that hangs is replaced after this."""

PRODUCT_SIZE_MAX: Final = 3 * MIB - 4 * KIB
"""What a message of 3 MiB has room for beside its request id."""

IMPORT_RETRIES: Final = RetryPolicy(first_delay_ms=50, delay_ms_max=2_000, attempts_max=45)
"""About a minute of streams opened in vain, before an import gives up."""

_UNBOUNDED_MS: Final = float("inf")


class StreamBrokenError(Exception):
    """The stream of an import ended before everything was answered; stays within this package."""

    def __init__(self, error: SaluhallError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """What became of one product of the input."""

    index: int
    """Its place in the input, from 0."""

    product_id: str
    outcome: "WriteOutcome.ValueType"
    error: SaluhallError | None
    """Why it was refused; None if it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLimits:
    """How much is under way at a time."""

    batch_count_max: int = 500
    """Products in a message, as many as the server takes: the more it indexes at once, the less each
    costs (8 % more products a second than with 250)."""

    batch_size_max: int = MIB
    """Bytes in a message (the server takes 3 MiB)."""

    window_max: int = 4
    """Batches unanswered at a time: the server works on one while others travel."""

    def __post_init__(self) -> None:
        if not (
            1 <= self.batch_count_max <= 500
            and 1 <= self.batch_size_max <= 3 * MIB
            and self.window_max >= 1
        ):
            raise ValueError(f"{self}: at most 500 products and 3 MiB in a batch")


@dataclass(slots=True)
class _Batch:
    request: ImportProductsRequest
    indexes: list[int] = field(default_factory=list)
    size: int = 0


class ImportRun:
    """One import from its first product to its last answer."""

    def __init__(
        self,
        *,
        import_id: str,
        branch: str,
        validate_only: bool,
        limits: ImportLimits,
        retries: RetryPolicy,
    ) -> None:
        self._import_id = import_id
        self._branch = branch
        self._validate_only = validate_only
        self._limits = limits
        self._retries = retries
        self._gathering = self._new_batch(0)
        self._window: deque[_Batch] = deque()
        self._sent_count = 0
        self._product_count = 0
        self._batch_count = 0
        self._vain_count = 0
        self._is_finished = False

    @property
    def wants_product(self) -> bool:
        """Whether `add` or `finish` comes next; else an answer must be awaited first."""
        return not self._is_finished and len(self._window) < self._limits.window_max

    @property
    def is_done(self) -> bool:
        """Whether every product has its answer."""
        return self._is_finished and not self._window

    def add(self, product: Product) -> ImportedItem | None:
        """Take the next product; what this returns was refused, being too large for any message."""
        index, self._product_count = self._product_count, self._product_count + 1
        size = product.ByteSize() + 8
        if size > PRODUCT_SIZE_MAX:
            error = InvalidArgumentError.of(
                "product", f"has {size} bytes; at most {PRODUCT_SIZE_MAX} fit in a message"
            )
            return ImportedItem(index, product.id, WRITE_OUTCOME_UNSPECIFIED, error)
        if self._gathering.indexes and self._gathering.size + size > self._limits.batch_size_max:
            self._seal()
        self._gathering.request.products.append(product)
        self._gathering.indexes.append(index)
        self._gathering.size += size
        if len(self._gathering.indexes) >= self._limits.batch_count_max:
            self._seal()
        return None

    def finish(self) -> None:
        """There are no more products."""
        self._is_finished = True
        if self._gathering.indexes:
            self._seal()

    def take_requests(self) -> list[ImportProductsRequest]:
        """What is to be sent now, in this order, over the stream that is open."""
        unsent = [batch.request for batch in list(self._window)[self._sent_count :]]
        self._sent_count = len(self._window)
        return unsent

    def answer(self, response: ImportProductsResponse) -> list[ImportedItem]:
        """The outcome of each product in the oldest batch under way.

        Raises InvariantError when the answer belongs to another batch.
        """
        if not self._window or self._window[0].request.request_id != response.request_id:
            raise InvariantError(f"The server answered {response.request_id!r} out of order")
        batch = self._window.popleft()
        if len(batch.indexes) != len(response.items):
            raise InvariantError(f"The server answered {response.request_id!r} only in part")
        self._sent_count -= 1
        self._vain_count = 0
        return [
            ImportedItem(index, product.id, item.outcome, _error_of(item))
            for index, product, item in zip(
                batch.indexes, batch.request.products, response.items, strict=True
            )
        ]

    def broke(self, error: SaluhallError, *, jitter: float) -> float:
        """The stream ended with this error: milliseconds to wait before the next one is opened.

        Raises the error when another stream would not help, or too many were opened in vain.
        """
        self._sent_count = 0
        self._vain_count += 1
        if error.code is Code.DEADLINE_EXCEEDED:
            # The stream's own deadline: it was long, or the server hung.
            error = UnavailableError(error.message)
        delay_ms = plan_retry(
            self._retries,
            error,
            attempt_count=self._vain_count,
            left_ms=_UNBOUNDED_MS,
            jitter=jitter,
        )
        if delay_ms is None:
            raise error
        return delay_ms

    def _seal(self) -> None:
        self._window.append(self._gathering)
        self._batch_count += 1
        self._gathering = self._new_batch(self._batch_count)

    def _new_batch(self, number: int) -> _Batch:
        return _Batch(
            ImportProductsRequest(
                branch=self._branch,
                request_id=f"{self._import_id}/{number}",
                validate_only=self._validate_only,
            )
        )


def _error_of(item: ImportItem) -> SaluhallError | None:
    if item.status.code == Code.OK:
        return None
    return error_from_status_bytes(item.status.SerializeToString())
