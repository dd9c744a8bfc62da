"""The demo's catalogue, its log replayed into an empty store: the same state, the same bytes."""

import random
from pathlib import Path

from test_tenant import CATALOG, SHOP, STORE, Shop, make_paths, open_shop

from actors.index.schema import Schema
from actors.replication.apply import Changed, apply_entry
from actors.replication.derive import derive
from actors.storage.keyring import wrapping_key
from actors.storage.log import read_entries
from actors.storage.store import Store
from loadtest.catalogues import PRODUCT_COUNT, catalogue_products
from protos.internal.records_pb2 import LogEntry
from protos.v1 import catalog_pb2
from protos.v1.product_pb2 import Product

BATCH = 250
ENTRIES_PER_TRANSACTION = 3
QUERY_COUNT = 100
SEED = 5


async def import_all(shop: Shop, products: list[Product]) -> None:
    for start in range(0, len(products), BATCH):
        request = catalog_pb2.ImportProductsRequest(
            products=products[start : start + BATCH], request_id=f"demo/{start}"
        )
        answer = await shop.call(
            CATALOG + "ImportProducts", request, catalog_pb2.ImportProductsResponse
        )
        assert {item.status.code for item in answer.items} == {0}


async def sell(shop: Shop, products: list[Product], rng: random.Random) -> None:
    """What a day brings: other titles, stock, and products that go."""
    changed = [Product.FromString(p.SerializeToString()) for p in rng.sample(products, k=90)]
    for product in changed:
        product.title += " Nyhet"
    await shop.write(*changed)
    updates = []
    for product in rng.sample(products, k=300):
        update = catalog_pb2.InventoryUpdate(
            product_id=product.id,
            variant_id=product.variants[0].id if product.variants else "",
            stock_quantity=rng.randrange(9),
        )
        update.set_time.FromMilliseconds(shop.clock.now_ms())
        updates.append(update)
    await shop.call(
        CATALOG + "SetInventory",
        catalog_pb2.SetInventoryRequest(updates=updates),
        catalog_pb2.SetInventoryResponse,
    )
    await shop.call(
        CATALOG + "DeleteProducts",
        catalog_pb2.DeleteProductsRequest(ids=[p.id for p in rng.sample(products, k=200)]),
        catalog_pb2.DeleteProductsResponse,
    )


def random_queries(products: list[Product], rng: random.Random) -> list[dict[str, object]]:
    """Words from titles, with filters, facets, orders and pages as shoppers ask for them."""
    queries: list[dict[str, object]] = []
    for _ in range(QUERY_COUNT):
        title = rng.choice(products).title.split()
        queries.append(
            {
                "query": " ".join(rng.sample(title, k=rng.choice((0, 1, 1, 2)))),
                "filter": rng.choice(
                    ("", "price < 1000", "availability = IN_STOCK", "popularity > 20")
                ),
                "facets": [
                    {"key": key} for key in rng.sample(("brand", "price", "categories"), k=2)
                ],
                "order_by": rng.choice(("", "", "price", "brand, price desc", "release_time desc")),
                "page_size": rng.choice((5, 24, 120)),
                "highlight": rng.random() < 0.5,
                "language_code": "sv",
            }
        )
    return queries


async def answers(shop: Shop, queries: list[dict[str, object]]) -> list[bytes]:
    """Without their attribution tokens, which each store signs with a key of its own."""
    found = [await shop.search(**query) for query in queries]
    for answer in found:
        answer.ClearField("attribution_token")
    return [answer.SerializeToString(deterministic=True) for answer in found]


def replay(root: Path, platform_key: bytes, entries: list[LogEntry], schema: Schema) -> None:
    """An empty store to which the entries are applied, a few in a transaction."""
    paths = make_paths(root)
    paths.platform_key.write_bytes(platform_key)
    wrapping = wrapping_key(platform_key, SHOP)
    paths.stores.mkdir()
    Store.create(paths.store(STORE), store_id=STORE, tenant_id=SHOP, epoch=1, wrapping_key=wrapping)
    store = Store.open(paths.store(STORE), wrapping_key=wrapping)
    for start in range(0, len(entries), ENTRIES_PER_TRANSACTION):
        with store.write(epoch=1) as batch:
            changed = Changed()
            for entry in entries[start : start + ENTRIES_PER_TRANSACTION]:
                apply_entry(batch, entry, entry.SerializeToString(deterministic=True), changed)
            derive(batch, changed, schema)
    store.close()


async def test_replaying_the_demos_log_gives_the_same_state_hash_and_the_same_answers(
    tmp_path: Path,
) -> None:
    """The batches are others, so the segments are; the answers are equal byte for byte."""
    rng = random.Random(SEED)
    products = list(catalogue_products("demo-sv"))
    queries = random_queries(products, rng)
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    async with open_shop(make_paths(first)) as shop:
        await import_all(shop, products)
        await sell(shop, products, rng)
        expected_answers = await answers(shop, queries)
        expected = shop.tenant.state()
        with shop.tenant._store.read() as view:
            entries = list(read_entries(view))
        schema = shop.tenant.writer.schema

    replay(second, (first / "platform.key").read_bytes(), entries, schema)

    async with open_shop(make_paths(second)) as replayed:
        assert replayed.tenant.state().state_hash == expected.state_hash
        assert replayed.tenant.state().position == expected.position
        assert await answers(replayed, queries) == expected_answers
    assert expected.product_count == PRODUCT_COUNT - 200
    assert len(set(expected_answers)) > QUERY_COUNT * 0.9
