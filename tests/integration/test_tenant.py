"""One tenant in this process, with a real store and registry: writes, reads, replay, recovery."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.protobuf.message import Message

from actors.replication.apply import Changed, apply_entry
from actors.replication.derive import derive
from actors.replication.resolution import Resolution, WriteCommand
from actors.service import TenantService
from actors.storage.keyring import wrapping_key
from actors.storage.log import read_entries
from actors.storage.store import Store, StoreStaleError
from actors.tenant import Tenant
from node.clock import ManualClock
from node.config import ServerPaths
from node.errors import InvalidArgumentError, InvariantError, NotFoundError, SaluhallError
from node.ids import StoreId, TenantId
from node.keys import ensure_platform_key, parse_key
from node.registry.embedded import EmbeddedRegistry
from node.status import error_from_status_bytes
from protos.internal import link_pb2
from protos.internal.records_pb2 import GroupRecord, TenantSettings
from protos.v1 import account_pb2, catalog_pb2, product_pb2, search_pb2
from protos.v1.common_pb2 import CREATED, DELETED, OUT_OF_STOCK, STALE, UNCHANGED, UPDATED

STORE = StoreId("cd" * 16)
SHOP = TenantId("shop")
CATALOG = "/saluhall.v1.CatalogService/"
ACCOUNT = "/saluhall.v1.AccountService/"


class Shop:
    """A tenant and its service, called as a front would."""

    def __init__(self, tenant: Tenant, clock: ManualClock) -> None:
        self.tenant = tenant
        self.clock = clock
        self._service = TenantService(tenant)

    async def call(self, method: str, request: Message, response_type: type) -> Message:
        caller = link_pb2.Caller(kind=link_pb2.Caller.PLATFORM)
        call = link_pb2.Call(method=method, body=request.SerializeToString(), caller=caller)
        answer = await self._service.handle(call)
        if answer.error:
            raise error_from_status_bytes(answer.error)
        return response_type.FromString(answer.body)

    async def search(self, query: str = "", **fields: object) -> search_pb2.SearchResponse:
        request = search_pb2.SearchRequest(query=query, **fields)
        return await self.call(
            "/saluhall.v1.SearchService/Search", request, search_pb2.SearchResponse
        )

    async def write(
        self, *products: product_pb2.Product, **fields: object
    ) -> catalog_pb2.WriteProductsResponse:
        request = catalog_pb2.WriteProductsRequest(products=products, **fields)
        return await self.call(
            CATALOG + "WriteProducts", request, catalog_pb2.WriteProductsResponse
        )

    async def ids(self, query: str = "", **fields: object) -> list[str]:
        return [result.product.id for result in (await self.search(query, **fields)).results]


def make_paths(root: Path) -> ServerPaths:
    paths = ServerPaths.of(root)
    paths.data.mkdir(mode=0o700, exist_ok=True)
    ensure_platform_key(paths.platform_key)
    return paths


def register(registry: EmbeddedRegistry) -> None:
    record = GroupRecord(
        tenant_id=SHOP,
        epoch=1,
        primary=STORE,
        in_sync=[STORE],
        replicas=[GroupRecord.Replica(store_id=STORE, server="a")],
        min_copies=1,
        state=GroupRecord.OPEN,
        settings=TenantSettings(
            tenant_id=SHOP, language_codes=["en", "sv"], currency_code="SEK", create_time_ms=1
        ),
    )
    registry.compare_and_set(SHOP, expected_revision=0, record=record)


@asynccontextmanager
async def open_shop(paths: ServerPaths, clock: ManualClock | None = None) -> AsyncIterator[Shop]:
    registry = EmbeddedRegistry.of(paths)
    if registry.get(SHOP) is None:
        register(registry)
    clock = clock or ManualClock()
    tenant = await Tenant.open(paths, SHOP, STORE, registry, clock)
    try:
        yield Shop(tenant, clock)
    finally:
        await tenant.close()
        registry.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(make_paths(tmp_path)) as opened:
        yield opened


def kettle(number: int = 0, **fields: object) -> product_pb2.Product:
    fields.setdefault("title", f"Steel kettle number {number}")
    return product_pb2.Product(id=f"kettle-{number}", **fields)


def priced(micros: int) -> list[product_pb2.Price]:
    return [product_pb2.Price(selling_micros=micros, currency_code="SEK")]


async def test_an_acknowledged_write_is_in_the_next_search(shop: Shop) -> None:
    for number in range(50):
        await shop.write(kettle(number, title=f"Kettle word{number}"))

        assert await shop.ids(f"word{number}") == [f"kettle-{number}"]


async def test_the_same_write_again_changes_nothing(shop: Shop) -> None:
    first = await shop.write(kettle(prices=priced(5)))
    again = await shop.write(kettle(prices=priced(5)))

    assert list(first.outcomes) == [CREATED]
    assert list(again.outcomes) == [UNCHANGED]
    assert again.position == first.position
    assert first.durable_copies == 1


async def test_a_request_id_has_one_effect_and_one_answer(shop: Shop) -> None:
    first = await shop.write(kettle(), request_id="r1")
    await shop.write(kettle(title="Another title"))
    repeated = await shop.write(kettle(), request_id="r1")

    assert repeated == first
    assert (await shop.search("another")).total_size == 1
    with pytest.raises(InvalidArgumentError, match="another request"):
        await shop.write(kettle(1), request_id="r1")


async def test_a_request_id_is_forgotten_after_a_day(shop: Shop) -> None:
    await shop.write(kettle(), request_id="r1")
    shop.clock.advance(25 * 3_600 * 1_000)
    await shop.write(kettle(1))

    later = await shop.write(kettle(2), request_id="r1")

    assert list(later.outcomes) == [CREATED]


async def test_one_bad_product_stops_the_whole_batch_and_is_named(shop: Shop) -> None:
    bad = kettle(1, prices=[product_pb2.Price(selling_micros=-5, currency_code="SEK")])

    with pytest.raises(InvalidArgumentError) as refused:
        await shop.write(kettle(0), bad)

    assert [violation.field for violation in refused.value.violations] == [
        "products[1].prices[0].selling_micros"
    ]
    assert await shop.ids() == []


async def test_an_import_stores_the_good_items_and_explains_the_others(shop: Shop) -> None:
    request = catalog_pb2.ImportProductsRequest(
        products=[kettle(0), product_pb2.Product(id="x"), kettle(1)], request_id="i/1"
    )

    answer = await shop.call(
        CATALOG + "ImportProducts", request, catalog_pb2.ImportProductsResponse
    )
    again = await shop.call(CATALOG + "ImportProducts", request, catalog_pb2.ImportProductsResponse)

    assert [item.status.code for item in answer.items] == [0, 3, 0]
    assert "title" in answer.items[1].status.message
    assert again == answer
    assert sorted(await shop.ids()) == ["kettle-0", "kettle-1"]


async def test_a_trial_writes_nothing(shop: Shop) -> None:
    trial = kettle()
    trial.attributes["colour"].texts.append("red")

    answer = await shop.write(trial, validate_only=True)
    ids_after_trial = await shop.ids()
    written = await shop.write(trial)

    fields = await shop.call(
        CATALOG + "ListFields", catalog_pb2.ListFieldsRequest(), catalog_pb2.ListFieldsResponse
    )
    assert list(answer.outcomes) == [CREATED]
    assert ids_after_trial == []
    assert list(written.outcomes) == [CREATED]
    assert "attributes.colour" in [field.key for field in fields.fields]


async def test_an_older_stock_update_never_wins(shop: Shop) -> None:
    await shop.write(kettle(stock_quantity=5, prices=priced(10_000_000)))

    async def set_stock(seconds: int, quantity: int) -> int:
        update = catalog_pb2.InventoryUpdate(product_id="kettle-0", stock_quantity=quantity)
        update.set_time.FromMilliseconds(shop.clock.now_ms() + seconds * 1_000)
        request = catalog_pb2.SetInventoryRequest(updates=[update])
        response = await shop.call(
            CATALOG + "SetInventory", request, catalog_pb2.SetInventoryResponse
        )
        return response.outcomes[0]

    assert await set_stock(2, 2) == UPDATED
    assert await set_stock(1, 1) == STALE
    assert await set_stock(2, 2) == UNCHANGED
    (result,) = (await shop.search("kettle")).results
    assert result.stock_quantity == 2
    assert result.price.selling_micros == 10_000_000
    assert await shop.ids("kettle", filter="stock_quantity = 2") == ["kettle-0"]


async def test_stock_of_an_unknown_product_sets_nothing(shop: Shop) -> None:
    await shop.write(kettle(stock_quantity=5))
    updates = [
        catalog_pb2.InventoryUpdate(product_id=product_id, availability=OUT_OF_STOCK)
        for product_id in ("kettle-0", "unknown")
    ]
    for update in updates:
        update.set_time.FromMilliseconds(shop.clock.now_ms())

    with pytest.raises(NotFoundError, match="unknown"):
        await shop.call(
            CATALOG + "SetInventory",
            catalog_pb2.SetInventoryRequest(updates=updates),
            catalog_pb2.SetInventoryResponse,
        )

    assert await shop.ids(filter="stock_quantity = 5") == ["kettle-0"]


async def test_an_explained_answer_leaves_others_as_they_are(shop: Shop) -> None:
    """Results are kept to be shown again, and what is said of a place belongs to one answer."""
    await shop.write(kettle(1), kettle(2, title="Steel pot"))
    plain = await shop.search("steel kettle")

    explained = await shop.search("steel kettle", explain=True)

    assert await shop.search("steel kettle") == plain
    (result,) = explained.results
    words = result.explanation.words
    assert [(word.word, list(word.fields)) for word in words] == [
        ("steel", ["title"]),
        ("kettle", ["title"]),
    ]
    added = sum(word.contribution for word in words)
    assert result.explanation.score == pytest.approx(added, rel=1e-5)
    assert [list(one.missing_words) for one in explained.relaxed_results] == [["kettle"]]
    result.ClearField("explanation")
    assert result == plain.results[0]


async def test_a_result_that_is_relaxed_in_one_answer_is_none_in_another(shop: Shop) -> None:
    await shop.write(kettle(1), kettle(2, title="Steel pot"))

    relaxed = (await shop.search("steel kettle")).relaxed_results
    found = (await shop.search("pot")).results

    assert [list(one.missing_words) for one in (*relaxed, *found)] == [["kettle"], []]
    assert relaxed[0].product == found[0].product


async def test_related_products_and_spellings_come_with_the_answer(shop: Shop) -> None:
    shorts = [kettle(number, title="Running shorts") for number in range(10)]
    await shop.write(*shorts, kettle(10, title="Big shots"), kettle(11, categories=["Kettles"]))

    assert (await shop.search("shots")).did_you_mean == "shorts"
    related = (await shop.search("superkettles")).related_results
    assert related[0].product.id == "kettle-11"


async def test_a_product_written_without_stock_keeps_its_stock(shop: Shop) -> None:
    await shop.write(kettle(stock_quantity=5, prices=priced(7)))

    await shop.write(kettle(title="New title for the kettle"))

    (result,) = (await shop.search("new title")).results
    assert (result.stock_quantity, result.price.selling_micros) == (5, 7)


async def test_a_deleted_product_is_gone_everywhere(shop: Shop) -> None:
    await shop.write(kettle(0), kettle(1))

    answer = await shop.call(
        CATALOG + "DeleteProducts",
        catalog_pb2.DeleteProductsRequest(ids=["kettle-0", "never"]),
        catalog_pb2.DeleteProductsResponse,
    )

    assert list(answer.outcomes) == [DELETED, UNCHANGED]
    assert await shop.ids("kettle") == ["kettle-1"]
    with pytest.raises(NotFoundError):
        await shop.call(
            CATALOG + "GetProduct",
            catalog_pb2.GetProductRequest(name="tenants/-/branches/-/products/kettle-0"),
            product_pb2.Product,
        )


async def test_a_product_comes_back_as_it_was_written(shop: Shop) -> None:
    product = kettle(
        prices=priced(3),
        stock_quantity=4,
        tags=["a"],
        variants=[
            product_pb2.Variant(id="s", stock_quantity=1),
            product_pb2.Variant(id="m", prices=priced(9)),
        ],
    )
    product.attributes["colour"].texts.append("red")
    await shop.write(product)

    name = "tenants/shop/branches/1/products/kettle-0"
    stored = await shop.call(
        CATALOG + "GetProduct", catalog_pb2.GetProductRequest(name=name), product_pb2.Product
    )

    assert stored.name == name
    assert stored.HasField("update_time")
    stored.ClearField("name")
    stored.ClearField("update_time")
    assert stored == product


async def test_a_mask_updates_one_field_and_never_creates_unasked(shop: Shop) -> None:
    await shop.write(kettle(brand="Old", stock_quantity=3))

    await shop.write(kettle(title="", brand="New"), update_mask={"paths": ["brand"]})
    with pytest.raises(NotFoundError, match="allow_missing"):
        await shop.write(kettle(9), update_mask={"paths": ["brand"]})

    (result,) = (await shop.search("steel kettle", filter='brand = "New"')).results
    assert result.stock_quantity == 3


async def test_pages_of_the_list_reach_every_product_once(shop: Shop) -> None:
    await shop.write(*[kettle(number) for number in range(30)])
    seen: list[str] = []
    token = ""
    while True:
        page = await shop.call(
            CATALOG + "ListProducts",
            catalog_pb2.ListProductsRequest(page_size=7, page_token=token),
            catalog_pb2.ListProductsResponse,
        )
        seen += [product.id for product in page.products]
        token = page.next_page_token
        if not token:
            break

    assert page.total_size == 30
    assert seen == sorted(f"kettle-{number}" for number in range(30))


async def branch_call(shop: Shop, method: str, **fields: object) -> Message:
    request = getattr(catalog_pb2, f"{method}Request")(**fields)
    return await shop.call(CATALOG + method, request, getattr(catalog_pb2, f"{method}Response"))


async def test_a_branch_is_filled_unseen_switched_at_once_and_back(shop: Shop) -> None:
    await shop.write(kettle(0, title="Old kettle"))
    branch = (await branch_call(shop, "CreateBranch")).branch
    await shop.write(kettle(1, title="New kettle"), branch=branch.id)

    assert await shop.ids("kettle") == ["kettle-0"]
    assert await shop.ids("kettle", branch=branch.id) == ["kettle-1"]
    await branch_call(shop, "ActivateBranch", id=branch.id)
    assert await shop.ids("kettle") == ["kettle-1"]
    await branch_call(shop, "ActivateBranch", id="1")
    assert await shop.ids("kettle") == ["kettle-0"]


async def test_a_deleted_branch_is_gone_at_once_and_leaves_nothing(shop: Shop) -> None:
    branch = (await branch_call(shop, "CreateBranch")).branch
    await shop.write(*[kettle(number) for number in range(20)], branch=branch.id)

    await branch_call(shop, "DeleteBranch", id=branch.id)

    with pytest.raises(NotFoundError):
        await shop.search("kettle", branch=branch.id)
    async with asyncio.timeout(20):
        while len((await branch_call(shop, "ListBranches")).branches) > 1:
            await asyncio.sleep(0.05)
    assert await shop.ids("kettle") == []


async def test_an_edited_weight_changes_the_ranking_when_the_index_is_rebuilt(shop: Shop) -> None:
    await shop.write(
        kettle(0, title="Teapot", description="water for tea and more water"),
        kettle(1, title="Water bottle", description="for tea"),
    )
    assert (await shop.ids("water"))[0] == "kettle-1"

    await branch_call(
        shop,
        "UpdateField",
        field=catalog_pb2.Field(key="description", search_weight=90),
        update_mask={"paths": ["search_weight"]},
    )

    async with asyncio.timeout(20):
        while (await shop.ids("water"))[0] != "kettle-0":
            await asyncio.sleep(0.05)


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_file()]


async def test_a_key_is_shown_once_and_stands_nowhere_in_the_store(shop: Shop) -> None:
    issued = await shop.call(
        ACCOUNT + "IssueKey",
        account_pb2.IssueKeyRequest(role=account_pb2.Key.WRITE),
        account_pb2.IssueKeyResponse,
    )
    key = parse_key(issued.secret)

    def verify(secret: str) -> int:
        request = link_pb2.VerifyKeyRequest(key_id=key.key_id, secret=secret)
        return shop.tenant.verify_key(request).verdict

    assert verify(key.secret) == link_pb2.VerifyKeyResponse.VALID
    assert verify("0" * 43) == link_pb2.VerifyKeyResponse.UNKNOWN
    directory = Path(shop.tenant.state().directory)
    assert [
        path.name for path in _files(directory) if key.secret.encode() in path.read_bytes()
    ] == []
    await shop.call(
        ACCOUNT + "RevokeKey",
        account_pb2.RevokeKeyRequest(id=key.key_id),
        account_pb2.RevokeKeyResponse,
    )
    assert verify(key.secret) == link_pb2.VerifyKeyResponse.REVOKED


async def test_a_key_stops_working_at_its_end(shop: Shop) -> None:
    issued = await shop.call(
        ACCOUNT + "IssueKey",
        account_pb2.IssueKeyRequest(role=account_pb2.Key.SEARCH, lifetime_seconds=60),
        account_pb2.IssueKeyResponse,
    )
    key = parse_key(issued.secret)
    request = link_pb2.VerifyKeyRequest(key_id=key.key_id, secret=key.secret)

    shop.clock.advance(61_000)

    assert shop.tenant.verify_key(request).verdict == link_pb2.VerifyKeyResponse.EXPIRED


QUERIES: list[dict[str, object]] = [
    {"query": "steel kettle"},
    {"query": "number 7"},
    {"query": ""},
    {"query": "kettle", "filter": "price < 0.00002", "order_by": "price desc"},
    {"query": "kettle", "facets": [{"key": "brand"}], "page_size": 5},
]


async def answers(shop: Shop) -> list[bytes]:
    """Without their attribution tokens, which each store signs with a key of its own."""
    found = [await shop.search(**query) for query in QUERIES]
    for answer in found:
        answer.ClearField("attribution_token")
    return [answer.SerializeToString(deterministic=True) for answer in found]


async def churn(shop: Shop) -> None:
    """Many small writes, updates and deletions, so that segments are merged on the way."""
    for number in range(60):
        await shop.write(
            kettle(number, prices=priced(number + 1), brand=f"b{number % 3}", stock_quantity=number)
        )
    await shop.write(*[kettle(number, title="Another steel kettle") for number in range(5, 25)])
    await shop.call(
        CATALOG + "DeleteProducts",
        catalog_pb2.DeleteProductsRequest(ids=[f"kettle-{number}" for number in range(30, 40)]),
        catalog_pb2.DeleteProductsResponse,
    )


async def test_replaying_the_log_gives_the_same_state_and_the_same_answers(tmp_path: Path) -> None:
    """Into an empty store, entry by entry and in one transaction each: other segments, same bytes."""
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    async with open_shop(make_paths(first)) as shop:
        await churn(shop)
        expected_answers = await answers(shop)
        expected_hash = shop.tenant.state().state_hash
        with shop.tenant._store.read() as view:
            entries = list(read_entries(view))
        schema = shop.tenant.writer.schema
    paths = make_paths(second)
    (second / "platform.key").write_bytes((first / "platform.key").read_bytes())
    wrapping = wrapping_key(paths.platform_key.read_bytes(), SHOP)
    paths.stores.mkdir()
    Store.create(paths.store(STORE), store_id=STORE, tenant_id=SHOP, epoch=1, wrapping_key=wrapping)
    store = Store.open(paths.store(STORE), wrapping_key=wrapping)
    for start in range(0, len(entries), 7):
        with store.write(epoch=1) as batch:
            changed = Changed()
            for entry in entries[start : start + 7]:
                apply_entry(batch, entry, entry.SerializeToString(deterministic=True), changed)
            derive(batch, changed, schema)
    store.close()

    async with open_shop(paths) as replayed:
        assert replayed.tenant.state().state_hash == expected_hash
        assert await answers(replayed) == expected_answers


async def test_a_reopened_store_answers_as_before(tmp_path: Path) -> None:
    paths = make_paths(tmp_path)
    async with open_shop(paths) as shop:
        await churn(shop)
        before = await answers(shop)
        incarnation = shop.tenant.incarnation

    async with open_shop(paths) as again:
        assert await answers(again) == before
        assert again.tenant.incarnation == incarnation + 1


async def test_searches_never_see_half_a_batch(shop: Shop) -> None:
    """While batches of ten are written, every search sees a multiple of ten products."""
    stop = asyncio.Event()
    counts: list[int] = []

    async def watch() -> None:
        while not stop.is_set():
            counts.append((await shop.search("kettle")).total_size)
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    for start in range(0, 200, 10):
        await shop.write(*[kettle(number) for number in range(start, start + 10)])
    stop.set()
    await watching

    assert len(counts) > 20
    assert [count for count in counts if count % 10] == []


@pytest.mark.parametrize(
    "ask",
    [
        {"filter": "colour_of_the_moon = 1"},
        {"filter": "price <"},
        {"query": "word " * 10_000},
        {"facets": [{"key": "brand"}] * 1_000},
        {"page_size": -1},
        {"page_token": "bogus"},
        {"order_by": "nothing"},
        {"read_mask": {"paths": ["colour"]}},
        {"branch": "x"},
    ],
    ids=lambda ask: str(ask)[:40],
)
async def test_a_search_that_cannot_be_is_refused_with_a_field(
    shop: Shop, ask: dict[str, object]
) -> None:
    await shop.write(kettle())

    with pytest.raises(InvalidArgumentError) as refused:
        await shop.search(**ask)

    assert refused.value.violations


async def test_a_page_token_of_another_query_is_refused(shop: Shop) -> None:
    await shop.write(*[kettle(number) for number in range(30)])
    page = await shop.search("kettle", page_size=5)

    with pytest.raises(InvalidArgumentError, match="page_token"):
        await shop.search("steel", page_size=5, page_token=page.next_page_token)

    more = await shop.search("kettle", page_size=5, page_token=page.next_page_token)
    assert len(more.results) == 5


async def test_a_malformed_body_is_the_callers_fault(shop: Shop) -> None:
    service: Callable = shop._service.handle
    call = link_pb2.Call(method=CATALOG + "WriteProducts", body=b"\x0a\xff\xff")

    answer = await service(call)

    error: SaluhallError = error_from_status_bytes(answer.error)
    assert isinstance(error, InvalidArgumentError)
    assert error.reason == "BODY_MALFORMED"


async def test_an_older_copy_of_the_directory_is_never_served(tmp_path: Path) -> None:
    """A disk image put back has forgotten openings that the registry knows."""
    paths = make_paths(tmp_path)
    async with open_shop(paths) as shop:
        await shop.write(kettle())
    shutil.copytree(paths.store(STORE), tmp_path / "image")
    async with open_shop(paths) as shop:
        await shop.write(kettle(1))
    async with open_shop(paths):
        pass
    shutil.rmtree(paths.store(STORE))
    shutil.move(tmp_path / "image", paths.store(STORE))

    with pytest.raises(StoreStaleError):
        async with open_shop(paths):
            pass


async def test_a_write_that_fails_unexpectedly_is_told_and_leaves_nothing(shop: Shop) -> None:
    """The caller learns at once, and the error is one that ends the process."""

    def broken(_context: object) -> Resolution:
        raise ZeroDivisionError

    command = WriteCommand("test/broken", broken, catalog_pb2.WriteProductsResponse)

    with pytest.raises(InvariantError, match="ZeroDivisionError"):
        await shop.tenant.writer.submit(command)

    assert await shop.ids() == []
    await shop.write(kettle())
    assert await shop.ids() == ["kettle-0"]


async def suggest(shop: Shop, query: str, **fields: object) -> search_pb2.SuggestResponse:
    request = search_pb2.SuggestRequest(query=query, **fields)
    return await shop.call(
        "/saluhall.v1.SearchService/Suggest", request, search_pb2.SuggestResponse
    )


async def test_suggestions_follow_each_write_and_show_prices_of_the_market(shop: Shop) -> None:
    prices = [
        product_pb2.Price(selling_micros=5, currency_code="SEK"),
        product_pb2.Price(selling_micros=60, currency_code="SEK", market="se"),
    ]
    await shop.write(kettle(brand="Steelworks", categories=["Kitchen > Kettles"], prices=prices))
    written = await shop.write(kettle(1, title="Steel <pot>", brand="Potter"))

    found = await suggest(shop, "ste", market="se")

    assert found.position == written.position
    assert ("steel", 2) in [(one.query, one.product_count) for one in found.queries]
    assert [one.highlighted for one in found.brands] == ["Ste<em>elworks</em>"]
    shown = {one.product.id: one for one in found.products}
    assert shown["kettle-0"].price.selling_micros == 60
    assert shown["kettle-1"].highlighted == "Ste<em>el &lt;pot&gt;</em>"

    await shop.call(
        CATALOG + "DeleteProducts",
        catalog_pb2.DeleteProductsRequest(ids=["kettle-0"]),
        catalog_pb2.DeleteProductsResponse,
    )
    assert not (await suggest(shop, "steelw")).brands
    assert not (await suggest(shop, "kettl")).categories


async def test_a_suggestion_request_says_how_many_of_each_kind(shop: Shop) -> None:
    await shop.write(*[kettle(n, brand="Kettler", categories=["Kettles"]) for n in range(9)])

    found = await suggest(shop, "kett", query_count=0, product_count=2)
    assert len(found.queries) == 0
    assert len(found.products) == 2
    assert [one.product_count for one in found.categories] == [9]
    popular = await suggest(shop, "")
    assert [one.value for one in popular.categories] == ["Kettles"]
    assert popular.queries
    assert not popular.products
    with pytest.raises(InvalidArgumentError, match="brand_count"):
        await suggest(shop, "k", brand_count=-1)
