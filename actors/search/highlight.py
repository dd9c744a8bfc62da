"""The matched words of a text, marked for display."""

from collections.abc import Collection
from html import escape
from typing import Final

from actors.text.analyzer import Analyzer
from actors.text.forms import form_term

OPENING: Final = "<em>"
CLOSING: Final = "</em>"


def highlight(text: str, terms: Collection[str], analyzer: Analyzer) -> str:
    """The text, HTML-escaped, with every word that stands for one of the terms between em marks.

    Args:
        text: of a product, as it is stored.
        terms: of the query (`SearchPage.terms`).
        analyzer: of the text's language.
    """
    marked: list[str] = []
    done = 0
    for start, end in _ranges(text, terms, analyzer):
        marked += (escape(text[done:start]), OPENING, escape(text[start:end]), CLOSING)
        done = end
    marked.append(escape(text[done:]))
    return "".join(marked)


def _ranges(text: str, terms: Collection[str], analyzer: Analyzer) -> list[tuple[int, int]]:
    """Where matched words stand, in order; those that overlap are one."""
    wanted = frozenset(terms)
    if not wanted:
        return []
    spans = analyzer.analyze_spans(text)
    ranges: list[tuple[int, int]] = []
    for start, end in sorted(
        (span.start, span.end)
        for span in spans
        # The form is what finds a word that the query's language reads in another way than the product's.
        if span.term in wanted or form_term(text[span.start : span.end].lower()) in wanted
    ):
        if ranges and start < ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return ranges
