"""The products of a branch by number, and what recommendations compare of them, as arrays.

A number is the ordinal in its segment after the products of the segments before. Whatever decides an order is a
function of the products alone and never of their numbers: ties are broken by the hash of the id, so an answer does
not depend on how products are cut into segments.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xxhash

from actors.index.columns import CATEGORY_COLUMNS, Column, Dictionary, category_levels, folded
from actors.index.segments import BranchView, Segment
from actors.model.storefront import GENERAL
from actors.search.filter_plan import FilterPlan, Relation, Term, TextTest
from actors.search.found import columns_of, find_products
from actors.search.order import extreme_numbers
from actors.search.passing import passing
from actors.search.rows import Rows

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

NOWHERE: Final = -1
NO_VALUE: Final = 0
"""In place of the hash of a brand or category that a product does not have."""

_KNOWN_IDS_MAX: Final = 1 << 15
_MASKS_SIZE_BYTES_MAX: Final = 1 << 24
_BRAND: Final = "brand"


class _SegmentValues:
    """Of one segment: brands and categories by ordinal. They never change."""

    def __init__(self) -> None:
        self.brands: Hashes | None = None
        self.categories: Hashes | None = None
        self.parents: Hashes | None = None
        self.releases: Floats | None = None
        self.popularity: Floats | None = None

    def fill(self, segment: Segment) -> None:
        if self.brands is not None:
            return
        columns = columns_of(segment)
        count = segment.product_count
        brands: Hashes = np.full(count, NO_VALUE, np.uint64)
        _first_values(columns.keyword(_BRAND), brands)
        self.categories, self.parents = _category_values(segment, count)
        rows = Rows.of(columns, None)
        self.releases = _told(columns.number("release_time"), rows, -np.inf)
        self.popularity = np.maximum(_told(columns.number("popularity"), rows, 0.0), 0.0)
        self.brands = brands


class _Known:
    """What is kept as long as the live products are the same."""

    def __init__(self) -> None:
        self.brands: Hashes | None = None
        self.categories: Hashes | None = None
        self.parents: Hashes | None = None
        self.titles: Hashes | None = None
        self.ties: Hashes | None = None
        self.alive: Mask | None = None
        self.shop_popularity: Floats | None = None
        self.listing: Floats | None = None
        self.numbers: dict[bytes, int] = {}
        self.masks: dict[str, Mask] = {}


class Catalogue:
    """The products of one view, for one call: what it finds out is kept with the view's products."""

    def __init__(self, view: BranchView) -> None:
        self.view = view
        counts = [segment.product_count for segment in view.segments]
        self._starts = [0, *accumulate(counts)]
        self.starts = np.array(self._starts)
        """int64[S + 1]: the number of each segment's first product, and the count of all."""
        self.count = self._starts[-1]
        self._known = view.kept.of(_Known)

    @property
    def brands(self) -> Hashes:
        """uint64[D]: equal for products of one brand; `NO_VALUE` without."""
        return self._filled("brands")

    @property
    def categories(self) -> Hashes:
        """uint64[D]: of the deepest category that each product is in; `NO_VALUE` without."""
        return self._filled("categories")

    @property
    def parents(self) -> Hashes:
        """uint64[D]: of the category above it, or of itself at the top."""
        return self._filled("parents")

    @property
    def shop_popularity(self) -> Floats:
        """float64[D]: log(1 + popularity) as the shop tells it, as a share of the largest."""
        known = self._known
        if known.shop_popularity is None:
            told = np.log1p(self._joined("popularity")) * self.alive
            most = float(told.max(initial=0.0))
            known.shop_popularity = told / most if most > 0 else told
        return known.shop_popularity

    @property
    def alive(self) -> Mask:
        """bool[D]: which products are still the current ones."""
        known = self._known
        if known.alive is None:
            alive = np.ones(self.count, np.bool_)
            for index, segment in enumerate(self.view.segments):
                alive[segment.dead_ordinals + self._starts[index]] = False
            known.alive = alive
        return known.alive

    @property
    def ties(self) -> Hashes:
        """uint64[D]: smaller comes first among equals."""
        known = self._known
        if known.ties is None:
            ties = np.zeros(self.count, np.uint64)
            for index, segment in enumerate(self.view.segments):
                start = self._starts[index]
                for hashes, ordinals in segment.products.hashes():
                    ties[ordinals + start] = hashes
            known.ties = ties
        return known.ties

    @property
    def titles(self) -> Hashes:
        """uint64[D]: equal for copies, products of one title and brand; `NO_VALUE` equals nothing."""
        known = self._known
        if known.titles is None:
            titles = np.full(self.count, NO_VALUE, np.uint64)
            for index, segment in enumerate(self.view.segments):
                keys = segment.title_keys
                if keys is not None:
                    start = self._starts[index]
                    titles[start : start + segment.product_count] = keys.whole()
            known.titles = titles
        return known.titles

    @property
    def listing(self) -> Floats:
        """float64[D]: larger is earlier in the catalogue's own order: popular by the shop's account, then new."""
        known = self._known
        if known.listing is None:
            order = np.lexsort((self.ties, -self._joined("releases"), -self._joined("popularity")))
            listing = np.empty(self.count)
            listing[order] = np.arange(self.count, 0, -1)
            known.listing = listing
        return known.listing

    def numbers_of(self, product_ids: Sequence[bytes]) -> list[int]:
        """The numbers of live products, `NOWHERE` where there is none of that id."""
        known = self._known.numbers
        unknown = [one for one in product_ids if one not in known]
        if unknown:
            if len(known) + len(unknown) > _KNOWN_IDS_MAX:
                known.clear()
                unknown = list(product_ids)
            for product_id, spot in zip(unknown, find_products(self.view, unknown), strict=True):
                known[product_id] = NOWHERE if spot is None else self._starts[spot[0]] + spot[1]
        return [known[one] for one in product_ids]

    def spot(self, number: int) -> tuple[int, int]:
        """The segment's index and the ordinal of a product."""
        index = bisect_right(self._starts, number) - 1
        return index, number - self._starts[index]

    def id_of(self, number: int) -> bytes:
        """The id of a product."""
        index, ordinal = self.spot(number)
        return self.view.segments[index].product_id(ordinal)

    def within(self, path: str) -> Mask:
        """bool[D]: which products are in a category or below it. Not to be changed."""
        masks = self._known.masks
        mask = masks.get(path)
        if mask is None:
            if (len(masks) + 1) * self.count > _MASKS_SIZE_BYTES_MAX:
                masks.clear()
            mask = masks[path] = self._within(path)
        return mask

    def _within(self, path: str) -> Mask:
        parts = [part.strip() for part in path.split(">")]
        column, text = category_levels(" > ".join(parts))[-1]
        test = TextTest(column, Relation.EQUAL, folded(text))
        plan = FilterPlan((Term(test, frozenset()),))
        masks = []
        for segment in self.view.segments:
            mask = np.zeros(segment.product_count, np.bool_)
            ordinals = passing(Rows.of(columns_of(segment), None), plan, GENERAL).rows.ordinals
            mask[slice(None) if ordinals is None else ordinals] = True
            masks.append(mask)
        return np.concatenate(masks) if masks else np.zeros(0, np.bool_)

    def _filled(self, name: str) -> Hashes:
        values: Hashes | None = getattr(self._known, name)
        if values is None:
            values = self._joined(name)
            setattr(self._known, name, values)
        return values

    def _joined(self, name: str) -> npt.NDArray[Any]:
        parts = []
        for segment in self.view.segments:
            of_segment = segment.kept.of(_SegmentValues)
            of_segment.fill(segment)
            parts.append(getattr(of_segment, name))
        return np.concatenate(parts) if parts else np.zeros(0)


def best_of(scores: Floats, ties: Hashes, mask: Mask, count: int) -> Numbers:
    """The numbers of the `count` products with the highest scores above 0 among those of a mask, best first."""
    numbers = np.flatnonzero(mask & (scores > 0))
    if len(numbers) > count:
        found = scores.take(numbers)
        bar = np.partition(found, len(found) - count)[len(found) - count]
        numbers = numbers[found >= bar]
    order = np.lexsort((ties.take(numbers), -scores.take(numbers)))
    best: Numbers = numbers.take(order)[:count]
    return best


def _category_values(segment: Segment, count: int) -> tuple[Hashes, Hashes]:
    """The deepest category of each product, and the one above."""
    levels: list[Hashes] = []
    for name in CATEGORY_COLUMNS:
        column = columns_of(segment).keyword(name)
        if column is None:
            break
        values: Hashes = np.full(count, NO_VALUE, np.uint64)
        _first_values(column, values)
        levels.append(values)
    deepest: Hashes = np.full(count, NO_VALUE, np.uint64)
    parents: Hashes = np.full(count, NO_VALUE, np.uint64)
    for depth, values in enumerate(levels):
        has = values != NO_VALUE
        parents[has] = levels[depth - 1][has] if depth else values[has]
        deepest[has] = values[has]
    return deepest, parents


def _first_values(column: Column | None, into: Hashes) -> None:
    """Set the hash of each product's first value in a column of texts."""
    if column is None or column.by_product is None or column.dictionary is None:
        return
    slots, codes = column.by_product.pairs(None)
    hashes = _hashes(column.dictionary)
    # Backwards, so that of several values the first one stays.
    into[slots[::-1]] = hashes.take(codes[::-1])


def _hashes(dictionary: Dictionary) -> Hashes:
    """uint64 by code: equal for texts that are equal in compared form."""
    keys: Iterable[bytes] = map(dictionary.key, range(len(dictionary)))
    forms = (key.partition(b"\0")[0] for key in keys)
    hashes = (xxhash.xxh3_64_intdigest(form) or 1 for form in forms)
    return np.fromiter(hashes, np.uint64, len(dictionary))


def _told(column: Column | None, rows: Rows, default: float) -> Floats:
    numbers = extreme_numbers(column, rows, is_descending=True)
    return np.where(np.isnan(numbers), default, numbers)
