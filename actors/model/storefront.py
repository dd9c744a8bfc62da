"""Where and when a shopper looks: what decides which prices and which stock count.

Prices and stock are told for *scopes*: a market, or a price list or store within it. A scope is written as one text,
`market` or `market/detail`, with an empty market for all; markets hold no slash.
"""

from dataclasses import dataclass
from typing import Final

from actors.model.names import MARKET
from node.errors import InvalidArgumentError

DETAIL_SIZE_BYTES_MAX: Final = 64
"""Of a price list's or store's name: it stands in keys of the index, which are short."""


@dataclass(frozen=True, slots=True)
class Storefront:
    """What a request says about where it is asked."""

    market: str = ""
    price_list: str = ""
    store: str = ""
    now_ms: int = 0
    """Milliseconds since 1970: which prices hold now."""

    @property
    def price_scopes(self) -> tuple[str, ...]:
        """Where a price may be told, the first that has one wins: the price list, then ordinary prices."""
        scopes = (scope_of(self.market, self.price_list), scope_of("", self.price_list))
        return tuple(dict.fromkeys((*scopes, self.market, "")))

    @property
    def stock_scopes(self) -> tuple[str, ...]:
        """Where stock may be told apart from the general, the first that is told wins: store, then market."""
        scopes = (scope_of(self.market, self.store), scope_of("", self.store), self.market)
        return tuple(scope for scope in dict.fromkeys(scopes) if scope)


GENERAL: Final = Storefront()
"""No market, price list or store: what holds for all."""


def scope_of(market: str, detail: str) -> str:
    """The text of a scope; of a market as a whole without a detail."""
    return f"{market}/{detail}" if detail else market


def detail_of(scope: str) -> str:
    """The price list or store of a scope; empty: the market as a whole."""
    return scope.partition("/")[2]


def detail_problem(name: str) -> str | None:
    """What is wrong with the name of a price list or store, or None."""
    if len(name.encode(errors="replace")) > DETAIL_SIZE_BYTES_MAX:
        return f"is longer than {DETAIL_SIZE_BYTES_MAX} bytes"
    return None if name.isprintable() else "holds a control character; use printable ones"


def check_storefront(storefront: Storefront) -> None:
    """Refuse names that no market, price list or store can have.

    Raises:
        InvalidArgumentError: names the one that is wrong.
    """
    if storefront.market and not MARKET.fullmatch(storefront.market):
        raise InvalidArgumentError.of(
            "market", 'is no market: at most 32 letters, digits, "_" and "-" are allowed'
        )
    for field, name in (("price_list", storefront.price_list), ("store", storefront.store)):
        problem = detail_problem(name) if name else None
        if problem:
            raise InvalidArgumentError.of(field, problem)
