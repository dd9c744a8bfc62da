"""What a product is, and what it is only for: read from the product's own words.

A shop's text names many things that it does not sell at that place: a case says *phone* as often as a phone
does. What the thing itself is called stands in few places, the same in every trade: it is the noun in which the
title's phrase ends (*notebook sleeve*), the category's last step, and the attribute that says so. What follows
*for* is what the thing goes with. Nothing here knows a single noun; the words below are a language's grammar.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from actors.text.chunks import UNITS
from protos.v1.product_pb2 import Product

NAME_FACTOR: Final = 1.0
MENTION_FACTOR: Final = 0.7
TARGET_FACTOR: Final = 0.55
"""How much a word counts in a product that is called so (or is of that brand), that says it, that is for it. On
judged queries a mention at .85 to .4 and a target at .85 to .3 measure alike: these stand in the middle."""


@dataclass(frozen=True, slots=True)
class ProductType:
    """The words of a product that stand out from the others."""

    names: frozenset[str]
    """What the product is called, in lower case: `sleeve`."""

    targets: frozenset[str]
    """What it is for, as far as it is not called that too: `notebook`."""


_KEYS_CACHED_MAX: Final = 8_192
_TEXTS_CACHED_MAX: Final = 8_192
_TOKENS_CACHED_MAX: Final = 1 << 15

_TOKEN: Final = re.compile(
    rf"""
      [fmotuw]/(?=\s|\w\w)                                # f/ w/ for a whole word
    | [^\W\d_][^\W_]*(?:[-_.'’&][^\W_]+)*                # a word
    | \d+(?:[.,]\d+)?\s?(?:(?:{UNITS})\b|["”″]|'')       # a measure
    | \d[^\W_]*(?:[-_.'’&][^\W_]+)*                      # a number or code
    | (?:(?<=\s)[-–—]|[-–—](?=\s))                       # a dash, not a hyphen
    | [,;:|()\[\]/+&]
    """,
    re.VERBOSE,
)
_MEASURE: Final = re.compile(rf"\d+(?:[.,]\d+)?\s?(?:(?:{UNITS})|[\"”″]|'')")
_DIGIT: Final = re.compile(r"\d")


class _Kind(Enum):
    """What a word or mark does in a title's phrase."""

    FOR = auto()
    WITH = auto()
    AND = auto()
    DASH = auto()
    MARK = auto()
    WORD = auto()
    NUMBER = auto()
    MEASURE = auto()


class _Kinds(dict[str, _Kind]):
    """The kind of each token: the grammar's own words and marks, and those met, up to a bound."""

    def __init__(self, own: Mapping[str, _Kind]) -> None:
        super().__init__(own)
        self._own = own

    def __missing__(self, token: str) -> _Kind:
        if not _DIGIT.search(token):
            kind = _Kind.WORD
        elif _MEASURE.fullmatch(token):
            kind = _Kind.MEASURE
        else:
            kind = _Kind.NUMBER
        if len(self) >= _TOKENS_CACHED_MAX:
            self.clear()
            self.update(self._own)
        self[token] = kind
        return kind


@dataclass(frozen=True, slots=True)
class _Grammar:
    kinds: _Kinds
    joins_nouns: bool
    """Whether compounds are one word. Then nothing stands before the noun, and a title may go on after it:
    *kaffebryggare Moccamaster*."""


_MARKS: Final = {
    **dict.fromkeys(",;:|()[]", _Kind.MARK),
    **dict.fromkeys(("&", "+", "/"), _Kind.AND),
    **dict.fromkeys(("-", "–", "—"), _Kind.DASH),
}


def _grammar(*, joins_nouns: bool, target: str, part: str, also: str) -> _Grammar:
    """`target`, `part`, `also`: the words that say for, with and and."""
    words = {
        **dict.fromkeys(target.split(), _Kind.FOR),
        **dict.fromkeys(part.split(), _Kind.WITH),
        **dict.fromkeys(also.split(), _Kind.AND),
    }
    return _Grammar(_Kinds(_MARKS | words), joins_nouns)


_GRAMMARS: Final[Mapping[str, _Grammar]] = {
    "en": _grammar(
        joins_nouns=False,
        target="for f/ fits fit fitting compatible suitable replaces replacing",
        part="with w/ without incl including includes",
        also="and or",
    ),
    "sv": _grammar(
        joins_nouns=True,
        target="för till t/ passar passande kompatibel ersätter",
        part="med m/ utan u/ inkl inklusive exkl",
        also="och eller",
    ),
    "da": _grammar(
        joins_nouns=True,
        target="for til t/ passer passende kompatibel erstatter",
        part="med m/ uden u/ inkl inklusive ekskl",
        also="og eller",
    ),
    "no": _grammar(
        joins_nouns=True,
        target="for til t/ passer passende kompatibel erstatter",
        part="med m/ uten u/ inkl inkludert ekskl",
        also="og eller",
    ),
    "de": _grammar(
        joins_nouns=True,
        target="für f/ passend kompatibel geeignet ersetzt zu",
        part="mit m/ ohne o/ inkl inklusive exkl",
        also="und oder",
    ),
}
"""By language, as `Analyzer.language`. Of another language only the attribute that says so is believed."""

_TYPE_KEYS: Final = frozenset(
    {
        *("producttype", "itemtype", "articletype", "producttyp", "produkttyp", "produkttype"),
        *("artikeltyp", "artikkeltype", "varutyp", "varetype", "artikelart", "produktart"),
    }
)
_KIND_PARTS: Final = frozenset(
    {"type", "types", "typ", "typer", "typen", "art", "kind", "category", "kategori"}
)
_KEY_PARTS: Final = re.compile(r"[-_]")
_PROPERTY_LENGTH_MIN: Final = 2


def infer_type(
    product: Product, attributes: Sequence[tuple[str, str]], language: str
) -> ProductType:
    """The type of a product from its title, brand, categories, and the keys and texts of its attributes.

    A property that the attributes give (*black*, *wireless*) or the brand is no name even where the title's
    phrase ends in it, unless nothing else is left.
    """
    grammar = _GRAMMARS.get(language)
    title = product.title.lower()
    names: set[str] = set()
    aside = [product.brand.lower()] if product.brand else []
    roles, typed, told = _ROLES, _KeyRole.TYPE, _KeyRole.PROPERTY
    for key, text in attributes:
        role = roles[key]
        if role is told:
            lower = text.lower()
            if lower in title and len(lower) >= _PROPERTY_LENGTH_MIN:
                aside.append(lower)
        elif role is typed:
            names |= _listed_names(text, language)
    if grammar is not None:
        for path in product.categories:
            names |= _listed_names(path.rpartition(">")[2], language)
    if grammar is None:
        return ProductType(frozenset(names), frozenset())
    phrases = _Phrases(_without(title, aside), grammar)
    names |= phrases.names or _Phrases(title, grammar).names
    return ProductType(frozenset(names), frozenset(phrases.targets - names))


def category_names(path: str, language: str) -> frozenset[str]:
    """What the products of a category are called by its last step, in lower case; it may list several things."""
    return _listed_names(path.rpartition(">")[2], language)


def is_grammatical(word: str, language: str) -> bool:
    """Whether a word in lower case only joins others in a phrase: for, with, and."""
    grammar = _GRAMMARS.get(language)
    return grammar is not None and grammar.kinds[word] in {_Kind.FOR, _Kind.WITH, _Kind.AND}


def joins_nouns(language: str) -> bool:
    """Whether a language writes compounds as one word, so that what stands after the noun says which one."""
    grammar = _GRAMMARS.get(language)
    return grammar is not None and grammar.joins_nouns


class _KeyRole(Enum):
    """What the name of an attribute says of its values."""

    TYPE = auto()
    KIND = auto()  # of a part or a property: a noun that may be the product's own, or not
    PROPERTY = auto()


class _Roles(dict[str, _KeyRole]):
    """The role of each attribute's key that was met, up to a bound."""

    def __missing__(self, key: str) -> _KeyRole:
        parts = _KEY_PARTS.split(key.lower())
        role = _KeyRole.PROPERTY
        if "".join(parts) in _TYPE_KEYS:
            role = _KeyRole.TYPE
        elif not _KIND_PARTS.isdisjoint(parts):
            role = _KeyRole.KIND
        if len(self) >= _KEYS_CACHED_MAX:
            self.clear()
        self[key] = role
        return role


_ROLES: Final = _Roles()


@lru_cache(_TEXTS_CACHED_MAX)
def _listed_names(text: str, language: str) -> frozenset[str]:
    """What a category's last step or the value of a type attribute names; it may list several things."""
    grammar = _GRAMMARS.get(language)
    lower = text.strip().lower()
    if grammar is None:
        return frozenset([lower])
    return frozenset().union(*(_Phrases(part, grammar).names for part in lower.split(",")))


def _without(title: str, values: list[str]) -> str:
    """The title with whole words that are one of the values taken out, longer ones first."""
    values.sort()
    values.sort(key=len, reverse=True)
    for value in values:
        start = title.find(value)
        while start >= 0:  # ends: every round moves start on or shortens the title
            end = start + len(value)
            if title[end : end + 1].isalnum() or (start and title[start - 1].isalnum()):
                start = title.find(value, end)
            else:
                title = f"{title[:start]} {title[end:]}"
                start = title.find(value, start + 1)
    return title


class _Phrases:
    """The phrases of a text in lower case: names and targets.

    A phrase ends at a dash, a mark, a measure, and where *for* or *with* begins. After a mark come details, which
    name nothing, unless nothing was named before it.
    """

    __slots__ = ("_grammar", "names", "targets")

    def __init__(self, text: str, grammar: _Grammar) -> None:
        self.names: set[str] = set()
        self.targets: set[str] = set()
        self._grammar = grammar
        kinds = grammar.kinds
        phrase: list[str] = []
        inside: _Kind | None = None
        # An enum's members are looked up at some cost, which is paid once and not for each token.
        word, number, also, target = _Kind.WORD, _Kind.NUMBER, _Kind.AND, _Kind.FOR
        for token in _TOKEN.findall(text):
            kind = kinds[token]
            if kind is word:
                if inside is None:
                    phrase.append(token)
                elif inside is target:
                    self.targets.add(token)
            elif kind is also:
                phrase.append("")
            elif kind is not number:
                self._end(phrase)
                inside = self._after(kind, inside)
        self._end(phrase)

    def _end(self, phrase: list[str]) -> None:
        """Take the names out of a phrase: its last word, and what *and* (an empty word) joins to it."""
        place = len(phrase) - 1
        while place >= 0 and not phrase[place]:
            place -= 1
        if place >= 0:
            self.names.add(phrase[place])
            if self._grammar.joins_nouns:
                self.names.add(next(filter(None, phrase)))
        while place >= 2 and not phrase[place - 1] and phrase[place - 2]:
            place -= 2
            self.names.add(phrase[place])
        phrase.clear()

    def _after(self, kind: _Kind, inside: _Kind | None) -> _Kind | None:
        """What the words after a break are inside of; nothing: of a phrase that names."""
        if kind is _Kind.MARK:
            return kind if self.names else inside
        if kind is _Kind.MEASURE:
            return inside
        return None if kind is _Kind.DASH else kind
