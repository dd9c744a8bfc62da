"""From products to weighted term occurrences: the part of indexing that touches text."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.document import IndexedProduct
from actors.index.product_types import MENTION_FACTOR, NAME_FACTOR, TARGET_FACTOR, infer_type
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
from actors.index.suggestion_terms import suggestion_terms
from actors.index.term_table import TermTable, ValueReader, current_table
from actors.text.identifiers import identifier_hash, normalize_identifier
from protos.v1.product_pb2 import Product

_GROUP_NUMBERS: Final = {group: number for number, group in enumerate(FIELD_GROUPS)}
_CODE_WITH_SLASH: Final = re.compile(r"(?<![\w/])(?!\d+[^\W\d_]*/)\w*\d\w*(?:/\w*\d\w*)+(?![\w/])")
"""For example `HR1361/00`: each part has a digit, and the first is no measure or number."""

IMPACT_LEVELS: Final = 255
"""An impact is stored as a code of one byte: 255 stands for 1, which saturation never reaches."""


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
    """Runs of term numbers: each run is values of one field of one product that weigh the same."""

    numbers: list[int]
    run_lengths: list[int]
    run_counted: list[int]  # of the run, what counts for the length of the field
    run_places: list[int]  # ordinal * groups + group
    run_weights: list[float]

    def add(self, numbers: Sequence[int], place: int, weight: float) -> None:
        self.numbers += numbers
        self.run_lengths.append(len(numbers))
        self.run_counted.append(len(numbers))
        self.run_places.append(place)
        self.run_weights.append(weight)

    def add_forms(self, numbers: Sequence[int], place: int, weight: float) -> None:
        """Written forms say nothing that their terms have not said: the field gets no longer."""
        if numbers:
            self.add(numbers, place, weight)
            self.run_counted[-1] = 0


class _Marked:
    """Terms of products that count with a factor of their own."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.numbers: list[int] = []
        self.counts: list[int] = []  # by product

    def add(self, words: Iterable[str], reader: ValueReader) -> None:
        """Mark the terms of the next product's words."""
        before = len(self.numbers)
        for word in words:
            self.numbers += reader.words[word]
        self.counts.append(len(self.numbers) - before)


def extract_postings(
    products: Sequence[IndexedProduct], schema: Schema
) -> tuple[Postings, list[bytes]]:
    """The postings of at most 8,192 products, and their terms as UTF-8 in order of their hashes.

    A product's ordinal is its place in `products`. The impact of a term in a product is BM25F's
    saturated frequency tf / (k1 + tf), where tf sums weight / (1 - b + b * length / average) over the
    occurrences (Robertson and Zaragoza 2009, equations 3.18 to 3.20), times the factor of what the
    term says of the product: see `product_types`. idf is left to the query.
    """
    table = current_table()
    occurrences = _Occurrences([], [], [], [], [])
    weights = _Weights(schema)
    readers = {
        code: table.reader_for(schema.analyzer(code))
        for code in {item.product.language_code for item in products}
    }
    targets, names = _Marked(TARGET_FACTOR), _Marked(NAME_FACTOR)
    for ordinal, item in enumerate(products):
        product = item.product
        base = ordinal * len(FIELD_GROUPS)
        reader = readers[product.language_code]
        texts = attribute_texts(item)
        _collect(product, base, reader, weights, occurrences)
        _collect_attributes(texts, base + _GROUP_NUMBERS[ATTRIBUTES], reader, weights, occurrences)
        kind = infer_type(product, texts, reader.language)
        targets.add(kind.targets, reader)
        names.add((*kind.names, product.brand), reader)
        suggested = suggestion_terms(product, kind, reader.analyzer)
        occurrences.add_forms(table.numbers_of(suggested), base, 1.0)
    return _to_postings(occurrences, (targets, names), table, schema, len(products))


def searched_values(item: IndexedProduct) -> Iterator[tuple[str, str, str]]:
    """Every text of a product that is searched, as (field group, attribute key or "", text).

    Variants' titles are not among them: of these only new terms count.
    """
    product = item.product
    yield TITLE, "", product.title
    yield DESCRIPTION, "", product.description
    yield BRAND, "", product.brand
    for path in product.categories:
        yield CATEGORIES, "", path
    for tag in product.tags:
        yield TAGS, "", tag
    for key, text in attribute_texts(item):
        yield ATTRIBUTES, key, text


def attribute_texts(item: IndexedProduct) -> Sequence[tuple[str, str]]:
    """Keys and texts of a product's attributes and its variants'.

    With variants each text counts once: fifty sizes in one colour say it once.
    """
    own, variants = item.attributes.own, item.attributes.variants
    if not variants:
        return own.texts
    by_key: dict[str, dict[str, None]] = {}
    for attributes in (own, *variants):
        for key, text in attributes.texts:
            by_key.setdefault(key, {})[text] = None
    return [(key, text) for key, texts in by_key.items() for text in texts]


def _collect(
    product: Product,
    base: int,
    reader: ValueReader,
    weights: "_Weights",
    occurrences: _Occurrences,
) -> None:
    """Add the runs of a product's own fields; `base` is the place of its first field group.

    Of short fields the words are those that shoppers type: their written forms are terms too.
    """
    weight = weights[TITLE, ""]
    if weight > 0:
        place = base + _GROUP_NUMBERS[TITLE]
        numbers, forms = reader.read_with_forms(product.title)
        occurrences.add(numbers, place, weight)
        occurrences.add_forms(forms, place, weight)
        if product.variants:
            added = _variant_title_terms(product, reader.read_text)
            occurrences.add(added, place, weight)
            added = _variant_title_terms(product, reader.read_forms)
            occurrences.add_forms(added, place, weight)
    weight = weights[DESCRIPTION, ""]
    if weight > 0 and product.description:
        numbers = reader.read_text(product.description)
        occurrences.add(numbers, base + _GROUP_NUMBERS[DESCRIPTION], weight)
    for group, values in (
        (BRAND, (product.brand,)),
        (CATEGORIES, product.categories),
        (TAGS, product.tags),
    ):
        weight = weights[group, ""]
        if weight > 0:
            place = base + _GROUP_NUMBERS[group]
            for value in values:
                occurrences.add(reader.values[value], place, weight)
                occurrences.add_forms(reader.value_forms[value], place, weight)


def _collect_attributes(
    texts: Sequence[tuple[str, str]],
    place: int,
    reader: ValueReader,
    weights: "_Weights",
    occurrences: _Occurrences,
) -> None:
    """Add the runs of attributes: one for as many in a row as weigh the same, which mostly is one for all."""
    values = reader.values
    numbers: list[int] = []
    weight = 0.0
    for key, text in texts:
        of_key = weights[ATTRIBUTES, key]
        if of_key != weight:
            if numbers:
                occurrences.add(numbers, place, weight)
            numbers, weight = [], of_key
        if weight > 0:
            numbers += values[text]
    if numbers:
        occurrences.add(numbers, place, weight)


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


def _variant_title_terms(product: Product, read: Callable[[str], list[int]]) -> list[int]:
    """What variants' titles add to the product's, each term once."""
    said = set(read(product.title))
    added: dict[int, None] = {}
    for variant in product.variants:
        added.update(dict.fromkeys(read(variant.title)))
    return [number for number in added if number not in said]


def _to_postings(
    occurrences: _Occurrences,
    marks: Sequence[_Marked],
    table: TermTable,
    schema: Schema,
    product_count: int,
) -> tuple[Postings, list[bytes]]:
    """Of a term with several marks the last one holds."""
    numbers = np.array(occurrences.numbers, np.int64)
    values, ordinals = _occurrence_values(occurrences, schema, product_count)
    is_used = np.zeros(len(table.terms), np.bool_)
    is_used[numbers] = True
    distinct = np.flatnonzero(is_used)
    hashes = np.frombuffer(table.hashes, np.uint64)[distinct]
    by_hash = np.argsort(hashes)
    rank = np.empty_like(by_hash)
    rank[by_hash] = np.arange(len(by_hash))
    # Looking up in arrays as long as the table is many times faster than what np.unique does.
    rank_of = np.empty(len(table.terms), np.int64)
    rank_of[distinct] = rank
    # Term, product and occurrence in one number: a plain sort is many times faster than an argsort,
    # and the order of summation stays that of the text, however products are cut into segments.
    keys = (rank_of[numbers] << 39) | (ordinals << 26) | np.arange(len(numbers))
    keys.sort()
    pairs = keys >> 26
    first = np.diff(pairs, prepend=-1) != 0
    # bincount adds one by one in the given order; reduceat does not say in which order it adds.
    ordered = values[keys & ((1 << 26) - 1)]
    frequencies = np.bincount(np.cumsum(first) - 1, weights=ordered).astype(np.float64)
    pairs = pairs[first]
    factors = np.full(len(pairs), MENTION_FACTOR)
    for marked in marks:
        factors[_places_of(marked, pairs, distinct, rank)] = marked.factor
    postings = Postings(
        term_hashes=hashes[by_hash],
        term_indexes=pairs >> 13,
        ordinals=(pairs & ((1 << 13) - 1)).astype(np.int32),
        codes=impact_codes(frequencies, factors),
    )
    return postings, list(map(table.terms.__getitem__, distinct[by_hash].tolist()))


def _places_of(
    marked: _Marked,
    pairs: NDArray[np.int64],
    distinct: NDArray[np.int64],
    rank: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Where the pairs of term and product that are marked stand; terms that are not searched do not."""
    numbers = np.array(marked.numbers, np.int64)
    ordinals = np.repeat(np.arange(len(marked.counts)), marked.counts)
    slots = np.searchsorted(distinct, numbers)
    known = distinct.take(slots, mode="clip") == numbers
    wanted = (rank[slots[known]] << 13) | ordinals[known]
    wanted.sort()
    places = np.searchsorted(pairs, wanted)
    held: NDArray[np.int64] = places[pairs.take(places, mode="clip") == wanted]
    return held


def impact_codes(
    frequencies: NDArray[np.float64], factors: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The saturated frequencies times their factors in steps of 1/255, at least 1."""
    codes = np.rint(IMPACT_LEVELS * factors * frequencies / (SATURATION + frequencies))
    return np.clip(codes, 1, IMPACT_LEVELS).astype(np.uint8)


def _occurrence_values(
    occurrences: _Occurrences, schema: Schema, product_count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each occurrence its length-normalised weight and its product's ordinal."""
    group_count = len(FIELD_GROUPS)
    lengths = np.array(occurrences.run_lengths, np.int64)
    places = np.array(occurrences.run_places, np.int64)
    weights = np.array(occurrences.run_weights, np.float64)
    counted = np.array(occurrences.run_counted, np.int64)
    field_lengths = np.bincount(places, weights=counted, minlength=product_count * group_count)
    averages = np.array([schema.average_length(group) for group in FIELD_GROUPS])
    norms = 1 - LENGTH_NORM + LENGTH_NORM * field_lengths[places] / averages[places % group_count]
    values = np.repeat(weights / norms, lengths)
    return values, np.repeat(places // group_count, lengths)


def identifiers_of(product: Product) -> list[int]:
    """The hashes of all identifiers of a product and its variants, each once.

    A model code with a slash in the title is one of them: its parts are terms, but not its joined form.
    """
    texts = [product.id, product.mpn, product.article_number, *product.gtins]
    for variant in product.variants:
        texts += (variant.id, variant.mpn, variant.article_number, *variant.gtins)
    title = product.title
    if "/" in title:
        texts += _CODE_WITH_SLASH.findall(title)
    normalized = set(map(normalize_identifier, texts))
    normalized.discard("")
    return list(map(identifier_hash, normalized))
