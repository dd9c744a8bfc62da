"""The read path: one view of the last commit, shared by all searches until the next one.

A view is an LMDB read transaction with everything opened from it. Its arrays point into the file, so
all of it ends together: at the next commit, or after a second, since an open view pins old pages.
"""

from collections.abc import Callable
from typing import Final

from actors.answers import AnswerCache, Shown, search_response
from actors.catalog.branches import find_branch, live_branch
from actors.index.branch_memory import BranchMemory
from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.merchandising.previews import check_preview
from actors.model.masks import check_read_mask
from actors.model.storefront import Storefront
from actors.queries import to_query
from actors.search.merchandise import Merchandise
from actors.search.search import search
from actors.search.suggest import suggest
from actors.storage.environment import ReadView
from actors.storage.log import last_position
from actors.storage.store import Store
from actors.suggestions import suggest_response, to_suggest_query
from node.clock import Clock
from protos.internal.link_pb2 import Caller
from protos.internal.records_pb2 import BranchRecord
from protos.v1.search_pb2 import SearchRequest, SuggestRequest

VIEW_AGE_MS_MAX: Final = 1_000
_MEMORIES_MAX: Final = 4
"""Searches go to the live branch, and to one or two that are being prepared."""


class TenantView:
    """Everything that reads need, of one position."""

    def __init__(self, store: Store, clock: Clock, memories: dict[int, BranchMemory]) -> None:
        """`memories`: what views before this one leave to it, by branch."""
        self.view, self._end = store.open_view()
        self.opened_ms = clock.monotonic_ms()
        self.now_ms = clock.now_ms()
        """What time it is in this view: all that reads it sees the same prices."""
        self.position = last_position(self.view)
        self._branches: dict[int, BranchView] = {}
        self._memories = memories
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
            if number not in self._memories and len(self._memories) >= _MEMORIES_MAX:
                self._memories.clear()
            memory = self._memories.setdefault(number, BranchMemory())
            opened = self._branches[number] = open_branch(self.view, number, memory)
        return opened

    def close(self) -> None:
        """Let go of everything that points into the file, then of the file's pages."""
        self._branches.clear()
        self._end()


class Reader:
    """Answers reads of one tenant, on the event loop."""

    def __init__(
        self,
        store: Store,
        *,
        tenant_id: str,
        schema: Schema,
        merchandise: Merchandise,
        clock: Clock,
    ) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._clock = clock
        self.schema = schema
        self._merchandise = merchandise
        self._view: TenantView | None = None
        self._memories: dict[int, BranchMemory] = {}
        self._answers = AnswerCache()

    def search(self, request: SearchRequest, caller: Caller) -> bytes:
        """The serialised SearchResponse."""
        current = self.current()
        check_read_mask(request.read_mask.paths)
        check_preview(request, caller, current.view)
        record = current.record(request.branch)
        query = to_query(request)
        now_ms = current.now_ms
        if request.HasField("rules_time"):
            now_ms = request.rules_time.ToMilliseconds()
        page = search(
            current.branch(record.number),
            query,
            self.schema,
            self._merchandise,
            now_ms=now_ms,
        )
        storefront = Storefront(query.market, query.price_list, query.store, now_ms)
        return search_response(page, request, self._shown(current, record.number, storefront))

    def suggest(self, request: SuggestRequest) -> bytes:
        """The serialised SuggestResponse."""
        current = self.current()
        number = current.record(request.branch).number
        found = suggest(
            current.branch(number),
            to_suggest_query(request),
            self.schema,
            self._merchandise,
            now_ms=current.now_ms,
        )
        storefront = Storefront(request.market, now_ms=current.now_ms)
        return suggest_response(found, self._shown(current, number, storefront))

    def _shown(self, current: TenantView, branch: int, storefront: Storefront) -> Shown:
        """What answers from a branch show."""
        return Shown(
            view=current.view,
            cache=self._answers,
            tenant_id=self._tenant_id,
            schema=self.schema,
            branch=branch,
            position=current.position,
            storefront=storefront,
        )

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
            self._answers.begin()
            view = self._view = TenantView(self._store, self._clock, self._memories)
        return view

    def committed(self, schema: Schema, merchandise: Merchandise) -> None:
        """A transaction has ended: the next read sees it."""
        self.schema = schema
        self._merchandise = merchandise
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
