"""A virtual store: durable values, log and applied state, changed by whole transactions only."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import xxhash

from actors.replication.protocol.effects import Fence, Transaction
from actors.replication.protocol.events import Failure
from actors.replication.protocol.log import Durable, Entry
from actors.replication.protocol.messages import FullCopy
from node.errors import InvariantError
from node.ids import StoreId

if TYPE_CHECKING:
    from tests.simulation.invariants import Checker

_HASH_MODULUS = 1 << 64


@dataclass(slots=True)
class State:
    """What entries make: values by key, and the request ids that are remembered."""

    values: dict[str, str] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    """Position by request id."""

    hash: int = 0

    def apply(self, entry: Entry) -> None:
        """A pure function of state and entry."""
        request, key, value = entry.stored.decode().split(" ")[3:]
        old = self.values.get(key)
        if old is not None:
            self.hash -= _hash(f"{key}={old}")
        self.values[key] = value
        self.requests[request] = entry.position
        self.hash += _hash(f"{key}={value}")
        self.hash += _hash(f"{request}@{entry.position}")
        self.hash %= _HASH_MODULUS

    def copy(self) -> "State":
        """The same state, to change on its own."""
        return State(dict(self.values), dict(self.requests), self.hash)


@dataclass(frozen=True, slots=True)
class Image:
    """A store's directory as it was at some time."""

    durable: Durable
    base: int
    base_hash: bytes
    entries: tuple[Entry, ...]
    state: State


EMPTY_IMAGE = Image(Durable(), 0, b"", (), State())


def make_entry(
    *, epoch: int, position: int, previous_hash: bytes, request: str, key: str, value: str
) -> Entry:
    """An entry as a primary resolves it."""
    stored = f"{epoch} {position} {previous_hash.hex()} {request} {key} {value}".encode()
    return Entry(epoch, position, previous_hash, xxhash.xxh3_64_digest(stored), stored)


class Store:
    """One copy of the tenant; outlives the processes that own it."""

    def __init__(self, store_id: StoreId, checker: "Checker", *, entries_kept: int) -> None:
        self.id = store_id
        self.durable = Durable()
        self.state = State()
        self.base = 0
        """Position before the first entry kept."""

        self.base_hash = b""
        self.log: list[Entry] = []
        self.is_full = False
        self.checks_fence = True
        """A mutant's stores do not."""

        self.damaged_at: int | None = None
        """The incarnation at which the directory was put back to an older copy."""

        self.was_put_back = False
        self.truncations = 0
        self.full_copies = 0
        self._checker = checker
        self._entries_kept = entries_kept

    def hash_at(self, position: int) -> bytes | None:
        index = position - self.base - 1
        if index == -1:
            return self.base_hash
        return self.log[index].hash if 0 <= index < len(self.log) else None

    def epoch_at(self, position: int) -> int | None:
        index = position - self.base - 1
        return self.log[index].epoch if 0 <= index < len(self.log) else None

    def entries(self, *, after: int, count_max: int) -> tuple[Entry, ...] | None:
        start = after - self.base
        return None if start < 0 else tuple(self.log[start : start + count_max])

    def holds(self, fence: Fence) -> bool:
        """Whether the process with this fence is still the owner."""
        durable = self.durable
        is_held = fence == Fence(durable.promised, durable.opening, durable.open)
        return is_held or not self.checks_fence

    def execute(self, transaction: Transaction) -> Failure | None:
        """All of it or nothing."""
        if not self.holds(transaction.fence):
            return Failure.FENCED
        if self.is_full:
            return Failure.FULL
        self._checker.before_transaction(self, transaction)
        old, commit = self.durable, self.durable.commit
        if transaction.copy is not None:
            commit = self._install(transaction.copy)
        if transaction.truncate_after is not None:
            self.truncations += 1
            del self.log[transaction.truncate_after - self.base :]
        if transaction.entries:
            self._append(transaction.entries)
        if transaction.commit is not None:
            self._apply(commit, transaction.commit)
            commit = transaction.commit
        last = self.log[-1] if self.log else None
        self.durable = Durable(
            promised=_or(transaction.promised, old.promised),
            opening=_or(transaction.opening, old.opening),
            open=_or(transaction.open, old.open),
            position=self.base if last is None else last.position,
            hash=self.base_hash if last is None else last.hash,
            commit=commit,
        )
        self._trim(commit)
        self._checker.after_transaction(self, transaction)
        return None

    def image(self) -> Image:
        """What a copy of the directory holds."""
        return Image(self.durable, self.base, self.base_hash, tuple(self.log), self.state.copy())

    def put_back(self, image: Image) -> None:
        """Somebody put an older copy of the directory in its place."""
        self.was_put_back = True
        self.durable, self.base, self.base_hash = image.durable, image.base, image.base_hash
        self.log, self.state = list(image.entries), image.state.copy()

    def full_copy(self, *, epoch: int, copy_ticket: int) -> FullCopy:
        """The applied state, for a learner."""
        position = self.durable.commit
        return FullCopy(
            epoch, copy_ticket, position, self.hash_at(position) or b"", self.state.copy()
        )

    def _install(self, copy: FullCopy) -> int:
        assert isinstance(copy.state, State)
        self.full_copies += 1
        self.log, self.base, self.base_hash = [], copy.position, copy.hash
        self.state = copy.state.copy()
        return copy.position

    def _append(self, entries: tuple[Entry, ...]) -> None:
        position = self.log[-1].position if self.log else self.base
        previous_hash = self.log[-1].hash if self.log else self.base_hash
        for entry in entries:
            position += 1
            if entry.position != position or entry.previous_hash != previous_hash:
                raise InvariantError(
                    f"{self.id}: entry {entry.position} does not follow the log's end at {position - 1}"
                )
            previous_hash = entry.hash
        self.log.extend(entries)

    def _apply(self, after: int, up_to: int) -> None:
        for entry in self.log[after - self.base : up_to - self.base]:
            self.state.apply(entry)
            self._checker.applied(self, entry)

    def _trim(self, commit: int) -> None:
        """Only committed entries are dropped; a copy that is further behind needs a full one."""
        drop = min(len(self.log) - self._entries_kept, commit - self.base)
        if drop > 0:
            self.base, self.base_hash = self.log[drop - 1].position, self.log[drop - 1].hash
            del self.log[:drop]


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
