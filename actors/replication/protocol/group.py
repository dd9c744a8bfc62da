"""The registry's record of a group, and the only ways it ever changes."""

from dataclasses import dataclass, replace

from node.ids import StoreId


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """What the registry knows of one store."""

    store_id: StoreId
    incarnation: int
    """How often the store was opened."""

    low_water: int
    """A committed position that the store has reached; below it, it has lost entries."""


@dataclass(frozen=True, slots=True)
class Group:
    """All copies of one tenant, as `GroupRecord` has them."""

    epoch: int
    primary: StoreId | None
    """None: its store turned out to be stale; a member of `in_sync` may be promoted."""

    in_sync: tuple[StoreId, ...]
    """Every one of these has every acknowledged entry. Never empty."""

    stores: tuple[StoreRecord, ...]
    min_copies: int
    """Writes are refused while fewer stores than this are in sync."""

    is_deleted: bool = False

    def store(self, store_id: StoreId) -> StoreRecord | None:
        """The record of one store; None when the registry does not know it."""
        for record in self.stores:
            if record.store_id == store_id:
                return record
        return None

    def incarnation(self, store_id: StoreId) -> int:
        """How often a store was opened; -1 when the registry does not know it."""
        record = self.store(store_id)
        return -1 if record is None else record.incarnation


def opened(group: Group, store_id: StoreId) -> Group:
    """A store that kept its place was opened once more.

    A primary begins a new reign: what its earlier process had sent and not yet written itself would
    otherwise share epoch and position with what it writes now.
    """
    epoch = group.epoch + 1 if group.primary == store_id else group.epoch
    return replace(_with_incarnation(group, store_id), epoch=epoch)


def opened_stale(group: Group, store_id: StoreId) -> Group:
    """A store that lost its place was opened: from now on it is a learner."""
    demoted = replace(
        _with_incarnation(group, store_id),
        in_sync=tuple(member for member in group.in_sync if member != store_id),
        primary=None if group.primary == store_id else group.primary,
    )
    return with_low_water(demoted, (store_id,), 0)


def without(group: Group, store_ids: tuple[StoreId, ...]) -> Group:
    """Silent or full members have left."""
    return replace(group, in_sync=tuple(s for s in group.in_sync if s not in store_ids))


def joined(group: Group, store_id: StoreId, *, low_water: int) -> Group:
    """A learner has caught up and counts from now on."""
    grown = replace(group, in_sync=(*group.in_sync, store_id))
    return with_low_water(grown, (store_id,), low_water)


def promoted(group: Group, store_id: StoreId) -> Group:
    """Failover: a member becomes primary of the next epoch, and the one that fell silent leaves."""
    in_sync = tuple(s for s in group.in_sync if s == store_id or s != group.primary)
    return replace(group, epoch=group.epoch + 1, primary=store_id, in_sync=in_sync)


def handed_over(group: Group, store_id: StoreId) -> Group:
    """Hand-over: the old primary remains in sync, even one whose disk is full: it has everything."""
    return replace(group, epoch=group.epoch + 1, primary=store_id)


def with_low_water(group: Group, store_ids: tuple[StoreId, ...], position: int) -> Group:
    """These stores have reached a committed position."""
    stores = tuple(
        replace(record, low_water=position) if record.store_id in store_ids else record
        for record in group.stores
    )
    return replace(group, stores=stores)


def _with_incarnation(group: Group, store_id: StoreId) -> Group:
    stores = tuple(
        replace(record, incarnation=record.incarnation + 1)
        if record.store_id == store_id
        else record
        for record in group.stores
    )
    return replace(group, stores=stores)
