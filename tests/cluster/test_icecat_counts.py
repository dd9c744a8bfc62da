"""The whole icecat file through a real server: totals and facets equal a brute-force count over it."""

import gzip
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from driven_server import Server

from actors.text.analyzer import analyzer_of
from actors.text.identifiers import normalize_identifier
from actors.text.normal import without_accents
from node.client import Client
from node.client.feeds import FeedSource, Mapping, read_products
from protos.v1.product_pb2 import Product
from protos.v1.search_pb2 import Facet, FacetSpec, FacetValue, Interval

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "../shared/data/icecat/products.jsonl.gz"
MAPPING = ROOT / "examples/icecat.toml"
PRODUCT_COUNT = 19_406
QUERY_COUNT = 200
SEED = 11
BOUNDS = (0, 20, 49.95, 100, 500, 100_000)

Line = dict[str, object]
Condition = Callable[[Line], bool]


@dataclass(frozen=True)
class Catalogue:
    """The file's lines, and the words of each as the project's own analyser cuts them."""

    lines: list[Line]
    terms: list[frozenset[str]]
    identifiers: list[frozenset[str]]
    keys: list[str]
    """The 300 most frequent attributes of which each has one kind of value."""

    counts: Counter[str]
    """How many lines hold each term."""
    plain: dict[str, list[str]]
    """Terms by what they read as without accents."""

    def matching(self, words: str) -> list[Line]:
        """All lines without words; none for a query that holds no word, like "-".

        A line holds a word, or what it makes with its neighbour (*head set*: *headset*), or the word with
        accents that is 16 times as frequent.
        """
        if not words:
            return self.lines
        asked = analyzer_of("en").analyze_query(words)
        meant = [{term, *self.accented(term)} for term in asked.terms]
        for place, (left, right) in enumerate(pairwise(asked.texts)):
            if left.isalpha() and right.isalpha():
                joined = analyzer_of("en").term_of(left + right)
                meant[place].add(joined)
                meant[place + 1].add(joined)
        return [
            line
            for line, terms, identifiers in zip(
                self.lines, self.terms, self.identifiers, strict=True
            )
            if (meant and not any(map(terms.isdisjoint, meant))) or asked.identifier in identifiers
        ]

    def accented(self, term: str) -> list[str]:
        return [
            other
            for other in self.plain[without_accents(term)]
            if term.isalpha() and self.counts[other] >= 16 * max(self.counts[term], 1)
        ]


def words_of(product: Product) -> frozenset[str]:
    texts = [product.title, product.description, product.brand]
    texts += [text for value in product.attributes.values() for text in value.texts]
    analyzer = analyzer_of("en")
    return frozenset(term for text in texts for term in analyzer.index_terms(text))


def identifiers_of(product: Product) -> frozenset[str]:
    texts = [product.id, product.mpn, product.article_number, *product.gtins]
    return frozenset(normalize_identifier(text) for text in texts if text)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    if not FILE.exists():
        pytest.skip("needs ../shared/data/icecat/products.jsonl.gz")
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    with FeedSource.open(str(FILE)) as source:
        products = [item.product for item in read_products(source, Mapping.load(str(MAPPING)))]
    counts = Counter(key for line in lines for key in line if key.startswith("attr_"))
    kinds = Counter(key[7:] for key in counts)
    keys = [
        key
        for key, _ in counts.most_common()
        if kinds[key[7:]] == 1 and re.fullmatch("[a-z][a-z0-9_]{0,63}", key[7:])
    ]
    terms = [words_of(product) for product in products]
    term_counts = Counter(term for of_line in terms for term in of_line)
    plain: defaultdict[str, list[str]] = defaultdict(list)
    for term in term_counts:
        plain[without_accents(term)].append(term)
    return Catalogue(
        lines,
        terms,
        [identifiers_of(product) for product in products],
        keys[:300],
        term_counts,
        plain,
    )


@pytest.fixture(scope="module")
def client(server: Server, catalogue: Catalogue) -> Iterator[Client]:
    server.done("tenants", "create", "icecat", "--languages", "en", "--currency", "EUR")
    arguments = ("products", "import", "icecat", str(FILE), "--mapping", str(MAPPING))
    said = server.done(*arguments)
    assert f"{PRODUCT_COUNT:,} imported ({PRODUCT_COUNT:,} created, 0 updated)" in said
    assert "0 failed" in said
    again = server.done(*arguments)
    assert f"0 imported (0 created, 0 updated), {PRODUCT_COUNT:,} unchanged, 0 failed" in again
    with server.client("icecat") as client:
        yield client


def test_totals_and_facets_equal_a_count_over_the_file_for_200_random_queries(
    client: Client, catalogue: Catalogue
) -> None:
    rng = random.Random(SEED)
    found_something = 0
    for _ in range(QUERY_COUNT):
        words = random_words(rng, catalogue)
        text, holds = random_filter(rng, catalogue)
        key = rng.choice(["supplier", *rng.choices(catalogue.keys, k=4)])
        facets = [
            FacetSpec(key=field_of(key), limit=300),
            FacetSpec(
                key="price", intervals=[Interval(minimum=a, maximum=b) for a, b in pairwise(BOUNDS)]
            ),
        ]

        # A space ends the last word, so that it stands for no longer one; typing errors stay as they are.
        page = client.search(
            f"{words} ", filter=text, facets=facets, page_size=1, relaxed_size=0, as_typed=True
        )

        passing = [line for line in catalogue.matching(words) if holds(line)]
        found_something += bool(passing)
        assert page.total_size == len(passing), (words, text)
        check_values(page.facets[0], Counter(line[key] for line in passing if key in line))
        check_prices(
            page.facets[1],
            [line["price"] / 100 for line in passing if line.get("price") is not None],
        )
    assert found_something > QUERY_COUNT / 2


def test_the_first_usb_hubs_are_usb_hubs(client: Client) -> None:
    results = client.search("usb hub", page_size=10, read_mask=["*"]).results

    hubs = [
        r
        for r in results
        if "hub" in f"{r.product.title} {r.product.attributes['type'].texts}".lower()
    ]
    assert len(results) == 10
    assert len(hubs) >= 8


def check_values(facet: Facet, counts: Counter) -> None:
    counted = {plain(value): value.count for value in facet.values}
    assert len(facet.values) == min(len(counts), 300)
    assert all(counts[value] == count for value, count in counted.items())
    assert sorted(counted.values()) == sorted(counts.values())[-300:]


def check_prices(facet: Facet, prices: list[float]) -> None:
    assert [value.count for value in facet.values] == [
        sum(low <= price < high for price in prices) for low, high in pairwise(BOUNDS)
    ]
    assert facet.HasField("minimum") == bool(prices)
    if prices:
        assert (facet.minimum, facet.maximum) == (min(prices), max(prices))


def plain(value: FacetValue) -> object:
    return getattr(value, value.WhichOneof("value"))


def field_of(key: str) -> str:
    return "brand" if key == "supplier" else f"attributes.{key[7:]}"


def random_words(rng: random.Random, catalogue: Catalogue) -> str:
    """Nothing, or one to three words of some product's title."""
    title = str(rng.choice(catalogue.lines)["title"]).split()
    return " ".join(rng.sample(title, k=min(len(title), rng.choice((0, 1, 1, 2, 3)))))


def random_filter(rng: random.Random, catalogue: Catalogue) -> tuple[str, Condition]:
    """Up to three conditions, and what they mean for a line of the file."""
    parts = [random_condition(rng, catalogue) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    texts, conditions = [text for text, _ in parts], [condition for _, condition in parts]
    if len(parts) > 1 and rng.random() < 0.3:
        return " OR ".join(texts), lambda line: any(holds(line) for holds in conditions)
    return " AND ".join(texts), lambda line: all(holds(line) for holds in conditions)


def random_condition(rng: random.Random, catalogue: Catalogue) -> tuple[str, Condition]:
    if rng.random() < 0.3:
        amount = rng.choice((20, 49.95, 100, 500))
        return (
            f"price < {amount}",
            lambda line: line.get("price") is not None and line["price"] / 100 < amount,
        )
    key = rng.choice(["supplier", *rng.choices(catalogue.keys, k=5)])
    value = rng.choice([line[key] for line in catalogue.lines if key in line])
    text, holds = condition_on(key, value)
    if rng.random() < 0.25:
        return f"NOT {text}", lambda line: not holds(line)
    return text, holds


def condition_on(key: str, value: object) -> tuple[str, Condition]:
    field = field_of(key)
    if isinstance(value, bool):
        return f"{field} = {str(value).lower()}", lambda line: line.get(key) is value
    if isinstance(value, float):
        return f"{field} >= {value!r}", lambda line: key in line and line[key] >= value
    folded = str(value).casefold()
    quoted = json.dumps(value, ensure_ascii=False)
    return f"{field} = {quoted}", lambda line: key in line and line[key].casefold() == folded
