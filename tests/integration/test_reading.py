"""A reader beside a primary: the same answers, as fresh, and what is opened is kept as long as it is good."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from test_tenant import ACCOUNT, CATALOG, SHOP, Shop, kettle, make_paths, open_shop, priced
from test_tenant_merchandising import decide, pin, same

from actors.index.merge import plan_quiet_merge
from actors.reader import VIEW_AGE_MS_MAX
from actors.reading import ReaderService, ReadingTenant
from actors.service import TenantService
from node.errors import NotFoundError, UnavailableError
from node.status import error_from_status_bytes
from protos.internal.link_pb2 import Answer, Call, Caller
from protos.v1 import account_pb2, catalog_pb2, merchandising_pb2
from protos.v1.search_pb2 import SearchRequest, SearchResponse, SuggestRequest

SEARCH = "/saluhall.v1.SearchService/Search"
SUGGEST = "/saluhall.v1.SearchService/Suggest"
SERVICE = "/saluhall.v1.MerchandisingService/"


class Beside:
    """A primary, and a reader of its file; in one process, where LMDB wants the file opened once."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        environment = shop.tenant._store._environment
        keyring = shop.tenant._store.keyring
        self.reading = ReadingTenant(environment, keyring, SHOP, shop.clock)
        self._readers = ReaderService(self.reading)
        self._primarys = TenantService(shop.tenant)

    async def ask(self, method: str, request: Message, *, position_min: int = 0) -> Answer:
        return await self._readers.handle(_call(method, request, position_min))

    async def search(self, query: str = "") -> SearchResponse:
        answer = await self.ask(SEARCH, SearchRequest(query=query))
        assert not answer.error, error_from_status_bytes(answer.error)
        return SearchResponse.FromString(answer.body)

    async def ids(self, query: str) -> list[str]:
        return [result.product.id for result in (await self.search(query)).results]

    async def both(self, method: str, request: Message) -> tuple[bytes, bytes]:
        """What the primary answers, and what the reader does."""
        primarys = await self._primarys.handle(_call(method, request, 0))
        return primarys.body, (await self.ask(method, request)).body

    async def write_nothing_searched(self) -> int:
        """A commit that no search sees a difference to; its position."""
        issued = await self.shop.call(
            ACCOUNT + "IssueKey",
            account_pb2.IssueKeyRequest(role=account_pb2.Key.SEARCH),
            account_pb2.IssueKeyResponse,
        )
        assert isinstance(issued, account_pb2.IssueKeyResponse)
        return issued.position


def _call(method: str, request: Message, position_min: int) -> Call:
    return Call(
        method=method,
        body=request.SerializeToString(),
        caller=Caller(kind=Caller.PLATFORM),
        position_min=position_min,
    )


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[Beside]:
    async with open_shop(make_paths(tmp_path)) as shop:
        await shop.write(*[kettle(n, prices=priced(n * 1_000_000)) for n in range(8)])
        opened = Beside(shop)
        yield opened
        opened.reading.reader.release()


async def test_an_acknowledged_write_is_in_a_readers_next_search(beside: Beside) -> None:
    for number in range(1_000):
        written = await beside.shop.write(kettle(number % 8, title=f"Kettle word{number}"))

        found = await beside.search(f"word{number}")

        assert [result.product.id for result in found.results] == [f"kettle-{number % 8}"]
        assert found.position == written.position


async def test_a_reader_answers_as_its_primary_does_byte_for_byte(beside: Beside) -> None:
    requests = (
        SearchRequest(query="steel kettle", facets=[{"key": "price"}], explain=True),
        SearchRequest(query="stel ketle", page_size=3),
        SearchRequest(query="", filter="price > 3", order_by="price desc", highlight=True),
        SearchRequest(query="kettle number sieve"),
    )
    await beside.write_nothing_searched()
    for step in range(3):
        for request in requests:
            primarys, readers = await beside.both(SEARCH, request)
            assert primarys == readers
            assert primarys
        primarys, readers = await beside.both(SUGGEST, SuggestRequest(query="st"))
        assert primarys == readers
        await beside.shop.write(kettle(step, title=f"Steel kettle changed{step}"))


async def test_a_commit_that_changes_nothing_searched_keeps_the_view_and_moves_the_position(
    beside: Beside,
) -> None:
    before = await beside.search("kettle")
    own, readers = beside.shop.tenant.reader, beside.reading.reader
    views = own.searched(), readers.searched()

    position = await beside.write_nothing_searched()
    after = await beside.search("kettle")
    await beside.shop.search("kettle")

    assert (own.searched(), readers.searched()) == views
    assert after.position == position == before.position + 1
    assert list(after.results) == list(before.results)
    assert (await beside.shop.search("kettle")).position == position
    assert not (await beside.ask(SEARCH, SearchRequest(), position_min=position)).error


async def test_what_searches_do_not_see_the_primarys_other_reads_do(beside: Beside) -> None:
    """A key that was revoked is refused at once, although the searched view stays."""
    await beside.shop.search("kettle")
    searched = beside.shop.tenant.reader.searched()
    for count in range(1, 4):
        await beside.write_nothing_searched()
        listed = await beside.shop.call(
            ACCOUNT + "ListKeys", account_pb2.ListKeysRequest(), account_pb2.ListKeysResponse
        )
        assert len(listed.keys) == count

    assert beside.shop.tenant.reader.searched() is searched


async def test_a_view_is_not_kept_for_longer_than_a_second(beside: Beside) -> None:
    await beside.search()
    views = beside.shop.tenant.reader.searched(), beside.reading.reader.searched()
    beside.shop.clock.advance(VIEW_AGE_MS_MAX + 1)

    await beside.write_nothing_searched()
    await beside.search()

    assert beside.shop.tenant.reader.searched() is not views[0]
    assert beside.reading.reader.searched() is not views[1]


async def test_a_published_merge_renews_views_without_a_position(beside: Beside) -> None:
    upkeep = beside.shop.tenant._upkeep
    await upkeep.close()
    for number in range(8, 40):
        await beside.shop.write(kettle(number))
    answer = await beside.search("kettle")
    before, own = beside.reading.reader.searched(), beside.shop.tenant.reader.searched()
    build = upkeep._next_build(plan_quiet_merge)
    assert build is not None

    await upkeep._build(build)

    assert await beside.search("kettle") == answer
    assert beside.shop.tenant.reader.searched() is not own
    assert beside.reading.reader.searched() is not before


async def test_rules_synonyms_and_settings_act_in_a_readers_next_search(beside: Beside) -> None:
    for number in (5, 3):
        await decide(beside.shop, "WriteRules", rules=[pin("top", f"kettle-{number}")])
        assert (await beside.ids("steel"))[0] == f"kettle-{number}"
    await decide(beside.shop, "DeleteRules", ids=["top"])
    assert (await beside.ids("steel"))[0] != "kettle-3"

    assert await beside.ids("pannor") == []
    await decide(beside.shop, "WriteSynonyms", synonyms=[same("pannor", "steel")])
    assert len(await beside.ids("pannor")) == 8

    stop_words = merchandising_pb2.TextSettings(language_code="en", stop_words=["zzz"])
    settings = merchandising_pb2.SearchSettings(texts=[stop_words])
    assert await beside.ids("zzz steel") == []
    await decide(beside.shop, "UpdateSearchSettings", settings=settings)
    assert len(await beside.ids("zzz steel")) == 8


async def test_a_field_that_was_learnt_or_changed_is_known_to_a_reader(beside: Beside) -> None:
    coloured = kettle(0)
    coloured.attributes["color"].texts.append("red")
    await beside.shop.write(coloured)

    answer = await beside.ask(SEARCH, SearchRequest(filter='attributes.color = "red"'))

    assert not answer.error, error_from_status_bytes(answer.error)
    found = SearchResponse.FromString(answer.body)
    assert [result.product.id for result in found.results] == ["kettle-0"]


async def test_a_new_branch_is_searched_by_readers_too(beside: Beside) -> None:
    missing = await beside.ask(SEARCH, SearchRequest(branch="2"))
    assert isinstance(error_from_status_bytes(missing.error), NotFoundError)
    created = await beside.shop.call(
        CATALOG + "CreateBranch",
        catalog_pb2.CreateBranchRequest(),
        catalog_pb2.CreateBranchResponse,
    )
    await beside.shop.write(kettle(77), branch=created.branch.id)

    primarys, readers = await beside.both(SEARCH, SearchRequest(branch=created.branch.id))

    assert primarys == readers
    assert len(SearchResponse.FromString(readers).results) == 1


async def test_a_reader_refuses_what_only_the_primary_answers(beside: Beside) -> None:
    answer = await beside.ask(CATALOG + "ListBranches", catalog_pb2.ListBranchesRequest())
    assert isinstance(error_from_status_bytes(answer.error), UnavailableError)

    ahead = await beside.ask(SEARCH, SearchRequest(), position_min=10**6)
    assert error_from_status_bytes(ahead.error).reason == "POSITION_AHEAD"
