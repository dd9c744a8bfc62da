"""The engine benchmark runs on any feed, and its copies are what the issue asks for."""

import argparse
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from loadtest import engine
from loadtest.engine import schema_of
from loadtest.engine_catalogue import copies_of, sample_queries
from loadtest.engine_pipeline import RULES_COUNT, make_shop, rules
from protos.v1.product_pb2 import Product

MAPPING = """
[fields]
id = "id"
title = "title"
brand = "brand"
mpn = "code"
"""
WORDS = ["red", "blue", "usb", "hub", "cable", "black", "printer", "case"]


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    chance = random.Random(1)
    lines = []
    for number in range(60):
        code = f"AB-{number:03d}"
        words = " ".join(chance.sample(WORDS, 4))
        product = {"id": str(number), "title": f"{words} {code}", "brand": "Acme", "code": code}
        lines.append(json.dumps(product))
    path = tmp_path / "products.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return path


def test_both_engines_agree_and_the_figures_are_written(feed: Path) -> None:
    parser = argparse.ArgumentParser()
    engine.add_arguments(parser)
    target = feed.with_name("figures.json")
    files = ["--catalog", str(feed), "--mapping", str(feed.with_name("mapping.toml"))]
    counts = ["--copies", "3", "--queries", "20", "--rounds", "1"]
    arguments = parser.parse_args([*files, *counts, "--json", str(target)])

    assert engine.run(arguments) == 0

    figures = json.loads(target.read_text(encoding="utf-8"))
    assert figures["products"] == 180
    for name in ("any_words", "all_words_facet"):
        assert {"ours_qps", "tantivy_qps", "ratio", "ours_p50_ms", "ours_p99_ms"} <= set(
            figures[name]
        )
    assert {"p50_ms", "p99_ms", "kinds", "rules"} <= set(figures["full_pipeline"])
    assert sum(one["queries"] for one in figures["full_pipeline"]["kinds"].values()) == 20


def test_the_pipeline_asks_a_shop_with_typing_errors_open_ends_filters_and_rules() -> None:
    products = [
        Product(id=f"p{n}", title=f"wireless keyboard {n}", brand=f"Brand {n % 3}")
        for n in range(9)
    ]
    for product in products:
        product.attributes["colour"].texts.append("red")

    shop = make_shop(products, ["wireless keyboard"] * 300, schema_of("en"), seed=1)

    kinds = Counter(kind for kind, _ in shop.queries)
    assert set(kinds) == {"complete", "damaged", "unfinished"}
    assert kinds["complete"] > 150
    assert any(query.filter for _, query in shop.queries)
    assert [facet.key for facet in shop.facets] == ["brand", "attributes.colour"]
    assert len(rules(products, seed=1)) == RULES_COUNT
    assert (
        shop.queries
        == make_shop(products, ["wireless keyboard"] * 300, schema_of("en"), seed=1).queries
    )


def test_copies_have_new_ids_codes_and_some_new_words() -> None:
    products = [
        Product(id=f"p{n}", title=f"one two three four five X-{n}", mpn=f"X-{n}") for n in range(50)
    ]

    copies = list(copies_of(products, 3, seed=4))

    assert len({copy.id for copy in copies}) == 150
    assert copies[:50] == products
    assert copies == list(copies_of(products, 3, seed=4))
    pairs = list(zip(products, copies[50:100], strict=True))
    words = [
        (before, after)
        for product, copy in pairs
        for before, after in zip(product.title.split()[:5], copy.title.split()[:5], strict=True)
    ]
    assert 0.03 < sum(before != after for before, after in words) / len(words) < 0.15
    assert sum(copy.mpn != product.mpn for product, copy in pairs) > 40


def test_queries_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    products = [Product(id="a", title="red usb hub"), Product(id="b", title="blue case")]
    absent = tmp_path / "judgments.csv"

    queries = sample_queries(products, absent, count=9, seed=2)

    assert queries == sample_queries(products, absent, count=9, seed=2)
    assert all(1 <= len(query.split()) <= 4 for query in queries)
