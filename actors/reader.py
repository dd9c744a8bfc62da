"""The read path: one view of the last commit, shared by all searches until the next one.

A view is an LMDB read transaction with everything opened from it. Its arrays point into the file, so
all of it ends together: at the next commit, or after a second, since an open view pins old pages.
"""

from collections.abc import Callable
from typing import Final

from actors.answers import AnswerCache, Shown, search_response
from actors.catalog.branches import find_branch, live_branch
from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.model.masks import check_read_mask
from actors.queries import to_query
from actors.search.search import search
from actors.storage.environment import ReadView
from actors.storage.log import last_position
from actors.storage.store import Store
from node.clock import Clock
from protos.internal.records_pb2 import BranchRecord
from protos.v1.search_pb2 import SearchRequest

VIEW_AGE_MS_MAX: Final = 1_000


class TenantView:
    """Everything that reads need, of one position."""

    def __init__(self, store: Store, *, now_ms: int) -> None:
        self.view, self._end = store.open_view()
        self.opened_ms = now_ms
        self.position = last_position(self.view)
        self.cache = AnswerCache()
        self._branches: dict[int, BranchView] = {}
        self._records: dict[str, BranchRecord] = {}

    def record(self, branch: str) -> BranchRecord:
        """The record of the branch that a request names."""
        record = self._records.get(branch)
        if record is None:
            record = self._records[branch] = find_branch(self.view, branch)
        return record

    def branch(self, number: int) -> BranchView:
        """The index of one branch."""
        opened = self._branches.get(number)
        if opened is None:
            opened = self._branches[number] = open_branch(self.view, number)
        return opened

    def close(self) -> None:
        """Let go of everything that points into the file, then of the file's pages."""
        self._branches.clear()
        self.cache.clear()
        self._end()


class Reader:
    """Answers reads of one tenant, on the event loop."""

    def __init__(self, store: Store, *, tenant_id: str, schema: Schema, clock: Clock) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._clock = clock
        self.schema = schema
        self._view: TenantView | None = None

    def search(self, request: SearchRequest) -> bytes:
        """The serialised SearchResponse."""
        current = self.current()
        check_read_mask(request.read_mask.paths)
        record = current.record(request.branch)
        query = to_query(request)
        page = search(current.branch(record.number), query, self.schema)
        shown = Shown(
            view=current.view,
            cache=current.cache,
            tenant_id=self._tenant_id,
            language_code=self.schema.language_codes[0],
            branch=record.number,
            position=current.position,
        )
        return search_response(page, request, shown)

    def read(self, job: Callable[[ReadView], bytes]) -> bytes:
        """Run something that only reads the tables."""
        return job(self.current().view)

    @property
    def product_count(self) -> int:
        """Products in the live branch."""
        return live_branch(self.current().view).product_count

    @property
    def position(self) -> int:
        """The position of the view that the next read sees."""
        return self.current().position

    def current(self) -> TenantView:
        """The view to answer from."""
        view = self._view
        if view is None:
            view = self._view = TenantView(self._store, now_ms=self._clock.monotonic_ms())
        return view

    def committed(self, schema: Schema) -> None:
        """A transaction has ended: the next read sees it."""
        self.schema = schema
        self.release()

    def release_if_old(self) -> None:
        """End a view that has lived long enough; called every second."""
        view = self._view
        if view is not None and self._clock.monotonic_ms() - view.opened_ms > VIEW_AGE_MS_MAX:
            self.release()

    def release(self) -> None:
        """End the view, if one is open."""
        if self._view is not None:
            self._view.close()
            self._view = None
