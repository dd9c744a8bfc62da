"""The matched words of a text, marked for display."""

from collections.abc import Collection
from html import escape
from typing import Final

from actors.text.analyzer import analyzer_of

OPENING: Final = "<em>"
CLOSING: Final = "</em>"


def highlight(text: str, terms: Collection[str], language_code: str) -> str:
    """The text, HTML-escaped, with every word that stands for one of the terms between em marks.

    Args:
        text: of a product, as it is stored.
        terms: of the query (`SearchPage.terms`).
        language_code: of the text.
    """
    marked: list[str] = []
    done = 0
    for start, end in _ranges(text, terms, language_code):
        marked += (escape(text[done:start]), OPENING, escape(text[start:end]), CLOSING)
        done = end
    marked.append(escape(text[done:]))
    return "".join(marked)


def _ranges(text: str, terms: Collection[str], language_code: str) -> list[tuple[int, int]]:
    """Where matched words stand, in order; those that overlap are one."""
    wanted = frozenset(terms)
    if not wanted:
        return []
    spans = analyzer_of(language_code).analyze_spans(text)
    ranges: list[tuple[int, int]] = []
    for start, end in sorted((s.start, s.end) for s in spans if s.term in wanted):
        if ranges and start < ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return ranges
