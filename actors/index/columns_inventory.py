"""Price, availability and stock of a segment's rows: columns in blocks (`inventory_blocks`), patched in place.

These change often, so they stand apart from the other columns. Prices have a column for each market, and one for each
price list of a market; stock has the general columns, and two for each market and store that it was told of.

What a variant does not say holds from its product: stock and availability as they are, and a price when the variant
has neither one in that market nor one for all markets.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns_layout import Int32Array, RowLayout
from actors.index.columns_pieces import AnyArray
from actors.index.inventory_blocks import (
    AVAILABILITY,
    BLOCK_ROWS,
    MISSING,
    PRICE,
    STOCK,
    TIMED,
    Blocks,
    Int64Array,
    Records,
    block_key,
    block_of,
    block_size,
    column_name,
    dtype_of,
    encode_column,
    encode_records,
    gather_column,
    is_timed,
    missing_of,
    patch_column,
    patch_records,
    read_column,
    read_records,
    stored_names,
)
from actors.index.ports import ArrayReader, ArrayWriter
from actors.model.prices import sku_prices, window_ms
from actors.model.stock import EffectiveStock, general_stock, sku_levels
from actors.model.storefront import Storefront
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.product_pb2 import Price

_NAMES: Final = b"cj"
"""The names of all columns, by line; absent in segments of older releases, which know no scopes but markets."""

_PRICES_KEPT_MAX: Final = 4
_SILENT: Final = StockRecord()
_NO_LEVELS: Final[Mapping[str, EffectiveStock]] = MappingProxyType({})
_NO_TIMED: Final[Mapping[str, tuple[Price, ...]]] = MappingProxyType({})

_Cells = dict[bytes, tuple[list[int], list[int]]]
"""By column: places and what stands there."""


@dataclass(frozen=True, slots=True)
class RowStock:
    """What search needs of one row's price and stock. Scopes are those of `actors.model.storefront`."""

    prices: Mapping[str, int]
    """Selling prices in millionths, by scope; "" holds wherever there is no other."""
    timed: Mapping[str, tuple[Price, ...]]
    """Prices with a window, by scope."""
    general: EffectiveStock
    levels: Mapping[str, EffectiveStock]
    """Stock of markets and stores, by scope."""


def row_stocks(record: InventoryRecord, *, variant_count: int) -> list[RowStock]:
    """The rows of a product: one for each variant, or one for the product itself."""
    product = record.product
    if not variant_count:
        return [_row_stock(product, product)]
    # A variant without a record of its own says nothing, so all holds from its product.
    variants = [*record.variants[:variant_count]]
    variants += [_SILENT] * (variant_count - len(variants))
    return [_row_stock(variant, product) for variant in variants]


def _row_stock(own: StockRecord, product: StockRecord) -> RowStock:
    table = sku_prices(own, product)
    return RowStock(
        prices={scope: price.selling_micros for scope, price in table.lasting.items()},
        timed=table.timed or _NO_TIMED,
        general=general_stock(own, product),
        levels=sku_levels(own, product) if own.levels or product.levels else _NO_LEVELS,
    )


def encode_inventory(rows: Sequence[RowStock]) -> Iterator[tuple[bytes, bytes]]:
    """The stored blocks of a new segment."""
    cells, timed = _cells(enumerate(rows))
    for name, (places, values) in cells.items():
        column: AnyArray = np.full(len(rows), missing_of(name), dtype_of(name))
        column[places] = values
        yield from encode_column(name, column)
    for name, records in timed.items():
        yield from encode_records(name, _sorted(records))
    yield _NAMES, _joined({*cells, *timed})


def merge_inventory(
    sources: Sequence[tuple[ArrayReader, bytes, Int32Array]], row_count: int
) -> Iterator[tuple[bytes, bytes]]:
    """The stored blocks of a merged segment.

    Args:
        sources: reader and key prefix of each segment, and int32[R]: the new row of each old one, -1 for dropped.
        row_count: of the merged segment.
    """
    names = sorted({n for reader, prefix, _ in sources for n in stored_names(reader, prefix)})
    kept = []
    for name in names:
        if is_timed(name):
            blocks = list(encode_records(name, _merged_records(name, sources)))
        else:
            blocks = list(encode_column(name, _merged_column(name, sources, row_count)))
        if blocks:
            kept.append(name)
            yield from blocks
    yield _NAMES, _joined(kept)


def _merged_column(
    name: bytes, sources: Sequence[tuple[ArrayReader, bytes, Int32Array]], row_count: int
) -> AnyArray:
    merged: AnyArray = np.full(row_count, missing_of(name), dtype_of(name))
    for reader, prefix, new_rows in sources:
        old = read_column(reader, prefix, name, len(new_rows))
        kept = new_rows >= 0
        merged[new_rows[kept]] = old[kept]
    return merged


def _merged_records(
    name: bytes, sources: Sequence[tuple[ArrayReader, bytes, Int32Array]]
) -> Records:
    found = []
    for reader, prefix, new_rows in sources:
        records = read_records(reader, prefix, name, len(new_rows))
        records[:, 0] = new_rows[records[:, 0]]
        found.append(records[records[:, 0] >= 0])
    merged = np.concatenate(found)
    return merged[np.argsort(merged[:, 0], kind="stable")]


def patch_inventory(
    writer: ArrayWriter,
    prefix: bytes,
    layout: RowLayout,
    patches: Iterable[tuple[int, InventoryRecord]],
) -> None:
    """Set price, availability and stock of whole products in a stored segment.

    Args:
        writer: where the segment is stored.
        prefix: what the segment's keys start with.
        layout: the segment's rows.
        patches: ordinals with the complete inventory that they have now, each ordinal once.
    """
    blocks: dict[int, list[tuple[int, RowStock]]] = defaultdict(list)
    listed_patches = list(patches)
    ordinals = np.array([ordinal for ordinal, _ in listed_patches], np.int32)
    firsts = layout.first_rows_of(ordinals).tolist()
    stops = layout.first_rows_of(ordinals + np.int32(1)).tolist()
    for (_, record), first, stop in zip(listed_patches, firsts, stops, strict=True):
        # The one row of a product without variants says the same as that of a silent variant.
        for row, stock in enumerate(row_stocks(record, variant_count=stop - first), first):
            block, place = block_of(row)
            blocks[block].append((place, stock))
    listed = _read_names(writer, prefix)
    known = frozenset(stored_names(writer, prefix)) if listed is None else listed
    made = known
    for block, rows in blocks.items():
        made |= _patch_block(writer, prefix, block, rows, known, row_count=layout.row_count)
    if made != listed:
        writer.put_array(prefix + _NAMES, _joined(made))


def _patch_block(
    writer: ArrayWriter,
    prefix: bytes,
    block: int,
    rows: Sequence[tuple[int, RowStock]],
    known: Iterable[bytes],
    *,
    row_count: int,
) -> set[bytes]:
    """Returns the names of the columns that these rows have something in."""
    size = block_size(block, row_count)
    places = np.fromiter((place for place, _ in rows), np.int64, len(rows))
    cells, timed = _cells((index, stock) for index, (_, stock) in enumerate(rows))
    for name in {*known, *cells, *timed}:
        key = block_key(prefix, name, block)
        if is_timed(name):
            records = _sorted(timed.get(name, []))
            records[:, 0] = places[records[:, 0]]
            patch_records(writer, key, places, records[np.argsort(records[:, 0], kind="stable")])
            continue
        values: AnyArray = np.full(len(rows), missing_of(name), dtype_of(name))
        if name in cells:
            at, told = cells[name]
            values[at] = told
        patch_column(writer, key, name, places, values, size=size)
    return {*cells, *timed}


def _cells(
    rows: Iterable[tuple[int, RowStock]],
) -> tuple[_Cells, dict[bytes, list[tuple[int, int, int, int]]]]:
    """What rows say, by column: elements, and records of prices with windows."""
    cells: dict[tuple[bytes, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    timed: dict[bytes, list[tuple[int, int, int, int]]] = defaultdict(list)

    def add(kind: bytes, scope: str, place: int, value: int) -> None:
        places, values = cells[kind, scope]
        places.append(place)
        values.append(value)

    for place, row in rows:
        add(AVAILABILITY, "", place, row.general.availability)
        if row.general.stock_quantity is not None:
            add(STOCK, "", place, row.general.stock_quantity)
        for scope, micros in row.prices.items():
            add(PRICE, scope, place, micros)
        for scope, level in row.levels.items():
            add(AVAILABILITY, scope, place, level.availability)
            if level.stock_quantity is not None:
                add(STOCK, scope, place, level.stock_quantity)
        for scope, prices in row.timed.items():
            timed[column_name(TIMED, scope)] += [
                (place, *window_ms(price), price.selling_micros) for price in prices
            ]
    named = {
        column_name(kind, scope) if scope or kind == PRICE else kind: cell
        for (kind, scope), cell in cells.items()
    }
    return named, timed


def _sorted(records: list[tuple[int, int, int, int]]) -> Records:
    """By row and start; of those that start together the last one counts."""
    array = np.array(records, np.int64).reshape(-1, 4)
    return array[np.lexsort((array[:, 1], array[:, 0]))]


def _joined(names: Iterable[bytes]) -> bytes:
    return b"\n".join(sorted(names))


def _read_names(reader: ArrayReader, prefix: bytes) -> frozenset[bytes] | None:
    """The names of all columns; None in a segment that does not list them."""
    listed = reader.get_array(prefix + _NAMES)
    return None if listed is None else frozenset(bytes(listed).split(b"\n"))


class InventoryColumns:
    """Price, availability and stock of one segment, by row."""

    __slots__ = (
        "_blocks",
        "_cached",
        "_names",
        "_prefix",
        "_prices",
        "_reader",
        "_records",
        "_row_count",
    )

    def __init__(self, reader: ArrayReader, prefix: bytes, row_count: int) -> None:
        self._reader = reader
        self._prefix = prefix
        self._row_count = row_count
        self._cached: dict[bytes, AnyArray] = {}
        self._prices: dict[Storefront, Int64Array] = {}
        self._blocks: dict[bytes, Blocks] = {}
        self._records: dict[bytes, Records] = {}
        self._names: frozenset[bytes] | None = None

    def availability(self, storefront: Storefront, at: Int32Array | None) -> npt.NDArray[np.uint8]:
        """saluhall.v1.Availability of the rows `at` (sorted; None: all)."""
        codes: npt.NDArray[np.uint8] = self._values(AVAILABILITY, at)
        for scope in reversed(storefront.stock_scopes):
            name = column_name(AVAILABILITY, scope)
            if name in self.names:
                told = self._values(name, at)
                codes = np.where(told == 0, codes, told)
        return codes

    def stock_quantity(self, storefront: Storefront, at: Int32Array | None) -> Int64Array:
        """The stock of the rows `at` (sorted; None: all), `MISSING` where it is not known."""
        quantities: Int64Array = self._values(STOCK, at)
        for scope in reversed(storefront.stock_scopes):
            name = column_name(AVAILABILITY, scope)
            if name in self.names:
                # Each level has an availability, and decides both.
                told = self._values(column_name(STOCK, scope), at)
                quantities = np.where(self._values(name, at) == 0, quantities, told)
        return quantities

    def price(self, storefront: Storefront, at: Int32Array | None) -> Int64Array:
        """Selling prices in millionths of the rows `at` (sorted; None: all); `MISSING` without one."""
        if at is not None:
            return self._price(storefront, at)
        known = replace(self.fixed(storefront), store="")
        prices = self._prices.get(known)
        if prices is None:
            if len(self._prices) >= _PRICES_KEPT_MAX:
                self._prices.clear()
            prices = self._prices[known] = self._price(storefront, None)
        return prices

    def fixed(self, storefront: Storefront) -> Storefront:
        """The storefront with a number in place of its time: equal ones see equal prices and stock."""
        return replace(storefront, now_ms=self._period(storefront))

    def _period(self, storefront: Storefront) -> int:
        """Numbers the times between which no price of a storefront changes."""
        passed = 0
        for scope in storefront.price_scopes:
            name = column_name(TIMED, scope)
            if name in self.names:
                records = self._timed(name)
                passed += int(np.count_nonzero(records[:, 1:3] <= storefront.now_ms))
        return passed

    @property
    def names(self) -> frozenset[bytes]:
        """The columns that may hold anything beside those that every segment has."""
        if self._names is None:
            # Without a list: a segment of an older release, with prices of markets alone.
            listed = _read_names(self._reader, self._prefix)
            self._names = _MarketPrices() if listed is None else listed
        return self._names

    def _price(self, storefront: Storefront, at: Int32Array | None) -> Int64Array:
        prices: Int64Array | None = None
        for scope in reversed(storefront.price_scopes):
            name, timed = column_name(PRICE, scope), column_name(TIMED, scope)
            told: Int64Array | None = self._values(name, at) if name in self.names else None
            if timed in self.names:
                told = self._with_timed(told, timed, at, storefront.now_ms)
            if told is not None:
                prices = told if prices is None else np.where(told == MISSING, prices, told)
        if prices is None:
            return np.full(self._row_count if at is None else len(at), MISSING, np.int64)
        return prices

    def _with_timed(
        self, prices: Int64Array | None, name: bytes, at: Int32Array | None, now_ms: int
    ) -> Int64Array:
        """The prices with those in their place whose window is open."""
        count = self._row_count if at is None else len(at)
        changed = np.full(count, MISSING, np.int64) if prices is None else prices.copy()
        records = self._timed(name)
        records = records[(records[:, 1] <= now_ms) & (now_ms < records[:, 2])]
        rows, micros = records[:, 0], records[:, 3]
        if at is not None and count:
            places = np.searchsorted(at, rows).clip(max=count - 1)
            wanted = at[places] == rows
            rows, micros = places[wanted], micros[wanted]
        if count:
            # Of several for one row numpy keeps the last: the one that began last.
            changed[rows] = micros
        return changed

    def _timed(self, name: bytes) -> Records:
        records = self._records.get(name)
        if records is None:
            records = read_records(self._reader, self._prefix, name, self._row_count)
            self._records[name] = records
        return records

    def _values(self, name: bytes, at: Int32Array | None) -> AnyArray:
        if at is None:
            values = self._cached.get(name)
            if values is None:
                values = read_column(self._reader, self._prefix, name, self._row_count)
                self._cached[name] = values
            return values
        known = self._cached.get(name)
        if known is not None:
            return known.take(at)
        # Bytes of all rows are read as fast as those of a few from every block, and are kept.
        is_small = dtype_of(name) is np.uint8 and len(at) * BLOCK_ROWS > self._row_count
        if is_small or len(at) * 2 > self._row_count:
            return self._values(name, None).take(at)
        blocks = self._blocks.setdefault(name, {})
        if 0 < self._row_count <= len(blocks) * BLOCK_ROWS:
            # All were read one by one. Joined they are read in one step from now on.
            joined = np.concatenate([blocks[number] for number in range(len(blocks))])
            self._cached[name] = joined
            del self._blocks[name]
            return joined.take(at)
        return gather_column(
            self._reader, self._prefix, name, at, blocks, row_count=self._row_count
        )


class _MarketPrices(frozenset[bytes]):
    """The columns that a segment without a list of them may have."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and name.startswith(PRICE) and b"/" not in name
