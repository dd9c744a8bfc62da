"""What has been typed so far, and how much of a suggestion that is."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from actors.index.suggestion_terms import KEY_LENGTH_MAX, typed_key
from actors.search.highlight import CLOSING, OPENING
from actors.text.analyzer import Analyzer
from actors.text.normal import without_accents

_WORD: Final = re.compile(r"[^\W_]+")
_SPACES: Final = re.compile(r"[\s_]+")
_HAS_WORD: Final = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Typed:
    """An unfinished query."""

    text: str
    """In normal form, single spaces, none at the ends."""

    words: tuple[str, ...]
    """Its words; the last one may go on."""

    is_open: bool
    """Whether it may: no space or mark follows it. Anything may follow where there is no word."""

    analyzer: Analyzer
    """Of its language."""

    def cut(self, start: int) -> "tuple[str, Typed]":
        """The text before a word, and what is typed from that word on."""
        if start == 0:
            return "", self
        place = list(_WORD.finditer(self.text))[start].start()
        rest = Typed(self.text[place:], self.words[start:], self.is_open, self.analyzer)
        return self.text[:place], rest

    def replaced(self, words: Iterable[str]) -> "Typed":
        """The same with other words in place of its own."""
        listed = tuple(words)
        left = iter(listed)
        text = _WORD.sub(lambda _: next(left), self.text)
        return Typed(text, listed, self.is_open, self.analyzer)

    @property
    def key(self) -> str:
        """What keys of suggestions begin with (`suggestion_terms`)."""
        return self.text[:KEY_LENGTH_MAX]

    @property
    def key_is_open(self) -> bool:
        """Whether the key's last word may go on: one that was cut does."""
        return self.is_open or len(self.text) >= KEY_LENGTH_MAX


def read_typed(text: str, analyzer: Analyzer) -> Typed:
    """What a shopper has typed, read."""
    spaced = _SPACES.sub(" ", text).strip()
    # A key is cut to a length; what is typed is read as a whole, a part of it at a time.
    normal = " ".join(_normal_word(word, analyzer.language) for word in spaced.split(" ")).strip()
    words = tuple(_WORD.findall(normal))
    if not words:
        return Typed("", (), is_open=True, analyzer=analyzer)
    return Typed(normal, words, text[-1:].isalnum(), analyzer)


def _normal_word(word: str, language: str) -> str:
    step = KEY_LENGTH_MAX
    return "".join(
        typed_key(word[start : start + step], language) for start in range(0, len(word), step)
    )


def mark_remainder(text: str, typed: Typed) -> str:
    """The text, composed and HTML-escaped, with what was not typed yet between em marks.

    A word counts as typed as far as it goes together with one that was typed, å, ä and ö like a and o; as a
    whole if it is a form of that. Each word typed stands for one word of the text.
    """
    text = unicodedata.normalize("NFC", text)
    pieces: list[str] = []
    done = 0
    for start, end in _typed_ranges(text, typed):
        pieces += (_remainder(text[done:start]), escape(text[start:end]))
        done = end
    pieces.append(_remainder(text[done:]))
    return "".join(pieces)


def _remainder(text: str) -> str:
    """What stands between typed words; marked unless it is but space and punctuation."""
    escaped = escape(text)
    return OPENING + escaped + CLOSING if _HAS_WORD.search(text) else escaped


def _typed_ranges(text: str, typed: Typed) -> list[tuple[int, int]]:
    left = list(typed.words)
    analyzer = typed.analyzer
    ranges: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        if not left:
            break
        word = match.group()
        normal = _normal_word(word, analyzer.language)
        for one in left:
            length = _typed_length(normal, one, analyzer)
            if length:
                # Letters that are written as two (ß as ss) are typed when their word is.
                end = match.start() + length if len(normal) == len(word) else match.end()
                ranges.append((match.start(), end))
                left.remove(one)
                break
    return ranges


def _typed_length(word: str, typed: str, analyzer: Analyzer) -> int:
    """How many letters of a word are typed with another one."""
    if word.startswith(typed) or without_accents(word).startswith(typed):
        return len(typed)
    if word.isalpha() and typed.isalpha() and analyzer.term_of(word) == analyzer.term_of(typed):
        return len(word)
    return 0
