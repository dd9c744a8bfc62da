"""Which texts of a column hold some words side by side."""

import numpy as np
import numpy.typing as npt

from actors.index.columns import Dictionary

_CHARACTER_BYTES_MAX = 4


def codes_with_words(dictionary: Dictionary, form: str, *, is_open: bool) -> npt.NDArray[np.int64]:
    """The codes of texts in whose compared form `form` stands, not as a part of longer words.

    The joined keys are searched as one string of bytes, so the cost is one pass over the column's
    texts and a step for each place found.

    Args:
        dictionary: of the column.
        form: words in compared form, one space between them.
        is_open: the last word may go on.
    """
    joined, ends = dictionary.joined()
    needle = form.encode()
    found: list[int] = []
    at = joined.find(needle)
    while at >= 0:  # ends: every round looks behind the last place
        code = int(np.searchsorted(ends, at, side="right"))
        key_start = int(ends[code - 1]) if code else 0
        form_end = joined.index(b"\0", key_start)
        stop = at + len(needle)
        if stop > form_end:
            # In the text behind the compared form, or across two keys.
            at = joined.find(needle, int(ends[code]))
            continue
        before = joined[max(key_start, at - _CHARACTER_BYTES_MAX) : at]
        behind = joined[stop : min(form_end, stop + _CHARACTER_BYTES_MAX)]
        if _goes_on(before.decode(errors="ignore")[-1:], form[0]) or (
            not is_open and _goes_on(behind.decode(errors="ignore")[:1], form[-1])
        ):
            at = joined.find(needle, at + 1)
        else:
            found.append(code)
            at = joined.find(needle, int(ends[code]))
    return np.array(found, np.int64)


def _goes_on(outside: str, inside: str) -> bool:
    """Whether a word goes on across the edge between two characters."""
    return outside.isalnum() and inside.isalnum()
