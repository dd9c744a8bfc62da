"""The order of an answer: sort keys as arrays, and the best of many without sorting all.

Within a segment a key is one number for each product, smaller is earlier, so that the first k are found
by partition. Between segments the few that were found are compared by what the numbers stand for.
Whatever the direction, a product without a value comes last; ties are broken by product id, which is the
order of ordinals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.columns import MISSING, Column
from actors.index.schema import Schema
from actors.search.fields import Field, Kind, Use, field_of
from actors.search.passing import Passing
from actors.search.query import SORT_KEYS_MAX
from actors.search.rows import Rows
from node.errors import InvalidArgumentError
from protos.v1.common_pb2 import Availability

AnyArray = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]

RELEVANCE: Final = "relevance"

_LAST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field and a direction."""

    field: Field
    is_descending: bool


@dataclass(frozen=True, slots=True)
class KeyArray:
    """One sort key of the products of one segment."""

    places: AnyArray
    """Any number type, [n]: smaller is earlier, the largest of its type is "no value"."""
    value_of: Callable[[int], object] | None
    """What a place stands for, comparable between segments; None: the place itself."""
    is_descending: bool = False
    """Whether larger values (not places) are earlier."""

    @property
    def last(self) -> float | int:
        """The place of products without a value."""
        if self.places.dtype == np.float64:
            return float("inf")
        return int(np.iinfo(self.places.dtype).max)


def parse_order(order_by: str, schema: Schema) -> tuple[SortKey, ...]:
    """The sort keys of `order_by`; none for the order of relevance.

    Raises:
        InvalidArgumentError: it has another form, more than 3 keys, or names what cannot be sorted by.
    """
    if not order_by or order_by == RELEVANCE:
        return ()
    parts = [part.split() for part in order_by.split(",")]
    if all(not part for part in parts) and len(parts) == 1:
        return ()
    if len(parts) > SORT_KEYS_MAX:
        raise _refused(f"has {len(parts)} keys; at most {SORT_KEYS_MAX} are allowed")
    keys = []
    for part in parts:
        if not 1 <= len(part) <= 2 or (len(part) == 2 and part[1] not in {"asc", "desc"}):
            raise _refused(
                f'"{" ".join(part)[:80]}" is no sort key; write for example "price desc, title"'
            )
        if part[0] == RELEVANCE:
            if len(parts) > 1 or part[1:] == ["asc"]:
                raise _refused('"relevance" stands alone, without a direction')
            return ()
        keys.append(
            SortKey(field_of(part[0], schema, Use.SORT, path="order_by"), part[1:] == ["desc"])
        )
    return tuple(keys)


def key_arrays(keys: Sequence[SortKey], found: Passing) -> list[KeyArray]:
    """The sort keys of the products that pass, in one segment."""
    arrays: list[KeyArray] = []
    for key in keys:
        arrays += _field_arrays(key, found)
    return arrays


def listing_arrays(
    found: Passing, popularity: npt.NDArray[np.float64] | None = None
) -> list[KeyArray]:
    """The order of a listing page: in stock, popular, new.

    `popularity`: float64[P], of all products of the segment; None: what the shop tells.
    """
    rows = found.rows
    if popularity is None:
        popularity = extreme_numbers(rows.columns.number("popularity"), rows, is_descending=True)
    elif rows.ordinals is not None:
        popularity = popularity.take(rows.ordinals)
    return [
        _availability(found, is_descending=False),
        _numbers(popularity, is_descending=True, default=0.0),
        _numbers(
            extreme_numbers(rows.columns.number("release_time"), rows, is_descending=True),
            is_descending=True,
        ),
    ]


def extreme_numbers(
    column: Column | None, rows: Rows, *, is_descending: bool
) -> npt.NDArray[np.float64]:
    """float64[n]: of each product's numbers the smallest, or descending the largest; NaN without."""
    count = rows.product_count
    if column is None:
        return np.full(count, np.nan)
    if (
        column.by_row is None
        and column.by_product is not None
        and column.by_product.positions is None
    ):
        entries = column.by_product.entries
        return entries.whole() if rows.ordinals is None else entries.take(rows.ordinals)
    extreme = np.full(count, -np.inf if is_descending else np.inf)
    choose = np.maximum if is_descending else np.minimum
    for slots, numbers in _pairs(column, rows):
        choose.at(extreme, slots, numbers)
    extreme[np.isinf(extreme)] = np.nan
    return extreme


def first_of(keys: Sequence[AnyArray], count: int, k: int) -> Indices:
    """The indices of the first k of `count` products, in no order; ties go to the smaller index.

    Args:
        keys: arrays [count], the most important first; smaller is earlier.
        count: how many products there are.
        k: how many are wanted.
    """
    if count <= k:
        return np.arange(count)
    chosen: list[Indices] = []
    pool: Indices | None = None
    for key in keys:
        values = key if pool is None else key.take(pool)
        bar = np.partition(values, k - 1)[k - 1]
        before = np.flatnonzero(values < bar)
        level = np.flatnonzero(values == bar)
        if pool is not None:
            before, level = pool.take(before), pool.take(level)
        chosen.append(before)
        k -= len(before)
        pool = level
        if len(pool) <= k:
            break
    chosen.append(np.arange(k) if pool is None else pool[:k])
    return np.concatenate(chosen)


def sorted_locally(keys: Sequence[AnyArray], chosen: Indices) -> Indices:
    """`chosen` in order; ties by index."""
    return chosen[np.lexsort((chosen, *(key.take(chosen) for key in reversed(keys))))]


def sort_values(keys: Sequence[KeyArray], index: int) -> tuple[tuple[bool, Any], ...]:
    """For each key whether the product has no value, and the value."""
    values: list[tuple[bool, Any]] = []
    for key in keys:
        place = key.places[index].item()
        if place == key.last:
            values.append((True, None))
        else:
            values.append((False, place if key.value_of is None else key.value_of(place)))
    return tuple(values)


def _field_arrays(key: SortKey, found: Passing) -> list[KeyArray]:
    """An attribute sorts by its numbers, then by its texts, then by its booleans."""
    field, is_descending, rows = key.field, key.is_descending, found.rows
    columns = rows.columns
    match field.kind:
        case Kind.PRICE:
            return [_integers(found.prices, is_descending=is_descending)]
        case Kind.STOCK:
            stock = columns.inventory.stock_quantity(found.storefront, rows.at_rows)
            return [
                _integers(
                    _extreme_integers(stock, rows, is_descending=is_descending),
                    is_descending=is_descending,
                )
            ]
        case Kind.AVAILABILITY:
            return [_availability(found, is_descending=is_descending)]
        case Kind.TEXT | Kind.PATH:
            return [
                _texts(columns.keyword(field.text_columns[0]), rows, is_descending=is_descending)
            ]
    numbers = extreme_numbers(
        columns.number(field.number_column), rows, is_descending=is_descending
    )
    default = 0.0 if field.key == "popularity" else None
    arrays = [_numbers(numbers, is_descending=is_descending, default=default)]
    if field.kind is Kind.ATTRIBUTE:
        texts = columns.keyword(field.text_columns[0])
        truths = columns.number(field.boolean_column)
        arrays.append(_texts(texts, rows, is_descending=is_descending))
        arrays.append(
            _numbers(
                extreme_numbers(truths, rows, is_descending=is_descending),
                is_descending=is_descending,
            )
        )
    return arrays


_STOCK_PLACES: Final = {
    Availability.IN_STOCK: 0,
    Availability.PREORDER: 1,
    Availability.BACKORDER: 2,
    Availability.OUT_OF_STOCK: 3,
}
"""By availability: what can be had first comes first."""


def _availability(found: Passing, *, is_descending: bool) -> KeyArray:
    rows = found.rows
    table = np.full(256, np.iinfo(np.int16).max, np.int16)
    for code, place in _STOCK_PLACES.items():
        table[code] = -place if is_descending else place
    places = table.take(rows.columns.inventory.availability(found.storefront, rows.at_rows))
    if rows.slots is not None and len(places):
        places = np.minimum.reduceat(places, rows.first_rows())
    return KeyArray(places, None)


def _extreme_integers(
    values: npt.NDArray[np.int64], rows: Rows, *, is_descending: bool
) -> npt.NDArray[np.int64]:
    """int64[n]: of each product's rows the smallest value, or descending the largest; or `MISSING`."""
    if rows.slots is None:
        return values
    if is_descending:
        values = np.where(values == MISSING, MISSING, -values)
    folded = rows.fold_min(np.where(values == MISSING, _LAST, values))
    missing = folded == _LAST
    return np.where(missing, MISSING, -folded if is_descending else folded)


def _integers(values: npt.NDArray[np.int64], *, is_descending: bool) -> KeyArray:
    places = np.where(values == MISSING, _LAST, -values if is_descending else values)
    return KeyArray(places, None)


def _numbers(
    values: npt.NDArray[np.float64], *, is_descending: bool, default: float | None = None
) -> KeyArray:
    places = np.where(np.isnan(values), np.inf if default is None else default, values)
    if is_descending:
        places = np.where(np.isinf(places), places, -places)
    return KeyArray(places, None)


def _texts(column: Column | None, rows: Rows, *, is_descending: bool) -> KeyArray:
    """Codes, which are in the order of the texts; between segments the dictionaries' keys."""
    count = rows.product_count
    last = np.iinfo(np.int32).max
    if column is None or column.dictionary is None:
        return KeyArray(np.full(count, last, np.int32), None)
    extreme = np.full(count, -1 if is_descending else last, np.int32)
    choose = np.maximum if is_descending else np.minimum
    for slots, codes in _pairs(column, rows):
        choose.at(extreme, slots, codes)
    dictionary = column.dictionary
    if not is_descending:
        return KeyArray(extreme, dictionary.key)
    return KeyArray(
        np.where(extreme < 0, last, -extreme),
        lambda place: dictionary.key(-place),
        is_descending=True,
    )


def _pairs(column: Column, rows: Rows) -> list[tuple[Indices, AnyArray]]:
    """Every entry of the products and of their rows, with the index of its product."""
    pairs = []
    if column.by_product is not None:
        pairs.append(column.by_product.pairs(rows.ordinals))
    if column.by_row is not None:
        at, entries = column.by_row.pairs(rows.at_rows)
        pairs.append((at if rows.slots is None else rows.slots.take(at), entries))
    return pairs


def _refused(problem: str) -> InvalidArgumentError:
    return InvalidArgumentError.of("order_by", problem, reason="INVALID_ORDER")
