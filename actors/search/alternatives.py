"""What a word of a query may be found as: alternatives, each of a class that says how good a match it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

JOINT: Final = " "
"""Stands between terms that a product has to hold all of; no single term has it."""


class MatchClass(Enum):
    """How a term answers a word, in falling order of worth."""

    EXACT = 0
    LEMMA = 1
    JOINED = 2
    COMPOUND_HEAD = 3
    COMPOUND_PART = 4
    SYNONYM = 5
    FOLDED = 6
    PREFIX = 7
    TYPO = 8


CLASS_FACTORS: Final[Mapping[MatchClass, float]] = {
    MatchClass.EXACT: 1.0,
    MatchClass.LEMMA: 1.0,
    MatchClass.JOINED: 0.95,
    MatchClass.COMPOUND_HEAD: 0.8,
    MatchClass.COMPOUND_PART: 0.7,
    MatchClass.SYNONYM: 0.7,
    MatchClass.FOLDED: 0.6,
    MatchClass.PREFIX: 0.5,
    MatchClass.TYPO: 0.4,
}
"""What a match of a class is worth beside an exact one. They fall in the order of the classes; the last
three only ever act where exact matches are few, so their distance from 1 is what keeps those first."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A term of the index that answers a word."""

    term: str
    """Several with `JOINT` between them: a product has to hold each."""
    match_class: MatchClass
    edits: int = 0
    """How many typing errors lie between the word and the term; 0 but for `MatchClass.TYPO`."""

    @property
    def factor(self) -> float:
        """What a match is worth: that of its class, for a typing error once for each edit."""
        factor = CLASS_FACTORS[self.match_class]
        return factor**self.edits if self.edits > 1 else factor


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query: a product matches it when it holds any of the alternatives."""

    text: str
    """As the shopper typed it, normalised: `jackorna`."""

    alternatives: tuple[Alternative, ...]
    """The word's own index term comes first; no term stands here twice."""

    def __hash__(self) -> int:
        """Of the text alone: alternatives may be hundreds, and words of one text seldom differ in them."""
        return hash(self.text)

    @property
    def term(self) -> str:
        """The word's own index term."""
        return self.alternatives[0].term

    def extended(self, more: Iterable[Alternative]) -> "QueryWord":
        """The word with further alternatives; of equal terms the earlier one stays."""
        by_term = {alternative.term: alternative for alternative in self.alternatives}
        for alternative in more:
            by_term.setdefault(alternative.term, alternative)
        if len(by_term) == len(self.alternatives):
            return self
        return QueryWord(self.text, tuple(by_term.values()))


def exact_word(text: str, term: str) -> QueryWord:
    """A word that is found as nothing but its own index term."""
    return QueryWord(text, (Alternative(term, MatchClass.EXACT),))
