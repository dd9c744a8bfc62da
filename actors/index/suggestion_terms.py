"""What a product lets a shopper be offered while typing: phrases to search for, its categories, its brand.

Each is a term of the index, marked so that no text has it: the vocabulary's order finds what goes on from some
letters, its counts tell what is frequent, and its postings count live products, through updates and merges and
however products are cut into segments. A term is

    mark key [SEPARATOR shown]

The key is what is typed, in normal form; what is shown follows where it differs. A text has several keys: as it is
written, without the letters of its own alphabet (*faltstol*), and for a name or path also from each later word on.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from actors.index.product_types import ProductType, is_grammatical, joins_nouns
from actors.text.analyzer import Analyzer
from actors.text.normal import LetterFolding, normalize, without_accents
from protos.v1.product_pb2 import Product

QUERY_MARK: Final = "\x02"
CATEGORY_MARK: Final = "\x03"
BRAND_MARK: Final = "\x04"
SEPARATOR: Final = "\x1f"

KEY_LENGTH_MAX: Final = 32
"""Letters of a key: longer ones are cut, as is what is typed when it is looked up."""

TERM_SIZE_BYTES_MAX: Final = 256
"""What the vocabulary has room for; what is longer (a path of hundreds of letters) is not suggested."""

_PHRASE_LENGTH_MAX: Final = 48
_NAME_WORDS_MAX: Final = 3
_WORD_LENGTH_MIN: Final = 2
_SHARED_MAX: Final = 1 << 14

_WORD_START: Final = re.compile(r"(?<![^\W_])[^\W_]")
_NAME: Final = re.compile(r"[^\W\d_]+(?:[ -][^\W_]+)*")


def suggestion_terms(product: Product, kind: ProductType, analyzer: Analyzer) -> set[str]:
    """The terms of one product.

    Args:
        product: whose title, brand and categories are read.
        kind: what the product is (`infer_type`).
        analyzer: of its language.
    """
    terms: set[str] = set()
    for phrase in _phrases(
        product.title.lower(), product.brand.lower(), kind.names, analyzer.language
    ):
        terms.update(_phrase_terms(phrase, analyzer))
    for path in product.categories:
        terms.update(_category_terms(path, analyzer))
    if product.brand:
        terms.update(_value_terms(BRAND_MARK, product.brand, product.brand, analyzer))
    return terms


def _phrases(title: str, brand: str, names: frozenset[str], language: str) -> Iterator[str]:
    """What the product is called: alone, with the word beside it that tells which one, and with the brand."""
    names_which_after = joins_nouns(language)
    for name in names:
        if len(name) < _WORD_LENGTH_MIN:
            continue
        yield name
        if brand:
            yield f"{brand} {name}"
        start = title.find(name)
        while start >= 0:  # ends: every round moves start on
            end = start + len(name)
            before, after = title[:start], title[end:]
            if before[-1:] == " " and not after[:1].isalnum():
                word = before.rstrip().rpartition(" ")[2]
                if _tells_which(word, language):
                    yield f"{word} {name}"
            if names_which_after and after[:1] == " " and not before[-1:].isalnum():
                word = after[1:].partition(" ")[0]
                if _tells_which(word, language):
                    yield f"{name} {word}"
            start = title.find(name, end)


def _tells_which(word: str, language: str) -> bool:
    return len(word) >= _WORD_LENGTH_MIN and word.isalpha() and not is_grammatical(word, language)


@lru_cache(_SHARED_MAX)
def _phrase_terms(phrase: str, analyzer: Analyzer) -> tuple[str, ...]:
    if not _WORD_LENGTH_MIN <= len(phrase) <= _PHRASE_LENGTH_MAX or not phrase[0].isalnum():
        return ()
    return tuple(_terms(QUERY_MARK, (phrase,), phrase, analyzer.language))


@lru_cache(_SHARED_MAX)
def _category_terms(path: str, analyzer: Analyzer) -> tuple[str, ...]:
    """Those of each level of a path; what its parts are called, but for the first of several, is searched for too."""
    parts = [part.strip() for part in path.split(">")]
    terms: dict[str, None] = {}
    for level, part in enumerate(parts):
        shown = " > ".join(parts[: level + 1])
        terms.update(dict.fromkeys(_value_terms(CATEGORY_MARK, part, shown, analyzer)))
    for part in parts[1:] or parts:
        name = part.lower()
        if _NAME.fullmatch(name) and len(name.split()) <= _NAME_WORDS_MAX:
            terms.update(dict.fromkeys(_phrase_terms(name, analyzer)))
    return tuple(terms)


@lru_cache(_SHARED_MAX)
def _value_terms(mark: str, name: str, shown: str, analyzer: Analyzer) -> tuple[str, ...]:
    """From each word of a name on; a word also as its lemma where that goes on otherwise: *jackor*, *jacka*."""
    lower = name.lower()
    keys = [lower[match.start() :] for match in _WORD_START.finditer(lower)]
    keys += [lemma for key in keys if (lemma := _lemma(key, analyzer))]
    return tuple(_terms(mark, tuple(keys), shown, analyzer.language))


def _lemma(key: str, analyzer: Analyzer) -> str:
    word, space, rest = key.partition(" ")
    lemma = analyzer.term_of(word) if word.isalpha() else word
    return "" if word.startswith(lemma) else lemma + space + rest


def _terms(mark: str, keys: tuple[str, ...], shown: str, language: str) -> Iterator[str]:
    shown = unicodedata.normalize("NFC", shown)
    for key in keys:
        normal = typed_key(key, language)
        for one in dict.fromkeys((normal, without_accents(normal))):
            term = mark + one if one == shown else mark + one + SEPARATOR + shown
            if len(term.encode()) <= TERM_SIZE_BYTES_MAX and term.count(SEPARATOR) <= 1:
                yield term


def typed_key(text: str, language: str) -> str:
    """The key that a text has, and that what is typed is looked up by: of at most `KEY_LENGTH_MAX` letters."""
    return normalize(text, _folding(language))[:KEY_LENGTH_MAX]


@lru_cache(None)
def _folding(language: str) -> LetterFolding:
    return LetterFolding(language)


def shown_of(term: str) -> str:
    """What a term stands for, as it is shown."""
    key, _, shown = term[1:].partition(SEPARATOR)
    return shown or key
