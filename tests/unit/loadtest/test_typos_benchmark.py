"""The typing-error benchmark damages words as it says, and its figures are those of the issue."""

import argparse
import json
import random
from pathlib import Path

import pytest

from actors.search.spelling import typing_errors
from loadtest import typos
from loadtest.damage import damage
from loadtest.typos import damaged_queries, identifier_queries, recovered
from protos.v1.product_pb2 import Product

MAPPING = """
[fields]
id = "id"
title = "title"
brand = "brand"
mpn = "code"
"""
WORDS = [
    "wireless",
    "bluetooth",
    "headphones",
    "keyboards",
    "printer",
    "cartridge",
    "leather",
    "case",
]


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    chance = random.Random(1)
    lines = []
    for number in range(40):
        code = f"AB-{number:03d}/Q7"
        title = f"{' '.join(chance.sample(WORDS, 3))} {code}"
        lines.append(json.dumps({"id": str(number), "title": title, "brand": "Acme", "code": code}))
    path = tmp_path / "products.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return path


def test_typing_errors_are_forgiven_and_identifiers_found_first(feed: Path) -> None:
    parser = argparse.ArgumentParser()
    typos.add_arguments(parser)
    target = feed.with_name("figures.json")
    files = ["--catalog", str(feed), "--mapping", str(feed.with_name("mapping.toml"))]

    assert typos.run(parser.parse_args([*files, "--queries", "60", "--json", str(target)])) == 0

    figures = json.loads(target.read_text(encoding="utf-8"))
    assert list(figures) == [
        "clean_one",
        "none_one",
        "one_edit",
        "clean_two",
        "none_two",
        "two_edits",
        "identifiers_first",
    ]
    assert recovered(figures, "one", "one_edit") > 0.85
    assert recovered(figures, "two", "two_edits") > 0.7
    assert figures["identifiers_first"] == 1


def test_a_damaged_word_keeps_its_first_letter_and_has_so_many_errors() -> None:
    chance = random.Random(3)

    for edits in (1, 2):
        for _ in range(50):
            damaged = damage("keyboards", edits, chance)
            assert damaged[0] == "k"
            assert typing_errors(damaged, ["keyboards"]).tolist() == [edits]


def test_queries_are_two_words_of_a_title_and_the_same_for_the_same_seed() -> None:
    products = [Product(id="a", title="Leather case X-1"), Product(id="b", title="usb hub")]

    queries = damaged_queries(products, edits=1, count=20, seed=5)

    assert queries == damaged_queries(products, edits=1, count=20, seed=5)
    assert {query.product_id for query in queries} == {"a"}
    assert {len(query.damaged.split()) for query in queries} == {2}
    assert all(query.clean != query.damaged for query in queries)


def test_identifiers_that_name_two_products_are_left_out() -> None:
    products = [
        Product(id="a", title="Cam EOS-5000D 2000W", gtins=["0012345678905"], mpn="X-1"),
        Product(id="b", title="Other cam", gtins=["12345678905"], mpn="Y 2"),
    ]

    asked = identifier_queries(products, count=100, seed=1)

    normal = {(wanted, "".join(filter(str.isalnum, text.lower()))) for wanted, text in asked}
    assert normal == {("a", "x1"), ("b", "y2"), ("a", "eos5000d")}
