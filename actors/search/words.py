"""Which texts of a column hold some words side by side."""

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.index.columns import Dictionary

_CHARACTER_BYTES_MAX: Final = 4
_ASCII: Final = 0x80
_IS_ALNUM: Final = np.array([chr(code).isalnum() for code in range(_ASCII)] + [False] * _ASCII)

Places = npt.NDArray[np.int64]


def codes_with_words(dictionary: Dictionary, form: str, *, is_open: bool) -> Places:
    """The codes of texts in whose compared form `form` stands, not as a part of longer words.

    The joined keys are searched as one string of bytes, so the cost is one pass over the column's texts, and little
    for each place found.

    Args:
        dictionary: of the column.
        form: words in compared form, one space between them.
        is_open: the last word may go on.
    """
    joined, ends = dictionary.joined()
    needle = form.encode()
    starts = _places(joined, needle)
    codes = ends.searchsorted(starts, side="right")
    firsts = np.concatenate([np.zeros(1, np.int64), ends])[codes]
    # A key's compared form ends with its first NUL; what follows is the text as it was written.
    nuls = np.flatnonzero(np.frombuffer(joined, np.uint8) == 0)
    form_ends = nuls.take(nuls.searchsorted(firsts), mode="clip") if len(nuls) else firsts
    stops = starts + len(needle)
    inside = stops <= form_ends
    starts, stops, codes = starts[inside], stops[inside], codes[inside]
    whole = np.ones(len(starts), np.bool_)
    if form[0].isalnum():
        whole &= ~_alnum_before(joined, starts, firsts[inside])
    if not is_open and form[-1].isalnum():
        whole &= ~_alnum_behind(joined, stops)
    found: Places = np.unique(codes[whole])
    return found


def _places(joined: bytes, needle: bytes) -> Places:
    """Where the needle begins, everywhere: also within another place of it, when it can overlap itself."""
    overlaps = any(needle.startswith(needle[start:]) for start in range(1, len(needle)))
    pattern = b"(?=%s)" if overlaps else b"%s"
    matches = re.finditer(pattern % re.escape(needle), joined)
    return np.fromiter((match.start() for match in matches), np.int64)


def _alnum_before(joined: bytes, starts: Places, firsts: Places) -> npt.NDArray[np.bool_]:
    """Whether a letter or digit of the same key stands before each of these places."""
    codes = np.frombuffer(joined, np.uint8)
    before = codes.take(np.maximum(starts - 1, 0))
    has_one = starts > firsts
    found: npt.NDArray[np.bool_] = has_one & _IS_ALNUM.take(before)
    for index in np.flatnonzero(has_one & (before >= _ASCII)).tolist():
        start, first = int(starts[index]), int(firsts[index])
        piece = joined[max(first, start - _CHARACTER_BYTES_MAX) : start]
        found[index] = piece.decode(errors="ignore")[-1:].isalnum()
    return found


def _alnum_behind(joined: bytes, stops: Places) -> npt.NDArray[np.bool_]:
    """Whether a letter or digit stands at each of these places; the NUL behind a form is none."""
    codes = np.frombuffer(joined, np.uint8)
    behind = codes.take(stops)
    found: npt.NDArray[np.bool_] = _IS_ALNUM.take(behind)
    for index in np.flatnonzero(behind >= _ASCII).tolist():
        stop = int(stops[index])
        piece = joined[stop : stop + _CHARACTER_BYTES_MAX]
        found[index] = piece.decode(errors="ignore")[:1].isalnum()
    return found
