"""What rules, synonyms and settings have in common: their ids, their pages, and how much of them there may be."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from google.protobuf.message import Message

from actors.catalog.fields import SETTINGS_KEY, page_size
from actors.model.pages import decode_page_token, encode_page_token
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import SETTINGS, Table
from node.config import MIB
from node.errors import InvalidArgumentError, ResourceExhaustedError, Violation

DELETED_MAX: Final = 1_000
PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 1_000
PAGE_SIZE_BYTES_MAX: Final = 2 * MIB
ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
LANGUAGE_CODE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
SECONDS_MIN: Final = -62_135_596_800
SECONDS_MAX: Final = 253_402_300_799
"""Of the years 1 to 9999, which a Timestamp may name."""
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def read_page(
    view: ReadView, table: Table, *, size: int, page_token: str
) -> tuple[list[bytes], str]:
    """The values of a page of a table by key, and the token of the next one.

    Large values make a page shorter than it was asked to be, so that a client takes it.
    """
    count = page_size(size, default=PAGE_SIZE_DEFAULT, maximum=PAGE_SIZE_MAX)
    start = decode_page_token(page_token, scope=table.name)
    values: list[bytes] = []
    room_bytes = PAGE_SIZE_BYTES_MAX
    for key, value in view.range(table, b"", start):
        if len(values) == count or (values and len(value) > room_bytes):
            return values, encode_page_token(bytes(key), scope=table.name)
        values.append(bytes(value))
        room_bytes -= len(value)
    return values, ""


def id_violations(ids: Sequence[str], path: str) -> list[Violation]:
    """What is wrong with the ids of `path[0]`, `path[1]` and so on, each of which may stand there once."""
    found = []
    seen: set[str] = set()
    for index, one in enumerate(ids):
        if not ID.fullmatch(one):
            found.append(
                Violation(f"{path}[{index}].id", 'takes 1 to 64 letters, digits, "_" and "-"')
            )
        elif one in seen:
            found.append(Violation(f"{path}[{index}].id", "stands twice in this request"))
        seen.add(one)
    return found


def refuse(violations: Sequence[Violation]) -> None:
    """Raise what is wrong, if anything is.

    Raises:
        InvalidArgumentError: with all of it.
    """
    if violations:
        first = violations[0]
        raise InvalidArgumentError(f"{first.field}: {first.description}", violations=violations)


def check_count(count: int, maximum: int, *, field: str) -> None:
    """Refuse a list that is too long.

    Raises:
        InvalidArgumentError: it is.
    """
    if count > maximum:
        raise InvalidArgumentError.of(field, f"has {count}; send at most {maximum:,} at a time")


def put_messages(
    resolution: Resolution,
    context: WriteContext,
    table: Table,
    messages: Iterable[tuple[str, Message]],
    *,
    count_max: int,
    size_bytes_max: int,
) -> None:
    """Add changes for what differs from what is stored, by id; `finished` comes behind it.

    Raises:
        ResourceExhaustedError: the table would hold more than it may; nothing is changed.
    """
    for message_id, message in messages:
        key = message_id.encode()
        stored = context.view.get(table, key)
        if stored is None or bytes(stored) != message.SerializeToString(deterministic=True):
            resolution.put(table, key, message)
    if not resolution.changes:
        return
    sizes = {bytes(key): len(value) for key, value in context.view.range(table)}
    sizes |= {change.key: len(change.value) for change in resolution.changes}
    if len(sizes) > count_max or sum(sizes.values()) > size_bytes_max:
        raise ResourceExhaustedError(
            f"there would be {len(sizes):,} {table.name} of {sum(sizes.values()):,} bytes; at most "
            f"{count_max:,} of {size_bytes_max:,} bytes are kept: delete some first",
            reason=f"{table.name.upper()}_FULL",
        )


def delete_messages(
    resolution: Resolution, context: WriteContext, table: Table, ids: Sequence[str]
) -> int:
    """Add changes that delete what is there; how many it is. `finished` comes behind it.

    Raises:
        InvalidArgumentError: too many ids, or an id that cannot be one.
    """
    check_count(len(ids), DELETED_MAX, field="ids")
    refuse(
        [
            Violation(f"ids[{index}]", 'takes 1 to 64 letters, digits, "_" and "-"')
            for index, one in enumerate(ids)
            if not ID.fullmatch(one)
        ]
    )
    for one in dict.fromkeys(ids):
        if context.view.get(table, one.encode()) is not None:
            resolution.delete(table, one.encode())
    return len(resolution.changes)


def finished(
    resolution: Resolution, context: WriteContext, *, validate_only: bool = False
) -> Resolution:
    """The resolution, with a note to readers that what they have compiled is outdated."""
    if validate_only:
        resolution.changes.clear()
    if resolution.changes:
        context.settings.merchandising_version += 1
        resolution.put(SETTINGS, SETTINGS_KEY, context.settings)
    return resolution
