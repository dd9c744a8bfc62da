"""Shows products to a person: prices, stock, and a whole product on a few lines."""

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from protos.v1.common_pb2 import AttributeValue, Availability
from protos.v1.product_pb2 import Price, Product, Variant

_MARKED: Final = re.compile(r"<em>(.*?)</em>", re.DOTALL)
_MICROS: Final = 1_000_000
_VARIANTS_SHOWN_MAX: Final = 5
_ATTRIBUTES_SHOWN_MAX: Final = 12
_IMAGES_SHOWN_MAX: Final = 3

_AVAILABILITY_TEXTS = {
    Availability.AVAILABILITY_UNSPECIFIED: "",
    Availability.IN_STOCK: "in stock",
    Availability.OUT_OF_STOCK: "out of stock",
    Availability.PREORDER: "preorder",
    Availability.BACKORDER: "backorder",
}


_BUYABLE: Final = frozenset({Availability.AVAILABILITY_UNSPECIFIED, Availability.IN_STOCK})


def to_json(message: Message, *, indent: int | None = None) -> str:
    """JSON with the names of the protos; products in it can be imported again."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    return json.dumps(fields, ensure_ascii=False, indent=indent)


def marked_text(marked: str) -> Text:
    """Highlighted text: the marks become bold; all else is HTML-escaped by the server and is undone."""
    text = Text()
    for index, part in enumerate(_MARKED.split(marked)):
        text.append(html.unescape(part), style="bold" if index % 2 else "")
    return text


def amount_text(micros: int) -> str:
    """1299 as "1,299" and 49.95 as "49.95"."""
    whole, rest = divmod(micros, _MICROS)
    return f"{whole:,}" if rest == 0 else f"{micros / _MICROS:,.2f}"


def price_text(price: Price) -> Text:
    """What a shopper pays, and what it cost before a reduction."""
    if not price.selling_micros and not price.currency_code:
        return Text("")
    text = Text(f"{amount_text(price.selling_micros)} {price.currency_code}".strip())
    if price.list_micros > price.selling_micros:
        text.append(f" was {amount_text(price.list_micros)}", style="dim")
    return text


def stock_text(availability: Availability.ValueType, stock_quantity: int | None) -> Text:
    """How many there are, or else whether it can be bought."""
    text = _AVAILABILITY_TEXTS.get(availability, "")
    if availability == Availability.AVAILABILITY_UNSPECIFIED and stock_quantity == 0:
        text = _AVAILABILITY_TEXTS[Availability.OUT_OF_STOCK]
    elif stock_quantity and availability in _BUYABLE:
        text = f"{stock_quantity:,}"
    styles = {"out of stock": "red", "preorder": "yellow", "backorder": "yellow", "": ""}
    return Text(text, style=styles.get(text, "green"))


def product_panel(product: Product, *, title: str = "") -> Panel:
    """One product as it is stored, with what is long cut short."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for name, text in _rows_of(product):
        # Not as a plain string: rich would take "[...]" in a shop's text for its own markup.
        rows.add_row(name, text if isinstance(text, Text) else Text(text))
    return Panel(rows, title=Text(title) if title else None, title_align="left", border_style="dim")


def _rows_of(product: Product) -> Iterable[tuple[str, Text | str]]:
    yield "id", product.id
    yield "title", Text(product.title, style="bold")
    if product.description:
        yield "description", _shortened(product.description, 300)
    for name in ("brand", "mpn", "article_number", "url", "language_code"):
        if getattr(product, name):
            yield name, getattr(product, name)
    for name in ("gtins", "categories", "tags"):
        if getattr(product, name):
            yield name, "\n".join(getattr(product, name))
    yield from _offer_rows(product)
    if product.images:
        yield "images", "\n".join(image.url for image in product.images[:_IMAGES_SHOWN_MAX])
    if product.attributes:
        yield "attributes", _attributes_text(product.attributes)
    if product.variants:
        yield f"{len(product.variants)} variants", "\n".join(_variant_lines(product.variants))


def _offer_rows(product: Product) -> Iterable[tuple[str, Text | str]]:
    for price in product.prices:
        yield f"price {price.market}".strip(), price_text(price)
    if product.availability or product.HasField("stock_quantity"):
        yield "stock", _stock_of(product)
    if product.HasField("release_time"):
        yield "release_time", f"{product.release_time.ToDatetime():%Y-%m-%d %H:%M}"
    if product.popularity:
        yield "popularity", f"{product.popularity:g}"


def _stock_of(item: Product | Variant) -> Text:
    quantity = item.stock_quantity if item.HasField("stock_quantity") else None
    return stock_text(item.availability, quantity)


def _variant_lines(variants: Iterable[Variant]) -> Iterable[str]:
    for count, variant in enumerate(variants):
        if count == _VARIANTS_SHOWN_MAX:
            yield "..."
            return
        price = price_text(variant.prices[0]).plain if variant.prices else ""
        values = ", ".join(
            f"{key} {attribute_text(value)}" for key, value in sorted(variant.attributes.items())
        )
        yield "  ".join(
            part for part in (variant.id, values, price, _stock_of(variant).plain) if part
        )


def attribute_text(value: AttributeValue) -> str:
    """The texts, numbers or boolean of an attribute."""
    if value.HasField("boolean"):
        return "true" if value.boolean else "false"
    return ", ".join([*value.texts, *(f"{number:g}" for number in value.numbers)])


def _attributes_text(attributes: Mapping[str, AttributeValue]) -> Text:
    text = Text()
    for count, key in enumerate(sorted(attributes)):
        if count == _ATTRIBUTES_SHOWN_MAX:
            text.append(f"and {len(attributes) - count} more", style="dim")
            break
        value = attributes[key]
        kind = "number" if value.numbers else "boolean" if value.HasField("boolean") else "text"
        text.append(f"{key} ", style="cyan").append(_shortened(attribute_text(value), 80))
        text.append(f" ({kind})\n", style="dim")
    text.rstrip()
    return text


def _shortened(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1] + "\u2026"
