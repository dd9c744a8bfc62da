"""Branches: whole catalogues side by side, one of them live, switched at once and back.

At most four exist: the live one, the one before, one being filled, one being deleted.
"""

from typing import Final

from actors.model.names import parse_branch
from actors.replication.resolution import Resolution, WriteContext
from actors.storage.environment import ReadView
from actors.storage.tables import BRANCHES, INVENTORIES, PRODUCTS, branch_prefix
from node.errors import FailedPreconditionError, InvariantError, NotFoundError
from protos.internal.records_pb2 import BranchRecord
from protos.v1.catalog_pb2 import (
    ActivateBranchRequest,
    ActivateBranchResponse,
    Branch,
    CreateBranchRequest,
    CreateBranchResponse,
    DeleteBranchRequest,
    DeleteBranchResponse,
    ListBranchesResponse,
)

BRANCHES_MAX: Final = 4
PURGED_PER_ENTRY_MAX: Final = 1_000


def branch_key(number: int) -> bytes:
    """The key of a branch in the table `branches`."""
    return number.to_bytes(4, "big")


def read_branches(view: ReadView) -> list[BranchRecord]:
    """All branches, oldest first."""
    return [BranchRecord.FromString(bytes(value)) for _, value in view.range(BRANCHES)]


def live_branch(view: ReadView) -> BranchRecord:
    """The branch that searches see."""
    for record in read_branches(view):
        if record.state == Branch.LIVE:
            return record
    raise InvariantError("no branch is live")


def find_branch(view: ReadView, branch: str) -> BranchRecord:
    """The branch that a request names; empty or "-" is the live one."""
    number = parse_branch(branch)
    if number is None:
        return live_branch(view)
    value = view.get(BRANCHES, branch_key(number))
    record = None if value is None else BranchRecord.FromString(bytes(value))
    if record is None or record.state == Branch.DELETING:
        raise NotFoundError(
            f"branch: there is no branch {number}; ListBranches names those that exist",
            reason="BRANCH_NOT_FOUND",
        )
    return record


def list_branches(view: ReadView) -> ListBranchesResponse:
    """All branches as the API shows them."""
    return ListBranchesResponse(branches=[to_branch(record) for record in read_branches(view)])


def to_branch(record: BranchRecord) -> Branch:
    """A branch as the API shows it."""
    branch = Branch(
        id=str(record.number),
        state=record.state,
        product_count=record.product_count,
    )
    branch.create_time.FromMilliseconds(record.create_time_ms)
    if record.activate_time_ms:
        branch.activate_time.FromMilliseconds(record.activate_time_ms)
    return branch


def resolve_create_branch(_request: CreateBranchRequest, context: WriteContext) -> Resolution:
    """A new, empty branch to fill."""
    records = read_branches(context.view)
    filling = [record for record in records if record.state == Branch.FILLING]
    if filling or len(records) >= BRANCHES_MAX:
        raise FailedPreconditionError(
            "another branch is being filled or deleted; finish with it, or delete it "
            f"(branches: {', '.join(str(record.number) for record in records)})",
            reason="BRANCHES_FULL",
        )
    record = BranchRecord(
        number=max(existing.number for existing in records) + 1,
        state=Branch.FILLING,
        create_time_ms=context.now_ms,
    )
    resolution = Resolution(CreateBranchResponse(branch=to_branch(record)))
    resolution.put(BRANCHES, branch_key(record.number), record)
    return resolution


def resolve_activate_branch(request: ActivateBranchRequest, context: WriteContext) -> Resolution:
    """Make a branch live; the live one becomes the way back, and the way back before it goes."""
    target = find_branch(context.view, request.id)
    if target.state == Branch.LIVE:
        return Resolution(ActivateBranchResponse(branch=to_branch(target)))
    resolution = Resolution(ActivateBranchResponse())
    for record in read_branches(context.view):
        if record.number == target.number:
            record.state = Branch.LIVE
            record.activate_time_ms = context.now_ms
            target = record
        elif record.state == Branch.LIVE:
            record.state = Branch.PREVIOUS
        elif record.state == Branch.PREVIOUS:
            record.state = Branch.DELETING
        else:
            continue
        resolution.put(BRANCHES, branch_key(record.number), record)
    resolution.response = ActivateBranchResponse(branch=to_branch(target))
    return resolution


def resolve_delete_branch(request: DeleteBranchRequest, context: WriteContext) -> Resolution:
    """Hide a branch at once; its products are removed step by step afterwards."""
    record = find_branch(context.view, request.id)
    if record.state == Branch.LIVE:
        raise FailedPreconditionError(
            f"id: branch {record.number} is live; activate another branch first",
            reason="BRANCH_LIVE",
        )
    record.state = Branch.DELETING
    resolution = Resolution(DeleteBranchResponse())
    resolution.put(BRANCHES, branch_key(record.number), record)
    return resolution


def deleting_branch(view: ReadView) -> int | None:
    """A branch whose products still have to be removed, if there is one."""
    for record in read_branches(view):
        if record.state == Branch.DELETING:
            return record.number
    return None


def resolve_purge(number: int, context: WriteContext) -> Resolution:
    """Remove some products of a branch that is being deleted, and at the end the branch itself."""
    resolution = Resolution(DeleteBranchResponse())
    for table in (PRODUCTS, INVENTORIES):
        for key, _ in context.view.range(table, branch_prefix(number)):
            if len(resolution.changes) >= PURGED_PER_ENTRY_MAX:
                return resolution
            resolution.delete(table, bytes(key))
    if not resolution.changes:
        resolution.delete(BRANCHES, branch_key(number))
    return resolution
