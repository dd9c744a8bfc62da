"""Copies: products of one title and brand, of which the best stands for all.

The first of them in the final order keeps its place and says how many there are behind it; the others move behind
all candidates, in their order. So no product is lost to paging, the total and the facets count every product as
before, and whoever pages to the end meets each product once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.segments import BranchView
from actors.index.titles import KEY_BITS, NO_KEY
from actors.search.candidates import Candidates, Indices

Keys = npt.NDArray[np.uint64]

PRODUCTS_MAX: Final = 1 << (64 - KEY_BITS)

_PLACE_BITS: Final = np.uint64(64 - KEY_BITS)
_PLACE_MASK: Final = np.uint64(PRODUCTS_MAX - 1)
_FIRST: Final = np.zeros(1, np.int64)


@dataclass(frozen=True, slots=True)
class Collapsed:
    """Products in the order in which they are shown."""

    order: Indices
    """int64[n]: of the products as they were given."""
    copy_counts: npt.NDArray[np.int64]
    """int64[n], beside the products as they were given: how many others the first of each key has; 0 for those."""


def keys_of(view: BranchView, candidates: Candidates) -> Keys:
    """uint64[n]: equal for copies; `NO_KEY` equals nothing."""
    keys = np.full(candidates.count, NO_KEY, np.uint64)
    for index, start, stop in candidates.parts:
        of_segment = view.segments[index].title_keys
        if of_segment is not None:
            keys[start:stop] = of_segment.take(candidates.ordinals[start:stop])
    return keys


def key_of(view: BranchView, segment_index: int, ordinal: int) -> int:
    """The key of one product."""
    of_segment = view.segments[segment_index].title_keys
    if of_segment is None:
        return NO_KEY
    return int(of_segment.take(np.array([ordinal], np.int32))[0])


def collapse(keys: Keys, *, fixed_count: int) -> Collapsed | None:
    """Products in order, with copies behind all others; None when there are none.

    Args:
        keys: uint64[n], of the products in their order; at most `PRODUCTS_MAX`.
        fixed_count: the first so many stay where they are, be they copies of each other.
    """
    # One number of key and place sorts in a fifth of the time of a stable argsort of the keys.
    packed = keys << _PLACE_BITS
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    by_key = (packed & _PLACE_MASK).astype(np.int64)
    packed >>= _PLACE_BITS
    is_copy = packed[1:] == packed[:-1]
    is_copy &= packed[1:] != NO_KEY
    if not is_copy.any():
        return None
    begins = np.concatenate([_FIRST, (~is_copy).nonzero()[0] + 1, [len(keys)]])
    firsts = by_key.take(begins[:-1])
    copy_counts = np.zeros(len(keys), np.int64)
    copy_counts[firsts] = begins[1:] - begins[:-1] - 1
    stays = np.zeros(len(keys), np.bool_)
    stays[firsts] = True
    stays[:fixed_count] = True
    order = np.concatenate([stays.nonzero()[0], (~stays).nonzero()[0]])
    return Collapsed(order, copy_counts)
