"""Price lists, windows and stores in a real store: what is written, searched and shown is the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_tenant import CATALOG, Shop, make_paths, open_shop

from node.clock import ManualClock
from node.errors import InvalidArgumentError
from protos.v1 import catalog_pb2
from protos.v1.common_pb2 import IN_STOCK, OUT_OF_STOCK, STALE, UPDATED
from protos.v1.product_pb2 import Price, Product, StockLevel

START_MS = 1_700_000_000_000


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(make_paths(tmp_path), ManualClock(START_MS)) as opened:
        yield opened


def lamp(**changes: object) -> Product:
    parts = {"id": "lamp", "title": "Lamp", "prices": [Price(selling_micros=100_000_000)]}
    return Product(**{**parts, **changes})


async def set_stock(shop: Shop, second: int, *levels: StockLevel, **changes: object) -> list[int]:
    update = catalog_pb2.InventoryUpdate(product_id="lamp", stock_levels=levels, **changes)
    update.set_time.seconds = START_MS // 1_000 + second
    request = catalog_pb2.SetInventoryRequest(updates=[update])
    response = await shop.call(CATALOG + "SetInventory", request, catalog_pb2.SetInventoryResponse)
    return list(response.outcomes)


async def test_a_price_list_is_filtered_sorted_and_shown_by_those_who_name_it(shop: Shop) -> None:
    club = Price(selling_micros=50_000_000, price_list="club")
    await shop.write(
        lamp(prices=[Price(selling_micros=100_000_000), club]),
        lamp(id="shade", prices=[Price(selling_micros=60_000_000)]),
    )

    assert await shop.ids(order_by="price", filter="price < 70") == ["shade"]
    assert await shop.ids(order_by="price", filter="price < 70", price_list="club") == [
        "lamp",
        "shade",
    ]
    found = await shop.search(order_by="price", price_list="club")
    assert [result.price.selling_micros for result in found.results] == [50_000_000, 60_000_000]


async def test_a_campaign_begins_and_ends_without_a_write(shop: Shop) -> None:
    campaign = Price(selling_micros=70_000_000)
    campaign.valid_from.seconds = START_MS // 1_000 + 10
    campaign.valid_until.seconds = START_MS // 1_000 + 20
    await shop.write(lamp(prices=[Price(selling_micros=100_000_000), campaign]))

    shown = []
    for _ in range(3):
        shop.tenant.reader.release_if_old()
        found = await shop.search("lamp")
        shown.append(found.results[0].price.selling_micros // 1_000_000)
        assert await shop.ids(filter=f"price = {shown[-1]}") == ["lamp"]
        shop.clock.advance(10_000)

    assert shown == [100, 70, 100]


async def test_a_store_sees_its_own_stock(shop: Shop) -> None:
    await shop.write(
        lamp(
            stock_quantity=9,
            stock_levels=[
                StockLevel(market="se", store="lund", stock_quantity=0),
                StockLevel(market="se", stock_quantity=4),
            ],
        )
    )

    async def stock(**where: str) -> tuple[int, int]:
        result = (await shop.search("lamp", **where)).results[0]
        return result.availability, result.stock_quantity

    assert await stock() == (IN_STOCK, 9)
    assert await stock(market="se") == (IN_STOCK, 4)
    assert await stock(market="se", store="lund") == (OUT_OF_STOCK, 0)
    assert await shop.ids(filter="availability = IN_STOCK", market="se", store="lund") == []
    assert await shop.ids(filter="stock_quantity = 4", market="se", store="umea") == ["lamp"]


async def test_one_stores_late_message_does_not_undo_anothers(shop: Shop) -> None:
    await shop.write(lamp())
    lund, umea = StockLevel(store="lund"), StockLevel(store="umea")

    def level(store: StockLevel, quantity: int) -> StockLevel:
        return StockLevel(store=store.store, stock_quantity=quantity)

    assert await set_stock(shop, 30, level(lund, 3)) == [UPDATED]
    assert await set_stock(shop, 20, level(umea, 2)) == [UPDATED]
    assert await set_stock(shop, 25, level(lund, 7)) == [STALE]
    assert await shop.ids(filter="stock_quantity = 3", store="lund") == ["lamp"]
    assert await shop.ids(filter="stock_quantity = 2", store="umea") == ["lamp"]
    # Taking it back has a time as well.
    assert await set_stock(shop, 40, lund) == [UPDATED]
    assert await set_stock(shop, 35, level(lund, 5)) == [STALE]
    assert await shop.ids(filter="stock_quantity:*", store="lund") == []


async def test_an_update_is_checked_like_a_product(shop: Shop) -> None:
    """What no column can hold must not reach the index."""
    await shop.write(lamp())

    with pytest.raises(InvalidArgumentError, match="availability"):
        await set_stock(shop, 1, availability=300)
    with pytest.raises(InvalidArgumentError, match="neither market nor store"):
        await set_stock(shop, 1, StockLevel(stock_quantity=1))
    with pytest.raises(InvalidArgumentError, match="store"):
        await shop.search("lamp", store="x" * 600)


async def test_a_stream_of_updates_shares_transactions_and_other_writes_do_not_wait(
    shop: Shop,
) -> None:
    """All are answered, in the order in which they came."""
    await shop.write(lamp())

    before = (await shop.search("")).position
    updates = [asyncio.create_task(set_stock(shop, n, stock_quantity=n)) for n in range(1, 40)]
    await asyncio.gather(*updates)
    await shop.write(lamp(id="shade"))

    assert (await shop.search("")).position == before + 40
    assert await shop.ids(filter="stock_quantity = 39") == ["lamp"]
