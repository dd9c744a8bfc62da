"""Whatever stands in a search: an answer or a refusal, soon, and never an internal error."""

import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import NUMBERS, ODD, is_read_or_refused, mutated

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import FieldSetting, Schema
from actors.index.segments import BranchView, open_branch
from actors.index.update import update_index
from actors.search.filter_grammar import parse_filter
from actors.search.query import FacetRequest, SearchQuery
from actors.search.search import search
from loadtest.catalogues import catalogue_products
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

SEEDS = st.integers(0, 2**64 - 1)
FUZZ = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
FIELDS = (
    *(
        "id",
        "title",
        "brand",
        "gtins",
        "mpn",
        "article_number",
        "variant_id",
        "categories",
        "tags",
        "language_code",
    ),
    *(
        "price",
        "availability",
        "stock_quantity",
        "popularity",
        "release_time",
        "description",
        "unknown",
    ),
    *(
        "attributes.colour",
        "attributes.size",
        "attributes.Färg",
        "attributes.material",
        "attributes.",
    ),
)
ORDERS = (
    "",
    "price",
    "price desc, title",
    "relevance",
    "attributes.size desc",
    "title asc,",
    "x y z",
)


@pytest.fixture(scope="module")
def shop() -> tuple[BranchView, Schema, list[str]]:
    """Two small shops in one branch of several segments, and the words of their titles."""
    products = [
        *catalogue_products("demo-sv", count=300),
        *catalogue_products("demo-en", count=300),
    ]
    for product, number in zip(products, count(), strict=False):
        product.id = f"{product.id}-{number}"
    arrays = MemoryArrays()
    keys = {f"attributes.{key}" for product in products for key in product.attributes}
    setting = FieldSetting(1.0, facetable=True, filterable=True, sortable=True)
    schema = Schema(
        language_codes=("sv", "en"),
        fields=dict.fromkeys(keys, setting),
        average_lengths={},
        weights_version=1,
    )
    for start in range(0, len(products), 200):
        update_index(
            arrays, 1, IndexUpdate([_indexed(p) for p in products[start : start + 200]]), schema
        )
    words = sorted({word for product in products for word in product.title.split()})
    return open_branch(arrays, 1), schema, words


def _indexed(product: Product) -> IndexedProduct:
    inventory = InventoryRecord()
    inventory.product.prices.extend(product.prices)
    for variant in product.variants:
        inventory.variants.add().prices.extend(variant.prices)
    return IndexedProduct(product, inventory)


def random_words(chance: random.Random, words: list[str]) -> str:
    """What a shopper may type, and what nobody would."""
    parts = []
    for _ in range(chance.choice((1, 1, 2, 3, 5, 12, 64))):
        kind = chance.randrange(8)
        word = chance.choice(words)
        if kind == 0:
            word = word[: chance.randint(1, len(word))]
        elif kind == 1:
            word = "".join(chance.sample(word, len(word)))
        elif kind == 2:
            word = word + chance.choice(words)
        elif kind == 3:
            word = chance.choice(NUMBERS)
        elif kind == 4:
            word = chance.choice(ODD)
        elif kind == 5:
            word = word * chance.choice((2, 10, 60))
        parts.append(word)
    return chance.choice((" ", " ", "", "-", "/")).join(parts)


def random_filter(chance: random.Random, words: list[str], depth: int = 0) -> str:
    """Mostly a filter of the grammar; values and fields need not fit each other."""
    parts = []
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        if depth < 25 and chance.random() < 0.3:
            part = f"({random_filter(chance, words, depth + chance.choice((1, 1, 8)))})"
        else:
            part = _condition(chance, words)
        parts.append(chance.choice(("", "", "", "NOT ", "-")) + part)
    return chance.choice((" AND ", " ", " OR ", " and ")).join(parts)


def _condition(chance: random.Random, words: list[str]) -> str:
    comparator = chance.choice(("=", "!=", "<", "<=", ">", ">=", ":", " : ", "=="))
    value = _value(chance, words)
    if chance.random() < 0.15:
        value = (
            "("
            + chance.choice((" OR ", " AND ", " ")).join(_value(chance, words) for _ in range(3))
            + ")"
        )
    return f"{chance.choice(FIELDS)}{comparator}{value}"


def _value(chance: random.Random, words: list[str]) -> str:
    value = chance.choice(
        (chance.choice(words), chance.choice(NUMBERS), chance.choice(ODD), "IN_STOCK", "true")
    )
    return chance.choice(
        (value, value, f'"{value}"', f"'{value}'", f"{value}*", "*", f'"{value} {value}"')
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_any_words_are_answered_or_refused(shop: tuple[BranchView, Schema, list[str]]) -> None:
    view, schema, words = shop

    @given(SEEDS)
    @settings(FUZZ, max_examples=25_000)
    def check(seed: int) -> None:
        chance = random.Random(seed)
        query = SearchQuery(
            text=mutated(chance, random_words(chance, words)),
            language_code=chance.choice(("", "", "en", "de-AT", "xx", "sv_SE", "-")),
            order_by=chance.choice(("", "", "", *ORDERS)),
            facets=(FacetRequest("brand"), FacetRequest("price")) if chance.random() < 0.3 else (),
            page_size=chance.choice((0, 1, 120)),
            as_typed=chance.random() < 0.1,
            explain=chance.random() < 0.1,
        )
        is_read_or_refused(lambda: search(view, query, schema, now_ms=1))

    check()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_any_text_at_all_is_answered_or_refused(shop: tuple[BranchView, Schema, list[str]]) -> None:
    view, schema, _ = shop

    @given(st.text(max_size=300), st.text(max_size=30), st.text(max_size=40), st.text(max_size=70))
    @settings(FUZZ, max_examples=8_000)
    def check(text: str, language_code: str, market: str, other: str) -> None:
        query = SearchQuery(
            text=text,
            language_code=language_code,
            market=market,
            price_list=other,
            store=other[::-1],
            order_by=other,
            page_token=market,
            facets=(FacetRequest(other),) if other else (),
        )
        is_read_or_refused(lambda: search(view, query, schema, now_ms=1))
        plain = SearchQuery(text=text, market=market, price_list=other, store=other[::-1])
        is_read_or_refused(lambda: search(view, plain, schema, now_ms=1))

    check()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_any_filter_is_answered_or_refused(shop: tuple[BranchView, Schema, list[str]]) -> None:
    view, schema, words = shop

    @given(SEEDS)
    @settings(FUZZ, max_examples=25_000)
    def check(seed: int) -> None:
        chance = random.Random(seed)
        text = mutated(chance, random_filter(chance, words)) * chance.choice((1, 1, 1, 1, 20))
        query = SearchQuery(
            filter=text, text=chance.choice(("", "", chance.choice(words))), page_size=1
        )
        is_read_or_refused(lambda: parse_filter(text))
        is_read_or_refused(lambda: search(view, query, schema, now_ms=1))

    check()


@pytest.mark.slow
@pytest.mark.timeout(300)
@given(st.text(max_size=200))
@settings(FUZZ, max_examples=8_000)
def test_any_text_at_all_is_a_filter_or_refused(text: str) -> None:
    is_read_or_refused(lambda: parse_filter(text))
