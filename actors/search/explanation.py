"""What put a hit where it is, word by word.

The numbers are those of the index (`found_words`): a word adds its idf times the factor of its class times its
impact, and the words together are the score of the text. Where a word stands and how it is written there is
read from the product itself (`explain`), which only an answer that explains has to do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final

import numpy as np

from actors.index.product_types import infer_type
from actors.index.schema import ATTRIBUTES, BRAND, CATEGORIES, DESCRIPTION, TAGS, TITLE
from actors.index.segments import BranchView
from actors.index.terms import IMPACT_LEVELS
from actors.search.alternatives import JOINT, Alternative, MatchClass, QueryWord
from actors.search.matching import IDENTIFIER_SCORE
from actors.search.query import FoundWord, Hit
from actors.search.word_postings import Ordinals, live_count, look_up, resolve_words
from actors.text.analyzer import Analyzer
from actors.text.forms import FORM_MARK
from actors.text.identifiers import normalize_identifier
from protos.v1.product_pb2 import Product, Variant

_FIELDS_MAX: Final = 8
"""Fields named for one word."""


Spot = tuple[int, int]
"""The index of a segment in the view, and an ordinal in it."""


class Role(Enum):
    """What a word says of a product; named as in the API."""

    MENTION = "MENTION"
    """Something."""
    NAME = "NAME"
    """What it is, or its brand."""
    TARGET = "TARGET"
    """What it is for."""


@dataclass(frozen=True, slots=True)
class ExplainedWord:
    """A word of the query in a product."""

    word: FoundWord
    written: str
    """As the product has it."""
    fields: tuple[str, ...]
    role: Role


@dataclass(frozen=True, slots=True)
class Explained:
    """What put a hit where it is: what its words add, and where they stand."""

    words: tuple[ExplainedWord, ...]
    identifier_field: str
    """The query is this identifier of the product; empty: it is none."""


def found_words(
    view: BranchView, words: Sequence[QueryWord], spots: Sequence[Spot]
) -> list[tuple[FoundWord, ...]]:
    """For each product the words that it holds, in the order of the words."""
    by_segment: dict[int, list[int]] = {}
    for segment_index, ordinal in dict.fromkeys(spots):
        by_segment.setdefault(segment_index, []).append(ordinal)
    found: dict[Spot, list[FoundWord]] = {spot: [] for spot in spots}
    for word in words:
        resolved = resolve_words(view, [word])[0]
        idfs = _idfs(view, word.alternatives)
        for segment_index, ordinals in by_segment.items():
            postings = resolved.postings[segment_index]
            if postings is None:
                continue
            at = np.array(sorted(ordinals), np.int32)
            contributions = look_up(postings, at).astype(np.float32) * resolved.weight
            best = _best_alternatives(view, word, idfs, segment_index, at)
            for ordinal, contribution, alternative in zip(
                at.tolist(), contributions.tolist(), best, strict=True
            ):
                if contribution:
                    idf = idfs[alternative.match_class]
                    found[segment_index, ordinal].append(
                        _found_word(word, alternative, idf, contribution)
                    )
    return [tuple(found[spot]) for spot in spots]


def _found_word(
    word: QueryWord, alternative: Alternative, idf: float, contribution: float
) -> FoundWord:
    return FoundWord(
        text=word.text,
        match_class=alternative.match_class,
        term=alternative.term,
        idf=idf,
        class_factor=alternative.factor,
        impact=contribution / (idf * alternative.factor),
        contribution=contribution,
    )


def _best_alternatives(
    view: BranchView,
    word: QueryWord,
    idfs: Mapping[MatchClass, float],
    segment_index: int,
    at: Ordinals,
) -> list[Alternative]:
    """For each product the alternative for which it counts, see `resolve_words`; the first for one with none."""
    ordered = sorted(word.alternatives, key=lambda one: one.match_class.value)
    best = np.zeros(len(at))
    places = np.zeros(len(at), np.int64)
    for place, alternative in enumerate(ordered):
        postings = resolve_words(view, [alternative.term])[0].postings[segment_index]
        if postings is None or alternative.match_class not in idfs:
            continue
        worth = look_up(postings, at) * (idfs[alternative.match_class] * alternative.factor)
        better = worth > best
        best[better], places[better] = worth[better], place
    return [ordered[place] for place in places.tolist()]


def _idfs(view: BranchView, alternatives: Sequence[Alternative]) -> Mapping[MatchClass, float]:
    """The idf of each class: the lowest of its live terms and of those of better classes."""
    idfs: dict[MatchClass, float] = {}
    bound = inf
    for alternative in sorted(alternatives, key=lambda one: one.match_class.value):
        if live_count(view, alternative.term):
            weight = float(resolve_words(view, [alternative.term])[0].weight)
            bound = idfs[alternative.match_class] = min(bound, weight * IMPACT_LEVELS)
    return idfs


def explain(hit: Hit, product: Product, analyzer: Analyzer, *, text: str) -> Explained:
    """Where the words of a hit stand in its product.

    Args:
        hit: with its words.
        product: as it is stored.
        analyzer: of the product's language.
        text: of the query.
    """
    places = _places(_texts(product), hit.words, analyzer)
    kind = infer_type(product, _attributes(product), analyzer.language)
    names = _terms_of((*kind.names, product.brand), analyzer)
    targets = _terms_of(kind.targets, analyzer) - names
    words = []
    for word in hit.words:
        parts = word.term.split(JOINT)
        held = [places[part] for part in parts if part in places]
        role = Role.MENTION
        if not names.isdisjoint(parts):
            role = Role.NAME
        elif not targets.isdisjoint(parts):
            role = Role.TARGET
        words.append(
            ExplainedWord(
                word,
                " ".join(written for written, _ in held) or word.term.removeprefix(FORM_MARK),
                tuple(dict.fromkeys(field for _, fields in held for field in fields))[:_FIELDS_MAX],
                role,
            )
        )
    named = ""
    if hit.score >= IDENTIFIER_SCORE or (hit.placing and hit.placing.raw_score >= IDENTIFIER_SCORE):
        named = _identifier_field(product, normalize_identifier(text))
    return Explained(tuple(words), named)


def _texts(product: Product) -> Iterator[tuple[str, str]]:
    """Every text of a product that may be searched, as (field key, text)."""
    yield TITLE, product.title
    yield BRAND, product.brand
    for path in product.categories:
        yield CATEGORIES, path
    for tag in product.tags:
        yield TAGS, tag
    yield DESCRIPTION, product.description
    for key, text in _attributes(product):
        yield f"{ATTRIBUTES}.{key}", text
    for variant in product.variants:
        yield TITLE, variant.title


def _attributes(product: Product) -> list[tuple[str, str]]:
    """The keys and texts of the attributes of a product and its variants, each once."""
    holders: list[Product | Variant] = [product, *product.variants]
    pairs = {
        (key, text): None
        for holder in holders
        for key in sorted(holder.attributes)
        for text in holder.attributes[key].texts
    }
    return list(pairs)


def _places(
    texts: Iterable[tuple[str, str]], words: Sequence[FoundWord], analyzer: Analyzer
) -> dict[str, tuple[str, list[str]]]:
    """For each term of the words: how it is written where it stands first, and in which fields it stands."""
    wanted = {part for word in words for part in word.term.split(JOINT)}
    forms = {term for term in wanted if term.startswith(FORM_MARK)}
    places: dict[str, tuple[str, list[str]]] = {}
    for field, text in texts:
        for span in analyzer.analyze_spans(text) if wanted else ():
            written = text[span.start : span.end]
            for term in (span.term, FORM_MARK + written.lower() if forms else ""):
                if term in wanted:
                    places.setdefault(term, (written, []))[1].append(field)
    return places


def _terms_of(texts: Iterable[str], analyzer: Analyzer) -> set[str]:
    return {term for text in texts for term in analyzer.index_terms(text)}


def _identifier_field(product: Product, identifier: str) -> str:
    """The field in which an identifier stands, of the product or a variant."""
    holders: list[Product | Variant] = [product, *product.variants]
    for holder in holders:
        of_holder = {
            "id": [holder.id],
            "gtins": holder.gtins,
            "mpn": [holder.mpn],
            "article_number": [holder.article_number],
        }
        for field, texts in of_holder.items():
            if identifier in map(normalize_identifier, texts):
                return "variant_id" if field == "id" and holder is not product else field
    return TITLE
