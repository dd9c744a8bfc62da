"""What a store notes of its commits, so that whoever reads it need not look at everything after each one.

Most commits of a busy shop change nothing that a search sees. Keys of the table `local`:

    index_position     u64: of the last entry that changed anything that searches see
    settings_position  u64: of the last entry that changed the tenant's settings or fields
    publication_count  u64: how often merged segments took their sources' place, which is no entry
"""

from dataclasses import dataclass
from typing import Final

from actors.storage.environment import ReadView, WriteBatch
from actors.storage.store import number
from actors.storage.tables import LOCAL

_INDEX_POSITION: Final = b"index_position"
_SETTINGS_POSITION: Final = b"settings_position"
_PUBLICATION_COUNT: Final = b"publication_count"


@dataclass(frozen=True, slots=True)
class Marks:
    """Equal marks: equal answers to every search, in equal arrays."""

    index_position: int
    settings_position: int
    publication_count: int


def read_marks(view: ReadView) -> Marks:
    """The marks as a view's last commit left them; 0 in a store that an older release wrote."""
    return Marks(
        number(view, _INDEX_POSITION),
        number(view, _SETTINGS_POSITION),
        number(view, _PUBLICATION_COUNT),
    )


def mark_changes(batch: WriteBatch, *, index_position: int, settings_position: int) -> None:
    """Note the last entries of a transaction that changed what searches see, and settings; 0: none."""
    if index_position:
        batch.put(LOCAL, _INDEX_POSITION, index_position.to_bytes(8, "big"))
    if settings_position:
        batch.put(LOCAL, _SETTINGS_POSITION, settings_position.to_bytes(8, "big"))


def mark_publication(batch: WriteBatch) -> None:
    """Note that the list of segments has changed without an entry."""
    count = number(batch, _PUBLICATION_COUNT) + 1
    batch.put(LOCAL, _PUBLICATION_COUNT, count.to_bytes(8, "big"))
