"""Filters and facets over real products equal a brute-force count over the file."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from random_catalogue import CORE

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_WEIGHTS, FieldSetting, Schema
from actors.index.segments import open_branch
from actors.index.update import update_index
from actors.search.query import FacetRequest, SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

FILE = Path(__file__).resolve().parents[3] / "../shared/data/icecat/products.jsonl.gz"
PRODUCTS = 3_000
QUERIES = 200
KINDS = {"attr_t_": "texts", "attr_n_": "numbers", "attr_b_": "boolean"}

Line = dict[str, object]
Test = Callable[[Line], bool]


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    if not FILE.exists():
        pytest.skip("needs ../shared/data/icecat/products.jsonl.gz")
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in islice(file, PRODUCTS)]


def indexed(line: Line) -> IndexedProduct:
    product = Product(id=line["id"], title=line["title"], brand=line.get("supplier", ""))
    for key, value in line.items():
        prefix = key[:7]
        if prefix == "attr_b_":
            product.attributes[key[7:]].boolean = value
        elif prefix in KINDS:
            getattr(product.attributes[key[7:]], KINDS[prefix]).append(value)
    inventory = InventoryRecord()
    if line.get("price") is not None:
        inventory.product.prices.add(selling_micros=line["price"] * 10_000)
    return IndexedProduct(product, inventory)


def test_counts_equal_brute_force_for_200_random_filters(lines: list[Line]) -> None:
    keys = Counter(key for line in lines for key in line if key[:7] in KINDS)
    setting = FieldSetting(1.0, facetable=True, filterable=True, sortable=True)
    schema = Schema(
        language_codes=("en",),
        fields=dict.fromkeys((*CORE, *(f"attributes.{key[7:]}" for key in keys)), setting),
        average_lengths={},
        weights_version=len(DEFAULT_WEIGHTS),
    )
    arrays = MemoryArrays()
    for start in range(0, len(lines), 700):
        update_index(
            arrays, 1, IndexUpdate([indexed(line) for line in lines[start : start + 700]]), schema
        )
    view = open_branch(arrays, 1)
    assert len(view.segments) > 1
    rng = random.Random(7)
    # A few keys hold texts in some products and numbers in others: they become one field.
    kinds = Counter(key[7:] for key in keys)
    common = [key for key, _ in keys.most_common(300) if kinds[key[7:]] == 1]
    non_empty = 0
    for _ in range(QUERIES):
        text, test = random_filter(rng, lines, common)
        facet_key = rng.choice(["supplier", *rng.choices(common, k=3)])
        facet = FacetRequest(field_of(facet_key), limit=300)

        page = search(view, SearchQuery(filter=text, facets=(facet,), page_size=120), schema)

        passing = [line for line in lines if test(line)]
        non_empty += bool(passing)
        assert page.total == len(passing), text
        counts = Counter(line[facet_key] for line in passing if facet_key in line)
        counted = {value.value: value.count for value in page.facets[0].values}
        assert len(counted) == min(len(counts), 300), (text, facet_key)
        assert all(counts[value] == count for value, count in counted.items()), (text, facet_key)
        assert sorted(counted.values()) == sorted(counts.values())[-300:], (text, facet_key)
    assert non_empty > QUERIES / 2


def field_of(key: str) -> str:
    return "brand" if key == "supplier" else f"attributes.{key[7:]}"


def random_filter(rng: random.Random, lines: list[Line], common: list[str]) -> tuple[str, Test]:
    """Up to three conditions, and what they mean for a line of the file."""
    parts = [random_condition(rng, lines, common) for _ in range(rng.choice((1, 1, 2, 3)))]
    texts, tests = [text for text, _ in parts], [test for _, test in parts]
    if rng.random() < 0.3:
        return " OR ".join(texts), lambda line: any(test(line) for test in tests)
    return " AND ".join(texts), lambda line: all(test(line) for test in tests)


def random_condition(rng: random.Random, lines: list[Line], common: list[str]) -> tuple[str, Test]:
    if rng.random() < 0.2:
        amount = rng.choice((20, 49.95, 100, 500))
        return (
            f"price < {amount}",
            lambda line: line.get("price") is not None and line["price"] / 100 < amount,
        )
    key = rng.choice(["supplier", *common])
    value = rng.choice([line[key] for line in lines if key in line])
    field = field_of(key)
    negated = rng.random() < 0.25
    if isinstance(value, bool):
        text, test = f"{field} = {str(value).lower()}", lambda line: line.get(key) is value
    elif isinstance(value, float):
        text, test = f"{field} >= {value!r}", lambda line: key in line and line[key] >= value
    else:
        quoted = json.dumps(value, ensure_ascii=False)
        text = f"{field} = {quoted}"
        folded = value.casefold()

        def test(line: Line) -> bool:
            return key in line and line[key].casefold() == folded

    return (f"NOT {text}", lambda line: not test(line)) if negated else (text, test)
