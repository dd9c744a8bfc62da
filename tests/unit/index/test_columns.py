"""Columns: what is built, merged and patched reads back as the products say."""

import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.index import columns_merge, columns_pieces, columns_tables, inventory_blocks
from actors.index.columns import (
    MISSING,
    MergeSource,
    RowLayout,
    build_columns,
    dictionary_key,
    folded,
    key_text,
    layout_of,
    merge_columns,
    merged_layout,
    open_columns,
    patch_inventory,
)
from actors.index.columns_read import Table
from actors.index.columns_tables import KEYWORDS, NUMBERS
from actors.index.document import IndexedProduct
from actors.index.ports import MemoryArrays
from actors.model.prices import sku_prices
from actors.model.stock import effective_stock
from actors.model.storefront import GENERAL, Storefront
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.common_pb2 import AttributeValue, Availability
from protos.v1.product_pb2 import Price, Product, Variant

SEEDS = st.integers(0, 2**32)


def random_product(rng: random.Random, number: int) -> IndexedProduct:
    product = Product(id=f"p{number:05d}", title=rng.choice(("A b", "a B", "å", "", "ä")))
    product.popularity = rng.choice((0, 1.5))
    product.categories.extend(rng.sample(("A > B > C", "A > B", "D"), k=rng.randint(0, 2)))
    add_attributes(rng, product)
    for sku in range(rng.choice((0, 0, 1, 3))):
        variant = product.variants.add(id=f"v{sku}")
        add_attributes(rng, variant)
    return IndexedProduct(product, random_inventory(rng, len(product.variants)))


def add_attributes(rng: random.Random, target: Product | Variant) -> None:
    for key in rng.sample([f"k{number}" for number in range(30)], k=rng.randint(0, 6)):
        value = rng.choice(
            (
                AttributeValue(texts=rng.choices(("x", "X", "yy", "zoo"), k=rng.randint(1, 3))),
                AttributeValue(numbers=rng.choices((1, 2.5, -3), k=rng.randint(1, 3))),
                AttributeValue(boolean=rng.random() < 0.5),
            )
        )
        target.attributes[key].CopyFrom(value)


def random_inventory(rng: random.Random, variant_count: int) -> InventoryRecord:
    record = InventoryRecord()
    for stock in (record.product, *(record.variants.add() for _ in range(variant_count))):
        for market in rng.sample(("", "se", "no"), k=rng.randint(0, 2)):
            stock.prices.add(market=market, selling_micros=rng.randrange(10**9))
        if rng.random() < 0.5:
            stock.stock_quantity = rng.randrange(3)
        stock.availability = rng.choice((0, 0, 1, 2))
        if rng.random() < 0.4:
            add_scopes(rng, stock)
    return record


def add_scopes(rng: random.Random, stock: StockRecord) -> None:
    """Prices of lists, prices with windows, and stock of markets and stores."""
    for _ in range(rng.randint(0, 4)):
        price = stock.prices.add(market=rng.choice(("", "se")), selling_micros=rng.randrange(10**9))
        price.price_list = rng.choice(("", "vip"))
        if not price.price_list or rng.random() < 0.5:
            price.valid_from.seconds = rng.randrange(10)
        if rng.random() < 0.5:
            price.valid_until.seconds = price.valid_from.seconds + rng.randint(1, 5)
    for market, store in rng.sample((("", "s1"), ("se", "s1"), ("se", ""), ("no", "s2")), k=2):
        level = stock.levels.add(market=market, store=store, availability=rng.choice((0, 1, 2)))
        if rng.random() < 0.5:
            level.stock_quantity = rng.randrange(3)


STOREFRONTS = tuple(
    Storefront(market, price_list, shop, now_ms)
    for market in ("", "se", "no", "unknown")
    for price_list in ("", "vip")
    for shop in ("", "s1", "s2")
    for now_ms in (0, 4_000, 20_000)
)


def store(
    arrays: MemoryArrays, prefix: bytes, entries: Iterable[tuple[bytes, bytes]]
) -> dict[bytes, bytes]:
    stored = dict(entries)
    for key, value in stored.items():
        assert len(key) <= 400
        assert len(value) <= 1 << 20
        arrays.put_array(prefix + key, value)
    return stored


def contents(arrays: MemoryArrays, prefix: bytes, layout: RowLayout, kind: bytes) -> list:
    """All that a table holds, whatever its packs."""
    table = Table(arrays, prefix, kind, layout)
    held = []
    for pack in table.read_columns(0, table.column_count):
        entries = pack.entries.tolist()
        if pack.keys:
            entries = [pack.keys[entry] for entry in entries]
        held += [
            (table.name(stream // 2), stream % 2, position, entry)
            for stream, position, entry in zip(
                pack.streams.tolist(), pack.positions.tolist(), entries, strict=True
            )
        ]
        held += [
            (table.name(column), key)
            for column, key in zip(pack.key_columns.tolist(), pack.keys, strict=True)
        ]
    return sorted(held, key=repr)


@pytest.fixture(autouse=True, params=["as configured", "tiny pieces"])
def piece_sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds as well when each array spans several values and blocks."""
    if request.param == "tiny pieces":
        monkeypatch.setattr(columns_pieces, "PART_BYTES", 64)
        monkeypatch.setattr(columns_tables, "PACK_BYTES", 100)
        monkeypatch.setattr(inventory_blocks, "BLOCK_ROWS", 4)
        monkeypatch.setattr(columns_merge, "ENTRIES_AT_ONCE", 10)


def test_merged_columns_are_those_of_the_products_together() -> None:
    """The same as those of a segment built from the live products: dead ones leave nothing."""

    @given(SEEDS)
    @settings(max_examples=40, deadline=None)
    def check(seed: int) -> None:
        rng = random.Random(seed)
        products = [random_product(rng, number) for number in range(rng.randint(1, 40))]
        kept = [product for product in products if rng.random() < 0.8]
        arrays = MemoryArrays()
        sources = []
        place = {id(product): index for index, product in enumerate(kept)}
        for number in range(3):
            part = products[number::3]
            prefix = b"source%d" % number
            layout = layout_of(part)
            store(arrays, prefix, build_columns(part, layout))
            new = np.array([place.get(id(product), -1) for product in part], np.int32)
            sources.append(MergeSource(arrays, prefix, layout, new))

        merged = store(arrays, b"merged", merge_columns(sources))

        layout = layout_of(kept)
        built = store(arrays, b"built", build_columns(kept, layout))
        for table in (KEYWORDS, NUMBERS):
            assert contents(arrays, b"merged", layout, table) == contents(
                arrays, b"built", layout, table
            )
        others = {key: value for key, value in merged.items() if key[:2] not in {KEYWORDS, NUMBERS}}
        assert others == {k: v for k, v in built.items() if k[:2] not in {KEYWORDS, NUMBERS}}
        of_sources = merged_layout(sources)
        assert (of_sources.product_count, of_sources.row_count) == (len(kept), layout.row_count)
        assert np.array_equal(of_sources.first_rows(), layout.first_rows())

    check()


def test_patched_inventory_is_that_of_a_segment_built_so() -> None:
    @given(SEEDS)
    @settings(max_examples=40, deadline=None)
    def check(seed: int) -> None:
        rng = random.Random(seed)
        products = [random_product(rng, number) for number in range(rng.randint(1, 20))]
        layout = layout_of(products)
        arrays = MemoryArrays()
        store(arrays, b"s", build_columns(products, layout))
        patches = []
        for ordinal, product in enumerate(products):
            if rng.random() < 0.5:
                record = random_inventory(rng, len(product.product.variants))
                patches.append((ordinal, record))
                products[ordinal] = IndexedProduct(product.product, record)

        patch_inventory(arrays, b"s", layout, patches)

        fresh = MemoryArrays()
        store(fresh, b"s", build_columns(products, layout))
        patched = open_columns(arrays, b"s", layout).inventory
        built = open_columns(fresh, b"s", layout).inventory
        some = np.flatnonzero(np.arange(layout.row_count) % 3 == 0).astype(np.int32)
        for rows in (None, some):
            for where in STOREFRONTS:
                assert np.array_equal(patched.price(where, rows), built.price(where, rows))
                told = patched.stock_quantity(where, rows)
                assert np.array_equal(told, built.stock_quantity(where, rows))
                told = patched.availability(where, rows)
                assert np.array_equal(told, built.availability(where, rows))

    check()


def test_columns_read_back_as_the_products_say() -> None:
    @given(SEEDS)
    @settings(max_examples=40, deadline=None)
    def check(seed: int) -> None:
        rng = random.Random(seed)
        products = [random_product(rng, number) for number in range(rng.randint(1, 30))]
        layout = layout_of(products)
        arrays = MemoryArrays()
        store(arrays, b"s", build_columns(products, layout))
        columns = open_columns(arrays, b"s", layout)
        some = np.array(sorted(rng.sample(range(len(products)), k=len(products) // 2)), np.int32)

        for key in ("k1", "k7"):
            texts = columns.keyword(f"attributes.{key}#t")
            for ordinals in (None, some):
                chosen = range(len(products)) if ordinals is None else ordinals.tolist()
                expected = [
                    (slot, text)
                    for slot, ordinal in enumerate(chosen)
                    for text in sorted(
                        set(products[ordinal].product.attributes[key].texts),
                        key=dictionary_key,
                    )
                ]
                read = []
                if texts is not None and texts.by_product is not None:
                    slots, codes = texts.by_product.pairs(ordinals)
                    read = [
                        (slot, texts.dictionary.text(code))
                        for slot, code in zip(slots.tolist(), codes.tolist(), strict=True)
                    ]
                assert read == expected

    check()


def test_rows_cost_and_hold_what_their_products_tell_in_each_storefront() -> None:
    """Columns give what `sku_prices` and `effective_stock` say of each SKU alone: what answers show."""

    @given(SEEDS)
    @settings(max_examples=40, deadline=None)
    def check(seed: int) -> None:
        rng = random.Random(seed)
        products = [random_product(rng, number) for number in range(rng.randint(1, 12))]
        layout = layout_of(products)
        arrays = MemoryArrays()
        store(arrays, b"s", build_columns(products, layout))
        inventory = open_columns(arrays, b"s", layout).inventory
        skus = [
            (own, indexed.inventory.product)
            for indexed in products
            for own in (indexed.inventory.variants or [indexed.inventory.product])
        ]
        some = np.flatnonzero(np.arange(layout.row_count) % 4 == 0).astype(np.int32)
        for where in STOREFRONTS:
            prices = [sku_prices(*sku).price(where) for sku in skus]
            micros = [MISSING if price is None else price.selling_micros for price in prices]
            stocks = [effective_stock(*sku, where) for sku in skus]
            codes = [stock.availability for stock in stocks]
            told = [stock.stock_quantity for stock in stocks]
            quantities = [MISSING if quantity is None else quantity for quantity in told]

            assert inventory.price(where, None).tolist() == micros
            assert inventory.price(where, some).tolist() == micros[::4]
            assert inventory.availability(where, None).tolist() == codes
            assert inventory.stock_quantity(where, some).tolist() == quantities[::4]

    check()


def test_a_segment_of_an_older_release_has_its_prices_and_takes_new_ones() -> None:
    """It does not list its columns; the first patch does."""
    record = InventoryRecord()
    record.product.prices.append(Price(market="se", selling_micros=7))
    products = [IndexedProduct(Product(id=f"p{n}"), record) for n in range(10)]
    layout = layout_of(products)
    arrays = MemoryArrays()
    store(arrays, b"s", build_columns(products, layout))
    arrays.delete_array(b"scj")
    se, vip = Storefront("se"), Storefront("se", "vip")
    assert open_columns(arrays, b"s", layout).inventory.price(vip, None).tolist() == [7] * 10
    listed = InventoryRecord()
    listed.product.prices.append(Price(market="se", selling_micros=5, price_list="vip"))

    patch_inventory(arrays, b"s", layout, [(6, listed)])

    inventory = open_columns(arrays, b"s", layout).inventory
    assert inventory.price(vip, None).tolist() == [7] * 6 + [5] + [7] * 3
    assert inventory.price(se, None).tolist() == [7] * 6 + [MISSING] + [7] * 3


def test_a_store_that_few_products_name_takes_few_bytes() -> None:
    """What stands for few rows is stored as places and elements, not as a whole block."""
    products = [IndexedProduct(Product(id=f"p{n:04d}"), InventoryRecord()) for n in range(2_000)]
    for number in range(20):
        level = products[number].inventory.product.levels.add(store=f"s{number}")
        level.stock_quantity = number
    layout = layout_of(products)

    stored = store(MemoryArrays(), b"s", build_columns(products, layout))

    assert sum(len(value) for key, value in stored.items() if b":/s" in key) < 2_000


def test_a_first_price_in_a_new_market_is_found() -> None:
    """Blocks that were never written hold nothing but missing prices."""
    products = [IndexedProduct(Product(id=f"p{n}"), InventoryRecord()) for n in range(10)]
    layout = layout_of(products)
    arrays = MemoryArrays()
    store(arrays, b"s", build_columns(products, layout))
    record = InventoryRecord()
    record.product.prices.append(Price(market="dk", selling_micros=5))

    patch_inventory(arrays, b"s", layout, [(6, record)])

    inventory = open_columns(arrays, b"s", layout).inventory
    assert inventory.price(Storefront("dk"), None).tolist() == [MISSING] * 6 + [5] + [MISSING] * 3
    assert (inventory.price(GENERAL, None) == MISSING).all()


def test_an_unchanged_inventory_writes_nothing() -> None:
    class Recording(MemoryArrays):
        def __init__(self) -> None:
            super().__init__()
            self.written: list[bytes] = []

        def put_array(self, key: bytes, value: bytes | memoryview) -> None:
            self.written.append(key)
            super().put_array(key, value)

    record = InventoryRecord()
    record.product.prices.append(Price(selling_micros=5))
    products = [IndexedProduct(Product(id="p"), record)]
    layout = layout_of(products)
    arrays = Recording()
    store(arrays, b"s", build_columns(products, layout))
    arrays.written.clear()

    patch_inventory(arrays, b"s", layout, [(0, record)])

    assert arrays.written == []


def test_what_is_not_told_is_in_stock_unless_the_quantity_is_zero() -> None:
    untold, none_left = InventoryRecord(), InventoryRecord()
    none_left.product.stock_quantity = 0
    products = [IndexedProduct(Product(id="a"), untold), IndexedProduct(Product(id="b"), none_left)]
    layout = layout_of(products)
    arrays = MemoryArrays()
    store(arrays, b"s", build_columns(products, layout))

    told = open_columns(arrays, b"s", layout).inventory.availability(GENERAL, None)

    assert told.tolist() == [Availability.IN_STOCK, Availability.OUT_OF_STOCK]


@given(st.lists(st.text(min_size=1, max_size=5), max_size=20))
def test_dictionary_keys_are_in_the_order_of_compared_forms(texts: list[str]) -> None:
    """And lead back to the text, and differ where texts differ."""
    texts = [text.replace("\0", "") or "x" for text in texts]

    keys = sorted(map(dictionary_key, texts))

    forms = [folded(key_text(key)).encode() for key in keys]
    assert forms == sorted(forms)
    assert {key_text(key) for key in keys} == set(texts)
    assert len(set(keys)) == len(set(texts))


def test_rows_of_products_stand_side_by_side() -> None:
    layout = RowLayout.of_counts([1, 3, 1, 2])

    assert layout.row_count == 7
    assert layout.first_rows().tolist() == [0, 1, 4, 5, 7]
    assert layout.rows_of(np.array([1, 3], np.int32)).tolist() == [1, 2, 3, 5, 6]
    assert RowLayout.of_counts([1, 1]).row_product is None
