"""What a valid price is, and which price a market sees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.model.names import CURRENCY_CODE, MARKET
from actors.model.storefront import Storefront, detail_of, detail_problem, scope_of
from node.errors import Violation
from protos.internal.records_pb2 import StockRecord
from protos.v1.product_pb2 import Price

MICROS: Final = 1_000_000
AMOUNT_MICROS_MAX: Final = 10**9 * MICROS
"""A billion units: the amounts stay exact in an int64 column and in a double."""

TIME_MS_MAX: Final = 1 << 60
"""Later than any time that a message can hold."""


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
        problem = detail_problem(price.price_list)
        if problem:
            yield Violation(f"{where}.price_list", problem)
        if price.HasField("valid_from") or price.HasField("valid_until"):
            yield from _window_violations(price, where)
            continue
        key = (price.market, price.price_list)
        if key in seen:
            yield Violation(
                where, "this market and price list already have a price without a window"
            )
        seen.add(key)


def _window_violations(price: Price, where: str) -> Iterator[Violation]:
    try:
        start, end = window_ms(price)
    except ValueError:
        yield Violation(where, "valid_from or valid_until is no time between the years 1 and 9999")
        return
    if start >= end:
        yield Violation(f"{where}.valid_until", "must be later than valid_from")


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


@dataclass(frozen=True, slots=True)
class PriceTable:
    """What one SKU costs where, by scope (`storefront`)."""

    lasting: Mapping[str, Price]
    """Prices without a window: the first of each scope."""
    timed: Mapping[str, tuple[Price, ...]]
    """Prices with a window, the later written first: of equal beginnings the last one counts."""

    def price(self, storefront: Storefront) -> Price | None:
        """What a shopper sees and a search uses."""
        for scope in storefront.price_scopes:
            holding = [
                (window_ms(price)[0], price)
                for price in self.timed.get(scope, ())
                if _holds(price, storefront.now_ms)
            ]
            if holding:
                latest = max(begun for begun, _ in holding)
                return [price for begun, price in holding if begun == latest][-1]
            if scope in self.lasting:
                return self.lasting[scope]
        return None


def sku_prices(own: StockRecord, product: StockRecord) -> PriceTable:
    """The prices of a variant, given its own record and its product's; of a product, given its own twice.

    What a variant does not price in a market holds from its product, unless it has a price for all markets. Each
    price list is by itself in this.
    """
    if own is product or not own.prices:
        return _table(product.prices)
    told = _table(own.prices)
    base = _table(product.prices)
    closed = {detail_of(scope) for scope in told.lasting if scope[:1] in {"", "/"}}
    lasting = {s: p for s, p in base.lasting.items() if detail_of(s) not in closed}
    timed = {
        scope: prices
        for scope, prices in base.timed.items()
        if detail_of(scope) not in closed and scope not in told.lasting
    }
    return PriceTable({**lasting, **told.lasting}, {**timed, **told.timed})


def window_ms(price: Price) -> tuple[int, int]:
    """Milliseconds since 1970: from when a price holds, and until just before when."""
    start = price.valid_from.ToMilliseconds() if price.HasField("valid_from") else -TIME_MS_MAX
    end = price.valid_until.ToMilliseconds() if price.HasField("valid_until") else TIME_MS_MAX
    return start, end


def _table(prices: Sequence[Price]) -> PriceTable:
    lasting: dict[str, Price] = {}
    timed: dict[str, tuple[Price, ...]] = {}
    for price in prices:
        scope = price.market
        if price.price_list:
            if detail_problem(price.price_list):
                continue  # Stored before names were checked; nobody can ask for it.
            scope = scope_of(scope, price.price_list)
        if price.HasField("valid_from") or price.HasField("valid_until"):
            timed[scope] = (price, *timed.get(scope, ()))
        else:
            lasting.setdefault(scope, price)
    return PriceTable(lasting, timed)


def _holds(price: Price, now_ms: int) -> bool:
    start, end = window_ms(price)
    return start <= now_ms < end
