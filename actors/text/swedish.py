"""The lemma of a Swedish noun or adjective, by rule and by a list of what the rules get wrong.

Snowball's Swedish stemmer cuts endings without knowing the word's class: *jackan* stays as it is beside
*jack(a)*, *skor* beside *sko*, and it takes parts of words for endings (*billig* becomes *bil*, *mössa* becomes
*möss*). Here an ending goes only where what it leaves can be that word's base:

- Nouns keep the *-a* of their base, so that *mössa* and *möss*, *lampa* and *lamp* stay apart; *-an* and *-or*
  lead back to it. A plural adjective in *-a* cannot be told from such a noun by its form: adjectives are listed,
  or known by their suffix (*-ig*, *-isk*, *-bar*, *-lös*, ...).
- A genitive *-s* goes behind an ending or behind two syllables: *kran* and *krans* are two words.
- The final *-e* goes, since *-ar*, *-en* and *-et* do not say whether there was one (*stolar*, *handskar*).
- A vowel lost in an ending comes back: *nycklar*, *fönstret*.

Rules are applied until none fits, so that all forms of a word unknown to the list meet in one lemma even where
that is not a word. The list stands in `lemmas_sv.txt`; its entries also stand for the ends of longer words.

The rules see å, ä and ö as other vowels and the list also holds its words without dots and rings, so that
the lemma of a word typed without them is that of the word without them.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

_VOWELS: Final = "aeiouyåäö"
_GROUP: Final = re.compile(f"[{_VOWELS}]+")
_PLAIN: Final = str.maketrans("åäö", "aao")
_LENGTH_MIN: Final = 3
_TAIL_LENGTH_MIN: Final = 4
"""Shorter ones end too many words by chance; those with `after` say where they may stand."""
_PLAIN_TAIL_LENGTH_MIN: Final = 6
_STEPS_MAX: Final = 6

_AGENT_PLURALS: Final = ("arna", "arnas")
"""*skrivarna* is of *skrivare* as *stolarna* is of *stol*."""

_SUFFIX_ADJECTIVE: Final = re.compile(
    f"(.*[{_VOWELS}].*(?:ig|isk|bar|lös|los|tiv|siv|ell))(?:t|a)|(.*[{_VOWELS}].*er)(?:ade|at)"
    f"|(.*[{_VOWELS}].*[^{_VOWELS}])(?:ade)|(.*[{_VOWELS}].*sam)(?:t|ma)"
)
_COMPARED: Final = re.compile(f"(.*[{_VOWELS}].*(?:ig|isk))(?:are|ast|aste)")
_LOST_VOWEL: Final = re.compile("(.*[bdfgkptvxs])(l)|(.*[bdfgkptvxsmn])(r)|(.*[tdpkb])(n)")


class LemmaList:
    """The words of `lemmas_sv.txt`, by form."""

    def __init__(self, text: str) -> None:
        self._whole: dict[str, str] = {}
        self._tails: dict[str, tuple[str, str]] = {}  # form -> lemma, letters it may stand behind
        for form, lemma, behind, is_whole in _read_list(text):
            self._add(form, lemma, behind, is_whole=is_whole)
        for form, lemma, behind, is_whole in _read_list(text):
            if not behind:
                # A word typed without dots and rings, unless that is a word of the list. As the end of
                # longer words it would too often be another (leksaker, säker), if it is short.
                is_short = len(form) < _PLAIN_TAIL_LENGTH_MIN
                self._add(
                    form.translate(_PLAIN),
                    lemma.translate(_PLAIN),
                    behind,
                    is_whole=is_whole or is_short,
                )
        self._tail_length_max = max(map(len, self._tails))

    def find(self, word: str) -> str | None:
        """The lemma of a listed form, or of a word that ends in one."""
        whole = self._whole.get(word)
        if whole is not None:
            return whole
        for start in range(max(2, len(word) - self._tail_length_max), len(word) - 2):
            tail = self._tails.get(word[start:])
            if tail is not None:
                lemma, behind = tail
                before = word[:start]
                if (before[-1] in behind if behind else True) and _GROUP.search(before):
                    return before + lemma
        return None

    def _add(self, form: str, lemma: str, behind: str, *, is_whole: bool) -> None:
        if not behind:
            self._whole.setdefault(form, lemma)
        if behind or (not is_whole and len(form) >= _TAIL_LENGTH_MIN):
            self._tails.setdefault(form, (lemma, behind))


@cache
def _lemma_list() -> LemmaList:
    return LemmaList(files("actors.text").joinpath("lemmas_sv.txt").read_text(encoding="utf-8"))


@lru_cache(1 << 15)
def swedish_lemma(word: str) -> str:
    """The lemma of a lower-case word; a fixed point: the lemma of a lemma is itself."""
    return swedish_steps(word)[-1]


def swedish_steps(word: str) -> list[str]:
    """A lower-case word, what is left of it after each ending that goes, and at last its lemma."""
    steps = [word]
    if len(word) < _LENGTH_MIN:
        return steps
    listed = _lemma_list()
    while len(steps) <= _STEPS_MAX:  # ends: each round adds a step
        found = listed.find(steps[-1])
        if found is not None:
            return steps if found == steps[-1] else [*steps, found]
        shorter = _without_ending(steps[-1], listed)
        if shorter == steps[-1]:
            break
        steps.append(shorter)
    return steps


def swedish_lemmas(word: str) -> tuple[str, ...]:
    """The lemmas that a form may have, the likeliest first."""
    first = swedish_lemma(word)
    if not word.endswith(_AGENT_PLURALS) or _lemma_list().find(word) is not None:
        return (first,)
    second = word.removesuffix("s")[:-2] + "e"
    return (first, second) if _syllables(second) > 2 else (first,)


def _read_list(text: str) -> Iterator[tuple[str, str, str, bool]]:
    """Form, lemma, letters it must stand behind, and whether it stands for whole words only."""
    is_adjectives = False
    for line in text.splitlines():
        entry = line.partition("#")[0].strip()
        if entry.startswith("["):
            is_adjectives = entry == "[adjectives]"
        elif entry:
            is_whole = entry.startswith("=")
            head, _, forms = entry.removeprefix("=").partition(":")
            lemma, _, behind = head.strip().partition(" after ")
            named = forms.split()
            if is_adjectives:
                named += _adjective_forms(lemma, named)
            for form in (lemma, *named):
                yield form, lemma, behind.strip(), is_whole


def _adjective_forms(base: str, irregular: list[str]) -> list[str]:
    if base[-1] in "åäöoiuy":
        return [base + "a", base + "are", base + "ast"]
    if base.endswith(("en", "el", "er")) and len(irregular) > 1:
        return [base[:-2] + base[-1] + ending for ending in ("are", "ast")]
    neuter = [] if irregular or base.endswith("t") else [base + "t"]
    return [*neuter, base + "a", base + "are", base + "ast"]


def _syllables(word: str) -> int:
    return len(_GROUP.findall(word))


def _without_ending(word: str, listed: LemmaList) -> str:
    """The word without its last ending, or as it is."""
    return (
        _without_genitive(word, listed)
        or _without_adjective_ending(word)
        or _without_plural(word)
        or _without_definite(word, listed)
        or _without_final_e(word)
        or word
    )


def _without_genitive(word: str, listed: LemmaList) -> str:
    if not word.endswith("s") or word[-2] in "sxziouyåäö":
        return ""
    base = word[:-1]
    if _syllables(base) > 1 or listed.find(base) not in (None, base):
        return base
    return ""


def _without_adjective_ending(word: str) -> str:
    found = _SUFFIX_ADJECTIVE.fullmatch(word) or _COMPARED.fullmatch(word)
    if found is None:
        return ""
    base = next(group for group in found.groups() if group is not None)
    return base + "ad" if word.endswith(("ade", "at")) and not base.endswith("sam") else base


def _without_plural(word: str) -> str:
    for ending, replacement in (
        ("orna", "a"), ("arna", ""), ("erna", ""), ("ena", ""), ("or", "a"), ("ar", ""), ("er", ""),
    ):  # fmt: skip
        if word.endswith(ending):
            base = word[: -len(ending)]
            if ending == "or" and word.endswith(("ator", "ktor", "nsor", "itor", "essor")):
                return ""
            return _repaired(base, replacement)
    return ""


def _without_definite(word: str, listed: LemmaList) -> str:
    if word.endswith("ium"):  # akvarium, akvariet
        return word[:-2]
    if word.endswith("aren") and _syllables(word) > 2:
        return word[:-1]
    for ending in ("en", "et"):
        if word.endswith(ending):
            return "" if word.endswith(("het", "itet")) else _repaired(word[:-2], "")
    if word.endswith("n") and len(word) > 3:
        base = word[:-1]
        if base.endswith(("el", "er", "or", "ar")) and (
            base.endswith("el") or listed.find(base) == base
        ):
            return base if _syllables(base) > 1 else ""
        if base[-1] in "aåäöuy" and _syllables(base) > 1:
            return base
    return ""


def _without_final_e(word: str) -> str:
    if not word.endswith("e") or word.endswith("are"):
        return ""
    return _repaired(word[:-1], "")


def _repaired(base: str, replacement: str) -> str:
    """What an ending leaves, made a base; nothing when it cannot be one."""
    if len(base) < _LENGTH_MIN - (replacement != "") or not _GROUP.search(base):
        return ""
    if replacement:
        return base + replacement
    if base[-1] in "aouåäö":
        return ""
    if base.endswith("mm") and base[-3] in _VOWELS:
        return base[:-1]
    lost = _LOST_VOWEL.fullmatch(base)
    if lost is not None:
        front, last = (group for group in lost.groups() if group is not None)
        return front + "e" + last
    return base
