"""Facets: how many products have each value of a field, over all products that pass the filter.

Values are counted within each segment by code, and the counts of segments are joined by what the codes
stand for. Products are counted, not rows: a product counts once for a value, however many of its
variants have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.index.columns import (
    CATEGORY_COLUMNS,
    CATEGORY_SEPARATOR,
    MISSING,
    Column,
    Dictionary,
    folded,
    key_text,
)
from actors.index.schema import Schema
from actors.search.fields import Field, Kind, Use, field_of
from actors.search.filter_plan import MICROS
from actors.search.order import first_of
from actors.search.passing import Passing
from actors.search.query import (
    EXCLUDED_KEYS_MAX,
    INTERVALS_MAX,
    FacetRequest,
    FacetResult,
    FacetValue,
    Interval,
    facet_limit_of,
)
from node.errors import InvalidArgumentError
from protos.v1.common_pb2 import Availability

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int64]

_PLANS_MAX: Final = 64

_JOINED_VALUES_MAX: Final = 4_096
"""Up to so many different values of all segments are joined one by one."""

_HAS_NUMBERS: Final = frozenset({Kind.NUMBER, Kind.TIME, Kind.PRICE, Kind.STOCK, Kind.ATTRIBUTE})


@dataclass(frozen=True, slots=True)
class FacetPlan:
    """A facet that was checked: what to count."""

    key: str
    field: Field
    limit: int
    intervals: tuple[Interval, ...]
    excluded: frozenset[str]
    text_column: str
    parent: str
    """Of categories, in compared form; empty: all values of the column."""


class FacetPlanner:
    """Plans facets, and remembers the latest: storefronts send the same ones again and again."""

    def __init__(self) -> None:
        self._plans: dict[tuple[FacetRequest, ...], tuple[FacetPlan, ...]] = {}
        self._schema: Schema | None = None

    def plan(self, requests: tuple[FacetRequest, ...], schema: Schema) -> tuple[FacetPlan, ...]:
        """The facets of a query.

        Raises:
            InvalidArgumentError: a field cannot be counted, or a request asks for too much.
        """
        if schema is not self._schema:
            self._plans.clear()
            self._schema = schema
        found = self._plans.get(requests)
        if found is None:
            found = plan_facets(requests, schema)
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            self._plans[requests] = found
        return found


def plan_facets(requests: Sequence[FacetRequest], schema: Schema) -> tuple[FacetPlan, ...]:
    """The facets of a query, planned afresh; see `FacetPlanner.plan`."""
    return tuple(
        _plan_facet(request, schema, f"facets[{index}]") for index, request in enumerate(requests)
    )


def _plan_facet(request: FacetRequest, schema: Schema, path: str) -> FacetPlan:
    field = field_of(request.key, schema, Use.FACET, path=f"{path}.key")
    if len(request.intervals) > INTERVALS_MAX:
        raise InvalidArgumentError.of(
            f"{path}.intervals",
            f"has {len(request.intervals)} intervals; at most {INTERVALS_MAX} are allowed",
        )
    if request.intervals and field.kind not in _HAS_NUMBERS:
        raise InvalidArgumentError.of(
            f"{path}.intervals", f"{field.key} holds no numbers; ask for its values instead"
        )
    if len(request.excluded_filter_keys) > EXCLUDED_KEYS_MAX:
        raise InvalidArgumentError.of(
            f"{path}.excluded_filter_keys",
            f"has {len(request.excluded_filter_keys)} keys; at most {EXCLUDED_KEYS_MAX} are allowed",
        )
    for index, key in enumerate(request.excluded_filter_keys):
        field_of(key, schema, Use.FILTER, path=f"{path}.excluded_filter_keys[{index}]")
    column = field.text_columns[0] if field.text_columns else ""
    if request.parent and field.kind is not Kind.PATH:
        raise InvalidArgumentError.of(f"{path}.parent", "only categories have a parent")
    parent = ""
    if request.parent:
        parts = [part.strip() for part in request.parent.split(">")]
        # Below the last level there is nothing to count.
        column = CATEGORY_COLUMNS[len(parts)] if len(parts) < len(CATEGORY_COLUMNS) else ""
        parent = folded(CATEGORY_SEPARATOR.join(parts) + CATEGORY_SEPARATOR)
    return FacetPlan(
        key=request.key,
        field=field,
        limit=facet_limit_of(request, path=path),
        intervals=request.intervals,
        excluded=frozenset(request.excluded_filter_keys),
        text_column=column,
        parent=parent,
    )


def count_facet(plan: FacetPlan, found: Sequence[Passing]) -> FacetResult:
    """The facet over the products that pass, in all segments."""
    kind = plan.field.kind
    if kind is Kind.AVAILABILITY:
        return FacetResult(plan.key, _availabilities(found)[: plan.limit])
    numbers = [_numbers_of(plan.field, one) for one in found] if kind in _HAS_NUMBERS else []
    minimum, maximum = _extremes(numbers)
    if plan.intervals:
        counted = tuple(FacetValue(i, _count_interval(i, numbers)) for i in plan.intervals)
        return FacetResult(plan.key, counted, minimum, maximum)
    values: list[tuple[int, int, Any, FacetValue]] = []
    if plan.text_column:
        texts = _top_texts([_count_texts(plan, one) for one in found], plan.limit)
        values += [(-n, 0, key, FacetValue(key_text(key), n)) for key, n in texts]
    if numbers:
        top = _top_numbers(numbers, plan.limit)
        values += [(-n, 1, number, FacetValue(number, n)) for number, n in top]
    if kind is Kind.ATTRIBUTE:
        truths = [_column_numbers(one, plan.field.boolean_column) for one in found]
        top = _top_numbers(truths, plan.limit)
        values += [(-n, 2, number, FacetValue(bool(number), n)) for number, n in top]
    values.sort(key=lambda value: value[:3])
    return FacetResult(plan.key, tuple(v[3] for v in values[: plan.limit]), minimum, maximum)


@dataclass(frozen=True, slots=True)
class _SegmentTexts:
    """How many products of one segment have each text."""

    dictionary: Dictionary
    first: int
    """The code that `counts` begins with."""
    counts: Counts

    def key(self, index: int) -> bytes:
        return self.dictionary.key(self.first + index)

    def count_of(self, key: bytes) -> int:
        code = self.dictionary.code_of(key) - self.first
        return int(self.counts[code]) if 0 <= code < len(self.counts) else 0


def _count_texts(plan: FacetPlan, found: Passing) -> _SegmentTexts | None:
    rows = found.rows
    column = rows.columns.keyword(plan.text_column)
    if column is None or column.dictionary is None or not rows.product_count:
        return None
    dictionary = column.dictionary
    counts = _count_codes(column, found, len(dictionary))
    if not plan.parent:
        return _SegmentTexts(dictionary, 0, counts)
    start = plan.parent.encode()
    first, stop = dictionary.first_at_least(start), dictionary.first_at_least(start + b"\xff")
    return _SegmentTexts(dictionary, first, counts[first:stop])


def _count_codes(column: Column, found: Passing, code_count: int) -> Counts:
    rows = found.rows
    by_product, by_row = column.by_product, column.by_row
    if by_row is None:
        assert by_product is not None
        if by_product.positions is None:
            entries = by_product.entries
            codes = entries.whole() if rows.ordinals is None else entries.take(rows.ordinals)
            # -1, no value, becomes 0 and is left out.
            shifted = np.add(codes, 1, dtype=np.int64)
            counted: Counts = np.bincount(shifted, minlength=code_count + 1)[1:]
            return counted
        return np.bincount(by_product.entries_of(rows.ordinals), minlength=code_count)
    # A product may have a value more than once: by itself and by several of its rows.
    at, codes = by_row.pairs(rows.at_rows)
    slots = at if rows.slots is None else rows.slots.take(at)
    if by_product is not None:
        more_slots, more_codes = by_product.pairs(rows.ordinals)
        slots, codes = np.concatenate([slots, more_slots]), np.concatenate([codes, more_codes])
    once = np.unique(slots * code_count + codes)
    return np.bincount(once % code_count, minlength=code_count)


def _top_texts(counted: Sequence[_SegmentTexts | None], limit: int) -> list[tuple[bytes, int]]:
    """The dictionary keys of the most frequent texts and their counts; ties in the texts' order."""
    segments = [c for c in counted if c is not None]
    if len(segments) == 1:
        only = segments[0]
        return [(only.key(index), count) for index, count in _top_counts(only.counts, limit)]
    totals = _joined_counts(segments, limit)
    return sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _top_counts(counts: Counts, limit: int) -> list[tuple[int, int]]:
    """The indices of the highest counts above 0, with these, in order; ties by index."""
    indices = counts.nonzero()[0]
    held = counts.take(indices)
    if len(held) > limit:
        bar = np.partition(held, len(held) - limit)[len(held) - limit]
        above = (held >= bar).nonzero()[0]
        indices, held = indices.take(above), held.take(above)
    order = (-held).argsort(kind="stable")[:limit]
    return list(zip(indices.take(order).tolist(), held.take(order).tolist(), strict=True))


def _joined_counts(segments: Sequence[_SegmentTexts], limit: int) -> dict[bytes, int]:
    """The counts over all segments of at least those texts that can be among the first `limit`.

    The `limit`-th best count within one segment is a bar that the `limit`-th best total is not below.
    A text that reaches it in total has at least bar / segments in some segment.
    """
    if sum(int(np.count_nonzero(s.counts)) for s in segments) <= _JOINED_VALUES_MAX:
        totals: dict[bytes, int] = {}
        for segment in segments:
            for index in np.flatnonzero(segment.counts).tolist():
                key = segment.key(index)
                totals[key] = totals.get(key, 0) + int(segment.counts[index])
        return totals
    bar = max(
        int(np.partition(s.counts, -limit)[-limit]) if len(s.counts) >= limit else 0
        for s in segments
    )
    share = max(1, -(-bar // len(segments)))
    candidates = {
        segment.key(index)
        for segment in segments
        for index in np.flatnonzero(segment.counts >= share).tolist()
    }
    return {key: sum(segment.count_of(key) for segment in segments) for key in candidates}


@dataclass(frozen=True, slots=True)
class _SegmentNumbers:
    """Every number of the products that pass, each once for a product."""

    slots: Slots
    numbers: Numbers
    is_single: bool = False
    """Whether it is certain that no product has more than one."""


_NOTHING: Final = _SegmentNumbers(np.zeros(0, np.int64), np.zeros(0))


def _numbers_of(field: Field, found: Passing) -> _SegmentNumbers:
    rows = found.rows
    match field.kind:
        case Kind.PRICE:
            micros = found.prices
            slots = np.flatnonzero(micros != MISSING)
            return _SegmentNumbers(slots, micros.take(slots) / MICROS, is_single=True)
        case Kind.STOCK:
            stock = rows.columns.inventory.stock_quantity(found.storefront, rows.at_rows)
            at = np.flatnonzero(stock != MISSING)
            slots = at if rows.slots is None else rows.slots.take(at)
            return _once(slots, stock.take(at).astype(np.float64))
    numbers = _column_numbers(found, field.number_column)
    if field.key != "popularity" or len(numbers.slots) == rows.product_count:
        return numbers
    all_numbers = np.zeros(rows.product_count)
    all_numbers[numbers.slots] = numbers.numbers
    return _SegmentNumbers(np.arange(rows.product_count), all_numbers)


def _column_numbers(found: Passing, name: str) -> _SegmentNumbers:
    rows = found.rows
    column = rows.columns.number(name)
    if column is None or not rows.product_count:
        return _NOTHING
    if column.by_row is None:
        assert column.by_product is not None
        return _SegmentNumbers(*column.by_product.pairs(rows.ordinals))
    at, numbers = column.by_row.pairs(rows.at_rows)
    slots = at if rows.slots is None else rows.slots.take(at)
    if column.by_product is not None:
        more_slots, more = column.by_product.pairs(rows.ordinals)
        slots, numbers = np.concatenate([slots, more_slots]), np.concatenate([numbers, more])
    return _once(slots, numbers)


def _once(slots: Slots, numbers: Numbers) -> _SegmentNumbers:
    order = np.lexsort((numbers, slots))
    slots, numbers = slots[order], numbers[order]
    new = np.ones(len(slots), np.bool_)
    new[1:] = (slots[1:] != slots[:-1]) | (numbers[1:] != numbers[:-1])
    return _SegmentNumbers(slots[new], numbers[new])


def _extremes(segments: Sequence[_SegmentNumbers]) -> tuple[float | None, float | None]:
    present = [s.numbers for s in segments if len(s.numbers)]
    if not present:
        return None, None
    return float(min(n.min() for n in present)), float(max(n.max() for n in present))


def _count_interval(interval: Interval, segments: Sequence[_SegmentNumbers]) -> int:
    """Products with a number in the interval; the numbers of a product stand side by side."""
    total = 0
    for segment in segments:
        inside: npt.NDArray[np.bool_] | None = None
        if interval.minimum is not None:
            inside = segment.numbers >= interval.minimum
        if interval.maximum is not None:
            below = segment.numbers < interval.maximum
            inside = below if inside is None else inside & below
        if segment.is_single:
            total += len(segment.slots) if inside is None else int(np.count_nonzero(inside))
            continue
        slots = segment.slots if inside is None else segment.slots[inside]
        total += int(np.count_nonzero(slots[1:] != slots[:-1])) + bool(len(slots))
    return total


def _top_numbers(segments: Sequence[_SegmentNumbers], limit: int) -> list[tuple[float, int]]:
    numbers = np.concatenate([s.numbers for s in segments]) if segments else np.zeros(0)
    if not len(numbers):
        return []
    values, counts = np.unique(numbers, return_counts=True)
    chosen = first_of([-counts], len(counts), limit)
    chosen = chosen[np.lexsort((chosen, -counts.take(chosen)))]
    return [(float(values[index]), int(counts[index])) for index in chosen.tolist()]


def _availabilities(found: Sequence[Passing]) -> tuple[FacetValue, ...]:
    """Products by the availability of their rows."""
    totals = np.zeros(256, np.int64)
    for one in found:
        rows = one.rows
        inventory = rows.columns.inventory
        codes = inventory.availability(one.storefront, rows.at_rows).astype(np.int64)
        if rows.slots is not None:
            codes = np.unique(rows.slots * 256 + codes) % 256
        totals += np.bincount(codes, minlength=256)
    named = [(-int(totals[code]), name) for name, code in Availability.items() if totals[code]]
    return tuple(FacetValue(name, -count) for count, name in sorted(named))
