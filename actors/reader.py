"""The read path: one view of the last commit, shared by all searches until the next one.

A view is an LMDB read transaction with everything opened from it. Its arrays point into the file, so
all of it ends together: at the next commit that changes anything searches see, or after a second, since
an open view pins old pages. A commit that changes no such thing costs searches nothing but a look at its
marks; what reads tables sees every commit.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from actors.answers import AnswerCache, Shown, search_response
from actors.attribution import make_token
from actors.catalog.branches import find_branch, live_branch
from actors.index.branch_memory import BranchMemory
from actors.index.schema import Schema
from actors.index.segments import BranchView, open_branch
from actors.learning.evidence import chosen_for
from actors.learning.memory import LearnedMemory
from actors.learning.normal import normal_query
from actors.merchandising.previews import check_preview
from actors.model.masks import check_read_mask
from actors.model.storefront import Storefront
from actors.parsing import parse
from actors.queries import to_query
from actors.recent_answers import RecentAnswers
from actors.recommendations.answer import Place
from actors.search.learned import Learned
from actors.search.merchandise import Merchandise
from actors.search.search import search
from actors.search.suggest import suggest
from actors.storage.environment import ReadView
from actors.storage.keyring import Keyring
from actors.storage.log import last_position
from actors.storage.marks import read_marks
from actors.suggestions import suggest_response, to_suggest_query
from node.clock import Clock
from protos.internal.link_pb2 import Caller
from protos.internal.records_pb2 import AttributionContent, BranchRecord
from protos.internal.wire_pb2 import RawSearchResponse
from protos.v1.recommend_pb2 import RecommendRequest
from protos.v1.search_pb2 import SearchRequest, SuggestRequest

VIEW_AGE_MS_MAX: Final = 1_000
_QUERY_HASHES_MAX: Final = 8_192
_MEMORIES_MAX: Final = 4
"""Searches go to the live branch, and to one or two that are being prepared."""


class Views(Protocol):
    """Where views come from: the owner's store, or the environment that a reader process has opened."""

    def open_view(self) -> tuple[ReadView, Callable[[], None]]:
        """A view of the last commit, that lives until the returned function is called."""
        ...


class TenantView:
    """Everything that reads need, of one position."""

    def __init__(self, store: Views, clock: Clock, memories: dict[int, BranchMemory]) -> None:
        """`memories`: what views before this one leave to it, by branch."""
        self.view, self._end = store.open_view()
        self.opened_ms = clock.monotonic_ms()
        self.now_ms = clock.now_ms()
        """What time it is in this view: all that reads it sees the same prices."""
        self.position = last_position(self.view)
        self.marks = read_marks(self.view)
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
        store: Views,
        *,
        tenant_id: str,
        schema: Schema,
        merchandise: Merchandise,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        """`keyring`: signs attribution tokens, and hashes queries."""
        self._store = store
        self._keyring = keyring
        self.learned = LearnedMemory(store, clock)
        self._query_hashes: dict[str, bytes] = {}
        self._tenant_id = tenant_id
        self._clock = clock
        self.schema = schema
        self._merchandise = merchandise
        self._current: TenantView | None = None
        """Of the last commit that was noticed; None: open one."""
        self._searched: TenantView | None = None
        """The same, or an earlier one that searches see no difference to."""
        self._memories: dict[int, BranchMemory] = {}
        self._answers = AnswerCache()
        self._recent = RecentAnswers()

    def search(self, body: bytes, caller: Caller) -> bytes:
        """The serialised SearchResponse to a serialised SearchRequest."""
        current = self.searched()
        recent, role = self._recent, caller.role
        recent.follow(current, self.schema, self._merchandise, self.learned.popularity)
        answer = recent.get(role, body)
        if answer is None:
            answer = self._search(parse(SearchRequest, body), caller, current)
            recent.keep(role, body, answer)
        return answer + RawSearchResponse(position=self.position).SerializeToString()

    def _search(self, request: SearchRequest, caller: Caller, current: TenantView) -> bytes:
        """The answer, but for the position, which moves on while the rest stays as it is."""
        check_read_mask(request.read_mask.paths)
        check_preview(request, caller, current.view)
        record = current.record(request.branch)
        query = to_query(request)
        query_hash = self._query_hash(query.text)
        now_ms = current.now_ms
        if request.HasField("rules_time"):
            now_ms = request.rules_time.ToMilliseconds()
        page = search(
            current.branch(record.number),
            query,
            self.schema,
            self._merchandise,
            Learned(self.learned.popularity, chosen_for(current.view, query_hash)),
            now_ms=now_ms,
        )
        storefront = Storefront(query.market, query.price_list, query.store, now_ms)
        shown = self._shown(current, record.number, storefront)
        token = self._token(query_hash, shown.position)
        return search_response(page, request, replace(shown, attribution_token=token))

    def suggest(self, request: SuggestRequest) -> bytes:
        """The serialised SuggestResponse."""
        current = self.searched()
        number = current.record(request.branch).number
        found = suggest(
            current.branch(number),
            to_suggest_query(request),
            self.schema,
            self._merchandise,
            Learned(self.learned.popularity),
            now_ms=current.now_ms,
            sources=(self.learned.popular,),
        )
        storefront = Storefront(request.market, now_ms=current.now_ms)
        return suggest_response(found, self._shown(current, number, storefront))

    def recommend(
        self, request: RecommendRequest, answer: Callable[[RecommendRequest, Place], bytes]
    ) -> bytes:
        """The serialised RecommendResponse, as `answer` makes it."""
        current = self.searched()
        number = current.record(request.branch).number
        storefront = Storefront(request.market, request.price_list, request.store, current.now_ms)
        place = Place(
            self._shown(current, number, storefront),
            current.branch(number),
            self._merchandise,
            self.current().view,
        )
        return answer(request, place)

    def _shown(self, current: TenantView, branch: int, storefront: Storefront) -> Shown:
        """What answers from a branch show."""
        return Shown(
            view=current.view,
            cache=self._answers,
            tenant_id=self._tenant_id,
            schema=self.schema,
            branch=branch,
            position=self.position,
            storefront=storefront,
        )

    def _query_hash(self, text: str) -> bytes:
        """What tables know a query by; empty for a listing page."""
        known = self._query_hashes.get(text)
        if known is None:
            if len(self._query_hashes) >= _QUERY_HASHES_MAX:
                self._query_hashes.clear()
            words = normal_query(text)
            known = self._keyring.id_hash("query", words)[:16] if words else b""
            self._query_hashes[text] = known
        return known

    def _token(self, query_hash: bytes, position: int) -> str:
        content = AttributionContent(
            kind=AttributionContent.SEARCH, query_hash=query_hash, position=position
        )
        return make_token(content, self._keyring.token_key())

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

    @property
    def transaction_id(self) -> int:
        """Of the commit that the next read sees; 0 while that is open."""
        return 0 if self._current is None else self._current.view.transaction_id

    def current(self) -> TenantView:
        """The view of the last commit: what reads tables answers from it."""
        current = self._current
        if current is None:
            current = self._current = TenantView(self._store, self._clock, self._memories)
            searched = self._searched
            if searched is None or searched.marks != current.marks or self._is_old(searched):
                self._answers.begin()
                self._searched = current
                if searched is not None:
                    searched.close()
        return current

    def searched(self) -> TenantView:
        """The view to search: whatever is found in `current`, with all that was opened before."""
        self.current()
        assert self._searched is not None
        return self._searched

    def committed(self, schema: Schema, merchandise: Merchandise) -> None:
        """A transaction has ended: the next read sees it."""
        self.take(schema, merchandise)
        current, self._current = self._current, None
        if current is not None and current is not self._searched:
            current.close()

    def take(self, schema: Schema, merchandise: Merchandise) -> None:
        """Search with these from now on."""
        self.schema = schema
        self._merchandise = merchandise

    def release_if_old(self) -> None:
        """End a view that has lived long enough, and look at what is learned anew; called every second or oftener."""
        self.learned.refresh_if_due()
        if self._searched is not None and self._is_old(self._searched):
            self.release()

    def close(self) -> None:
        """Let go of the file for good."""
        self.learned.close()
        self.release()

    def release(self) -> None:
        """End the views that are open."""
        current, searched = self._current, self._searched
        self._current = self._searched = None
        self._recent.clear()
        for view in (current, searched if searched is not current else None):
            if view is not None:
                view.close()

    def _is_old(self, view: TenantView) -> bool:
        return self._clock.monotonic_ms() - view.opened_ms > VIEW_AGE_MS_MAX
