"""A shop's synonyms: which runs of index terms stand for which others, by language.

Words are compared as the index holds them, so *bärbara datorer* finds what is listed for *bärbar dator*. What
stands for a run does not stand for what that stands for in turn: there are no chains.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from actors.index.segments import BranchView
from actors.search.alternatives import JOINT, Alternative, MatchClass, QueryWord
from actors.search.rule_compiling import speaks
from actors.search.word_postings import live_count
from actors.text.analyzer import Analyzer, analyzer_of
from protos.v1.merchandising_pb2 import Synonym

Run = tuple[str, ...]
"""One to four index terms that stand in a row."""

Sides = tuple[tuple[Run, ...], tuple[Run, ...]]

RUN_LENGTH_MAX: Final = 4
TARGETS_MAX: Final = 100
"""That stand for one run; of more those of the first synonyms by id count."""


class CompiledSynonym:
    """A synonym that remembers how it is read, since the book is compiled again whenever one changes."""

    __slots__ = ("_known", "_replacements", "_words", "id", "language_code")

    def __init__(self, synonym: Synonym) -> None:
        self.id = synonym.id
        self.language_code = synonym.language_code.lower()
        self._words = tuple(synonym.words)
        self._replacements = tuple(synonym.replacements)
        self._known: tuple[tuple[Analyzer, Sides], ...] = ()

    def sides(self, analyzer: Analyzer) -> Sides:
        """The runs that it holds for, and those that stand for each of them."""
        for known, sides in self._known:
            if known is analyzer:
                return sides
        sources = _runs(self._words, analyzer)
        sides = sources, _runs(self._replacements, analyzer) if self._replacements else sources
        self._known = (*self._known, (analyzer, sides))
        return sides


class SynonymBook:
    """All synonyms of a tenant. See `merchandise.Synonyms`."""

    def __init__(
        self,
        synonyms: Iterable[CompiledSynonym],
        *,
        analyzers: Callable[[str], Analyzer] = analyzer_of,
    ) -> None:
        """`analyzers`: from a language code to what reads words in it, always the same object."""
        self._synonyms = sorted(synonyms, key=lambda synonym: synonym.id)
        self._analyzers = analyzers
        self._codes = sorted({synonym.language_code for synonym in self._synonyms})
        self._known: dict[tuple[Analyzer, tuple[str, ...]], Mapping[Run, tuple[Run, ...]]] = {}

    @classmethod
    def of_messages(
        cls, synonyms: Iterable[Synonym], *, analyzers: Callable[[str], Analyzer] = analyzer_of
    ) -> "SynonymBook":
        """The book of synonyms as they are written in the API."""
        return cls(map(CompiledSynonym, synonyms), analyzers=analyzers)

    def of(self, language_code: str, /) -> Mapping[Run, tuple[Run, ...]]:
        """What stands for a run of terms in queries of a language."""
        analyzer = self._analyzers(language_code)
        codes = tuple(code for code in self._codes if not code or speaks(language_code, code))
        found = self._known.get((analyzer, codes))
        if found is None:
            # There are as many keys as languages with rules of their own and codes that synonyms name.
            asked = [one for one in self._synonyms if one.language_code in codes]
            found = self._known[analyzer, codes] = SynonymRuns(asked, analyzer)
        return found


class SynonymRuns(Mapping[Run, tuple[Run, ...]]):
    """What stands for each run in one language, put together when it is asked for."""

    def __init__(self, synonyms: Iterable[CompiledSynonym], analyzer: Analyzer) -> None:
        self._targets: dict[Run, list[tuple[Run, ...]]] = defaultdict(list)
        for synonym in synonyms:
            sources, targets = synonym.sides(analyzer)
            for source in sources:
                self._targets[source].append(targets)

    def __getitem__(self, run: Run) -> tuple[Run, ...]:
        groups = self._targets.get(run)
        if groups is None:
            raise KeyError(run)
        once = dict.fromkeys(target for group in groups for target in group if target != run)
        return tuple(once)[:TARGETS_MAX]

    def __iter__(self) -> Iterator[Run]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def __contains__(self, run: object) -> bool:
        return run in self._targets


NO_RUNS: Final[Mapping[Run, Sequence[Run]]] = MappingProxyType({})
"""Where nothing stands for anything."""


def synonym_alternatives(
    view: BranchView,
    words: Sequence[QueryWord],
    synonyms: Mapping[Run, Sequence[Run]],
    analyzer: Analyzer,
) -> list[list[Alternative]]:
    """For each word what stands for it, or for a run of words that it is in, where live products hold it.

    What stands for a run is an alternative of each of its words, so that a product that holds it matches all.
    """
    found: list[list[Alternative]] = [[] for _ in words]
    if not synonyms:
        return found
    for start, end, run in _runs_of(words, analyzer):
        for target in synonyms.get(run, ()):
            term = JOINT.join(target)
            if live_count(view, term):
                for of_word in found[start:end]:
                    of_word.append(Alternative(term, MatchClass.SYNONYM))
    return found


def _runs_of(words: Sequence[QueryWord], analyzer: Analyzer) -> Iterator[tuple[int, int, Run]]:
    """The runs in a query's words, each with the half-open range of words; a word has several readings."""
    for start, word in enumerate(words):
        for reading in analyzer.terms_of(word.text)[1:]:
            yield start, start + 1, (reading,)
        for end in range(start + 1, min(start + RUN_LENGTH_MAX, len(words)) + 1):
            yield start, end, tuple(one.term for one in words[start:end])


def _runs(texts: Iterable[str], analyzer: Analyzer) -> tuple[Run, ...]:
    """The index terms of each text, each run once; texts of too many words or none are left out."""
    runs = (analyzer.analyze_query(text).terms for text in texts)
    return tuple(dict.fromkeys(run for run in runs if 0 < len(run) <= RUN_LENGTH_MAX))
