"""The products of a segment that hold several terms, as if these were one term: *head set* for *headset*."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.postings import TermPostings


class JointPostings:
    """Reads like `TermPostings`. A product's code is the lowest that any of the terms gives it."""

    __slots__ = ("code_max", "codes", "count", "ordinals")

    dense: Final = None

    def __init__(self, parts: Sequence[TermPostings]) -> None:
        """`parts`: at least one."""
        rarest, *others = sorted(parts, key=lambda found: found.count)
        ordinals, codes = rarest.ordinals, rarest.codes
        for other in others:
            _, mine, theirs = np.intersect1d(
                ordinals, other.ordinals, assume_unique=True, return_indices=True
            )
            ordinals = ordinals.take(mine)
            codes = np.minimum(codes.take(mine), other.codes.take(theirs))
        self.ordinals: NDArray[np.int32] = ordinals
        """int32, ascending."""
        self.codes: NDArray[np.uint8] = codes
        """uint8, beside `ordinals`."""
        self.count = len(ordinals)
        self.code_max = int(codes.max(initial=0))
