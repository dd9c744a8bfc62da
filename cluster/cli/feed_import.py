"""Imports a feed through the client: counts, progress, and the file of what was refused."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from node.client import Client, ImportedItem
from node.client.feeds import FeedItem, FeedSource
from node.errors import SaluhallError
from protos.v1.common_pb2 import WriteOutcome
from protos.v1.product_pb2 import Product

_SHOWN_EVERY_S: Final = 0.1
_QUIET_EVERY_S: Final = 5.0


class Counts(Protocol):
    """What a progress bar shows."""

    refused: int

    @property
    def total(self) -> int: ...

    @property
    def per_second(self) -> float: ...


@dataclass(slots=True)
class ImportCounts:
    """How the products of one import have fared so far."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    line: int = 0
    """The last line that has its answer."""

    started_s: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """All products that have their answer."""
        return self.created + self.updated + self.unchanged + self.refused

    @property
    def refused_share(self) -> float:
        """Refused of all; 1 when there was nothing at all."""
        return self.refused / self.total if self.total else 1.0

    @property
    def seconds(self) -> float:
        return max(time.monotonic() - self.started_s, 1e-6)

    @property
    def per_second(self) -> float:
        return self.total / self.seconds

    def __str__(self) -> str:
        imported = self.created + self.updated
        return (
            f"{imported:,} imported ({self.created:,} created, {self.updated:,} updated), "
            f"{self.unchanged:,} unchanged, {self.refused:,} failed "
            f"in {self.seconds:.1f} s ({self.per_second:,.0f} products/s)"
        )


class Rejects:
    """The file of refused items: JSON Lines of line, id and reason; made when the first one comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self.count = 0

    def add(self, *, line: int, reason: str, product_id: str = "") -> None:
        """Notes one refused item."""
        self.count += 1
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        entry = {"line": line, "id": product_id, "reason": reason}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def __enter__(self) -> Self:
        # A file left by an earlier run would be taken for this one's.
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


def import_feed(
    client: Client,
    items: Iterator[FeedItem],
    *,
    branch: str,
    counts: ImportCounts,
    rejects: Rejects,
    shown: "ImportProgress",
) -> None:
    """Imports every item into `branch` (empty: the live one); `counts` are right at every moment.

    Raises FeedError where the feed cannot be read on, and the client's errors when it gave up.
    """
    lines: dict[int, int] = {}
    products = _numbered(items, lines, counts, rejects)
    for item in client.import_products(products, branch=branch):
        line = lines.pop(item.index)
        _count(item, line, counts, rejects)
        counts.line = max(counts.line, line)
        shown.update(counts)


def _numbered(
    items: Iterator[FeedItem], lines: dict[int, int], counts: ImportCounts, rejects: Rejects
) -> Iterator[Product]:
    """The products; `lines` holds where each stands in the feed until its answer comes."""
    index = 0
    for item in items:
        if item.product is None:
            counts.refused += 1
            rejects.add(line=item.line, product_id="", reason=item.refusal or "")
            continue
        lines[index] = item.line
        index += 1
        yield item.product


def _count(item: ImportedItem, line: int, counts: ImportCounts, rejects: Rejects) -> None:
    if item.error is not None:
        counts.refused += 1
        rejects.add(line=line, product_id=item.product_id, reason=reason_of(item.error))
    elif item.outcome == WriteOutcome.CREATED:
        counts.created += 1
    elif item.outcome == WriteOutcome.UPDATED:
        counts.updated += 1
    else:
        counts.unchanged += 1


def reason_of(error: SaluhallError) -> str:
    """The server's explanation in one line."""
    violations = "; ".join(f"{each.field}: {each.description}" for each in error.violations)
    return violations or error.message


class ImportProgress:
    """A bar that moves where somebody watches; a line every few seconds where nobody does."""

    def __init__(
        self, source: FeedSource, *, console: Console | None = None, noun: str = "products"
    ) -> None:
        self._source = source
        self._noun = noun
        self._console = console or Console(file=sys.stderr)
        self._next_s = time.monotonic() + (0 if self._console.is_terminal else _QUIET_EVERY_S)
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=source.size_bytes)

    def update(self, counts: "Counts") -> None:
        """Shows how far it is, not more often than a person can read."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        text = f"{counts.total:,} {self._noun}, {counts.per_second:,.0f}/s"
        if counts.refused:
            text += f", {counts.refused:,} refused"
        if self._console.is_terminal:
            self._next_s = now_s + _SHOWN_EVERY_S
            self._bar.update(self._task, completed=self._source.read_bytes, description=text)
        else:
            self._next_s = now_s + _QUIET_EVERY_S
            self._console.print(f"{text}{self._share()}")

    def _share(self) -> str:
        size_bytes = self._source.size_bytes
        return f", {self._source.read_bytes / size_bytes:.0%} of the file" if size_bytes else ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
