r"""Synonyms as a text file in the form that Solr and Elasticsearch read.

    # a comment
    #: language=en
    laptop, notebook
    #: id=tv
    tv, telly => television

A line with commas only: each finds all the others. With "=>": what stands before it finds what stands
behind it too, and not the other way round. A line that begins with "#:" is a comment to other programs;
here it says the id of the next synonym and the language of all that follow ("*": all languages). A
backslash makes the next character part of a word: `\,` `\=` `\#` `\\`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from node.client.message_toml import near_words
from node.client.text_file import TextFile
from protos.v1.merchandising_pb2 import Synonym

ALL_LANGUAGES: Final = "*"
_NOTE: Final = "#:"
_NOTE_KEYS: Final = ("id", "language")
_ID_LENGTH_MAX: Final = 48
"""Of an id that is made from words: room for a language and a number within the server's 64."""

_TOKEN: Final = re.compile(r"\\(?P<escaped>.)|(?P<arrow>=>)|(?P<comma>,)|(?P<plain>.)", re.DOTALL)
_INTRODUCTION: Final = """\
# "a, b": each finds the other. "a => b": a finds b too, and b does not find a.
"""


@dataclass(frozen=True, slots=True)
class SynonymEntry:
    """A synonym of a file, and the line where it stands; the first line is 1."""

    line: int
    synonym: Synonym


def read_synonyms(file: TextFile, *, language_code: str = "") -> list[SynonymEntry]:
    """The synonyms of a file, in its order; `language_code` is theirs where the file names none.

    A synonym without an id is called by its language and first word, so that a line may be changed
    and imported again. Raises FileRefusedError with the line that cannot be read.
    """
    entries: list[SynonymEntry] = []
    language, next_id = language_code, ""
    for number, raw in enumerate(file.text.split("\n"), start=1):
        line = raw.strip()
        if line.startswith(_NOTE):
            note = _note_of(file, number, line)
            next_id = note.get("id", next_id)
            language = note.get("language", language).replace(ALL_LANGUAGES, "")
        elif line and not line.startswith("#"):
            words, replacements = _sides_of(file, number, raw)
            synonym = Synonym(
                id=next_id, language_code=language, words=words, replacements=replacements
            )
            entries.append(SynonymEntry(number, synonym))
            next_id = ""
    if next_id:
        raise file.error(None, f"no synonym follows after the id {next_id!r}")
    _name(file, entries)
    return entries


def synonyms_text(synonyms: Iterable[Synonym]) -> str:
    """The file of these synonyms, in their order: what `read_synonyms` reads back as equal ones."""
    lines = [_INTRODUCTION]
    language: str | None = None
    for synonym in synonyms:
        note = f"{_NOTE} id={synonym.id}"
        if synonym.language_code != language:
            language = synonym.language_code
            note += f" language={language or ALL_LANGUAGES}"
        lines.append(note)
        lines.append(entry_text(synonym))
    return "\n".join(lines) + "\n"


def entry_text(synonym: Synonym) -> str:
    """One synonym as its line: `tv, telly => television`."""
    sides = [synonym.words, synonym.replacements] if synonym.replacements else [synonym.words]
    return " => ".join(", ".join(_escaped(word) for word in side) for side in sides)


def _note_of(file: TextFile, number: int, line: str) -> dict[str, str]:
    note: dict[str, str] = {}
    for part in line.removeprefix(_NOTE).split():
        key, equals, value = part.partition("=")
        if key not in _NOTE_KEYS:
            raise file.error(number, f"{key!r} is not known{near_words(key, _NOTE_KEYS)}")
        if not equals or not value:
            raise file.error(number, f"{key} needs a value, as in {_NOTE} id=tv language=en")
        note[key] = value
    return note


def _sides_of(file: TextFile, number: int, line: str) -> tuple[list[str], list[str]]:
    """The words, and what they find too."""
    sides: list[list[str]] = [[]]
    word: list[re.Match[str]] = []
    for token in [*_TOKEN.finditer(line), None]:
        if token is not None and token["comma"] is None and token["arrow"] is None:
            word.append(token)
            continue
        text, word = _word_of(word), []
        if not text:
            raise file.error(number, "has an empty word; between two commas stands a word")
        sides[-1].append(text)
        if token is not None and token["arrow"]:
            sides.append([])
    if len(sides) > 2:
        raise file.error(number, 'has more than one "=>"')
    if len(sides) == 1 and len(sides[0]) < 2:
        raise file.error(number, f"{sides[0][0]!r} stands alone; what is it a synonym of?")
    return sides[0], sides[1] if len(sides) == 2 else []


def _word_of(tokens: Sequence[re.Match[str]]) -> str:
    """A word without the space around it, but for space that was escaped."""
    kept = [index for index, token in enumerate(tokens) if not (token["plain"] or "").isspace()]
    if not kept:
        return ""
    return "".join(token["escaped"] or token["plain"] for token in tokens[kept[0] : kept[-1] + 1])


def _name(file: TextFile, entries: Sequence[SynonymEntry]) -> None:
    """Gives an id to each synonym that has none; refuses one that stands twice."""
    lines: dict[str, int] = {}
    for entry in entries:
        before = lines.setdefault(entry.synonym.id, entry.line) if entry.synonym.id else entry.line
        if before != entry.line:
            sentence = f"the id {entry.synonym.id!r} stands in line {before} already"
            raise file.error(entry.line, sentence)
    for entry in entries:
        if not entry.synonym.id:
            entry.synonym.id = _free_id(entry.synonym, lines)
            lines[entry.synonym.id] = entry.line


def _free_id(synonym: Synonym, taken: Iterable[str]) -> str:
    used = frozenset(taken)
    stem = _slug(f"{synonym.language_code} {synonym.words[0]}")
    numbered = (f"{stem}-{number}" for number in range(2, len(used) + 3))
    return stem if stem not in used else next(each for each in numbered if each not in used)


def _slug(text: str) -> str:
    """Letters a to z, digits and "-"; a digest of a text that has none of them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_ID_LENGTH_MAX].rstrip("-")
    return slug or hashlib.sha256(text.encode()).hexdigest()[:16]


def _escaped(word: str) -> str:
    """A word as it stands in a line; a line break in it, which only parts two words, is a space."""
    return re.sub(r"([\\,]|=(?=>)|^[#\s]|(?<!^)\s\Z)", r"\\\1", word.replace("\n", " "))
