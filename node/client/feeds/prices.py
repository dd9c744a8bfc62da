"""Fills the prices of a product or variant from a record."""

from collections.abc import Callable
from typing import Any, Final

from node.client.feeds.messages import Get, Message, getter_of
from node.client.feeds.records import Fields, ValueRefusedError, shown
from node.client.feeds.rules import PriceSource
from node.client.feeds.values import is_empty, to_amount, to_text, to_time
from protos.v1.product_pb2 import Price


def price_filler(source: PriceSource, decimal: str) -> Callable[[Message, Fields], None]:
    get_selling, get_sale = getter_of(source.selling), getter_of(source.sale)
    get_list, get_currency = getter_of(source.list_price), getter_of(source.currency_field)

    def amount(fields: Fields, get: Get) -> tuple[int, str]:
        value = get(fields)
        if is_empty(value):
            return 0, ""
        return to_amount(value, price_scale=source.price_scale, decimal_separator=decimal)

    def fill(message: Message, fields: Fields) -> None:
        if is_empty(get_selling(fields)):
            return
        selling, currency = amount(fields, get_selling)
        list_micros, list_currency = amount(fields, get_list)
        sale, sale_currency = amount(fields, get_sale)
        named = to_text(get_currency(fields)).upper() or currency
        for other in (list_currency, sale_currency):
            if named and other and other != named:
                raise ValueRefusedError(
                    f"{other} and {named} in one line; one market has one currency"
                )
        if sale and sale < selling:
            selling, list_micros = sale, selling
        price = message.prices.add(
            market=source.market, currency_code=named or source.currency, selling_micros=selling
        )
        if list_micros > selling:
            price.list_micros = list_micros

    return fill


_OWN_TEXTS: Final = ("market", "currency_code", "price_list")
_OWN_AMOUNTS: Final = ("selling_micros", "list_micros", "lowest_30_days_micros")
_OWN_TIMES: Final = ("valid_from", "valid_until")


def own_price(own: dict[str, Any]) -> Price:
    """A price as the platform writes it (`saluhall products list --json`)."""
    unknown = own.keys() - {*_OWN_TEXTS, *_OWN_AMOUNTS, *_OWN_TIMES}
    if unknown:
        raise ValueRefusedError(f"{min(unknown)!r} is no part of a price")
    price = Price()
    for name in _OWN_TEXTS:
        setattr(price, name, to_text(own.get(name)))
    for name in _OWN_AMOUNTS:
        if not is_empty(own.get(name)):
            setattr(price, name, _own_micros(own[name]))
    for name in _OWN_TIMES:
        if not is_empty(own.get(name)):
            seconds, nanos = to_time(to_text(own[name]), ())
            getattr(price, name).seconds = seconds
            getattr(price, name).nanos = nanos
    return price


def _own_micros(value: object) -> int:
    """JSON of protobuf writes 64-bit numbers as texts."""
    text = to_text(value)
    if not text.isascii() or not text.isdecimal():
        raise ValueRefusedError(f"{shown(value)} is not a whole number of micros, 0 or more")
    return int(text)
