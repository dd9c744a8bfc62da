"""`saluhall events`: the history of what visitors did, from files."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import click

from cluster.cli.feed_import import ImportProgress, Rejects, reason_of
from cluster.cli.profile import open_client
from node.client import Client
from node.client.feeds import EventItem, EventMapping, FeedSource, read_events
from node.config import MIB
from node.status import error_from_status_bytes
from protos.v1.event_pb2 import EventResult

_EVENTS_AT_A_TIME: Final = 500
_BYTES_AT_A_TIME: Final = 1 * MIB


@dataclass(slots=True)
class EventCounts:
    """How the events of one import have fared so far."""

    accepted: int = 0
    counted: int = 0
    known: int = 0
    refused: int = 0
    passed_over: int = 0
    line: int = 0
    """The last line that has its answer."""

    started_s: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """All events that have their answer."""
        return self.accepted + self.counted + self.known + self.refused

    @property
    def seconds(self) -> float:
        return max(time.monotonic() - self.started_s, 1e-6)

    @property
    def per_second(self) -> float:
        return self.total / self.seconds

    def __str__(self) -> str:
        passed = f", {self.passed_over:,} records passed over" if self.passed_over else ""
        return (
            f"{self.accepted:,} accepted, {self.counted:,} counted only, {self.known:,} known "
            f"already, {self.refused:,} failed{passed} "
            f"in {self.seconds:.1f} s ({self.per_second:,.0f} events/s)"
        )


@click.group()
def events() -> None:
    """Import what visitors did."""


@events.command("import")
@click.argument("tenant")
@click.argument("file")
@click.option(
    "--mapping", "mapping_path", help="TOML file that says which field becomes what; else FILE is "
    "JSONL of events as the API has them.",
)  # fmt: skip
@click.option(
    "--shift-days", type=int, help="Add so many days to every time, in place of the mapping's."
)
@click.option("--rejects", "rejects_path", help="Where refused events go [FILE.rejected.jsonl].")
def import_events(
    tenant: str,
    file: str,
    mapping_path: str | None,
    shift_days: int | None,
    rejects_path: str | None,
) -> int:
    """Import FILE (JSONL, CSV, TSV; .gz too; "-": standard input).

    It can be interrupted and run again: what is known already changes nothing. Refused events go to a file
    with line number and reason; the others are imported all the same. Ends with 0 unless all were refused
    or the import could not go on.
    """
    mapping = None if mapping_path is None else EventMapping.load(mapping_path)
    if shift_days is not None:
        if mapping is None:
            raise click.UsageError("--shift-days needs --mapping")
        mapping = replace(mapping, shift_days=shift_days)
    counts = EventCounts()
    rejects = Rejects(Path(rejects_path or _rejects_name(file)))
    with FeedSource.open(file) as source, open_client(tenant) as client, rejects:
        try:
            with ImportProgress(source, noun="events") as shown:
                items = read_events(source, mapping)
                for batch in _batches(items):
                    _send(client, batch, counts, rejects)
                    shown.update(counts)
        except BaseException:
            # Whatever ended it, the person is told how far it got; what was answered is stored.
            click.echo(f"Stopped after line {counts.line:,}: {counts}", err=True)
            raise
    click.echo(str(counts))
    if rejects.count:
        click.echo(f"Refused events, with line and reason: {rejects.path}", err=True)
    return int(counts.refused == counts.total)


def _batches(items: Iterator[EventItem]) -> Iterator[list[EventItem]]:
    batch: list[EventItem] = []
    size_bytes = 0
    for item in items:
        batch.append(item)
        size_bytes += 0 if item.event is None else item.event.ByteSize()
        if len(batch) == _EVENTS_AT_A_TIME or size_bytes >= _BYTES_AT_A_TIME:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _send(client: Client, batch: list[EventItem], counts: EventCounts, rejects: Rejects) -> None:
    for item in batch:
        if item.refusal is not None:
            counts.refused += 1
            rejects.add(line=item.line, reason=item.refusal)
        elif item.event is None:
            counts.passed_over += 1
    sent = [(item.line, item.event) for item in batch if item.event is not None]
    if sent:
        answer = client.write_events([event for _, event in sent])
        for (line, _), result in zip(sent, answer.results, strict=True):
            _count(result, line, counts, rejects)
    counts.line = max(item.line for item in batch)


def _count(result: EventResult, line: int, counts: EventCounts, rejects: Rejects) -> None:
    if result.outcome == EventResult.ACCEPTED:
        counts.accepted += 1
    elif result.outcome == EventResult.COUNTED:
        counts.counted += 1
    elif result.outcome == EventResult.DUPLICATE:
        counts.known += 1
    else:
        counts.refused += 1
        error = error_from_status_bytes(result.status.SerializeToString())
        rejects.add(line=line, reason=reason_of(error))


def _rejects_name(file: str) -> str:
    return "stdin.rejected.jsonl" if file == "-" else f"{Path(file).name}.rejected.jsonl"
