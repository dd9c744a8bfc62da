"""Baskets of a shop's invoices: the UCI "Online Retail" file and what of it is a purchase."""

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from node.errors import SaluhallError

_PRODUCT: Final = re.compile(r"\d{5}[A-Za-z]*")
"""Postage, bank charges, samples, vouchers and manual corrections have words for codes."""
_COLUMNS: Final = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice")

CLEANING: Final = (
    "left out: cancelled invoices (their number begins with C) and corrections of debts (A), lines with a "
    "quantity or a price of 0 or less (returns, losses, gifts), and codes that are no products (postage, "
    "fees, vouchers, manual lines); codes in capitals; a product counts once in a basket"
)


class BasketsFileError(SaluhallError):
    """A file of invoices cannot be read."""


@dataclass(frozen=True, slots=True)
class Basket:
    """One invoice."""

    key: bytes
    time_ms: int
    products: tuple[bytes, ...]  # distinct, ascending


def read_baskets(path: Path) -> list[Basket]:
    """The purchases of a file (CSV, gzipped or not) in order of time; times are taken as UTC."""
    products: defaultdict[str, set[str]] = defaultdict(set)
    times: dict[str, str] = {}
    for row in _rows(path):
        try:
            is_purchase = _is_purchase(row)
        except (TypeError, ValueError) as error:
            raise BasketsFileError(f"{path}: {row} is no line of an invoice") from error
        if is_purchase:
            products[row["InvoiceNo"]].add(row["StockCode"].upper())
            times.setdefault(row["InvoiceNo"], row["InvoiceDate"])
    baskets = [
        Basket(number.encode(), milliseconds(times[number]), tuple(sorted(map(str.encode, codes))))
        for number, codes in products.items()
    ]
    return sorted(baskets, key=lambda basket: (basket.time_ms, basket.key))


def milliseconds(text: str) -> int:
    """A date, or a date with a time, in ms since 1970 UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with ExitStack() as closing:
        if path.suffix == ".gz":
            file: TextIO = closing.enter_context(
                gzip.open(path, "rt", encoding="utf-8", newline="")
            )
        else:
            file = closing.enter_context(path.open(encoding="utf-8", newline=""))
        rows = csv.DictReader(file)
        if not set(_COLUMNS) <= set(rows.fieldnames or ()):
            raise BasketsFileError(f"{path}: needs the columns {', '.join(_COLUMNS)}")
        yield from rows


def _is_purchase(row: dict[str, str]) -> bool:
    return (
        row["InvoiceNo"].isdigit()
        and float(row["Quantity"]) > 0
        and float(row["UnitPrice"]) > 0
        and _PRODUCT.fullmatch(row["StockCode"]) is not None
    )
