"""From values to term numbers: what one process remembers of the texts that it has indexed.

Most of a catalogue's text repeats (attribute values, brands, words), so a process-wide table keeps the
term numbers of every chunk and every short value it has seen; it starts anew when it is full.
"""

from array import array
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

import xxhash

from actors.text.analyzer import Analyzer

_TERMS_MAX: Final = 1 << 17
_VALUES_MAX: Final = 1 << 15
_VALUE_LENGTH_MAX: Final = 256
_READERS_MAX: Final = 16


def term_hash(term: str) -> int:
    """64 bits (xxh3) that stand for a term; two terms of one tenant never share them in practice."""
    return xxhash.xxh3_64_intdigest(term.encode())


class TermTable:
    """Numbers for terms, chunks and values seen by this process."""

    def __init__(self) -> None:
        self.terms: list[bytes] = []
        """The terms by number, as UTF-8."""
        self.hashes = array("Q")
        """Their hashes: see `term_hash`."""
        self._numbers: dict[str, int] = {}
        self._readers: dict[Analyzer, ValueReader] = {}

    @property
    def is_full(self) -> bool:
        """Whether a new table should take over."""
        return len(self.terms) >= _TERMS_MAX

    def reader_for(self, analyzer: Analyzer) -> "ValueReader":
        """What reads values as the analyzer does."""
        reader = self._readers.get(analyzer)
        if reader is None:
            if len(self._readers) >= _READERS_MAX:
                self._readers.clear()
            reader = self._readers[analyzer] = ValueReader(self, analyzer)
        return reader

    def number_of(self, term: str) -> int:
        """The term's number, a new one if need be."""
        number = self._numbers.get(term)
        if number is None:
            number = self._numbers[term] = len(self.terms)
            encoded = term.encode()
            self.terms.append(encoded)
            self.hashes.append(xxhash.xxh3_64_intdigest(encoded))
        return number

    def numbers_of(self, terms: Iterable[str]) -> tuple[int, ...]:
        """The numbers of some terms, in their order."""
        return tuple(map(self.number_of, terms))


Numbers = tuple[int, ...]


class ValueReader:
    """From values to term numbers, in one language. Of a value are told its terms, and its written forms."""

    def __init__(self, table: TermTable, analyzer: Analyzer) -> None:
        self.language = analyzer.language
        self.analyzer = analyzer
        self.values = _Shared(self._terms_in)
        """The term numbers of a value that many products share: of an attribute, a brand, a category."""
        self.value_forms = _Shared(self._forms_in)
        """The term numbers of the written forms of such a value, where they are not terms anyway."""
        self.words = _Shared(self._all_in)
        """The term numbers of a word, those of its written form too."""
        self._chunks_of = analyzer.chunks
        self._forms: dict[str, Numbers] = {}
        self._terms = _Terms(table, analyzer, self._forms)

    def read_text(self, text: str) -> list[int]:
        """The term numbers of a text that hardly repeats: a description."""
        return list(chain.from_iterable(map(self._terms.__getitem__, self._chunks_of(text))))

    def read_forms(self, text: str) -> list[int]:
        """The term numbers of a text's written forms, where they are not terms anyway."""
        return self.read_with_forms(text)[1]

    def read_with_forms(self, text: str) -> tuple[list[int], list[int]]:
        """Both, for little more than the work of one."""
        chunks = self._chunks_of(text)
        terms = list(chain.from_iterable(map(self._terms.__getitem__, chunks)))
        # Whatever has terms has forms: the two are learnt together.
        return terms, list(chain.from_iterable(map(self._forms.__getitem__, chunks)))

    def _terms_in(self, value: str) -> Numbers:
        return tuple(self.read_text(value))

    def _forms_in(self, value: str) -> Numbers:
        return tuple(self.read_forms(value))

    def _all_in(self, word: str) -> Numbers:
        terms, forms = self.read_with_forms(word)
        return (*terms, *forms)


class _Terms(dict[str, Numbers]):
    """The numbers of each chunk's terms. Chunks are as many as terms, so the table's bound is theirs too."""

    def __init__(self, table: TermTable, analyzer: Analyzer, forms: dict[str, Numbers]) -> None:
        """`forms`: gets the numbers of each chunk's written forms."""
        super().__init__()
        self._table = table
        self._analyzer = analyzer
        self._forms = forms

    def __missing__(self, chunk: str) -> Numbers:
        terms, forms = self._analyzer.read_chunk(chunk)
        self._forms[chunk] = self._table.numbers_of(forms)
        numbers = self[chunk] = self._table.numbers_of(terms)
        return numbers


class _Shared(dict[str, Numbers]):
    """The numbers of values that repeat, up to a bound. Long values hardly do, and are not kept."""

    def __init__(self, read: Callable[[str], Numbers]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: str) -> Numbers:
        numbers = self._read(value)
        if len(value) <= _VALUE_LENGTH_MAX:
            if len(self) >= _VALUES_MAX:
                self.clear()
            self[value] = numbers
        return numbers


class _Current:
    """The table in use. A write that began with the old one ends with it."""

    table = TermTable()


def current_table() -> TermTable:
    """The process's table, a new one when it is full."""
    if _Current.table.is_full:
        _Current.table = TermTable()
    return _Current.table
