"""Facts about the demonstration shops' catalogues."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from loadtest.catalogues import (
    PRODUCT_COUNT,
    SHOPS,
    catalogue_products,
    catalogue_records,
    write_catalogue,
)
from node.client.feeds import OWN_MAPPING, propose_mapping

ROOT = Path(__file__).resolve().parents[3]
LETTERS_OF_SWEDISH = set("åäö")


def digest_in_new_process(shop: str, hash_seed: str) -> str:
    program = (
        "import hashlib, json, sys; from loadtest.catalogues import catalogue_records;"
        "text = ''.join(json.dumps(r) for r in catalogue_records(sys.argv[1]));"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, shop],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("shop", SHOPS)
def test_two_processes_make_the_same_bytes(shop: str):
    """Neither the order of hashes nor anything else of the process may show."""
    assert digest_in_new_process(shop, "1") == digest_in_new_process(shop, "2")


@pytest.mark.parametrize("shop", SHOPS)
def test_another_seed_makes_another_catalogue(shop: str):
    first = list(islice(catalogue_records(shop, seed=1), 50))
    second = list(islice(catalogue_records(shop, seed=2), 50))

    assert first != second


@pytest.mark.parametrize("shop", SHOPS)
def test_every_product_is_whole_and_unlike_the_others(shop: str):
    products = list(catalogue_products(shop))

    assert len(products) == PRODUCT_COUNT
    assert len({product.id for product in products}) == PRODUCT_COUNT
    assert len({product.title for product in products}) == PRODUCT_COUNT
    for product in products:
        offers = list(product.variants) or [product]
        assert len({variant.id for variant in product.variants}) == len(product.variants)
        for offer in offers:
            (price,) = offer.prices
            assert price.currency_code == SHOPS[shop].currency_code
            assert price.list_micros == 0 or price.list_micros > price.selling_micros > 0
            assert offer.HasField("stock_quantity")
        assert product.description.endswith(".")
        assert product.brand in SHOPS[shop].brands
        assert " > " in product.categories[0]


def test_the_swedish_shop_has_winter_jackets_for_women_and_compound_words():
    titles = [record["title"] for record in catalogue_records("demo-sv")]
    words = Counter(word for title in titles for word in title.split())

    assert sum("vinterjacka dam" in title for title in titles) >= 10
    assert words["vandringskängor"] >= 10
    assert words["sovsäck"] >= 10
    assert any(LETTERS_OF_SWEDISH & set(word) for word in words)


def test_clothes_have_sizes_and_colours_of_one_sku_each():
    jackets = [record for record in catalogue_records("demo-sv") if "skaljacka" in record["title"]]

    for jacket in jackets:
        pairs = [
            (variant["attributes"]["farg"], variant["attributes"]["storlek"])
            for variant in jacket["variants"]
        ]
        assert len(set(pairs)) == len(pairs) >= 3


@pytest.mark.parametrize("shop", SHOPS)
def test_gtins_have_their_check_digit(shop: str):
    """From the GS1 range for use inside one shop, so that no real product has one of them."""
    for product in islice(catalogue_products(shop), 200):
        for gtin in (gtin for offer in (product, *product.variants) for gtin in offer.gtins):
            digits = [int(digit) for digit in gtin]
            assert len(digits) == 13
            assert digits[0] == 2
            assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_a_written_catalogue_needs_no_mapping(tmp_path: Path):
    path = tmp_path / "demo.jsonl"

    write_catalogue("demo-en", path, count=20)

    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert records == list(catalogue_records("demo-en", count=20))
    assert propose_mapping(records).mapping is OWN_MAPPING
