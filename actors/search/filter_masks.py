"""Which rows pass a test: masks made of whole columns, never of one product after the other."""

from functools import reduce

import numpy as np
import numpy.typing as npt

from actors.index.columns import MISSING, Column, Dictionary
from actors.index.columns_read import Predicate
from actors.model.storefront import Storefront
from actors.search.fields import Kind
from actors.search.filter_plan import (
    AllOf,
    AnyOf,
    NoneOf,
    NumberTest,
    Relation,
    StockTest,
    Test,
    TextTest,
)
from actors.search.rows import Mask, Rows
from actors.search.words import codes_with_words

Prices = npt.NDArray[np.int64]


def mask_of(test: Test, rows: Rows, storefront: Storefront, prices: Prices) -> Mask:
    """bool[m]: which rows pass.

    Args:
        test: what is asked of each row.
        rows: whom it is put to.
        storefront: whose stock counts.
        prices: int64[m], what each row's product costs in millionths (`MISSING`: no price); read only when the test
            asks for prices.
    """
    match test:
        case TextTest():
            column = rows.columns.keyword(test.column)
            if column is None or column.dictionary is None:
                return np.zeros(rows.row_count, np.bool_)
            return _any_level(column, _text_predicate(test, column.dictionary), rows)
        case NumberTest():
            return _number_mask(test, rows)
        case StockTest():
            return _stock_mask(test, rows, storefront, prices)
        case NoneOf(part):
            return ~mask_of(part, rows, storefront, prices)
        case AllOf(parts):
            return reduce(
                np.logical_and, (mask_of(part, rows, storefront, prices) for part in parts)
            )
        case AnyOf(parts):
            return reduce(
                np.logical_or, (mask_of(part, rows, storefront, prices) for part in parts)
            )


def _any_level(column: Column, meant: Predicate, rows: Rows) -> Mask:
    """Rows that have an entry that is meant, or whose product has one."""
    masks = []
    if column.by_product is not None:
        masks.append(rows.spread(column.by_product.mask(meant, rows.ordinals)))
    if column.by_row is not None:
        masks.append(column.by_row.mask(meant, rows.at_rows))
    return masks[0] if len(masks) == 1 else masks[0] | masks[1]


def _text_predicate(test: TextTest, dictionary: Dictionary) -> Predicate:
    """Codes below 0 stand for no text, and are never meant."""
    relation, form = test.relation, test.form.encode()
    if relation is Relation.PRESENT:
        return lambda codes: codes >= 0
    if relation in {Relation.HAS_WORDS, Relation.HAS_WORDS_OPEN}:
        found = codes_with_words(dictionary, test.form, is_open=relation is Relation.HAS_WORDS_OPEN)
        if len(found) == 1:
            only = found[0]
            return lambda codes: codes == only
        table = np.zeros(len(dictionary) + 1, np.bool_)
        table[found] = True
        return lambda codes: table.take(codes, mode="wrap")
    low, high = _code_range(relation, form, dictionary)
    if high - low == 1:
        return lambda codes: codes == low
    return lambda codes: (codes >= low) & (codes < high)


def _code_range(relation: Relation, form: bytes, dictionary: Dictionary) -> tuple[int, int]:
    """The codes of texts in this relation to `form`. Keys begin with their text's form and a NUL."""
    first, last = form + b"\0", form + b"\1"
    count = len(dictionary)
    match relation:
        case Relation.BEGINS:
            first, last = form, form + b"\xff"
        case Relation.LESS:
            return 0, dictionary.first_at_least(first)
        case Relation.AT_MOST:
            return 0, dictionary.first_at_least(last)
        case Relation.GREATER:
            return dictionary.first_at_least(last), count
        case Relation.AT_LEAST:
            return dictionary.first_at_least(first), count
    return dictionary.first_at_least(first), dictionary.first_at_least(last)


def _number_mask(test: NumberTest, rows: Rows) -> Mask:
    column = rows.columns.number(test.column)
    default_passes = test.default is not None and test.low <= test.default <= test.high
    if column is None:
        return np.full(rows.row_count, default_passes, np.bool_)
    low, high = test.low, test.high
    mask = _any_level(column, lambda numbers: (numbers >= low) & (numbers <= high), rows)
    if default_passes:
        mask |= ~_any_level(column, lambda numbers: ~np.isnan(numbers), rows)
    return mask


def _stock_mask(test: StockTest, rows: Rows, storefront: Storefront, prices: Prices) -> Mask:
    inventory = rows.columns.inventory
    if test.kind is Kind.AVAILABILITY:
        codes = inventory.availability(storefront, rows.at_rows)
        return (codes >= test.low) & (codes <= test.high)
    values = prices
    if test.kind is Kind.STOCK:
        values = inventory.stock_quantity(storefront, rows.at_rows)
    # MISSING lies below every range.
    return (values >= max(test.low, MISSING + 1)) & (values <= test.high)
