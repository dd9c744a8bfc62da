"""`python -m loadtest typos`: what typing errors cost, and whether identifiers are found first."""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema
from actors.index.segments import BranchView, open_branch
from actors.search.query import SearchQuery
from actors.search.search import search
from actors.text.identifiers import normalize_identifier
from loadtest.damage import damage
from loadtest.engine import BRANCH, build_index
from loadtest.engine_catalogue import read_catalogue
from protos.v1.product_pb2 import Product

_PAGE_SIZE: Final = 24
_WORD: Final = re.compile(r"[^\W_]+")
_CODE: Final = re.compile(r"\w+(?:[-./_]\w+)*")
_CODE_LENGTH_MIN: Final = 5
_MEASURE: Final = re.compile(r"[\d.,]+[a-z]{1,4}(?:/[\d.,]+[a-z]{1,4})*")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_ATTEMPTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class DamagedQuery:
    """Two words of a product's title, as they are and with typing errors in one of them."""

    product_id: str
    clean: str
    damaged: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m loadtest typos`."""
    parser.add_argument("--catalog", type=Path, required=True, help="a product feed")
    parser.add_argument("--mapping", type=Path, required=True, help="its mapping")
    parser.add_argument("--queries", type=int, default=1_000, help="queries in each set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", default="en", help="of the feed's products")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(arguments: argparse.Namespace) -> int:
    """Index the catalogue, ask, print, write the file; returns 0."""
    products = read_catalogue(arguments.catalog, arguments.mapping)
    language, count, seed = arguments.language, arguments.queries, arguments.seed
    view = open_branch(build_index(iter(products), language), BRANCH)
    figures: dict[str, float] = {}
    for name, edits, damaged in (("one", 1, "one_edit"), ("two", 2, "two_edits")):
        queries = damaged_queries(products, edits=edits, count=count, seed=seed)
        figures[f"clean_{name}"] = _share(view, queries, language, clean=True, as_typed=True)
        figures[f"none_{name}"] = _share(view, queries, language, clean=False, as_typed=True)
        figures[damaged] = _share(view, queries, language, clean=False, as_typed=False)
        print(f"{damaged}: {recovered(figures, name, damaged):.1%} recovered")
    identifiers = identifier_queries(products, count=count, seed=seed)
    first = sum(_ids(view, text, language)[:1] == [wanted] for wanted, text in identifiers)
    figures["identifiers_first"] = first / len(identifiers)
    for name, value in figures.items():
        print(f"{name:<18} {value:.4f}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def recovered(figures: dict[str, float], name: str, damaged: str) -> float:
    """Of what typing errors lose without tolerance, the share that tolerance finds again."""
    lost = figures[f"clean_{name}"] - figures[f"none_{name}"]
    return (figures[damaged] - figures[f"none_{name}"]) / lost if lost > 0 else 0.0


def damaged_queries(
    products: Sequence[Product], *, edits: int, count: int, seed: int
) -> list[DamagedQuery]:
    """Seeded queries of two neighbouring or distant words of a title, one of them damaged.

    The damaged word is of letters only, at least 5 for one edit and 9 for two, and keeps its first one.
    """
    chance = random.Random(f"{seed}/typos/{edits}")
    length_min = 5 if edits == 1 else 9
    able = [product for product in products if _words_to_damage(product.title, length_min)]
    queries: list[DamagedQuery] = []
    for _ in range(_ATTEMPTS_MAX * count):
        if len(queries) == count or not able:
            break
        product = chance.choice(able)
        word = chance.choice(_words_to_damage(product.title, length_min))
        others = [other for other in _words(product.title) if other != word]
        if not others:
            continue
        other = chance.choice(others)
        damaged = damage(word, edits, chance)
        pairs = [(word, other), (damaged, other)]
        if chance.random() < 1 / 2:
            pairs = [(second, first) for first, second in pairs]
        queries.append(DamagedQuery(product.id, " ".join(pairs[0]), " ".join(pairs[1])))
    return queries


def _words(title: str) -> list[str]:
    """The words of a title, each once, in order."""
    return list(dict.fromkeys(_WORD.findall(title.lower())))


def _words_to_damage(title: str, length_min: int) -> list[str]:
    return [word for word in _words(title) if len(word) >= length_min and word.isalpha()]


def identifier_queries(
    products: Sequence[Product], *, count: int, seed: int
) -> list[tuple[str, str]]:
    """Seeded (product id, identifier) pairs: those that name one product, in one of three writings.

    Identifiers are GTINs, manufacturers' and shops' numbers, and words of the title with letters and
    digits; written as they are, in lower case, or in lower case without separators.
    """
    holders = Counter(
        normal
        for product in products
        for normal in {normalize_identifier(text) for text in _identifiers(product)}
    )
    named = [
        (product.id, text)
        for product in products
        for text in _identifiers(product)
        if holders[normalize_identifier(text)] == 1
    ]
    chance = random.Random(f"{seed}/identifiers")
    chosen = chance.sample(named, min(count, len(named)))
    return [(wanted, chance.choice(list(_writings(text)))) for wanted, text in chosen]


def _identifiers(product: Product) -> list[str]:
    """What names a product, each once."""
    texts = [*product.gtins, product.mpn, product.article_number]
    texts += (code for code in _CODE.findall(product.title) if _is_code(code))
    return list(dict.fromkeys(text for text in texts if text))


def _is_code(word: str) -> bool:
    """Whether a word is a model code: of letters and digits, and long enough to name one thing."""
    if _MEASURE.fullmatch(word.lower()):
        return False
    joined = _SEPARATORS.sub("", word)
    digits = sum(letter.isdigit() for letter in joined)
    return len(joined) >= _CODE_LENGTH_MIN and 0 < digits < len(joined)


def _writings(text: str) -> Iterator[str]:
    yield text
    yield text.lower()
    yield _SEPARATORS.sub("", text.lower())


def _share(
    view: BranchView,
    queries: Sequence[DamagedQuery],
    language: str,
    *,
    clean: bool,
    as_typed: bool,
) -> float:
    """The share of queries that show their product on the first page."""
    found = sum(
        query.product_id
        in _ids(view, query.clean if clean else query.damaged, language, as_typed=as_typed)
        for query in queries
    )
    return found / len(queries) if queries else 0.0


def _ids(view: BranchView, text: str, language: str, *, as_typed: bool = False) -> list[str]:
    """The ids of the first page."""
    schema = Schema((language,), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=1)
    query = SearchQuery(text, page_size=_PAGE_SIZE, relaxed_size=0, as_typed=as_typed)
    return [hit.product_id.decode() for hit in search(view, query, schema).hits]
