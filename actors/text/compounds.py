"""Swedish compounds: which words of a catalogue are made of which others.

Nothing is split by a dictionary: a general one takes *bordslampa* for *bord+slampa* and *halsduk* for
*hal+s+duk*. A split needs evidence from the catalogue itself for both parts:

- The **head**, what the thing is, stands at the end. It has to be a word of the catalogue, and of several that
  end the compound the longest is it (*leksaksverktyg* is a *verktyg*, no *tyg*).
- The **modifier** in front of it has to be a word of the catalogue (*vinter+jacka*), allowing for a linking s
  (*bomull+s+tröja*), an *-a* that was dropped (*flick+tröja*) or became *-u* or *-o* (*gatu+belysning*), or
  itself such a compound (*vardagsrum+s+matta*). Or it recurs: many modifiers never stand alone (*kyl-*, *bad-*),
  but stand in front of more than one head (*kylskåp*, *kylbox*). A modifier in *-ings*, *-ions*, *-hets* and the
  like shows its end by itself, and in front of a long head of which the catalogue has a kind (*väska*,
  *tillbehör*) whatever ends in a consonant is one, or, of four letters and more, in a vowel.

A longest head without an evidenced modifier leaves no chance to shorter ones, unless the modifier is a word.
The words of `never_split_sv.txt` are whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Final, Protocol

from actors.text.swedish import swedish_lemma

_VOWELS: Final = frozenset("aeiouyåäö")
_HEAD_LENGTH_MIN: Final = 3
_MODIFIER_LENGTH_MIN: Final = 3
_SHORT_MODIFIERS: Final = frozenset(
    {"el", "te", "is", "öl", "sy", "ko", "hö", "tå", "ö", "tv", "pc"}
)
_RECURRING_LENGTH_MIN: Final = 3
_RECURRING_HEAD_LENGTH_MIN: Final = 3
_NEIGHBOURS_MAX: Final = 64
_PRODUCTIVE_HEAD_LENGTH_MIN: Final = 5
_PRODUCTIVE_KINDS_MIN: Final = 1
_OPEN_MODIFIER_LENGTH_MIN: Final = 4
_GOING_ON_LENGTH_MIN: Final = 4
_GOING_ON_MAX: Final = 64
_ONSETS: Final = frozenset(
    {"bl", "br", "dr", "dv", "fl", "fr", "gl", "gr", "gn", "kl", "kr", "kn", "kv", "pl", "pr"}
    | {"sk", "skr", "sl", "sm", "sn", "sp", "spl", "spr", "st", "str", "sv", "tr", "tv", "vr"}
    | {
        "sj",
        "stj",
        "skj",
        "tj",
        "lj",
        "hj",
        "dj",
        "gj",
        "kj",
        "ch",
        "chr",
        "th",
        "sh",
        "ph",
        "ps",
        "sc",
    }
)
"""Consonants that begin Swedish words together."""
_PREFIXES: Final = ("för", "an", "in", "ut", "av", "om", "upp", "över", "under", "till")
_VERBAL: Final = "ering"
_SUFFIXES: Final = (
    "ning",
    "ering",
    "ande",
    "ende",
    "else",
    "aktig",
    "erad",
    "isk",
    "lig",
    "het",
    "are",
    "skap",
)
_DERIVED: Final = ("ings", "ions", "hets", "tets", "skaps", "doms")
_WORD_LENGTH_MAX: Final = 40
_DEPTH_MAX: Final = 2
_CHAIN_MAX: Final = 4
_KNOWN_MAX: Final = 1 << 16


class Vocabulary(Protocol):
    """The words of a catalogue, as lemmas."""

    def holds(self, word: str) -> bool:
        """Whether a product of the catalogue has the word."""
        ...

    def starting_with(self, start: str, *, count_max: int) -> Iterable[str]:
        """Words that begin so, in their order, at most so many."""
        ...

    def ending_with(self, end: str) -> Iterable[str]:
        """All words that end so."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """A compound's parts, as words of the vocabulary; a modifier that only recurs, as it is written."""

    written: str
    """The modifier as it stands in the compound: `flick`, `bomulls`."""

    modifier: str
    head: str

    @property
    def is_plain(self) -> bool:
        """Whether the two stand side by side with nothing between or changed: *head set*, *headset*."""
        return self.modifier == self.written


class Compounds:
    """What is known of a vocabulary's compounds: a pure function of its words."""

    def __init__(self, vocabulary: Vocabulary, *, never_split: frozenset[str]) -> None:
        """`never_split`: lemmas that are whole, beside those of `never_split_sv.txt`."""
        self._vocabulary = vocabulary
        self._never_split = _never_split() | never_split if never_split else _never_split()
        self._splits: dict[str, Split | None] = {}
        self._recurring: dict[str, bool] = {}
        self._productive: dict[str, bool] = {}

    def split(self, word: str) -> Split | None:
        """The parts of a lemma; None when it is no compound by the catalogue's evidence."""
        return self._split(word, _DEPTH_MAX)

    def heads(self, word: str) -> list[str]:
        """What a lemma is a kind of, the nearest first: dunvinterjacka, vinterjacka, jacka."""
        heads: list[str] = []
        while len(heads) < _CHAIN_MAX and (split := self.split(word)) is not None:
            word = split.head
            heads.append(word)
        return heads

    def with_head(self, head: str) -> list[str]:
        """The vocabulary's compounds that are a kind of `head`, a lemma."""
        if len(head) < _HEAD_LENGTH_MIN:
            return []
        return [
            word
            for word in self._vocabulary.ending_with(head)
            if word != head and self._is_kind(word, head)
        ]

    def _is_kind(self, word: str, head: str) -> bool:
        """Whether a head is among `heads`: each is shorter than the one before."""
        for _ in range(_CHAIN_MAX):
            split = self.split(word)
            if split is None or len(split.head) < len(head):
                return False
            if split.head == head:
                return True
            word = split.head
        return False

    def with_modifier(self, modifier: str, *, count_max: int) -> list[str]:
        """The vocabulary's compounds that begin with `modifier`, a lemma."""
        if len(modifier) < _MODIFIER_LENGTH_MIN and modifier not in _SHORT_MODIFIERS:
            return []
        found: dict[str, None] = {}
        for start in _modifier_starts(modifier):
            for word in self._vocabulary.starting_with(start, count_max=count_max):
                if word != modifier and self._begins_with(word, modifier):
                    found[word] = None
        return list(found)

    def going_on(self, word: str) -> list[str]:
        """The vocabulary's words that seem to be compounds of `word` with a head that it does not hold.

        For the end of such a word there is no evidence, so they are worth no more than any that begins so:
        *brand* and *brandsläckare*. No longer word of the vocabulary begins them (*hallon*, not *hall*), and
        what follows is long enough, and can begin a word: *bil* does not go on in *bildskärm*. Behind a linking s
        it may be shorter (*trädgård|s|bro*).
        """
        if len(word) < _GOING_ON_LENGTH_MIN or not self._vocabulary.holds(word):
            return []
        found = []
        for start in _modifier_starts(word):
            for longer in self._vocabulary.starting_with(start, count_max=_GOING_ON_MAX):
                rest = longer[len(start) :]
                if _can_begin_word(rest, _GOING_ON_LENGTH_MIN) or (
                    rest[:1] == "s" and _can_begin_word(rest[1:], _HEAD_LENGTH_MIN)
                ):
                    stops = range(len(start) + 1, len(longer) - _GOING_ON_LENGTH_MIN + 1)
                    ends = (longer[:stop] for stop in stops)
                    if (
                        longer != word
                        and longer not in self._never_split
                        and not any(end != word and self._vocabulary.holds(end) for end in ends)
                    ):
                        found.append(longer)
        return found

    def _begins_with(self, word: str, modifier: str) -> bool:
        """Whether a modifier is the first part of a word, or of what the first part is made of."""
        # Of a compound of three the longest head leaves motor+cykelbyxa; it is motorcykel+byxa too. And that
        # somebody asks for a word that never stands alone is evidence for it.
        for stop in range(len(modifier) - 1, min(len(modifier) + 2, len(word) - _HEAD_LENGTH_MIN)):
            if modifier in _modifier_bases(word[:stop]) and self._vocabulary.holds(word[stop:]):
                return word not in self._never_split
        for _ in range(_CHAIN_MAX):
            split = self.split(word)
            if split is None:
                return False
            if modifier == split.modifier or modifier in _modifier_bases(split.written):
                return True
            word = split.modifier
        return False

    def _split(self, word: str, depth: int) -> Split | None:
        if word in self._splits:
            return self._splits[word]
        found = None
        if depth and len(word) <= _WORD_LENGTH_MAX and word not in self._never_split:
            found = self._find_split(word, depth)
        if depth == _DEPTH_MAX:
            if len(self._splits) >= _KNOWN_MAX:
                self._splits.clear()
            self._splits[word] = found
        return found

    def _find_split(self, word: str, depth: int) -> Split | None:
        is_longest = True
        for start in range(2, len(word) - _HEAD_LENGTH_MIN + 1):
            head = word[start:]
            is_whole = head in self._never_split
            if not self._vocabulary.holds(head):
                if is_whole:
                    return None
                continue
            written = word[:start]
            if len(head) < len(_VERBAL) and word.endswith(_VERBAL):
                return None  # a noun made of a verb in -era ends like a ring: montering
            modifier = self._modifier(written, depth, words_only=not is_longest)
            if modifier is None and is_longest and self._is_productive(head, written):
                modifier = swedish_lemma(written)
            if modifier is not None:
                return Split(written, modifier, head)
            if is_whole:
                return None
            is_longest = False
        return None

    def _modifier(self, written: str, depth: int, *, words_only: bool) -> str | None:
        """The lemma of a modifier, if the catalogue has evidence for it."""
        if len(written) < _MODIFIER_LENGTH_MIN:
            is_word = written in _SHORT_MODIFIERS and self._vocabulary.holds(written)
            return written if is_word else None
        if _VOWELS.isdisjoint(written):
            return None
        for base in _modifier_bases(written):
            if self._vocabulary.holds(base):
                return base
        if words_only:
            return None
        unlinked = written.removesuffix("s")
        if any(self._split(swedish_lemma(part), depth - 1) for part in (unlinked, written)):
            return swedish_lemma(written)
        if (written.endswith(_DERIVED) and len(written) > 6) or self._recurs(written):
            return swedish_lemma(written)
        return None

    def _is_productive(self, head: str, written: str) -> bool:
        """Whether words of the catalogue are a kind of `head`, so that one more is no surprise."""
        if (
            len(head) < _PRODUCTIVE_HEAD_LENGTH_MIN
            or len(written) < _MODIFIER_LENGTH_MIN
            or (written[-1] in _VOWELS and len(written) < _OPEN_MODIFIER_LENGTH_MIN)
            or written.endswith(_PREFIXES)
        ):
            return False
        known = self._productive.get(head)
        if known is None:
            fronts = (word[: -len(head)] for word in self._vocabulary.ending_with(head))
            kinds = (front for front in fronts if len(front) > 2 and self._is_word(front))
            known = len(list(islice(kinds, _PRODUCTIVE_KINDS_MIN))) == _PRODUCTIVE_KINDS_MIN
            self._productive[head] = known
        return known

    def _is_word(self, written: str) -> bool:
        return any(map(self._vocabulary.holds, _modifier_bases(written)))

    def _recurs(self, written: str) -> bool:
        """Whether the modifier stands in front of at least two heads of the vocabulary."""
        if len(written) < _RECURRING_LENGTH_MIN:
            return False
        known = self._recurring.get(written)
        if known is None:
            heads = 0
            for word in self._vocabulary.starting_with(written, count_max=_NEIGHBOURS_MAX):
                rest = word[len(written) :]
                if len(rest) >= _RECURRING_HEAD_LENGTH_MIN and self._vocabulary.holds(rest):
                    heads += 1
                    if heads > 1:
                        break
            known = self._recurring[written] = heads > 1
        return known


def _can_begin_word(rest: str, length_min: int) -> bool:
    """Whether a word of so many letters or more may begin as `rest` does."""
    if len(rest) < length_min or rest.startswith(_SUFFIXES):
        return False
    onset = 0
    while onset < len(rest) and rest[onset] not in _VOWELS:
        onset += 1
    return onset < len(rest) and (onset < 2 or rest[:onset] in _ONSETS)


def _modifier_bases(written: str) -> Iterator[str]:
    """The lemmas that a modifier may be a form of, the likeliest and the cheapest to tell first."""
    yield written
    if written.endswith("s"):
        yield written[:-1]
    yield written + "a"
    if written.endswith("ar"):
        yield written + "e"
    if written[-1] in "uoe":
        yield written[:-1] + "a"
    yield swedish_lemma(written)
    if written.endswith("s"):
        yield swedish_lemma(written[:-1])


def _modifier_starts(modifier: str) -> list[str]:
    """What a compound may begin with whose modifier has this lemma."""
    if modifier.endswith("a") and len(modifier) > _MODIFIER_LENGTH_MIN:
        return [modifier[:-1]]
    if modifier.endswith("are"):
        return [modifier[:-1]]
    return [modifier]


@cache
def _never_split() -> frozenset[str]:
    text = files("actors.text").joinpath("never_split_sv.txt").read_text(encoding="utf-8")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return frozenset(swedish_lemma(line) for line in lines if line)
