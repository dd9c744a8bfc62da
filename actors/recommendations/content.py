"""Similarity by content: what products are called, their words, categories, brand and price.

The words of a product are put to the index as a query's are, weighted by their idf; what names its kind counts most.
What a product shares with another is then a number between 0 and 1, for all products at once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.index.columns import MISSING
from actors.index.product_types import infer_type
from actors.index.schema import Schema
from actors.recommendations.catalogue import NO_VALUE, NOWHERE, Catalogue, Floats, Numbers
from actors.recommendations.shelf import Prices
from actors.search.word_postings import resolve_terms, resolve_words
from protos.v1.product_pb2 import Product

WORDS_MAX: Final = 24
_KIND_WEIGHT: Final = 3.0
"""Of the words that say what a product is, beside those that only stand in its title."""

_WORDS_SHARE: Final = 0.5
_CATEGORY_SHARE: Final = 0.3
_PARENT_SHARE: Final = 0.15
"""Of products whose categories differ and lie in the same one above."""
_BRAND_SHARE: Final = 0.05
_PRICE_SHARE: Final = 0.15
_PRICE_DECAY: Final = 0.5
"""exp(-|ln(price / price)| / this): half as much at a price 1.4 times as high."""

LIKE_MIN: Final = 0.15
"""Below it products have a word in common and nothing else."""

SOURCES_MAX: Final = 3
_SOURCE_DECAY: Final = 0.5
_PROFILES_MAX: Final = 1_024
_SCORES_SIZE_BYTES_MAX: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Profile:
    """What a product is, read from its own text."""

    title: str
    brand: str
    categories: tuple[str, ...]
    """Paths, as the product has them."""
    words: tuple[tuple[str, float], ...]
    """Index terms with what they count."""


def read_profile(product: Product, schema: Schema) -> Profile:
    """The profile of a product."""
    analyzer = schema.analyzer(product.language_code)
    kind = infer_type(product, (), analyzer.language)
    words: dict[str, float] = {}
    for name in sorted(kind.names):
        words.update(dict.fromkeys(analyzer.index_terms(name), _KIND_WEIGHT))
    for term in analyzer.index_terms(product.title):
        words.setdefault(term, 1.0)
    return Profile(
        title=product.title,
        brand=product.brand,
        categories=tuple(product.categories),
        words=tuple(words.items())[:WORDS_MAX],
    )


class _Known:
    """What is kept as long as the live products are the same."""

    def __init__(self) -> None:
        self.profiles: dict[bytes, Profile | None] = {}
        self.likeness: dict[int, Floats] = {}


class Content:
    """The likeness of products in one view."""

    def __init__(
        self, catalogue: Catalogue, read: Callable[[bytes], Product | None], schema: Schema
    ) -> None:
        """`read`: a product of the view's branch by its id."""
        self._catalogue = catalogue
        self._read = read
        self._schema = schema
        self._known = catalogue.view.kept.of(_Known)

    def profile(self, product_id: bytes) -> Profile | None:
        """What a product is; None when there is none."""
        known = self._known.profiles
        if product_id not in known:
            if len(known) >= _PROFILES_MAX:
                known.clear()
            product = self._read(product_id)
            known[product_id] = None if product is None else read_profile(product, self._schema)
        return known[product_id]

    def like(self, sources: Sequence[bytes]) -> Floats:
        """float64[D]: how much each product is like some others, the first of which counts most; without prices."""
        scores = np.zeros(self._catalogue.count)
        numbers = self._catalogue.numbers_of(sources)
        weight, total = 1.0, 0.0
        known = [pair for pair in zip(sources, numbers, strict=True) if pair[1] != NOWHERE]
        for source, number in known[:SOURCES_MAX]:
            scores += weight * self._likeness(source, number)
            total += weight
            weight *= _SOURCE_DECAY
        return scores / total if total else scores

    def like_words(self, text: str, language_code: str) -> Floats:
        """float64[D]: how well each product goes with words, as a share of the best."""
        analyzer = self._schema.analyzer(language_code)
        terms = analyzer.analyze_query(text).terms
        scores = self._word_scores([(term, 1.0) for term in terms[:WORDS_MAX]])
        scores *= self._catalogue.alive
        best = float(scores.max(initial=0.0))
        return scores / best if best > 0 else scores

    def _likeness(self, source: bytes, number: int) -> Floats:
        known = self._known.likeness
        scores = known.get(number)
        if scores is None:
            if (len(known) + 1) * 8 * self._catalogue.count > _SCORES_SIZE_BYTES_MAX:
                known.clear()
            scores = known[number] = self._compare(source, number)
        return scores

    def _compare(self, source: bytes, number: int) -> Floats:
        profile = self.profile(source)
        catalogue = self._catalogue
        scores = self._word_scores(() if profile is None else profile.words)
        own = float(scores[number])
        if own > 0:
            scores = np.minimum(scores / own, 1.0)
        scores *= _WORDS_SHARE
        category, parent = catalogue.categories[number], catalogue.parents[number]
        if category != NO_VALUE:
            scores += _PARENT_SHARE * (catalogue.parents == parent)
            scores += (_CATEGORY_SHARE - _PARENT_SHARE) * (catalogue.categories == category)
        brand = catalogue.brands[number]
        if brand != NO_VALUE:
            scores += _BRAND_SHARE * (catalogue.brands == brand)
        return scores

    def _word_scores(self, words: Sequence[tuple[str, float]]) -> Floats:
        """float64[D]: the sum of weight, idf and impact of words, in their order."""
        catalogue = self._catalogue
        scores = np.zeros(catalogue.count)
        terms = [term for term, _ in words]
        resolve_terms(catalogue.view, terms)
        resolved = resolve_words(catalogue.view, terms)
        for (_, weight), word in zip(words, resolved, strict=True):
            for index, postings in enumerate(word.postings):
                if postings is None:
                    continue
                start = int(catalogue.starts[index])
                counted = float(word.weight) * weight
                scores[postings.ordinals + start] += counted * postings.codes
        return scores


def with_prices(numbers: Numbers, scores: Floats, prices: Prices, price: int) -> Floats:
    """float64[n]: the likeness of some products to one of a price, their prices counted."""
    if price == MISSING or price <= 0:
        return scores
    of_numbers = prices.take(numbers).astype(np.float64)
    has = of_numbers > 0
    near = np.zeros(len(numbers))
    near[has] = np.exp(-np.abs(np.log(of_numbers[has] / price)) / _PRICE_DECAY)
    return scores + _PRICE_SHARE * near


def price_words(price: int, other: int) -> str:
    """How a price compares with another, for a reason; empty where there is nothing to say."""
    if MISSING in {price, other} or price <= 0 or other <= 0:
        return ""
    change = other / price - 1
    if abs(change) <= 0.1:
        return "about the same price"
    if abs(math.log(other / price)) > 1:
        return ""
    return f"{abs(change):.0%} {'dearer' if change > 0 else 'cheaper'}"
