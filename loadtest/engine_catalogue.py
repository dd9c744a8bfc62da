"""The engine benchmark's catalogue: a real one, and seeded copies of it that differ a little."""

import csv
import random
import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from node.client.feeds import FeedSource, Mapping, read_products
from protos.v1.product_pb2 import Product

_REPLACED_SHARE: Final = 0.1
_WORD: Final = re.compile(r"\S+")
_CODE_LETTERS: Final = string.ascii_uppercase + string.digits


def read_catalogue(path: Path, mapping_path: Path) -> list[Product]:
    """All products that the mapping accepts."""
    mapping = Mapping.load(mapping_path)
    with FeedSource.open(path) as source:
        items = read_products(source, mapping)
        return [item.product for item in items if item.product is not None]


def copies_of(products: Sequence[Product], copy_count: int, *, seed: int) -> Iterator[Product]:
    """The catalogue `copy_count` times: once as it is, then with new ids, codes and some words.

    A copy has its own ids, GTINs and model codes (also where they stand in the title), and one title
    word in ten is replaced by a word of another title.
    """
    words = [word for product in products for word in _WORD.findall(product.title)]
    for number in range(copy_count):
        chance = random.Random(f"{seed}/{number}")
        for product in products:
            yield product if number == 0 else _altered(product, number, words, chance)


def _altered(product: Product, number: int, words: Sequence[str], chance: random.Random) -> Product:
    copy = Product()
    copy.CopyFrom(product)
    copy.id = f"{product.id}-{number:02d}"
    copy.gtins[:] = [str(chance.randrange(10**12, 10**13)) for _ in product.gtins]
    title = product.title
    if product.mpn:
        copy.mpn = _new_code(product.mpn, chance)
        title = title.replace(product.mpn, copy.mpn)
    copy.title = " ".join(
        chance.choice(words) if chance.random() < _REPLACED_SHARE else word
        for word in _WORD.findall(title)
    )
    return copy


def _new_code(code: str, chance: random.Random) -> str:
    """A code of the same shape: letters and digits are drawn anew, separators stay."""
    return "".join(
        chance.choice(string.digits)
        if letter.isdigit()
        else chance.choice(_CODE_LETTERS)
        if letter.isalnum()
        else letter
        for letter in code
    )


def sample_queries(
    products: Sequence[Product], judgments_path: Path, *, count: int, seed: int
) -> list[str]:
    """Seeded queries of one to four neighbouring words of a title, and the judged ones if there are any."""
    chance = random.Random(seed)
    queries: list[str] = []
    while len(queries) < count:  # ends: titles are never empty
        words = _WORD.findall(chance.choice(products).title)
        length = min(chance.randint(1, 4), len(words))
        start = chance.randint(0, len(words) - length)
        queries.append(" ".join(words[start : start + length]))
    if judgments_path.exists():
        with judgments_path.open(newline="", encoding="utf-8") as file:
            queries += dict.fromkeys(row["query"] for row in csv.DictReader(file))
    return queries
