"""What a word is indexed as in each language: its lemma, or its stem.

Swedish has rules and a list of its own (`swedish`). The others have Snowball's stemmers, English with the
plurals that Snowball does not know (but not *men*: that is how it reads *men's*); Danish, Norwegian, Finnish and
German have nothing more.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import Stemmer

from actors.text.swedish import swedish_lemmas

Stems = Callable[[str], tuple[str, ...]]
"""From a word to what the index holds of it, the likeliest reading first."""

_SNOWBALL: Final = {
    "en": "english",
    "da": "danish",
    "no": "norwegian",
    "fi": "finnish",
    "de": "german",
}

_STEMS_KEPT_MAX: Final = 1 << 15

LANGUAGES: Final = frozenset({"sv", *_SNOWBALL})
"""Languages whose words are more than they are written."""

_IRREGULAR: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "calves": "calf", "children": "child", "dice": "die", "elves": "elf", "feet": "foot",
        "geese": "goose", "halves": "half", "hooves": "hoof", "knives": "knife", "leaves": "leaf",
        "lives": "life", "loaves": "loaf", "mice": "mouse", "oxen": "ox",
        "scarves": "scarf", "selves": "self", "sheaves": "sheaf", "shelves": "shelf",
        "teeth": "tooth", "thieves": "thief", "wives": "wife", "wolves": "wolf",
    },
}  # fmt: skip


def stems_of(language: str) -> Stems:
    """What reads the words of a language, given in normal form; a language not known leaves them alone."""
    if language == "sv":
        return swedish_lemmas
    name = _SNOWBALL.get(language)
    if name is None:
        return lambda word: (word,)
    stem: Callable[[str], str] = Stemmer.Stemmer(name).stemWord
    irregular = _IRREGULAR.get(language, {})
    return lru_cache(_STEMS_KEPT_MAX)(lambda word: (stem(irregular.get(word, word)),))
