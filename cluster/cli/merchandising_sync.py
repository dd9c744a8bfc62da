"""Brings a tenant's rules or synonyms to what a file says: what to write and delete, then doing it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import click
from rich.console import Console
from rich.progress import track

from node.config import MIB
from node.errors import InvalidArgumentError, SaluhallError
from protos.v1.merchandising_pb2 import Rule, Synonym

EntryT = TypeVar("EntryT", bound=Rule | Synonym)

_BATCH_SIZE_BYTES_MAX: Final = 1 * MIB
_DELETED_AT_A_TIME: Final = 1_000
_IDS_SHOWN: Final = 5
_BATCHES_QUIET: Final = 3
"""With more than these a bar shows how far it is."""


@dataclass(frozen=True, slots=True)
class SyncPlan(Generic[EntryT]):
    """What makes the stored entries those of a file."""

    created: tuple[EntryT, ...]
    changed: tuple[EntryT, ...]
    unchanged_count: int
    deleted_ids: tuple[str, ...]

    @property
    def written(self) -> tuple[EntryT, ...]:
        return (*self.created, *self.changed)

    def __str__(self) -> str:
        return (
            f"{len(self.created):,} created, {len(self.changed):,} changed, "
            f"{self.unchanged_count:,} unchanged, {len(self.deleted_ids):,} deleted"
        )


def plan_sync(
    stored: Mapping[str, EntryT], wanted: Mapping[str, EntryT], *, prune: bool
) -> SyncPlan[EntryT]:
    """What to write of `wanted`, and with `prune` what to delete of `stored`; both are by id."""
    return SyncPlan(
        tuple(entry for key, entry in wanted.items() if key not in stored),
        tuple(entry for key, entry in wanted.items() if key in stored and stored[key] != entry),
        sum(key in stored and stored[key] == entry for key, entry in wanted.items()),
        tuple(key for key in stored if key not in wanted) if prune else (),
    )


@dataclass(frozen=True, slots=True)
class Collection(Generic[EntryT]):
    """How entries of one kind are written and deleted."""

    noun: str
    """For example "rule"."""

    batch_length_max: int
    write: Callable[[Sequence[EntryT], bool], object]
    """Takes whether to validate only."""

    delete: Callable[[Sequence[str]], int]
    """How many were there."""

    place_of: Callable[[str], str]
    """Where the entry with an id stands, for example "rules.toml, line 7, rule winter"."""

    def check(self, plan: SyncPlan[EntryT]) -> None:
        """Lets the server look at everything; nothing is written."""
        self._write(plan.written, validate_only=True)

    def apply(self, plan: SyncPlan[EntryT]) -> None:
        """Writes and deletes; each batch all or none."""
        self._write(plan.written, validate_only=False)
        delete_by_ids(plan.deleted_ids, self.delete)

    def _write(self, entries: Sequence[EntryT], *, validate_only: bool) -> None:
        done = 0
        for batch in _shown(list(batches_of(entries, self.batch_length_max)), self.noun):
            try:
                self.write(batch, validate_only)
            except SaluhallError as error:
                if done and not validate_only:
                    click.echo(f"Stopped after {done:,} {self.noun}s were written.", err=True)
                raise self._located(error, batch) from None
            done += len(batch)

    def _located(self, error: SaluhallError, batch: Sequence[EntryT]) -> SaluhallError:
        """The server's complaint about an entry of a batch, with the file's line in front."""
        for violation in error.violations:
            head, _, path = violation.field.partition("].")
            name, _, index = head.partition("[")
            if name == f"{self.noun}s" and index.rstrip("]").isdecimal():
                place = self.place_of(batch[int(index.rstrip("]"))].id)
                what = f"{path}: {violation.description}" if path else violation.description
                return InvalidArgumentError(f"{place}: {what}", reason=error.reason)
        return error


def batches_of(entries: Iterable[EntryT], length_max: int) -> Iterator[list[EntryT]]:
    """The entries in order, in batches that one request may hold."""
    batch: list[EntryT] = []
    size_bytes = 0
    for entry in entries:
        entry_size_bytes = entry.ByteSize()
        is_full = size_bytes + entry_size_bytes > _BATCH_SIZE_BYTES_MAX
        if batch and (len(batch) == length_max or is_full):
            yield batch
            batch, size_bytes = [], 0
        batch.append(entry)
        size_bytes += entry_size_bytes
    if batch:
        yield batch


def delete_by_ids(ids: Sequence[str], delete: Callable[[Sequence[str]], int]) -> int:
    """Deletes any number; how many were there."""
    return sum(
        delete(ids[start : start + _DELETED_AT_A_TIME])
        for start in range(0, len(ids), _DELETED_AT_A_TIME)
    )


def confirm_pruning(ids: Sequence[str], *, noun: str, file: str, yes: bool) -> None:
    """Asks before what the file does not hold is deleted; ends the command if the answer is no."""
    if not ids or yes:
        return
    if file == "-":
        raise InvalidArgumentError("--prune with standard input as the file needs --yes")
    more = f" and {len(ids) - _IDS_SHOWN:,} more" if len(ids) > _IDS_SHOWN else ""
    named = ", ".join(ids[:_IDS_SHOWN]) + more
    nouns = noun if len(ids) == 1 else f"{noun}s"
    if not click.confirm(f"Delete {len(ids):,} {nouns} that {file} does not hold ({named})?"):
        click.echo("Nothing was changed.", err=True)
        raise click.exceptions.Exit(1)


def sync(
    collection: Collection[EntryT],
    plan: SyncPlan[EntryT],
    *,
    file: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Checks everything, asks if something is to be deleted, does it and says what was done."""
    collection.check(plan)
    if dry_run:
        for verb, ids in (
            ("create", [entry.id for entry in plan.created]),
            ("change", [entry.id for entry in plan.changed]),
            ("delete", plan.deleted_ids),
        ):
            for key in ids:
                click.echo(f"{verb} {key}")
        click.echo(f"{plan}. Nothing was written.")
        return
    confirm_pruning(plan.deleted_ids, noun=collection.noun, file=file, yes=yes)
    collection.apply(plan)
    click.echo(f"{plan}.")


def _shown(batches: list[list[EntryT]], noun: str) -> Iterable[list[EntryT]]:
    console = Console(file=sys.stderr)
    if len(batches) <= _BATCHES_QUIET or not console.is_terminal:
        return batches
    return track(batches, description=f"{noun}s", console=console, transient=True)
