"""Words that stand in a tenant's lists: read as queries are, in each language once."""

from actors.text.analyzer import Analyzer

Terms = tuple[str, ...]
"""Index terms, in the order of the words that they were read from."""


class ListedWords:
    """A text of a rule or synonym. It remembers its terms, since lists are compiled again whenever they change."""

    __slots__ = ("_known", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        # An analyzer for each language with rules of its own, so looking through them beats a table.
        self._known: tuple[tuple[Analyzer, Terms], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text)

    def terms(self, analyzer: Analyzer) -> Terms:
        """The term of each word that a query of this text would ask for, stop words too."""
        for known, terms in self._known:
            if known is analyzer:
                return terms
        terms = tuple(analyzer.asked_terms(self.text))
        self._known = (*self._known, (analyzer, terms))
        return terms
