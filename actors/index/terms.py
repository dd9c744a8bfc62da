"""From products to weighted term occurrences: the part of indexing that touches text.

Most of a catalogue's text repeats (attribute values, brands, words), so a process-wide table keeps the
term numbers of every chunk and every short value it has seen; it starts anew when it is full.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from actors.index.document import IndexedProduct
from actors.index.schema import (
    ATTRIBUTES,
    BRAND,
    CATEGORIES,
    DESCRIPTION,
    FIELD_GROUPS,
    LENGTH_NORM,
    SATURATION,
    TAGS,
    TITLE,
    Schema,
)
from actors.text.analyzer import Analyzer, analyzer_of
from actors.text.identifiers import identifier_hash, normalize_identifier
from protos.v1.product_pb2 import Product, Variant

_TERMS_MAX: Final = 1 << 17
_VALUES_MAX: Final = 1 << 15
_VALUE_LENGTH_MAX: Final = 64
_LONG_GROUPS: Final = frozenset({TITLE, DESCRIPTION})
_GROUP_NUMBERS: Final = {group: number for number, group in enumerate(FIELD_GROUPS)}
IMPACT_LEVELS: Final = 255
"""An impact is stored as a code of one byte: 255 stands for 1, which saturation never reaches."""


def term_hash(term: str) -> int:
    """64 bits (xxh3) that stand for a term; two terms of one tenant never share them in practice."""
    return xxhash.xxh3_64_intdigest(term.encode())


class TermTable:
    """Numbers for terms, chunks and values seen by this process."""

    def __init__(self) -> None:
        self.terms: list[str] = []
        self.hashes = array("Q")
        self._numbers: dict[str, int] = {}
        self._readers: dict[str, ValueReader] = {}

    @property
    def is_full(self) -> bool:
        """Whether a new table should take over."""
        return len(self.terms) >= _TERMS_MAX

    def reader_for(self, analyzer: Analyzer) -> "ValueReader":
        """What reads values in the analyzer's language."""
        reader = self._readers.get(analyzer.language)
        if reader is None:
            reader = self._readers[analyzer.language] = ValueReader(self, analyzer)
        return reader

    def number_of(self, term: str) -> int:
        """The term's number, a new one if need be."""
        number = self._numbers.get(term)
        if number is None:
            number = self._numbers[term] = len(self.terms)
            self.terms.append(term)
            self.hashes.append(term_hash(term))
        return number


class ValueReader:
    """From values to term numbers, in one language."""

    def __init__(self, table: TermTable, analyzer: Analyzer) -> None:
        self._table = table
        self._analyzer = analyzer
        self._chunks: dict[str, tuple[int, ...]] = {}
        self._values: dict[str, tuple[int, ...]] = {}

    def read_text(self, text: str) -> list[int]:
        """The term numbers of a text that hardly repeats: a title, a description."""
        numbers: list[int] = []
        chunks = self._chunks
        for chunk in self._analyzer.chunks(text):
            of_chunk = chunks.get(chunk)
            if of_chunk is None:
                terms = self._analyzer.index_terms_of(chunk)
                of_chunk = chunks[chunk] = tuple(map(self._table.number_of, terms))
            numbers += of_chunk
        return numbers

    def read_value(self, value: str) -> Sequence[int]:
        """The term numbers of a value that many products share: of an attribute, a brand, a category."""
        known = self._values.get(value)
        if known is not None:
            return known
        numbers = tuple(self.read_text(value))
        if len(value) <= _VALUE_LENGTH_MAX:
            if len(self._values) >= _VALUES_MAX:
                self._values.clear()
            self._values[value] = numbers
        return numbers


class _SharedTable:
    """The table in use. A write that began with the old one ends with it."""

    table = TermTable()

    @classmethod
    def current(cls) -> TermTable:
        if cls.table.is_full:
            cls.table = TermTable()
        return cls.table


@dataclass(frozen=True, slots=True)
class Postings:
    """Weighted occurrences of many terms, sorted by (term, ordinal)."""

    term_hashes: NDArray[np.uint64]
    """uint64[T], ascending."""

    term_indexes: NDArray[np.int64]
    """int64[N]: which term."""

    ordinals: NDArray[np.int32]
    """int32[N]: in which product."""

    codes: NDArray[np.uint8]
    """uint8[N]: the impact, 1 to 255."""


@dataclass(slots=True)
class _Occurrences:
    """Runs of term numbers: each run is one value of one field of one product."""

    numbers: list[int]
    run_lengths: list[int]
    run_places: list[int]  # ordinal * groups + group
    run_weights: list[float]

    def add(self, numbers: Sequence[int], place: int, weight: float) -> None:
        self.numbers += numbers
        self.run_lengths.append(len(numbers))
        self.run_places.append(place)
        self.run_weights.append(weight)


def extract_postings(
    products: Sequence[IndexedProduct], schema: Schema
) -> tuple[Postings, list[bytes]]:
    """The postings of at most 8,192 products, and their terms as UTF-8 in order of their hashes.

    A product's ordinal is its place in `products`. The impact of a term in a product is BM25F's
    saturated frequency tf / (k1 + tf), where tf sums weight / (1 - b + b * length / average) over the
    occurrences (Robertson and Zaragoza 2009, equations 3.18 to 3.20); idf is left to the query.
    """
    table = _SharedTable.current()
    occurrences = _Occurrences([], [], [], [])
    weights = _Weights(schema)
    readers = {
        code: table.reader_for(analyzer_of(code or schema.language_codes[0]))
        for code in {item.product.language_code for item in products}
    }
    for ordinal, item in enumerate(products):
        product = item.product
        base = ordinal * len(FIELD_GROUPS)
        _collect(product, base, readers[product.language_code], weights, occurrences)
    return _to_postings(occurrences, table, schema, len(products))


def searched_values(product: Product) -> Iterator[tuple[str, str, str]]:
    """Every text of a product that is searched, as (field group, attribute key or "", text).

    Attribute texts of product and variants count once each: fifty sizes in one colour say it once.
    Variants' titles are not among them: of these only new terms count.
    """
    yield TITLE, "", product.title
    yield DESCRIPTION, "", product.description
    yield BRAND, "", product.brand
    for path in product.categories:
        yield CATEGORIES, "", path
    for tag in product.tags:
        yield TAGS, "", tag
    if product.variants:
        for key, texts in _merged_texts(product).items():
            for text in texts:
                yield ATTRIBUTES, key, text
        return
    attributes = product.attributes
    for key in attributes:  # items() of a protobuf map is Python code, and slower
        value = attributes[key]
        for text in value.texts:
            yield ATTRIBUTES, key, text


def _collect(
    product: Product,
    base: int,
    reader: ValueReader,
    weights: "_Weights",
    occurrences: _Occurrences,
) -> None:
    """Add a product's runs; `base` is the place of its first field group."""
    for group, key, text in searched_values(product):
        weight = weights[group, key]
        if weight > 0 and text:
            long = group in _LONG_GROUPS
            numbers = reader.read_text(text) if long else reader.read_value(text)
            occurrences.add(numbers, base + _GROUP_NUMBERS[group], weight)
    if product.variants and weights[TITLE, ""] > 0:
        numbers = _variant_title_terms(product, reader)
        if numbers:
            occurrences.add(numbers, base + _GROUP_NUMBERS[TITLE], weights[TITLE, ""])


class _Weights(dict[tuple[str, str], float]):
    """Search weights by field group and attribute key, each looked up once."""

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self._schema = schema

    def __missing__(self, field: tuple[str, str]) -> float:
        group, key = field
        weight = self._schema.search_weight(f"{group}.{key}" if key else group)
        self[field] = weight
        return weight


def _merged_texts(product: Product) -> dict[str, dict[str, None]]:
    merged: dict[str, dict[str, None]] = {}
    holders: list[Product | Variant] = [product, *product.variants]
    for holder in holders:
        for key, value in holder.attributes.items():
            if value.texts:
                merged.setdefault(key, {}).update(dict.fromkeys(value.texts))
    return merged


def _variant_title_terms(product: Product, reader: ValueReader) -> list[int]:
    """What variants' titles add to the product's, each term once."""
    said = set(reader.read_text(product.title))
    added: dict[int, None] = {}
    for variant in product.variants:
        added.update(dict.fromkeys(reader.read_text(variant.title)))
    return [number for number in added if number not in said]


def _to_postings(
    occurrences: _Occurrences, table: TermTable, schema: Schema, product_count: int
) -> tuple[Postings, list[bytes]]:
    numbers = np.array(occurrences.numbers, np.int64)
    values, ordinals = _occurrence_values(occurrences, schema, product_count)
    distinct, inverse = np.unique(numbers, return_inverse=True)
    hashes = np.frombuffer(table.hashes, np.uint64)[distinct]
    by_hash = np.argsort(hashes)
    rank = np.empty_like(by_hash)
    rank[by_hash] = np.arange(len(by_hash))
    # Term, product and occurrence in one number: a plain sort is many times faster than an argsort,
    # and the order of summation stays that of the text, however products are cut into segments.
    keys = (rank[inverse] << 39) | (ordinals << 26) | np.arange(len(numbers))
    keys.sort()
    pairs = keys >> 26
    first = np.diff(pairs, prepend=-1) != 0
    # bincount adds one by one in the given order; reduceat does not say in which order it adds.
    ordered = values[keys & ((1 << 26) - 1)]
    frequencies = np.bincount(np.cumsum(first) - 1, weights=ordered).astype(np.float64)
    pairs = pairs[first]
    postings = Postings(
        term_hashes=hashes[by_hash],
        term_indexes=pairs >> 13,
        ordinals=(pairs & ((1 << 13) - 1)).astype(np.int32),
        codes=impact_codes(frequencies),
    )
    return postings, [table.terms[number].encode() for number in distinct[by_hash].tolist()]


def impact_codes(frequencies: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The saturated frequencies in steps of 1/255, at least 1."""
    codes = np.rint(IMPACT_LEVELS * frequencies / (SATURATION + frequencies))
    return np.clip(codes, 1, IMPACT_LEVELS).astype(np.uint8)


def _occurrence_values(
    occurrences: _Occurrences, schema: Schema, product_count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each occurrence its length-normalised weight and its product's ordinal."""
    group_count = len(FIELD_GROUPS)
    lengths = np.array(occurrences.run_lengths, np.int64)
    places = np.array(occurrences.run_places, np.int64)
    weights = np.array(occurrences.run_weights, np.float64)
    field_lengths = np.bincount(places, weights=lengths, minlength=product_count * group_count)
    averages = np.array([schema.average_length(group) for group in FIELD_GROUPS])
    norms = 1 - LENGTH_NORM + LENGTH_NORM * field_lengths[places] / averages[places % group_count]
    values = np.repeat(weights / norms, lengths)
    return values, np.repeat(places // group_count, lengths)


def identifiers_of(product: Product) -> list[int]:
    """The hashes of all identifiers of a product and its variants, each once."""
    holders: list[Any] = [product, *product.variants]
    texts = [
        text
        for holder in holders
        for text in (holder.id, holder.mpn, holder.article_number, *holder.gtins)
        if text
    ]
    normalized = {normalize_identifier(text) for text in texts}
    return [identifier_hash(text) for text in normalized if text]
