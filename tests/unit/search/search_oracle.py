"""A search in plain Python, one product after the other: what the engine's answers must equal."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from actors.model.storefront import Storefront
from actors.search.filter_grammar import And, Comparator, Condition, Node, Not, Or, parse_filter
from protos.internal.records_pb2 import InventoryRecord, StockRecord
from protos.v1.common_pb2 import Availability
from protos.v1.product_pb2 import Product, Variant

Catalogue = Mapping[str, tuple[Product, InventoryRecord]]
Row = dict[str, list]


@dataclass(frozen=True)
class Found:
    """A product that passes: its price, and the rows by which it does."""

    product_id: str
    price: float | None
    rows: tuple[Row, ...]
    variant_index: int
    variant_count: int


def form(text: str) -> str:
    """How texts are compared: composed, without case, å before ä."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return "".join({"å": "ä", "ä": "å"}.get(letter, letter) for letter in folded)


def rows_of(product: Product, inventory: InventoryRecord, where: Storefront) -> list[Row]:
    """What each SKU of a product says, with all that holds from its product."""
    items = list(product.variants) or [None]
    stocks = list(inventory.variants) or [None]
    return [
        _row(product, variant, inventory.product, stock, where)
        for variant, stock in zip(items, stocks, strict=True)
    ]


def _row(
    product: Product,
    variant: Variant | None,
    base: StockRecord,
    own: StockRecord | None,
    where: Storefront,
) -> Row:
    row: Row = {
        "id": [product.id],
        "title": [product.title],
        "brand": [product.brand],
        "gtins": list(product.gtins),
        "mpn": [product.mpn],
        "article_number": [product.article_number],
        "tags": list(product.tags),
        "language_code": [product.language_code],
        "categories": _with_parents(product.categories),
        "popularity": [product.popularity],
        "release_time": [],
        "variant_id": [],
    }
    if product.HasField("release_time"):
        row["release_time"] = [float(product.release_time.seconds)]
    _add_attributes(row, product.attributes)
    if variant is not None:
        row["variant_id"] = [variant.id]
        row["gtins"] += list(variant.gtins)
        row["mpn"].append(variant.mpn)
        row["article_number"].append(variant.article_number)
        _add_attributes(row, variant.attributes)
    for key, values in row.items():
        row[key] = [value for value in values if value != ""]
    records = [record for record in (own, base) if record is not None]
    row["price"] = _price(records, where)
    told, quantity = _stock(records, where)
    row["stock_quantity"] = [] if quantity is None else [float(quantity)]
    if not told:
        told = Availability.OUT_OF_STOCK if quantity == 0 else Availability.IN_STOCK
    row["availability"] = [Availability.Name(told)]
    return row


def _with_parents(paths: Sequence[str]) -> list[str]:
    parts = [path.split(" > ") for path in paths]
    return sorted({" > ".join(p[:depth]) for p in parts for depth in range(1, len(p) + 1)})


def _add_attributes(row: Row, attributes: Mapping) -> None:
    for key, value in attributes.items():
        values = row.setdefault(f"attributes.{key}", [])
        values += value.texts
        values += value.numbers
        if value.HasField("boolean"):
            values.append(value.boolean)


def _price(records: list[StockRecord], where: Storefront) -> list[float]:
    """The first price that holds: the list's before ordinary ones, the market's before those of all."""
    own, base = records[0], records[-1]
    for price_list in dict.fromkeys((where.price_list, "")):
        is_closed = own is not base and _is_closed(own, price_list)
        for market in dict.fromkeys((where.market, "")):
            timed, lasting = _priced(own, market, price_list, where.now_ms)
            if own is not base and not is_closed:
                base_timed, base_lasting = _priced(base, market, price_list, where.now_ms)
                # A variant's price shuts out its product's campaigns there, and its own campaigns do.
                if lasting is None and not _is_timed(own, market, price_list):
                    timed = base_timed
                if lasting is None:
                    lasting = base_lasting
            if timed is not None or lasting is not None:
                return [(lasting if timed is None else timed) / 1_000_000]
    return []


def _priced(
    record: StockRecord, market: str, price_list: str, now_ms: int
) -> tuple[int | None, int | None]:
    """What a record asks in this window of time, and what it asks otherwise."""
    timed: tuple[int, int] | None = None
    lasting = None
    for price in record.prices:
        if (price.market, price.price_list) != (market, price_list):
            continue
        if not (price.HasField("valid_from") or price.HasField("valid_until")):
            lasting = price.selling_micros if lasting is None else lasting
            continue
        start = price.valid_from.ToMilliseconds() if price.HasField("valid_from") else -1
        is_over = price.HasField("valid_until") and price.valid_until.ToMilliseconds() <= now_ms
        if start <= now_ms and not is_over and (timed is None or start > timed[0]):
            timed = (start, price.selling_micros)
    return None if timed is None else timed[1], lasting


def _is_timed(record: StockRecord, market: str, price_list: str) -> bool:
    """Whether a record has any price with a window there: then it takes none from its product."""
    return any(
        (price.market, price.price_list) == (market, price_list)
        and (price.HasField("valid_from") or price.HasField("valid_until"))
        for price in record.prices
    )


def _is_closed(own: StockRecord, price_list: str) -> bool:
    """Whether a variant has a lasting price for all markets in a list: then its product's do not hold."""
    return any(
        not price.market
        and price.price_list == price_list
        and not (price.HasField("valid_from") or price.HasField("valid_until"))
        for price in own.prices
    )


def _stock(records: list[StockRecord], where: Storefront) -> tuple[int, int | None]:
    """Availability (0: not told) and quantity: the narrowest place that is told, the variant's word first."""
    places = [(where.market, where.store), ("", where.store), (where.market, "")]
    for place in places:
        for record in records:
            for level in record.levels:
                is_told = level.availability or level.HasField("stock_quantity")
                if (level.market, level.store) == place and is_told:
                    quantity = level.stock_quantity if level.HasField("stock_quantity") else None
                    return level.availability, quantity
    told = next((record.availability for record in records if record.availability), 0)
    quantities = [r.stock_quantity for r in records if r.HasField("stock_quantity")]
    return told, quantities[0] if quantities else None


def find(catalogue: Catalogue, ids: Sequence[str], text: str, where: Storefront) -> list[Found]:
    """The products among `ids` that pass the filter `text`."""
    return find_terms(catalogue, ids, terms_of(text), where)


def find_terms(
    catalogue: Catalogue, ids: Sequence[str], terms: Sequence[Node], where: Storefront
) -> list[Found]:
    """The products among `ids` that pass all of the terms; those on price come last."""
    found = []
    for product_id in ids:
        rows = list(enumerate(rows_of(*catalogue[product_id], where)))
        passing, cheapest = passing_rows(rows, terms)
        if not passing:
            continue
        has_variants = bool(catalogue[product_id][0].variants)
        best = min(passing, key=lambda row: (not row[1]["price"], row[1]["price"], row[0]))
        found.append(
            Found(
                product_id,
                cheapest,
                tuple(row for _, row in passing),
                best[0] if has_variants else -1,
                len(passing) if has_variants else 0,
            )
        )
    return found


def passing_rows(
    rows: Sequence[tuple[int, Row]], terms: Sequence[Node]
) -> tuple[list[tuple[int, Row]], float | None]:
    """Which of a product's rows pass, and what the product costs."""
    rows = [row for row in rows if all(holds(t, row[1]) for t in terms if "price" not in fields(t))]
    cheapest = min((row["price"][0] for _, row in rows if row["price"]), default=None)
    passing = []
    for index, row in rows:
        asked = {**row, "price": [] if cheapest is None else [cheapest]}
        if all(holds(t, asked) for t in terms if "price" in fields(t)):
            passing.append((index, row))
    return passing, cheapest


def terms_of(text: str) -> list[Node]:
    """What a filter joins by AND."""
    node = parse_filter(text)
    return [] if node is None else list(node.parts) if isinstance(node, And) else [node]


def fields(node: Node) -> set[str]:
    """The fields that a filter mentions."""
    if isinstance(node, Condition):
        return {node.field}
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return set().union(*(fields(part) for part in parts))


def holds(node: Node, row: Row) -> bool:
    """Whether a row passes."""
    if isinstance(node, Not):
        return not holds(node.part, row)
    if isinstance(node, And):
        return all(holds(part, row) for part in node.parts)
    if isinstance(node, Or):
        return any(holds(part, row) for part in node.parts)
    return any(_compares(node, value) for value in row.get(node.field, []))


def _compares(condition: Condition, value: object) -> bool:
    text, comparator = condition.value.text, condition.comparator
    if condition.value.is_any:
        return True
    if isinstance(value, bool):
        is_equality = comparator in {Comparator.EQUALS, Comparator.HAS}
        return is_equality and text.lower() == str(value).lower()
    if isinstance(value, float):
        number = _number(condition.field, text)
        return number is not None and _ordered(comparator, value, number)
    assert isinstance(value, str)
    if condition.field == "availability":
        return text.upper() == value
    number = _number(condition.field, text)
    if (
        number is not None
        and condition.field.startswith("attributes.")
        and comparator not in {Comparator.EQUALS, Comparator.HAS}
    ):
        return False
    exact = condition.field in {"id", "variant_id"}
    mine = value if exact else form(value)
    asked = text if exact else form(text)
    if condition.field == "categories" and comparator is Comparator.EQUALS:
        asked = " > ".join(part.strip() for part in asked.split(">"))
    if condition.value.is_open:
        asked = asked.removesuffix("*")
        if comparator is Comparator.EQUALS:
            return mine.startswith(asked)
    if comparator is Comparator.HAS:
        return _has_words(mine, " ".join(asked.split()), is_open=condition.value.is_open)
    return _ordered(comparator, mine, asked)


def _number(field: str, text: str) -> float | None:
    if field == "release_time":
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    try:
        return float(text)
    except ValueError:
        return None


def _ordered(comparator: Comparator, left, right) -> bool:
    return {
        Comparator.EQUALS: left == right,
        Comparator.HAS: left == right,
        Comparator.LESS: left < right,
        Comparator.AT_MOST: left <= right,
        Comparator.GREATER: left > right,
        Comparator.AT_LEAST: left >= right,
    }[comparator]


def _has_words(text: str, words: str, *, is_open: bool) -> bool:
    for start in range(len(text)):
        if not text.startswith(words, start):
            continue
        before, behind = text[:start][-1:], text[start + len(words) :][:1]
        if before.isalnum() and words[0].isalnum():
            continue
        if is_open or not (behind.isalnum() and words[-1].isalnum()):
            return True
    return False


def values_of(found: Found, key: str) -> set:
    """The different values of a field that make a product count."""
    if key == "price":
        return set() if found.price is None else {(float, found.price)}
    return {(type(v), v) for row in found.rows for v in row.get(key, [])}


def count_values(found: Sequence[Found], key: str, parent: str = "") -> Counter:
    """How many products have each (type, value): 1.0 and True are different values."""
    counts: Counter = Counter()
    for one in found:
        values = values_of(one, key)
        if key == "categories":
            depth = parent.count(" > ") + 1 if parent else 0
            start = f"{parent} > " if parent else ""
            values = {v for v in values if v[1].count(" > ") == depth and v[1].startswith(start)}
        counts.update(values)
    return counts


def sorted_ids(found: Sequence[Found], order_by: str) -> list[str]:
    """The products in the order of up to three keys."""
    ordered = sorted(found, key=lambda one: one.product_id.encode())
    for key in reversed(order_by.split(",")):
        field, *direction = key.split()
        is_descending = direction == ["desc"]
        for kind in reversed(_kinds(field)):
            ordered = _sorted_by(ordered, field, kind, is_descending=is_descending)
    return [one.product_id for one in ordered]


def _kinds(field: str) -> tuple[type, ...]:
    return (float, str, bool) if field.startswith("attributes.") else (object,)


_STOCK_ORDER = ("IN_STOCK", "PREORDER", "BACKORDER", "OUT_OF_STOCK")


def _sorted_by(found: list[Found], field: str, kind: type, *, is_descending: bool) -> list[Found]:
    def places(one: Found) -> list:
        if field == "price":
            return [] if one.price is None else [one.price]
        values = [v for row in one.rows for v in row.get(field, []) if isinstance(v, kind)]
        if field == "categories":
            values = [v for v in values if " > " not in v]
        if field == "availability":
            return [_STOCK_ORDER.index(v) for v in values]
        if values and isinstance(values[0], str):
            exact = field in {"id", "variant_id"}
            return [(v.encode() if exact else form(v).encode(), _text_tie(v)) for v in values]
        return values

    choose = max if is_descending else min
    valued = [one for one in found if places(one)]
    valued.sort(key=lambda one: choose(places(one)), reverse=is_descending)
    return valued + [one for one in found if not places(one)]


def _text_tie(text: str) -> bytes:
    """Texts that are equal without case: the lower-case one is first, others by their bytes."""
    return b"" if text == form(text) else text.encode()


def listed_ids(found: Sequence[Found]) -> list[str]:
    """The products in the order of a listing page: in stock, popular, new, then by id."""

    def place(one: Found) -> tuple:
        stock = min(_STOCK_ORDER.index(row["availability"][0]) for row in one.rows)
        released = one.rows[0]["release_time"]
        return (
            stock,
            -one.rows[0]["popularity"][0],
            not released,
            -released[0] if released else 0,
            one.product_id.encode(),
        )

    return [one.product_id for one in sorted(found, key=place)]
