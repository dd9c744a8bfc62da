"""Pairs of a query and a product's words in Swedish: those that should match, and those that should not.

They are made by rule from the product taxonomy and from `swedish_words`. The rules know nothing of the
analysis that they measure: compounds are true where the tree of categories says so, and false where a rest
is no word (no vowel) or the word is a trap of the list.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import xxhash

from loadtest import swedish_words

_LINE: Final = re.compile(r"\d+ - (.+)")
_WORD: Final = re.compile(r"[^\W\d_]+")
_PLAIN: Final = str.maketrans("åäö", "aao")
_VOWELS: Final = frozenset("aeiouyåäö")
_PART_LENGTH_MIN: Final = 3
_PER_KIND_MAX: Final = 160
_LATIN_OR: Final = (
    "ator",
    "ktor",
    "nsor",
    "itor",
    "motor",
    "essor",
    "skor",
    "lsor",
    "onor",
    "ekor",
)


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """A query, and the words of a product that it should find or should not."""

    kind: str
    query: str
    product: str
    is_true: bool

    @property
    def hashed(self) -> int:
        """Of its text alone: which half it is in, and which of its kind are taken."""
        return xxhash.xxh3_64_intdigest(f"{self.kind}/{self.query}/{self.product}".encode())

    @property
    def is_reported(self) -> bool:
        """Whether it belongs to the half that is reported, not to that which the analysis is tuned on."""
        return bool(self.hashed & 1)


def read_categories(path: Path) -> list[tuple[str, ...]]:
    """The category paths of the taxonomy, each from its root."""
    found = map(_LINE.fullmatch, path.read_text(encoding="utf-8").splitlines())
    return [tuple(match[1].split(" > ")) for match in found if match is not None]


def make_pairs(categories: Iterable[tuple[str, ...]]) -> list[Pair]:
    """All pairs, each once: of a kind at most so many, those whose hash comes first."""
    paths = [tuple(name.lower() for name in path) for path in categories]
    words = {word for path in paths for word in _WORD.findall(path[-1])}
    made = {
        *_inflected(),
        *_listed("compound head", swedish_words.HEADS),
        *_listed("compound part", swedish_words.PARTS),
        *_listed("linking s", swedish_words.LINKED),
        *_listed("split and joined", swedish_words.SPLIT),
        *_from_tree(paths),
        *_folded(words),
        *_declined(words),
        *_suffixes(words),
        *_false("stemmer's merge", swedish_words.MERGES, both_ways=True),
        *_false("letter", swedish_words.LETTERS, both_ways=True),
        *_false("suffix", swedish_words.SUFFIX_TRAPS, both_ways=False),
        *_letters(words),
    }
    by_kind: dict[tuple[str, bool], list[Pair]] = {}
    for pair in sorted(made, key=lambda pair: (pair.hashed, pair)):
        by_kind.setdefault((pair.kind, pair.is_true), []).append(pair)
    return sorted(pair for pairs in by_kind.values() for pair in pairs[:_PER_KIND_MAX])


def _inflected() -> Iterator[Pair]:
    for line in swedish_words.NOUNS:
        base, definite, plural, definite_plural = line.split()
        yield Pair("definite", definite, base, is_true=True)
        yield Pair("definite", base, definite, is_true=True)
        yield Pair("definite", definite_plural, base, is_true=True)
        yield Pair("genitive", definite + "s", base, is_true=True)
        if plural != base:
            yield Pair("plural", plural, base, is_true=True)
            yield Pair("plural", base, plural, is_true=True)
            yield Pair("plural", definite, plural, is_true=True)
    for line in swedish_words.ADJECTIVES:
        base, neuter, plural = line.split()
        for form in {neuter, plural} - {base}:
            yield Pair("adjective", base, form, is_true=True)
            yield Pair("adjective", form, base, is_true=True)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"[;\n]", text):
        if entry.strip():
            query, product = entry.split(maxsplit=1)
            yield query, product.strip()


def _listed(kind: str, text: str) -> Iterator[Pair]:
    """True pairs; of three words and more, the longer side is that of short ones."""
    for query, product in _pairs(text):
        words = [query, *product.split()]
        if kind == "split and joined" and len(words[-1]) > max(map(len, words[:-1])):
            yield Pair(kind, " ".join(words[:-1]), words[-1], is_true=True)
        else:
            yield Pair(kind, query, product, is_true=True)


def _false(kind: str, text: str, *, both_ways: bool) -> Iterator[Pair]:
    for query, product in _pairs(text):
        yield Pair(kind, query, product, is_true=False)
        if both_ways:
            yield Pair(kind, product, query, is_true=False)


def _from_tree(paths: Iterable[tuple[str, ...]]) -> Iterator[Pair]:
    """A category of one word under one whose name has its head or its modifier."""
    for path in paths:
        name = path[-1]
        if not name.isalpha():
            continue
        above = {word for parent in path[:-1] for word in _WORD.findall(parent)}
        for word in above:
            rest = len(name) - len(word)
            if len(word) < _PART_LENGTH_MIN + 1 or rest < _PART_LENGTH_MIN:
                continue
            if name.endswith(word):
                yield Pair("compound head", word, name, is_true=True)
            elif name.startswith(word + "s") and rest > _PART_LENGTH_MIN + 1:
                yield Pair("linking s", word, name, is_true=True)
            elif name.startswith(word) and rest > _PART_LENGTH_MIN:
                yield Pair("compound part", word, name, is_true=True)


def _folded(words: set[str]) -> Iterator[Pair]:
    for word in words:
        plain = word.translate(_PLAIN)
        if plain != word and plain not in words and len(word) > _PART_LENGTH_MIN:
            yield Pair("folded", plain, word, is_true=True)


def _declined(words: set[str]) -> Iterator[Pair]:
    """Forms that follow from a plural without doubt."""
    for word in words:
        if word.endswith("or") and not word.endswith(_LATIN_OR) and len(word) > 4:
            yield Pair("plural", word[:-2] + "a", word, is_true=True)
            yield Pair("definite", word[:-2] + "an", word, is_true=True)
        elif word.endswith("ningar"):
            yield Pair("plural", word[:-2], word, is_true=True)
            yield Pair("definite", word[:-2] + "en", word, is_true=True)


def _suffixes(words: set[str]) -> Iterator[Pair]:
    """Words that end in another: where the rest cannot be a word, and where a trap of the list ends them."""
    bare: dict[str, set[str]] = {}
    for word in words:
        for start in range(1, len(word) - _PART_LENGTH_MIN + 1):
            end = word[start:]
            if end in words and (start < 2 or _VOWELS.isdisjoint(word[:start])):
                bare.setdefault(end, set()).add(word)
    for query, trap in _pairs(swedish_words.SUFFIX_TRAPS):
        bare.setdefault(query, set()).add(trap)
    for end, traps in bare.items():
        for word in words:
            if any(word.endswith(trap) for trap in traps):
                yield Pair("suffix", end, word, is_true=False)


def _letters(words: set[str]) -> Iterator[Pair]:
    """Words of the taxonomy that only dots and rings tell apart."""
    for word in words:
        plain = word.translate(_PLAIN)
        if plain != word and plain in words:
            yield Pair("letter", plain, word, is_true=False)
            yield Pair("letter", word, plain, is_true=False)
