"""What the blocking and the asyncio client share: everything but the waiting."""

import random
import threading
import time
from typing import Generic

import grpc
from google.protobuf.message import Message

from node.client.calls import AnswerT, Call, Consistency
from node.client.connection import Connection
from node.client.failures import error_of
from node.client.imports import StreamBrokenError
from node.client.retry import plan_retry
from node.client.shop_calls import IMPORT_METHOD
from node.errors import FailedPreconditionError, UnavailableError
from node.tls.credentials import channel_credentials

MetadataPairs = tuple[tuple[str, str], ...]


class Session:
    """One connection's settings, and the highest position that any answer over it carried.

    Sent along with every call, that position makes a client read its own writes and never go back
    in time.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._position = 0
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def position(self) -> int:
        """The highest position seen: give it to another client's `see` to let it read as new."""
        return self._position

    def see(self, position: int) -> None:
        """From now on, read from states that include this position."""
        if position > self._position:
            with self._lock:
                self._position = max(self._position, position)

    def _see_answer(self, answer: Message) -> None:
        position = getattr(answer, "position", 0)
        if isinstance(position, int):
            self.see(position)

    def _metadata(self, consistency: Consistency) -> MetadataPairs:
        """What travels beside a request. Raises FailedPreconditionError on a closed client."""
        if self._is_closed:
            raise FailedPreconditionError("The client is closed", reason="CLIENT_CLOSED")
        pairs: list[tuple[str, str]] = []
        if self.connection.api_key:
            pairs.append(("authorization", f"Bearer {self.connection.api_key}"))
        if self._position:
            pairs.append(("saluhall-position-min", str(self._position)))
        if consistency:
            pairs.append(("saluhall-consistency", consistency.value))
        return tuple(pairs)

    def _credentials(self) -> grpc.ChannelCredentials:
        ca_pem, identity = self.connection.ca_pem, self.connection.identity
        if identity is None:
            return channel_credentials(ca_pem)
        return channel_credentials(ca_pem, identity.certificate_pem, identity.key_pem)

    def stream_broken(self, failure: grpc.RpcError | None) -> StreamBrokenError:
        """What an import makes of a stream that failed; None: the server ended it in order."""
        if failure is None:
            return StreamBrokenError(UnavailableError("The server ended the import's stream early"))
        error = error_of(failure, address=self.connection.address, method=IMPORT_METHOD)
        return StreamBrokenError(error)


class Attempts(Generic[AnswerT]):
    """The attempts of one call within its deadline."""

    def __init__(self, call: Call[AnswerT], connection: Connection) -> None:
        self._call = call
        self._connection = connection
        self._ends_at = time.monotonic() + call.deadline_ms / 1000
        self._count = 1

    @property
    def left_s(self) -> float:
        """Seconds until the call's deadline."""
        return self._ends_at - time.monotonic()

    def delay_s(self, failure: grpc.RpcError) -> float:
        """Seconds to wait before the next attempt; raises the call's error if there is none."""
        error = error_of(failure, address=self._connection.address, method=self._call.method)
        delay_ms = plan_retry(
            self._connection.retries,
            error,
            attempt_count=self._count,
            left_ms=self.left_s * 1000,
            jitter=random.random(),
        )
        if delay_ms is None:
            raise error from None
        self._count += 1
        return delay_ms / 1000
