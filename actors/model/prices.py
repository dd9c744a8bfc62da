"""What a valid price is, and which price a market sees."""

from collections.abc import Iterable, Iterator
from typing import Final

from actors.model.names import CURRENCY_CODE, MARKET
from node.errors import Violation
from protos.v1.product_pb2 import Price

MICROS: Final = 1_000_000
AMOUNT_MICROS_MAX: Final = 10**9 * MICROS
"""A billion units: the amounts stay exact in an int64 column and in a double."""


def price_violations(
    prices: Iterable[Price], *, currency_code: str, path: str
) -> Iterator[Violation]:
    """What is wrong with a list of prices; an empty currency becomes the tenant's."""
    seen: set[tuple[str, str]] = set()
    for index, price in enumerate(prices):
        where = f"{path}[{index}]"
        if not price.currency_code:
            price.currency_code = currency_code
        yield from _currency_violations(price, currency_code, where)
        if not 0 <= price.selling_micros <= AMOUNT_MICROS_MAX:
            yield Violation(f"{where}.selling_micros", _amount_problem(price.selling_micros))
        if not 0 <= price.list_micros <= AMOUNT_MICROS_MAX:
            yield Violation(f"{where}.list_micros", _amount_problem(price.list_micros))
        if not 0 <= price.lowest_30_days_micros <= AMOUNT_MICROS_MAX:
            amount = price.lowest_30_days_micros
            yield Violation(f"{where}.lowest_30_days_micros", _amount_problem(amount))
        key = (price.market, price.price_list)
        if key in seen and not price.HasField("valid_from"):
            yield Violation(where, "this market and price list already have a price")
        seen.add(key)


def _currency_violations(price: Price, currency_code: str, where: str) -> Iterator[Violation]:
    if not CURRENCY_CODE.fullmatch(price.currency_code):
        yield Violation(
            f"{where}.currency_code", f'"{price.currency_code[:16]}" is no ISO 4217 code like SEK'
        )
    elif not price.market and price.currency_code != currency_code:
        yield Violation(
            f"{where}.currency_code",
            f"is {price.currency_code}, but prices without a market are in {currency_code}; "
            "convert the amount or name its market",
        )
    if not MARKET.fullmatch(price.market):
        yield Violation(f"{where}.market", 'at most 32 letters, digits, "_" and "-" are allowed')


def _amount_problem(amount: int) -> str:
    if amount < 0:
        return f"is {amount}; an amount is at least 0"
    return f"is {amount} millionths; at most a billion units are allowed"


def price_in_market(prices: Iterable[Price], market: str) -> Price | None:
    """The price that search uses: the market's own, else that of all markets; no price list's."""
    fallback = None
    for price in prices:
        if price.price_list:
            continue
        if price.market == market:
            return price
        if not price.market and fallback is None:
            fallback = price
    return fallback
