"""From a shopper's text to the words that products have to match, with what each may be found as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.index.segments import BranchView
from actors.search.alternatives import QueryWord, exact_word
from actors.search.expansion import expand_words
from actors.search.synonyms import NO_RUNS, Run
from actors.text.analyzer import Analyzer


@dataclass(frozen=True, slots=True)
class ReadText:
    """A shopper's text, understood."""

    words: tuple[QueryWord, ...]
    """In the order of the text, each index term once; a product has to match all of them."""

    identifier: str
    """The whole text as a normalised identifier; empty when it cannot be one."""


def read_text(
    view: BranchView,
    text: str,
    analyzer: Analyzer,
    synonyms: Mapping[Run, Sequence[Run]] = NO_RUNS,
) -> ReadText:
    """What the text asks for, without typing errors and open ends: those depend on what is found.

    Args:
        view: what alternatives take their evidence from.
        text: of the shopper.
        analyzer: of its language.
        synonyms: what stands for runs of its index terms.
    """
    terms = analyzer.analyze_query(text)
    words = tuple(map(exact_word, terms.texts, terms.terms))
    return ReadText(expand_words(view, words, analyzer, synonyms), terms.identifier)
