"""A catalogue in a dict, searched by brute force: what the index has to agree with."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.product_types import infer_type
from actors.index.schema import (
    BRAND,
    CATEGORIES,
    DEFAULT_AVERAGE_LENGTHS,
    LENGTH_NORM,
    SATURATION,
    TAGS,
    TITLE,
    Schema,
)
from actors.index.segments import BranchView
from actors.index.terms import attribute_texts, searched_values
from actors.search.matching import IDENTIFIER_SCORE, match_all
from actors.text.analyzer import Analyzer, analyzer_of
from actors.text.identifiers import normalize_identifier
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

SCHEMA = Schema(("en", "sv"), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)
BRANCH = 7

Found = list[tuple[str, float]]


def inventory(price: int) -> InventoryRecord:
    record = InventoryRecord()
    record.product.prices.add(selling_micros=price, currency_code="SEK")
    return record


def make_product(product_id: str, title: str, price: int = 1, **fields: object) -> IndexedProduct:
    product = Product(id=product_id, title=title)
    for key, value in fields.items():
        if key == "attributes":
            for name, texts in value.items():
                product.attributes[name].texts.extend(texts)
        elif key == "variants":
            for number, variant_title in enumerate(value):
                product.variants.add(id=f"{product_id}/{number}", title=variant_title)
        elif isinstance(value, list):
            getattr(product, key).extend(value)
        else:
            setattr(product, key, value)
    return IndexedProduct(product, inventory(price))


class Oracle:
    """The same products, without an index."""

    def __init__(self) -> None:
        self.products: dict[str, IndexedProduct] = {}

    def apply(self, update: IndexUpdate) -> None:
        for item in update.upserts:
            self.products[item.product.id] = item
        for product_id in update.deletes:
            self.products.pop(product_id.decode(), None)
        for product_id, record in update.inventories.items():
            held = self.products.get(product_id.decode())
            if held is not None:
                self.products[product_id.decode()] = IndexedProduct(held.product, record)

    def codes(self) -> dict[str, Mapping[str, int]]:
        return {key: impact_codes_of(item.product) for key, item in self.products.items()}

    def weights(self, terms: Sequence[str]) -> dict[str, np.float32]:
        codes = self.codes()
        total = len(codes)
        weights = {}
        for term in terms:
            count = sum(term in of_product for of_product in codes.values())
            idf = math.log(1 + (total - count + 0.5) / (count + 0.5))
            weights[term] = np.float32(idf / 255)
        return weights

    def score(self, terms: Sequence[str], *, all_words: bool, identifier: str = "") -> Found:
        """Matches with scores, best first, ties by id."""
        terms = list(dict.fromkeys(terms))
        weights = self.weights(terms)
        found = []
        for key, codes in self.codes().items():
            held = [term for term in terms if term in codes]
            named = bool(identifier) and identifier in identifier_texts(self.products[key].product)
            enough = len(held) == len(terms) if all_words else bool(held)
            if (not enough or not terms) and not named:
                continue
            score = np.float32(0)
            for term in terms:
                score += np.float32(codes.get(term, 0)) * weights[term]
            if named:
                score += IDENTIFIER_SCORE
            found.append((key, float(score)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0].encode()))


def impact_codes_of(product: Product) -> Mapping[str, int]:
    """BM25F's saturated frequencies in steps of 1/255, straight from its formula."""
    analyzer = analyzer_of(product.language_code or SCHEMA.language_codes[0])
    runs: list[tuple[str, float, list[str]]] = []
    for group, key, text in searched_values(IndexedProduct(product, InventoryRecord())):
        weight = SCHEMA.search_weight(f"{group}.{key}" if key else group)
        runs.append((group, weight, analyzer.index_terms(text)))
    said = set(analyzer.index_terms(product.title))
    added = dict.fromkeys(
        term for variant in product.variants for term in analyzer.index_terms(variant.title)
    )
    runs.append((TITLE, SCHEMA.search_weight(TITLE), [term for term in added if term not in said]))
    lengths: dict[str, int] = {}
    for group, _, terms in runs:
        lengths[group] = lengths.get(group, 0) + len(terms)
    runs += form_runs(product, analyzer)
    frequencies: dict[str, float] = {}
    for group, weight, terms in runs:
        norm = 1 - LENGTH_NORM + LENGTH_NORM * lengths[group] / SCHEMA.average_length(group)
        for term in terms:
            frequencies[term] = frequencies.get(term, 0.0) + weight / norm
    factors = type_factors(product, analyzer)
    return {
        term: int(min(255, max(1, np.rint(255 * factors.get(term, 0.7) * tf / (SATURATION + tf)))))
        for term, tf in frequencies.items()
    }


def type_factors(product: Product, analyzer: Analyzer) -> dict[str, float]:
    """What the product is called and its brand count in full; what it is for, less than a mention."""
    kind = infer_type(
        product, attribute_texts(IndexedProduct(product, InventoryRecord())), analyzer.language
    )
    factors = {}
    for words, factor in ((kind.targets, 0.55), ({*kind.names, product.brand}, 1.0)):
        for word in words:
            terms = list(analyzer.index_terms(word))
            terms += [form for chunk in analyzer.chunks(word) for form in analyzer.forms_of(chunk)]
            factors.update(dict.fromkeys(terms, factor))
    return factors


def form_runs(product: Product, analyzer: Analyzer) -> list[tuple[str, float, list[str]]]:
    """The written forms of the short fields, which add nothing to the fields' lengths."""

    def forms(text: str) -> list[str]:
        return [form for chunk in analyzer.chunks(text) for form in analyzer.forms_of(chunk)]

    runs = [
        (group, SCHEMA.search_weight(group), forms(text))
        for group, _, text in searched_values(IndexedProduct(product, InventoryRecord()))
        if group in {TITLE, BRAND, CATEGORIES, TAGS}
    ]
    said = forms(product.title)
    added = dict.fromkeys(form for variant in product.variants for form in forms(variant.title))
    runs.append((TITLE, SCHEMA.search_weight(TITLE), [form for form in added if form not in said]))
    return runs


def identifier_texts(product: Product) -> set[str]:
    holders = [product, *product.variants]
    texts = [t for h in holders for t in (h.id, h.mpn, h.article_number, *h.gtins)]
    texts += [word for word in product.title.split() if "/" in word and is_code(word)]
    return {normalize_identifier(text) for text in texts if text}


def is_code(word: str) -> bool:
    """Whether a word with slashes is a model code: a digit in every part, and no measure first."""
    parts = word.split("/")
    is_measure = parts[0][:1].isdigit() and parts[0].lstrip("0123456789").isalpha()
    return (
        all(part.isalnum() and any(map(str.isdigit, part)) for part in parts)
        and not is_measure
        and not parts[0].isdigit()
    )


def index_matches(view: BranchView, terms: Sequence[str], identifier: str = "") -> Found:
    """What `match_all` finds, in the oracle's form."""
    found = []
    for match in match_all(view, terms, identifier=identifier):
        ids = match.segment.product_ids(match.ordinals)
        found += [
            (product_id.decode(), score)
            for product_id, score in zip(ids, match.scores.tolist(), strict=True)
        ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].encode()))


def batches(updates: Iterable[IndexUpdate]) -> Oracle:
    oracle = Oracle()
    for update in updates:
        oracle.apply(update)
    return oracle
