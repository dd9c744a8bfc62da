"""The columns of a new segment, from its products."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, count
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.columns_inventory import encode_inventory, row_stocks
from actors.index.columns_layout import RowLayout
from actors.index.columns_tables import KEYWORDS, NUMBERS, Flat, TableEncoder
from actors.index.columns_text import dictionary_key, exact_key
from actors.index.document import IndexedProduct
from actors.model.attributes import Attributes
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

_KEYS_CACHED_MAX: Final = 1 << 15


class _Values:
    """Values by name, gathered product by product, each with its position: an ordinal or a row."""

    __slots__ = ("named", "positions")

    def __init__(self) -> None:
        self.named: list[tuple[str, Any]] = []
        self.positions: list[int] = []

    def add(self, named: Sequence[tuple[str, Any]], position: int) -> None:
        self.named += named
        self.positions += [position] * len(named)


class _Level:
    """What stands at one level, of products or of rows. Of attributes the name is their key."""

    __slots__ = ("booleans", "field_numbers", "field_texts", "numbers", "texts")

    def __init__(self) -> None:
        self.field_texts = _Values()
        self.field_numbers = _Values()
        self.texts = _Values()
        self.numbers = _Values()
        self.booleans = _Values()

    def add_attributes(self, attributes: Attributes, position: int) -> None:
        self.texts.add(attributes.texts, position)
        self.numbers.add(attributes.numbers, position)
        self.booleans.add(attributes.booleans, position)


def build_columns(
    products: Sequence[IndexedProduct], layout: RowLayout
) -> Iterator[tuple[bytes, bytes]]:
    """The stored values of a segment's columns; keys are relative to the segment's prefix.

    Args:
        products: by ordinal.
        layout: of these products.
    """
    by_product, by_row = _Level(), _Level()
    stocks = []
    row = 0
    for ordinal, indexed in enumerate(products):
        product = indexed.product
        _add_product(product, ordinal, by_product)
        by_product.add_attributes(indexed.attributes.own, ordinal)
        if product.variants:
            for variant, attributes in zip(
                product.variants, indexed.attributes.variants, strict=True
            ):
                by_row.field_texts.add(_variant_texts(variant), row)
                by_row.add_attributes(attributes, row)
                row += 1
        stocks += row_stocks(indexed.inventory, variant_count=len(product.variants))
        row = len(stocks)
    if row != layout.row_count:
        raise InvariantError(f"{row} rows of products in a layout of {layout.row_count}")
    for table, flat in (
        (KEYWORDS, _flat_texts(by_product, by_row)),
        (NUMBERS, _flat_numbers(by_product, by_row)),
    ):
        encoder = TableEncoder(table, layout)
        yield from encoder.add(flat)
        yield from encoder.finish()
    yield from encode_inventory(stocks)


def layout_of(products: Sequence[IndexedProduct]) -> RowLayout:
    """The rows of products: one for each variant, or one for a product without."""
    return RowLayout.of_counts([max(1, len(p.product.variants)) for p in products])


def _add_product(product: Product, ordinal: int, level: _Level) -> None:
    """Add the product's own fields. Texts may be empty; they are left out later."""
    texts: list[tuple[str, str]] = [
        ("id", product.id),
        ("title", product.title),
        ("brand", product.brand),
        ("mpn", product.mpn),
        ("article_number", product.article_number),
        ("language_code", product.language_code),
        *[("gtins", text) for text in product.gtins],
        *[("tags", text) for text in product.tags],
    ]
    for path in product.categories:
        texts += category_levels(path)
    level.field_texts.add(texts, ordinal)
    if product.popularity:
        level.field_numbers.add([("popularity", product.popularity)], ordinal)
    if product.HasField("release_time"):
        level.field_numbers.add([("release_time", product.release_time.seconds)], ordinal)


def _variant_texts(variant: Variant) -> list[tuple[str, str]]:
    return [
        ("variant_id", variant.id),
        ("mpn", variant.mpn),
        ("article_number", variant.article_number),
        *[("gtins", text) for text in variant.gtins],
    ]


def category_levels(path: str) -> list[tuple[str, str]]:
    """A category path and every path above it, each with the column of its level, from the top.

    A path of more than `CATEGORY_LEVELS` levels has its lower parts together on the last one.
    """
    parts = path.split(CATEGORY_SEPARATOR, CATEGORY_LEVELS - 1)
    return [
        (CATEGORY_COLUMNS[level], CATEGORY_SEPARATOR.join(parts[: level + 1]))
        for level in range(len(parts))
    ]


def _flat_texts(by_product: _Level, by_row: _Level) -> Flat:
    """Texts numbered as they came become sorted dictionaries with codes."""
    columns: dict[bytes, list[tuple[bytes, int]]] = {}
    fields = _numbered([by_product.field_texts, by_row.field_texts], start=0)
    for (name, text), number in fields.items():
        if text:
            key = exact_key(text) if name in EXACT_FIELDS else dictionary_key(text)
            columns.setdefault(name.encode(), []).append((key, number))
    attributes = _numbered([by_product.texts, by_row.texts], start=len(fields))
    by_key: dict[str, list[tuple[bytes, int]]] = {}
    for (name, text), number in attributes.items():
        if text:
            by_key.setdefault(name, []).append((_shared_key(text), number))
    for name, keyed in by_key.items():
        columns[(ATTRIBUTES + name + TEXT_SUFFIX).encode()] = keyed
    names = sorted(columns)
    for keyed in columns.values():
        keyed.sort()
    counts = np.fromiter((len(columns[name]) for name in names), np.int64, len(names))
    ordered = list(chain.from_iterable(map(columns.__getitem__, names)))
    numbers = np.fromiter(map(itemgetter(1), ordered), np.int64, len(ordered))
    # Empty texts keep column -1 and are left out below.
    text_count = len(fields) + len(attributes)
    column_by_number = np.full(text_count, -1, np.int64)
    code_by_number = np.zeros(text_count, np.int64)
    column_by_number[numbers] = np.repeat(np.arange(len(names)), counts)
    starts = np.cumsum(counts) - counts
    code_by_number[numbers] = np.arange(len(ordered)) - np.repeat(starts, counts)
    parts = []
    for level, entries in enumerate((by_product, by_row)):
        for values, number_of in ((entries.field_texts, fields), (entries.texts, attributes)):
            came = np.fromiter(
                map(number_of.__getitem__, values.named), np.int64, len(values.named)
            )
            column = column_by_number[came]
            kept = column >= 0
            at = np.array(values.positions, np.int64)[kept]
            parts.append((2 * column[kept] + level, at, code_by_number[came[kept]]))
    streams, positions, ranked = (np.concatenate(column) for column in zip(*parts, strict=True))
    keys = list(map(itemgetter(0), ordered))
    return sorted_texts(names, streams, positions, ranked, value_counts=counts, keys=keys)


def _numbered(levels: Sequence[_Values], *, start: int) -> dict[tuple[str, str], int]:
    """Each name and text once, numbered in the order in which they came."""
    distinct = dict.fromkeys(chain.from_iterable(values.named for values in levels))
    return dict(zip(distinct, count(start)))


@lru_cache(_KEYS_CACHED_MAX)
def _shared_key(text: str) -> bytes:
    """The dictionary key of a text that many products share."""
    return dictionary_key(text)


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


def _flat_numbers(by_product: _Level, by_row: _Level) -> Flat:
    sources: list[tuple[int, _Values, str, str]] = []
    for level, entries in enumerate((by_product, by_row)):
        sources += (
            (level, entries.field_numbers, "", ""),
            (level, entries.numbers, ATTRIBUTES, NUMBER_SUFFIX),
            (level, entries.booleans, ATTRIBUTES, BOOLEAN_SUFFIX),
        )
    found: set[bytes] = set()
    kept = []
    for level, values, before, after in sources:
        if values.named:
            keys, numbers = zip(*values.named, strict=True)
            name_of = {key: (before + key + after).encode() for key in dict.fromkeys(keys)}
            found.update(name_of.values())
            kept.append((level, keys, name_of, values.positions, numbers))
    names = sorted(found)
    column_of = {name: index for index, name in enumerate(names)}
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))]
    for level, keys, name_of, positions, numbers in kept:
        stream_of = {key: 2 * column_of[name] + level for key, name in name_of.items()}
        streams = np.fromiter(map(stream_of.__getitem__, keys), np.int64, len(keys))
        parts.append((streams, np.array(positions, np.int64), np.array(numbers, np.float64)))
    streams, at, values_of = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sorted_numbers(names, streams, at, values_of)


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
