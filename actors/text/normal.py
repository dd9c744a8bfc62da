"""One written form for each letter: composed, lower case, foreign accents folded to the base letter."""

import unicodedata
from typing import Final

_OWN_LETTERS: Final = {
    "sv": "åäö",
    "fi": "åäöšž",
    "da": "åæø",
    "no": "åæø",
    "de": "äöüß",
}
"""Letters of a language's own alphabet: they are letters, not accents."""

_NEIGHBOURS: Final = {
    "sv": {"æ": "ä", "ø": "ö"},
    "fi": {"æ": "ä", "ø": "ö"},
    "da": {"ä": "æ", "ö": "ø"},
    "no": {"ä": "æ", "ö": "ø"},
}
"""A Nordic neighbour's letter is read as the own one that sounds alike: Ørsted is Örsted in Sweden."""

_UNDECOMPOSED: Final = {
    "æ": "ae",
    "ø": "o",
    "œ": "oe",
    "ß": "ss",
    "ð": "d",
    "đ": "d",
    "ł": "l",
    "þ": "th",
    "ı": "i",
    "ħ": "h",
    "ŋ": "n",
    "’": "'",
    "‘": "'",
    "′": "'",
    "”": '"',
    "“": '"',
    "″": '"',
    "‐": "-",
    "‑": "-",
    "–": "-",
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
}
"""What Unicode does not decompose, and the typographic forms of marks that bind or measure."""


class LetterFolding(dict[int, str]):
    """The table for `str.translate` of one language; fills itself as letters are met."""

    def __init__(self, language: str) -> None:
        super().__init__()
        own = _OWN_LETTERS.get(language, "")
        for letter, replacement in (_UNDECOMPOSED | _NEIGHBOURS.get(language, {})).items():
            self[ord(letter)] = replacement
        for letter in own:
            self[ord(letter)] = letter

    def __missing__(self, code: int) -> str:
        decomposed = unicodedata.normalize("NFD", chr(code))
        folded = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
        self[code] = folded
        return folded


_PLAIN: Final = LetterFolding("")


def without_accents(word: str) -> str:
    """A normalised word with the letters of every alphabet's own folded too: å, ä and ö to a, a and o."""
    return word if word.isascii() else word.translate(_PLAIN)


def normalize(text: str, folding: LetterFolding) -> str:
    """The text in composed, lower-case, folded form. Its length may differ."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).lower().translate(folding)


def normalize_with_offsets(text: str, folding: LetterFolding) -> tuple[str, list[int]]:
    """The same, with the offset in `text` of each character of the result, and at the end len(text)."""
    pieces: list[str] = []
    offsets: list[int] = []
    start = 0
    while start < len(text):  # ends: every round moves start on
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = normalize(text[start:end], folding)
        pieces.append(piece)
        offsets.extend([start] * len(piece))
        start = end
    offsets.append(len(text))
    return "".join(pieces), offsets
