"""An import of the whole catalogue: into a branch of its own, live only when it ended well."""

import contextlib
from dataclasses import dataclass
from typing import Final, Self

import click

from cluster.cli.feed_import import ImportCounts
from node.client import Client
from node.errors import FailedPreconditionError, SaluhallError
from protos.v1.catalog_pb2 import Branch

_BRANCHES_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class FullImport:
    """The branch that is being filled, and what to do with it in the end."""

    client: Client
    tenant: str
    branch: str
    live_before: str
    """The branch that was live when the import began; the way back."""

    product_count_before: int

    refused_share_max: float

    @classmethod
    def begin(cls, client: Client, tenant: str, refused_share_max: float) -> Self:
        """Makes a new branch. Raises FailedPreconditionError when there are as many as there may
        be.
        """
        branches = client.list_branches().branches
        if len(branches) >= _BRANCHES_MAX:
            commands = "\n".join(
                f"  saluhall products branches {tenant} --delete {branch.id}"
                for branch in branches
                if branch.state in {Branch.FILLING, Branch.PREVIOUS}
            )
            raise FailedPreconditionError(
                f"{tenant} has {len(branches)} branches, and no more are allowed; delete one:\n{commands}"
            )
        live = next((branch for branch in branches if branch.state == Branch.LIVE), Branch())
        new = client.create_branch().branch.id
        return cls(client, tenant, new, live.id, live.product_count, refused_share_max)

    def finish(self, counts: ImportCounts) -> None:
        """Makes the branch live. Raises FailedPreconditionError when too much was refused."""
        command = f"saluhall products branches {self.tenant}"
        if counts.refused_share > self.refused_share_max:
            raise FailedPreconditionError(
                f"{counts.refused_share:.1%} were refused, more than {self.refused_share_max:.1%}: "
                f"branch {self.branch} is not made live, {self.live_before} still answers.\n"
                f"  Use it all the same: {command} --activate {self.branch}\n"
                f"  Drop it:             {command} --delete {self.branch}"
            )
        self.client.activate_branch(self.branch)
        stored = counts.total - counts.refused
        click.echo(
            f"Branch {self.branch} is live with {stored:,} products "
            f"({self.product_count_before:,} before)."
        )
        if self.live_before:
            click.echo(
                f"The one before is kept; to go back: {command} --activate {self.live_before}"
            )
        self._delete_older()

    def abandon(self) -> None:
        """Deletes the branch of an import that did not reach its end; searches never saw it."""
        click.echo(
            f"Branch {self.branch} is deleted; {self.live_before} still answers searches.", err=True
        )
        # The import's own error matters more than that the server cannot be reached for this.
        with contextlib.suppress(SaluhallError):
            self.client.delete_branch(self.branch)

    def _delete_older(self) -> None:
        """One way back is enough; without this, every fourth full import would be refused."""
        for branch in self.client.list_branches().branches:
            if branch.state == Branch.PREVIOUS and branch.id != self.live_before:
                self.client.delete_branch(branch.id)
                click.echo(f"Branch {branch.id}, older still, is deleted.")
