"""Price, availability and stock of a segment's rows: plain arrays in blocks, patched in place.

These change often, so they stand apart from the other columns: each is cut into blocks of `BLOCK_ROWS` rows, and a
patch rewrites only the blocks it touches. A block that was never written holds nothing but missing values.

What a variant does not say holds from its product: stock and availability as they are, and a price when the variant
has neither one in that market nor one for all markets.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.arrays import view_array
from actors.index.columns_layout import Int32Array, RowLayout
from actors.index.columns_pieces import AnyArray
from actors.index.ports import ArrayReader, ArrayWriter
from actors.model.stock import effective_stock
from protos.internal.records_pb2 import InventoryRecord, StockRecord

BLOCK_ROWS: Final = 4096
"""A column of 388,120 rows costs 1.8 ms per patch as one value, in blocks of this size 0.44 ms."""

MISSING: Final = -(1 << 63)
"""In a column of prices (millionths) or stock quantities: there is none."""

_INVENTORY: Final = b"ci"
_AVAILABILITY: Final = b"availability"
_STOCK: Final = b"stock_quantity"
_PRICE: Final = b"price:"
_SILENT: Final = StockRecord()


@dataclass(frozen=True, slots=True)
class RowStock:
    """What search needs of one row's price and stock."""

    prices: Mapping[str, int]
    """Selling prices in millionths, by market; "" holds wherever there is no other."""
    availability: int
    """saluhall.v1.Availability, never unspecified."""
    stock_quantity: int | None


def row_stocks(record: InventoryRecord, *, variant_count: int) -> list[RowStock]:
    """The rows of a product: one for each variant, or one for the product itself."""
    product = record.product
    product_prices = _prices(product)
    if not variant_count:
        return [_row_stock(product, product, product_prices)]
    # A variant without a record of its own says nothing, so all holds from its product.
    variants = [*record.variants[:variant_count]]
    variants += [_SILENT] * (variant_count - len(variants))
    rows = []
    for variant in variants:
        prices = _prices(variant)
        if not prices:
            prices = product_prices
        elif "" not in prices:
            prices = product_prices | prices
        rows.append(_row_stock(variant, product, prices))
    return rows


def _prices(stock: StockRecord) -> dict[str, int]:
    """The first price of each market; those of a customer price list are not search's."""
    prices: dict[str, int] = {}
    for price in stock.prices:
        if not price.price_list:
            prices.setdefault(price.market, price.selling_micros)
    return prices


def _row_stock(own: StockRecord, product: StockRecord, prices: Mapping[str, int]) -> RowStock:
    stock = effective_stock(own, product)
    return RowStock(prices, stock.availability, stock.stock_quantity)


def encode_inventory(rows: Sequence[RowStock]) -> Iterator[tuple[bytes, bytes]]:
    """The stored blocks of a new segment."""
    count = len(rows)
    availability = np.fromiter((row.availability for row in rows), np.uint8, count)
    yield from _encode_blocks(_AVAILABILITY, availability)
    quantities = (MISSING if row.stock_quantity is None else row.stock_quantity for row in rows)
    yield from _encode_blocks(_STOCK, np.fromiter(quantities, np.int64, count))
    prices: dict[str, npt.NDArray[np.int64]] = {}
    for index, row in enumerate(rows):
        for market, micros in row.prices.items():
            column = prices.get(market)
            if column is None:
                column = prices[market] = np.full(count, MISSING, np.int64)
            column[index] = micros
    for market, column in prices.items():
        yield from _encode_blocks(_price_column(market), column)


def merge_inventory(
    sources: Sequence[tuple[ArrayReader, bytes, Int32Array]], row_count: int
) -> Iterator[tuple[bytes, bytes]]:
    """The stored blocks of a merged segment.

    Args:
        sources: reader and key prefix of each segment, and int32[R]: the new row of each old one, -1 for dropped.
        row_count: of the merged segment.
    """
    names = sorted({n for reader, prefix, _ in sources for n in _column_names(reader, prefix)})
    for name in names:
        missing, dtype = _missing(name), _dtype(name)
        merged: AnyArray = np.full(row_count, missing, dtype)
        for reader, prefix, new_rows in sources:
            old = _read_blocks(reader, prefix, name, len(new_rows))
            kept = new_rows >= 0
            merged[new_rows[kept]] = old[kept]
        yield from _encode_blocks(name, merged)


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
    for ordinal, record in patches:
        first, variant_count = ordinal, min(1, len(record.variants))
        if layout.row_product is not None:
            first, stop = map(int, np.searchsorted(layout.row_product, (ordinal, ordinal + 1)))
            # The one row of a product without variants says the same as that of a silent variant.
            variant_count = stop - first
        for row, stock in enumerate(row_stocks(record, variant_count=variant_count), first):
            blocks[row // BLOCK_ROWS].append((row % BLOCK_ROWS, stock))
    markets = {
        name[len(_PRICE) :].decode()
        for name in _column_names(writer, prefix)
        if name.startswith(_PRICE)
    }
    for rows in blocks.values():
        markets.update(market for _, stock in rows for market in stock.prices)
    for block, rows in blocks.items():
        size = min(BLOCK_ROWS, layout.row_count - block * BLOCK_ROWS)
        places = np.fromiter((place for place, _ in rows), np.int64, len(rows))
        for name, values in _patched_columns([stock for _, stock in rows], markets):
            _patch_block(writer, _block_key(prefix, name, block), places, values, size=size)


def _patched_columns(
    stocks: Sequence[RowStock], markets: Iterable[str]
) -> Iterator[tuple[bytes, AnyArray]]:
    yield _AVAILABILITY, np.array([stock.availability for stock in stocks], np.uint8)
    yield (
        _STOCK,
        np.array([MISSING if s.stock_quantity is None else s.stock_quantity for s in stocks]),
    )
    for market in markets:
        yield _price_column(market), np.array([s.prices.get(market, MISSING) for s in stocks])


def _patch_block(
    writer: ArrayWriter, key: bytes, places: npt.NDArray[np.int64], values: AnyArray, *, size: int
) -> None:
    stored = writer.get_array(key)
    missing = 0 if values.dtype == np.uint8 else MISSING
    if stored is None:
        block: AnyArray = np.full(size, missing, values.dtype)
        if (values == missing).all():
            return
    else:
        block = view_array(stored, values.dtype)
        if (block[places] == values).all():
            return
        block = block.copy()
    block[places] = values
    writer.put_array(key, block.tobytes())


class InventoryColumns:
    """Price, availability and stock of one segment, by row."""

    __slots__ = ("_cached", "_prefix", "_reader", "_row_count")

    def __init__(self, reader: ArrayReader, prefix: bytes, row_count: int) -> None:
        self._reader = reader
        self._prefix = prefix
        self._row_count = row_count
        self._cached: dict[bytes, AnyArray] = {}

    def availability(self, at: Int32Array | None) -> npt.NDArray[np.uint8]:
        """saluhall.v1.Availability of the rows `at` (sorted; None: all)."""
        return self._values(_AVAILABILITY, at)

    def stock_quantity(self, at: Int32Array | None) -> npt.NDArray[np.int64]:
        """The stock of the rows `at` (sorted; None: all), `MISSING` where it is not known."""
        return self._values(_STOCK, at)

    def price(self, market: str, at: Int32Array | None) -> npt.NDArray[np.int64]:
        """Selling prices in millionths of the rows `at` (sorted; None: all) in a market; `MISSING` without one."""
        prices: npt.NDArray[np.int64] = self._values(_price_column(""), at)
        if not market:
            return prices
        own = self._values(_price_column(market), at)
        return np.where(own == MISSING, prices, own)

    def _values(self, name: bytes, at: Int32Array | None) -> AnyArray:
        if at is None:
            values = self._cached.get(name)
            if values is None:
                values = _read_blocks(self._reader, self._prefix, name, self._row_count)
                self._cached[name] = values
            return values
        known = self._cached.get(name)
        if known is not None:
            return known.take(at)
        if len(at) * 2 > self._row_count:
            return self._values(name, None).take(at)
        return self._gathered(name, at)

    def _gathered(self, name: bytes, at: Int32Array) -> AnyArray:
        """The values of some rows, from the blocks they stand in."""
        dtype = _dtype(name)
        values: AnyArray = np.empty(len(at), dtype)
        places = at % BLOCK_ROWS
        block_count = -(-self._row_count // BLOCK_ROWS)
        stops = np.searchsorted(at, np.arange(1, block_count + 1) * BLOCK_ROWS).tolist()
        start = 0
        for block, stop in enumerate(stops):
            if start == stop:
                continue
            stored = self._reader.get_array(_block_key(self._prefix, name, block))
            if stored is None:
                values[start:stop] = _missing(name)
            else:
                values[start:stop] = view_array(stored, dtype).take(places[start:stop])
            start = stop
        return values


def _encode_blocks(name: bytes, column: AnyArray) -> Iterator[tuple[bytes, bytes]]:
    missing = _missing(name)
    for block, start in enumerate(range(0, len(column), BLOCK_ROWS)):
        values = column[start : start + BLOCK_ROWS]
        if (values != missing).any():
            yield _block_key(b"", name, block), values.tobytes()


def _read_blocks(reader: ArrayReader, prefix: bytes, name: bytes, row_count: int) -> AnyArray:
    missing, dtype = _missing(name), np.dtype(_dtype(name))
    blocks: list[AnyArray] = []
    for block, start in enumerate(range(0, row_count, BLOCK_ROWS)):
        stored = reader.get_array(_block_key(prefix, name, block))
        if stored is None:
            blocks.append(np.full(min(BLOCK_ROWS, row_count - start), missing, dtype))
        else:
            blocks.append(view_array(stored, dtype))
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else np.empty(0, dtype)


def _column_names(reader: ArrayReader, prefix: bytes) -> set[bytes]:
    start = len(prefix) + len(_INVENTORY)
    return {key[start:-5] for key in reader.array_keys(prefix + _INVENTORY)}


def _block_key(prefix: bytes, name: bytes, block: int) -> bytes:
    return prefix + _INVENTORY + name + b"\0" + struct.pack(">I", block)


def _price_column(market: str) -> bytes:
    return _PRICE + market.encode()


def _dtype(name: bytes) -> type[np.generic]:
    return np.uint8 if name == _AVAILABILITY else np.int64


def _missing(name: bytes) -> Any:
    return 0 if name == _AVAILABILITY else MISSING
