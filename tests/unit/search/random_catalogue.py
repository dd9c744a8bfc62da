"""Small random catalogues with variants, and random queries about them, from one seed."""

import random

from actors.index.schema import FieldSetting, Schema
from actors.model.storefront import Storefront
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.common_pb2 import AttributeValue
from protos.v1.product_pb2 import Price, Product, Variant

BRANDS = ("Sony", "sony", "Haglöfs", "HP", "Ångström", "Ärla", "Zebra", "Two Words", "Word")
COLOURS = ("red", "Blue", "light blue", "GREEN", "grön", "42")
CATEGORIES = (
    "Clothes",
    "Clothes > Jackets",
    "Clothes > Jackets > Winter jackets",
    "Clothes > Jackets & coats",
    "Electronics > USB",
    "Electronics",
)
WORDS = ("usb", "hub", "jacket", "winter", "blue", "cable", "for", "kids")
MARKETS = ("", "se", "no")
PLACES = (("se", ""), ("no", ""), ("se", "lund"), ("no", "oslo"), ("", "lund"), ("", "oslo"))
ATTRIBUTES = ("colour", "size", "mixed", "waterproof", "width")
CORE = (
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
    "price",
    "availability",
    "stock_quantity",
    "popularity",
    "release_time",
)


def schema() -> Schema:
    """Every field may be used for everything."""
    keys = [*CORE, *(f"attributes.{key}" for key in ATTRIBUTES)]
    setting = FieldSetting(1.0, facetable=True, filterable=True, sortable=True)
    return Schema(
        language_codes=("en",),
        fields=dict.fromkeys(keys, setting),
        average_lengths={},
        weights_version=1,
    )


def product(rng: random.Random, product_id: str) -> tuple[Product, InventoryRecord]:
    """A product, of which every part may be missing."""
    made = Product(
        id=product_id,
        title=" ".join(rng.choices(WORDS, k=rng.randint(1, 5))),
        brand=rng.choice(("", *BRANDS)),
        mpn=rng.choice(("", "M-1", "m-1", "M-2")),
        language_code=rng.choice(("", "sv", "en")),
        popularity=rng.choice((0, 0, 1.5, 2.5, 10)),
        categories=rng.sample(CATEGORIES, k=rng.randint(0, 3)),
        tags=rng.sample(("sale", "new", "eco"), k=rng.randint(0, 2)),
        gtins=rng.sample(("111", "222", "333"), k=rng.randint(0, 2)),
    )
    if rng.random() < 0.7:
        made.release_time.seconds = rng.choice((0, 86_400, 1_700_000_000, 1_600_000_000))
    _set_attributes(rng, made)
    for number in range(rng.choice((0, 0, 0, 1, 2, 3))):
        made.variants.append(_variant(rng, f"{product_id}-{number}"))
    return made, inventory(rng, len(made.variants))


def inventory(rng: random.Random, variant_count: int) -> InventoryRecord:
    """Prices and stock of a product and its variants."""
    return InventoryRecord(
        product=_stock(rng), variants=[_stock(rng) for _ in range(variant_count)]
    )


def _stock(rng: random.Random) -> StockRecord:
    stock = StockRecord(availability=rng.choice((0, 0, 0, 1, 2, 3, 4)))
    for market in rng.sample(MARKETS, k=rng.randint(0, 3)):
        stock.prices.add(market=market, selling_micros=rng.choice((0, 99_900_000, 500_000_000, 7)))
    while rng.random() < 0.4:
        price = Price(market=rng.choice(MARKETS), selling_micros=rng.choice((1, 50_000_000)))
        price.price_list = rng.choice(("", "vip", "staff"))
        if not price.price_list or rng.random() < 0.3:
            price.valid_from.seconds = rng.choice((0, 10, 20))
            if rng.random() < 0.7:
                price.valid_until.seconds = price.valid_from.seconds + rng.choice((5, 15))
        stock.prices.insert(rng.randint(0, len(stock.prices)), price)
    if rng.random() < 0.5:
        stock.stock_quantity = rng.choice((0, 0, 1, 5, 100))
    for market, store in rng.sample(PLACES, k=rng.choice((0, 0, 1, 2))):
        level = stock.levels.add(market=market, store=store, availability=rng.choice((0, 0, 1, 3)))
        if rng.random() < 0.7:
            level.stock_quantity = rng.choice((0, 2, 5))
    return stock


def storefront(rng: random.Random) -> Storefront:
    """Somewhere to ask from; often where prices of lists and levels of stores count."""
    return Storefront(
        market=rng.choice(MARKETS),
        price_list=rng.choice(("", "", "vip", "staff", "nobody")),
        store=rng.choice(("", "", "lund", "oslo", "nowhere")),
        now_ms=rng.choice((0, 12_000, 22_000, 10**12)),
    )


def _variant(rng: random.Random, sku: str) -> Variant:
    made = Variant(id=sku, mpn=rng.choice(("", "M-1", "V-9")))
    made.gtins.extend(rng.sample(("111", "444"), k=rng.randint(0, 1)))
    _set_attributes(rng, made)
    return made


def _set_attributes(rng: random.Random, item: Product | Variant) -> None:
    def put(key: str, value: AttributeValue) -> None:
        item.attributes[key].CopyFrom(value)

    if rng.random() < 0.6:
        put("colour", AttributeValue(texts=rng.sample(COLOURS, k=rng.randint(1, 3))))
    if rng.random() < 0.6:
        put("size", AttributeValue(numbers=rng.choices((36, 42, 42.5, -1), k=rng.randint(1, 2))))
    if rng.random() < 0.4:
        put("waterproof", AttributeValue(boolean=rng.random() < 0.5))
    if rng.random() < 0.5:
        put("mixed", _mixed(rng))
    if rng.random() < 0.1:
        put("width", AttributeValue(numbers=[rng.choice((0.1, 2.5, 1e15))]))


def _mixed(rng: random.Random) -> AttributeValue:
    kind = rng.randrange(3)
    if kind == 0:
        return AttributeValue(texts=[rng.choice(("42", "M", "true", "x y"))])
    if kind == 1:
        return AttributeValue(numbers=[rng.choice((42, 1, 0))])
    return AttributeValue(boolean=rng.random() < 0.5)


def random_filter(rng: random.Random, depth: int = 0) -> str:
    """A filter that parses, with every kind of condition."""
    joiner = rng.choice((" AND ", " ", " OR "))
    parts = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        part = condition(rng)
        if depth < 2 and rng.random() < 0.25:
            part = f"({random_filter(rng, depth + 1)})"
        parts.append(rng.choice(("", "", "", "NOT ", "-")) + part)
    return joiner.join(parts)


def condition(rng: random.Random) -> str:
    """One condition on a random field."""
    order = rng.choice(("=", "!=", "<", "<=", ">", ">=", ":"))
    equality = rng.choice(("=", "!=", ":"))
    return rng.choice(
        (
            f'brand {order} "{rng.choice(BRANDS)}"',
            f"brand {rng.choice(('=', ':'))} {rng.choice(('so*', 'Å*', 'two*', 'word*'))}",
            'brand : "word"',
            f'attributes.colour {order} "{rng.choice((*COLOURS, "blue"))}"',
            f"attributes.colour {equality} (red OR blue)",
            f"attributes.size {order} {rng.choice(('42', '42.5', '-1', '36.0'))}",
            f"attributes.mixed {order} {rng.choice(('42', '1', 'true', 'false', 'M', 'x'))}",
            f"attributes.waterproof {equality} {rng.choice(('true', 'false'))}",
            f"attributes.width {order} 2.5",
            f"price {order} {rng.choice(('99.9', '0', '500', '0.000007', '1e3', '-5'))}",
            f"stock_quantity {order} {rng.choice(('0', '1', '4.5'))}",
            f"popularity {order} {rng.choice(('0', '1.5', '10'))}",
            f"release_time {order} {rng.choice(('1970-01-02', '2023-11-14T22:13:20Z'))}",
            f"availability {equality} {rng.choice(('IN_STOCK', 'out_of_stock', 'PREORDER'))}",
            f'categories {order} "{rng.choice(CATEGORIES)}"',
            'categories : "jackets"',
            f"tags {equality} {rng.choice(('sale', 'new'))}",
            f"gtins {equality} {rng.choice(('111', '444'))}",
            f"mpn {equality} m-1",
            'title : "usb hub"',
            f'id {order} "p05"',
            f"variant_id {equality} p03-0",
            f"{rng.choice(('brand', 'price', 'attributes.mixed', 'release_time', 'tags'))}:*",
        )
    )
