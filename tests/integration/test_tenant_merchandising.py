"""Rules, synonyms and settings of a tenant in this process: what is written acts in the next search, and stays."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from test_tenant import SHOP, STORE, Shop, kettle, make_paths, open_shop

from actors.replication.apply import Changed, apply_entry
from actors.replication.derive import derive
from actors.service import TenantService
from actors.storage.keyring import wrapping_key
from actors.storage.log import read_entries
from actors.storage.store import Store
from actors.storage.tables import RULES, SEARCH_SETTINGS, SYNONYMS
from node.config import ServerPaths
from node.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError
from node.status import error_from_status_bytes
from protos.internal import link_pb2
from protos.v1 import catalog_pb2, merchandising_pb2, search_pb2
from protos.v1.account_pb2 import Key
from protos.v1.merchandising_pb2 import (
    FilterAction,
    PinAction,
    RankingSettings,
    RedirectAction,
    ReplaceAction,
    Rule,
    RuleAction,
    RuleCondition,
    SearchSettings,
    Synonym,
    TextSettings,
)

MERCHANDISING = "/saluhall.v1.MerchandisingService/"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(make_paths(tmp_path)) as opened:
        yield opened


async def decide(shop: Shop, method: str, **fields: Any) -> Message:
    """Call a method of the service."""
    request = getattr(merchandising_pb2, f"{method}Request")(**fields)
    name = "SearchSettings" if method == "GetSearchSettings" else f"{method}Response"
    return await shop.call(MERCHANDISING + method, request, getattr(merchandising_pb2, name))


async def search_as(shop: Shop, role: int, **fields: Any) -> search_pb2.SearchResponse:
    """Search with a key of a role."""
    call = link_pb2.Call(
        method="/saluhall.v1.SearchService/Search",
        body=search_pb2.SearchRequest(**fields).SerializeToString(),
        caller=link_pb2.Caller(kind=link_pb2.Caller.KEY, key_id="k", role=role),
    )
    answer = await TenantService(shop.tenant).handle(call)
    if answer.error:
        raise error_from_status_bytes(answer.error)
    return search_pb2.SearchResponse.FromString(answer.body)


def pin(rule_id: str, *product_ids: str, **fields: Any) -> Rule:
    action = RuleAction(pin=PinAction(product_ids=product_ids, place=1))
    return Rule(id=rule_id, actions=[action], **fields)


def only(rule_id: str, passing: str, **fields: Any) -> Rule:
    return Rule(id=rule_id, actions=[RuleAction(filter=FilterAction(filter=passing))], **fields)


def same(*words: str) -> Synonym:
    return Synonym(id=words[0], words=words)


async def test_a_written_rule_acts_in_the_next_search_and_a_deleted_one_no_more(shop: Shop) -> None:
    await shop.write(*[kettle(number) for number in range(5)])
    before = await shop.ids("kettle")

    await decide(shop, "WriteRules", rules=[pin("r", "kettle-4")])

    answer = await shop.search("kettle")
    assert answer.results[0].product.id == "kettle-4"
    assert answer.results[0].pinned
    assert [(one.rule_id, list(one.actions)) for one in answer.applied_rules] == [("r", ["pin"])]
    await decide(shop, "DeleteRules", ids=["r"])
    assert await shop.ids("kettle") == before


async def test_a_request_may_leave_the_rules_and_the_synonyms_out(shop: Shop) -> None:
    await shop.write(kettle(0, brand="A"), kettle(1, brand="B"))
    await decide(shop, "WriteRules", rules=[only("r", 'brand = "A"')])
    await decide(shop, "WriteSynonyms", synonyms=[same("boiler", "kettle")])

    assert await shop.ids("boiler") == ["kettle-0"]
    assert len(await shop.ids("boiler", without_rules=True)) == 2
    assert await shop.ids("boiler", without_synonyms=True) == []


async def test_replaced_words_a_redirect_and_dropped_pins_are_told(shop: Shop) -> None:
    await shop.write(kettle(0))
    rule = pin("r", "gone", conditions=[RuleCondition(query_is="pots")])
    rule.actions.add(replace=ReplaceAction(words="pot", replacement="kettle"))
    rule.actions.add(redirect=RedirectAction(url="/kettles"))
    await decide(shop, "WriteRules", rules=[rule])

    answer = await shop.search("Pot")

    assert [one.product.id for one in answer.results] == ["kettle-0"]
    assert answer.replaced_query == "kettle"
    assert answer.redirect_url == "/kettles"
    assert [(one.product_id, one.reason) for one in answer.dropped_pins] == [
        ("gone", search_pb2.DroppedPin.NOT_FOUND)
    ]


async def test_a_draft_and_another_time_are_for_those_who_may_write(shop: Shop) -> None:
    await shop.write(kettle(0, brand="A"), kettle(1, brand="B"))
    soon = Timestamp()
    soon.FromMilliseconds(shop.clock.now_ms() + 86_400_000)
    await decide(
        shop,
        "WriteRules",
        rules=[
            only("draft", 'brand = "A"', state=Rule.DRAFT),
            pin("soon", "kettle-1", start_time=soon),
        ],
    )

    assert len((await search_as(shop, Key.SEARCH)).results) == 2
    answer = await search_as(shop, Key.WRITE, preview_rules=["draft"])
    assert [one.product.id for one in answer.results] == ["kettle-0"]
    assert [one.preview for one in answer.applied_rules] == [True]
    answer = await search_as(shop, Key.ADMIN, rules_time=soon)
    assert answer.results[0].pinned
    for fields in ({"preview_rules": ["draft"]}, {"rules_time": soon}):
        with pytest.raises(PermissionDeniedError):
            await search_as(shop, Key.SEARCH, **fields)
    with pytest.raises(NotFoundError, match="nothing"):
        await search_as(shop, Key.WRITE, preview_rules=["nothing"])


async def test_a_rules_window_follows_the_clock(shop: Shop) -> None:
    await shop.write(kettle(0), kettle(1))
    start = Timestamp()
    start.FromMilliseconds(shop.clock.now_ms() + 60_000)
    await decide(shop, "WriteRules", rules=[pin("r", "kettle-1", start_time=start)])
    assert len((await shop.search()).applied_rules) == 0

    shop.clock.advance(60_000)
    shop.tenant.reader.release_if_old()

    assert len((await shop.search()).applied_rules) == 1


async def test_a_rule_whose_field_can_no_longer_be_filtered_by_stops_no_search(shop: Shop) -> None:
    await shop.write(kettle(0, brand="A"), kettle(1, brand="B"))
    await decide(shop, "WriteRules", rules=[only("r", 'brand = "A"')])
    assert await shop.ids() == ["kettle-0"]
    unfiltered = {"field": {"key": "brand"}, "update_mask": {"paths": ["filterable"]}}
    await shop.call(
        "/saluhall.v1.CatalogService/UpdateField",
        catalog_pb2.UpdateFieldRequest(**unfiltered),
        catalog_pb2.UpdateFieldResponse,
    )

    assert len(await shop.ids()) == 2


async def test_a_synonym_acts_in_the_next_search(shop: Shop) -> None:
    await shop.write(kettle(0))
    assert await shop.ids("boiler") == []

    await decide(shop, "WriteSynonyms", synonyms=[same("boiler", "kettle")])

    assert await shop.ids("boilers") == ["kettle-0"]
    assert (await shop.search("boiler")).relaxed_total_size == 0


async def test_ranking_settings_act_in_the_next_search(shop: Shop) -> None:
    await shop.write(kettle(0, title="Steel kettle"), kettle(1, title="Steel kettle"))
    assert [one.duplicate_count for one in (await shop.search("kettle")).results] == [1, 0]

    settings = SearchSettings(ranking=RankingSettings(collapse_duplicates=False))
    told = await decide(shop, "UpdateSearchSettings", settings=settings)

    assert [one.duplicate_count for one in (await shop.search("kettle")).results] == [0, 0]
    assert told.settings == await decide(shop, "GetSearchSettings")


async def test_a_shops_own_lemmas_act_when_the_index_is_rebuilt(shop: Shop) -> None:
    await shop.write(kettle(0, title="Gizmotron"))
    texts = [TextSettings(language_code="en", lemmas={"gizmotron": "kettle"})]

    await decide(shop, "UpdateSearchSettings", settings=SearchSettings(texts=texts))

    async with asyncio.timeout(20):
        while await shop.ids("kettle") != ["kettle-0"]:
            await asyncio.sleep(0.05)


async def test_the_same_request_id_has_one_effect(shop: Shop) -> None:
    first = await decide(shop, "WriteRules", rules=[pin("r", "a")], request_id="one")
    again = await decide(shop, "WriteRules", rules=[pin("r", "a")], request_id="one")

    assert again == first
    with pytest.raises(InvalidArgumentError):
        await decide(shop, "WriteRules", rules=[pin("r", "b")], request_id="one")


async def fill(shop: Shop) -> None:
    await shop.write(*[kettle(number, brand=f"b{number % 2}") for number in range(6)])
    await decide(shop, "WriteRules", rules=[pin("p", "kettle-3"), only("o", 'brand = "b1"')])
    await decide(shop, "WriteRules", rules=[pin("q", "kettle-5", precedence=-1)])
    await decide(shop, "DeleteRules", ids=["o"])
    await decide(shop, "WriteSynonyms", synonyms=[same("boiler", "kettle")])
    settings = SearchSettings(
        ranking=RankingSettings(score_steps=7),
        texts=[TextSettings(language_code="en", stop_words=["the"])],
    )
    await decide(shop, "UpdateSearchSettings", settings=settings)


async def told(shop: Shop) -> list[Message]:
    answer = await shop.search("the boiler", explain=True)
    assert len(answer.applied_rules) == 1
    assert answer.total_size == 6
    # Each store signs tokens with a key of its own.
    answer.ClearField("attribution_token")
    lists = [await decide(shop, method) for method in ("ListRules", "ListSynonyms")]
    return [answer, *lists, await decide(shop, "GetSearchSettings")]


async def test_a_reopened_store_has_what_was_decided(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    async with open_shop(paths) as shop:
        await fill(shop)
        before = await told(shop)

    async with open_shop(paths) as again:
        assert await told(again) == before


async def test_the_log_replayed_gives_the_same_state_and_answers(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    async with open_shop(make_paths(first)) as shop:
        await fill(shop)
        expected = await told(shop)
        expected_hash = shop.tenant.state().state_hash
        with shop.tenant._store.read() as view:
            entries = list(read_entries(view))
        schema = shop.tenant.writer.schema
    paths = make_paths(second)
    (second / "platform.key").write_bytes((first / "platform.key").read_bytes())
    store = empty_store(paths)
    with store.write(epoch=1) as batch:
        changed = Changed()
        for entry in entries:
            apply_entry(batch, entry, entry.SerializeToString(deterministic=True), changed)
        derive(batch, changed, schema)
    store.close()

    async with open_shop(paths) as replayed:
        assert replayed.tenant.state().state_hash == expected_hash
        assert await told(replayed) == expected


def empty_store(paths: ServerPaths) -> Store:
    wrapping = wrapping_key(paths.platform_key.read_bytes(), SHOP)
    paths.stores.mkdir()
    directory = paths.store(STORE)
    Store.create(directory, store_id=STORE, tenant_id=SHOP, epoch=1, wrapping_key=wrapping)
    return Store.open(directory, wrapping_key=wrapping)


async def test_a_store_from_before_there_were_rules_opens_and_takes_them(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    async with open_shop(paths) as shop:
        await shop.write(kettle(0), kettle(1))
        directory = shop.tenant._store.directory
    with lmdb.open(str(directory), max_dbs=32, lib_version=0) as environment:
        for table in (RULES, SYNONYMS, SEARCH_SETTINGS):
            database = environment.open_db(table.name.encode(), create=False)
            with environment.begin(write=True) as transaction:
                transaction.drop(database)

    async with open_shop(paths) as again:
        assert len(await again.ids("kettle")) == 2
        assert len((await decide(again, "ListRules")).rules) == 0
        await decide(again, "WriteRules", rules=[pin("r", "kettle-1")])
        assert (await again.ids("kettle"))[0] == "kettle-1"
