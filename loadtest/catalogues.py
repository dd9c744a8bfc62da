"""Two demonstration catalogues, made from a seed: the same bytes on every machine and in every
process.

`demo-sv` is a Swedish outdoor shop, `demo-en` an English electronics shop. Their records have the
form in which the platform itself writes products, so that `saluhall products import` needs no
mapping.
"""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from loadtest import electronics_words, outdoor_words
from loadtest.shop_words import Group, Kind, ShopWords
from node.client.feeds import OWN_MAPPING, Converter, Record
from protos.v1.product_pb2 import Product

PRODUCT_COUNT: Final = 5_000
SEED: Final = 20_250_901

SHOPS: Final[Mapping[str, ShopWords]] = {
    "demo-sv": outdoor_words.WORDS,
    "demo-en": electronics_words.WORDS,
}

_PLAIN: Final = str.maketrans("åäöÅÄÖ", "aaoAAO")
_MICROS: Final = 1_000_000
_COLOUR_COUNTS: Final = (1, 1, 2, 2, 3)
_IN_STOCK_SHARE: Final = 0.85
_REDUCED_SHARE: Final = 0.25
_TAGGED_SHARE: Final = 0.2
_FIRST_ARTICLE_NUMBER: Final = 10_000
_FIRST_RELEASE_YEAR: Final = 2019
_YEAR_COUNT: Final = 7


def catalogue_records(
    shop: str, *, count: int = PRODUCT_COUNT, seed: int = SEED
) -> Iterator[dict[str, Any]]:
    """The products of `shop` (a key of SHOPS) as JSON objects with the names of `product.proto`."""
    words = SHOPS[shop]
    # A text seeds by its SHA-512: no hash of this process takes part.
    chance = random.Random(f"{shop}/{seed}")
    titles: set[str] = set()
    number = _FIRST_ARTICLE_NUMBER
    while len(titles) < count:  # ends: there are far more brands x models x kinds than products
        record = _product(words, chance, number)
        if record["title"] not in titles:
            titles.add(record["title"])
            number += 1
            yield record


def catalogue_products(
    shop: str, *, count: int = PRODUCT_COUNT, seed: int = SEED
) -> Iterator[Product]:
    """The same as messages."""
    convert = Converter(OWN_MAPPING).convert
    for line, record in enumerate(catalogue_records(shop, count=count, seed=seed), start=1):
        product = convert(Record(line, record)).product
        assert product is not None
        yield product


def write_catalogue(shop: str, path: Path, *, count: int = PRODUCT_COUNT, seed: int = SEED) -> None:
    """Writes the catalogue as JSON Lines."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in catalogue_records(shop, count=count, seed=seed):
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def _product(words: ShopWords, chance: random.Random, number: int) -> dict[str, Any]:
    kind = chance.choice(words.kinds)
    group = words.groups[kind.group]
    brand = chance.choice(words.brands)
    model = _model(words, chance)
    person = chance.choice(kind.people) if kind.people else ""
    material = chance.choice(group.materials) if group.materials else ""
    code = brand.translate(_PLAIN).upper()
    product_id = f"{code[:3]}-{number}"
    attributes: dict[str, Any] = {}
    if material:
        attributes[words.material_key] = material
    if person:
        attributes[words.people_key] = person
    for each in group.numbers:
        attributes[each.key] = chance.randrange(each.minimum, each.maximum + 1, each.step)
    record = {
        "id": product_id,
        "title": " ".join(part for part in (brand, model, kind.name, person.lower()) if part),
        "description": _description(words, kind, group, material, chance),
        "brand": brand,
        "mpn": f"{code[:2]}{chance.randrange(1_000, 9_999)}{chance.choice('ABCDEFGHK')}",
        "article_number": str(number),
        "categories": [kind.category],
        "attributes": attributes,
        "images": [{"url": f"https://images.example/{product_id.lower()}.jpg"}],
        "url": f"https://shop.example/p/{product_id.lower()}",
        "language_code": words.language_code,
        "release_time": _date(chance),
        "popularity": round(chance.lognormvariate(3, 1.2), 1),
    }
    if chance.random() < _TAGGED_SHARE:
        record["tags"] = [chance.choice(words.tags)]
    selling, before = _prices(kind, chance)
    return record | _sold(words, group, person, chance, record, selling=selling, before=before)


def _sold(
    words: ShopWords,
    group: Group,
    person: str,
    chance: random.Random,
    record: Mapping[str, Any],
    *,
    selling: int,
    before: int,
) -> dict[str, Any]:
    """Price, stock and codes: of the product itself, or of its variants where it has any."""
    is_for_child = bool(words.child) and person == words.child
    sizes = group.child_sizes if is_for_child and group.child_sizes else group.sizes
    colours = (
        chance.sample(words.colours, chance.choice(_COLOUR_COUNTS)) if group.is_coloured else []
    )
    if not sizes and len(colours) < 2:
        if colours:
            record["attributes"][words.colour_key] = colours[0]
        return _offer(words, chance, selling=selling, before=before)
    count = min(len(sizes), chance.randint(3, 5))
    first = chance.randint(0, len(sizes) - count)
    variants: list[dict[str, Any]] = []
    for colour in colours or [""]:
        for index, size in enumerate(sizes[first : first + count] or ("",)):
            percent = 100 + group.size_price_percent * index
            attributes = {words.colour_key: colour, words.size_key: size}
            variants.append(
                {
                    "id": f"{record['id']}-{len(variants) + 1}",
                    "attributes": {key: value for key, value in attributes.items() if value},
                    **_offer(
                        words,
                        chance,
                        selling=selling * percent // 100,
                        before=before * percent // 100,
                    ),
                }
            )
    return {"variants": variants}


def _offer(words: ShopWords, chance: random.Random, *, selling: int, before: int) -> dict[str, Any]:
    stock = chance.randint(1, 60) if chance.random() < _IN_STOCK_SHARE else 0
    price: dict[str, Any] = {
        "currency_code": words.currency_code,
        "selling_micros": selling * _MICROS,
    }
    if before > selling:
        price["list_micros"] = before * _MICROS
    return {
        "gtins": [_gtin(chance)],
        "prices": [price],
        "availability": "IN_STOCK" if stock else "OUT_OF_STOCK",
        "stock_quantity": stock,
    }


def _prices(kind: Kind, chance: random.Random) -> tuple[int, int]:
    """The price in whole units and the one before a reduction; both end as prices do."""
    # The square makes cheap goods more frequent than dear ones, as they are in shops.
    before = kind.price_min + int((kind.price_max - kind.price_min) * chance.random() ** 2)
    selling = before
    if chance.random() < _REDUCED_SHARE:
        selling = before * chance.choice((90, 80, 75, 70, 60, 50)) // 100
    return _rounded(selling), _rounded(before)


def _rounded(amount: int) -> int:
    """9, 54, 149, 899, 1295: small amounts end in 4 or 9, larger ones in 9, thousands in 95."""
    if amount < 100:
        return max(4, amount // 5 * 5 + 4)
    return amount // 10 * 10 + 9 if amount < 1_000 else amount // 100 * 100 + 95


def _model(words: ShopWords, chance: random.Random) -> str:
    name = chance.choice(words.model_starts) + chance.choice(words.model_ends)
    return f"{name} {chance.choice(words.model_marks)}".strip()


def _description(
    words: ShopWords, kind: Kind, group: Group, material: str, chance: random.Random
) -> str:
    first, second = chance.sample(words.adjectives, 2)
    form = words.articles.index(kind.article) if kind.article else 2
    article = kind.article
    if article == "a" and first[form][0] in "aeiou":
        article = "an"
    opening = words.opening.format(
        article=article,
        first=first[form],
        second=second[form],
        kind=kind.name,
        purpose=chance.choice(group.purposes),
    ).strip()
    sentences = [opening[0].upper() + opening[1:]]
    if chance.random() < 0.75:
        sentences.append(chance.choice(group.features))
    if material and chance.random() < 0.5:
        sentences.append(chance.choice(words.material_sentences).format(material=material))
    return " ".join(sentences)


def _date(chance: random.Random) -> str:
    year = _FIRST_RELEASE_YEAR + chance.randrange(_YEAR_COUNT)
    return f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T00:00:00Z"


def _gtin(chance: random.Random) -> str:
    """A GTIN-13 from the range that GS1 leaves to shops (it begins with 2), so it is nobody's."""
    digits = f"2{chance.randrange(10**11):011}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return digits + str(-total % 10)
