"""The columns of a new segment, from its products."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns_inventory import encode_inventory, row_stocks
from actors.index.columns_layout import RowLayout
from actors.index.columns_tables import KEYWORDS, NUMBERS, Flat, TableEncoder
from actors.index.columns_text import dictionary_key, exact_key
from actors.index.document import IndexedProduct
from node.errors import InvariantError
from protos.v1.product_pb2 import Product, Variant

TEXT_SUFFIX: Final = "#t"
NUMBER_SUFFIX: Final = "#n"
BOOLEAN_SUFFIX: Final = "#b"
"""An attribute has a column for each kind of value: `attributes.<key>#t`, and so on."""

ATTRIBUTES: Final = "attributes."
EXACT_FIELDS: Final = frozenset({"id", "variant_id"})
"""Identifiers: compared byte for byte. By code, ids are in the order that breaks ties."""

CATEGORY_SEPARATOR: Final = " > "
CATEGORY_LEVELS: Final = 16
CATEGORY_COLUMNS: Final = tuple(f"categories#{level}" for level in range(CATEGORY_LEVELS))
"""Paths of one part, of two parts, and so on: a level of the hierarchy is one column to count."""

_Texts = dict[tuple[str, str], int]
"""Every text of every column, numbered as it came."""


class _Entries:
    """Entries of one level (ordinals or rows), gathered product by product."""

    __slots__ = ("number_names", "number_positions", "numbers", "text_codes", "text_positions")

    def __init__(self) -> None:
        self.text_codes: list[int] = []
        self.text_positions: list[int] = []
        self.number_names: list[str] = []
        self.numbers: list[float] = []
        self.number_positions: list[int] = []


def build_columns(
    products: Sequence[IndexedProduct], layout: RowLayout
) -> Iterator[tuple[bytes, bytes]]:
    """The stored values of a segment's columns; keys are relative to the segment's prefix.

    Args:
        products: by ordinal.
        layout: of these products.
    """
    texts: _Texts = {}
    by_product, by_row = _Entries(), _Entries()
    stocks = []
    row = 0
    for ordinal, indexed in enumerate(products):
        product = indexed.product
        _add_product(product, ordinal, by_product, texts)
        for variant in product.variants:
            _add_variant(variant, row, by_row, texts)
            row += 1
        stocks += row_stocks(indexed.inventory, variant_count=len(product.variants))
        row = len(stocks)
    if row != layout.row_count:
        raise InvariantError(f"{row} rows of products in a layout of {layout.row_count}")
    for table, flat in (
        (KEYWORDS, _flat_texts(texts, by_product, by_row)),
        (NUMBERS, _flat_numbers(by_product, by_row)),
    ):
        encoder = TableEncoder(table, layout)
        yield from encoder.add(flat)
        yield from encoder.finish()
    yield from encode_inventory(stocks)


def layout_of(products: Sequence[IndexedProduct]) -> RowLayout:
    """The rows of products: one for each variant, or one for a product without."""
    return RowLayout.of_counts([max(1, len(p.product.variants)) for p in products])


def _add_product(product: Product, ordinal: int, entries: _Entries, texts: _Texts) -> None:
    codes = entries.text_codes
    before = len(codes)
    for name, text in (
        ("id", product.id),
        ("title", product.title),
        ("brand", product.brand),
        ("mpn", product.mpn),
        ("article_number", product.article_number),
        ("language_code", product.language_code),
    ):
        if text:
            codes.append(texts.setdefault((name, text), len(texts)))
    for text in product.gtins:
        codes.append(texts.setdefault(("gtins", text), len(texts)))
    for text in product.tags:
        codes.append(texts.setdefault(("tags", text), len(texts)))
    for path in product.categories:
        for column, text in category_levels(path):
            codes.append(texts.setdefault((column, text), len(texts)))
    entries.text_positions += [ordinal] * (len(codes) - before)
    if product.popularity:
        _add_number("popularity", product.popularity, ordinal, entries)
    if product.HasField("release_time"):
        _add_number("release_time", product.release_time.seconds, ordinal, entries)
    _add_attributes(product, ordinal, entries, texts)


def _add_variant(variant: Variant, row: int, entries: _Entries, texts: _Texts) -> None:
    codes = entries.text_codes
    before = len(codes)
    for name, text in (
        ("variant_id", variant.id),
        ("mpn", variant.mpn),
        ("article_number", variant.article_number),
    ):
        if text:
            codes.append(texts.setdefault((name, text), len(texts)))
    for text in variant.gtins:
        codes.append(texts.setdefault(("gtins", text), len(texts)))
    entries.text_positions += [row] * (len(codes) - before)
    _add_attributes(variant, row, entries, texts)


def _add_attributes(
    item: Product | Variant, position: int, entries: _Entries, texts: _Texts
) -> None:
    codes, positions = entries.text_codes, entries.text_positions
    attributes = item.attributes
    for key in attributes:  # items() of a protobuf map is Python code, and slower
        value = attributes[key]
        found = value.texts
        if found:
            name = "attributes." + key + "#t"
            for text in found:
                codes.append(texts.setdefault((name, text), len(texts)))
                positions.append(position)
            continue
        numbers = value.numbers
        if numbers:
            name = "attributes." + key + "#n"
            for number in numbers:
                _add_number(name, number, position, entries)
        elif value.HasField("boolean"):
            _add_number("attributes." + key + "#b", value.boolean, position, entries)


def _add_number(name: str, number: float, position: int, entries: _Entries) -> None:
    entries.number_names.append(name)
    entries.numbers.append(number)
    entries.number_positions.append(position)


def category_levels(path: str) -> list[tuple[str, str]]:
    """A category path and every path above it, each with the column of its level, from the top.

    A path of more than `CATEGORY_LEVELS` levels has its lower parts together on the last one.
    """
    parts = path.split(CATEGORY_SEPARATOR, CATEGORY_LEVELS - 1)
    return [
        (CATEGORY_COLUMNS[level], CATEGORY_SEPARATOR.join(parts[: level + 1]))
        for level in range(len(parts))
    ]


def _flat_texts(texts: _Texts, by_product: _Entries, by_row: _Entries) -> Flat:
    """Texts numbered as they came become sorted dictionaries with codes."""
    ordered: list[tuple[bytes, bytes, int]] = []
    for (name, text), number in texts.items():
        if text:
            key = exact_key(text) if name in EXACT_FIELDS else dictionary_key(text)
            ordered.append((name.encode(), key, number))
    ordered.sort()
    names = list(dict.fromkeys(map(itemgetter(0), ordered)))
    keys = list(map(itemgetter(1), ordered))
    numbers = np.fromiter(map(itemgetter(2), ordered), np.int64, len(ordered))
    column_of = {name: index for index, name in enumerate(names)}
    columns = np.fromiter((column_of[o[0]] for o in ordered), np.int64, len(ordered))
    counts = np.bincount(columns, minlength=len(names))
    codes = np.arange(len(ordered)) - (np.cumsum(counts) - counts)[columns]
    # Empty texts keep column -1 and are left out below.
    column_by_number = np.full(len(texts), -1, np.int64)
    code_by_number = np.zeros(len(texts), np.int64)
    column_by_number[numbers] = columns
    code_by_number[numbers] = codes
    parts = []
    for level, entries in enumerate((by_product, by_row)):
        came = np.array(entries.text_codes, np.int64)
        column = column_by_number[came]
        kept = column >= 0
        at = np.array(entries.text_positions, np.int64)[kept]
        parts.append((2 * column[kept] + level, at, code_by_number[came[kept]]))
    streams, positions, ranked = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sorted_texts(names, streams, positions, ranked, value_counts=counts, keys=keys)


def sorted_texts(
    names: list[bytes],
    streams: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    codes: npt.NDArray[np.int64],
    *,
    value_counts: npt.NDArray[np.int64],
    keys: list[bytes],
) -> Flat:
    """Entries of texts in any order as a table: sorted by stream, position and code, each once.

    The three are packed into one int64, which numpy sorts many times faster than three columns.
    """
    position_count = int(positions.max(initial=0)) + 1
    code_count = int(codes.max(initial=0)) + 1
    if (2 * len(names) + 1) * position_count * code_count >= 1 << 63:
        order = np.lexsort((codes, positions, streams))
        streams, positions, codes = streams[order], positions[order], codes[order]
    else:
        packed = (streams * position_count + positions) * code_count + codes
        packed.sort()
        packed, codes = np.divmod(packed, code_count)
        streams, positions = np.divmod(packed, position_count)
    new = np.ones(len(streams), np.bool_)
    new[1:] = (
        (streams[1:] != streams[:-1])
        | (positions[1:] != positions[:-1])
        | (codes[1:] != codes[:-1])
    )
    return Flat(
        names=names,
        streams=streams[new],
        positions=positions[new].astype(np.int32),
        entries=codes[new].astype(np.int32),
        value_counts=value_counts,
        keys=keys,
    )


def _flat_numbers(by_product: _Entries, by_row: _Entries) -> Flat:
    named = sorted({*by_product.number_names, *by_row.number_names})
    column_of = {name: index for index, name in enumerate(named)}
    parts = []
    for level, entries in enumerate((by_product, by_row)):
        count = len(entries.numbers)
        columns = np.fromiter(map(column_of.__getitem__, entries.number_names), np.int64, count)
        positions = np.array(entries.number_positions, np.int64)
        parts.append((2 * columns + level, positions, np.array(entries.numbers, np.float64)))
    streams, positions, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sorted_numbers([name.encode() for name in named], streams, positions, numbers)


def sorted_numbers(
    names: list[bytes],
    streams: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.float64],
) -> Flat:
    """Entries of numbers in any order as a table: sorted by stream, position and number, each once."""
    order = np.lexsort((numbers, positions, streams))
    streams, positions, numbers = streams[order], positions[order], numbers[order]
    new = np.ones(len(streams), np.bool_)
    new[1:] = (
        (streams[1:] != streams[:-1])
        | (positions[1:] != positions[:-1])
        | (numbers[1:] != numbers[:-1])
    )
    return Flat(
        names=names,
        streams=streams[new],
        positions=positions[new].astype(np.int32),
        entries=numbers[new],
        value_counts=np.zeros(len(names), np.int64),
        keys=[],
    )
