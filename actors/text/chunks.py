r"""Cutting normalised text into chunks, and a chunk into words.

A *chunk* is what stands together in the text: a word, a code with its separators, a number with its
unit. It yields *words*: the joined form by which a query finds it however it is written, and its
parts. What a query has to match is a subset of what the index holds, so that text always finds itself:

    chunk       a query asks for   the index also holds
    wh-1000xm4  wh1000xm4          wh, 1000xm4
    usb-hub     usb, hub           usbhub
    wi-fi       wifi               wi, fi
    16 gb       16gb               16, gb
    2,5         2.5
    1,000       1000               1.000, 1, 000
    27"         27in               27, in
    iphone12pro iphone12pro        iphone, 12, pro
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

UNITS: Final = (
    "kwh|mwh|wh|mah|ah|gbps|gbit|mbps|mbit|kbps|khz|mhz|ghz|hz|kb|mb|gb|tb|mm|cm|dm|km|m|kg|hg|mg|g|"
    "ml|cl|dl|l|w|kw|v|kv|a|ma|mp|mpx|px|dpi|fps|rpm|db|lm|nm|tum|inch|inches|in"
)
_INCHES: Final = frozenset({"tum", "inch", "inches", '"', "''", "in"})

_CHUNK: Final = re.compile(
    rf"""
      (?<![\w.,])\d+(?:[.,]\d+)?(?:\s?(?!in\b)(?:{UNITS})(?!\w)|in(?!\w)|\s?(?:"|''))  # with unit
    | (?<![\w.,/])\d+[.,/]\d+(?![.,/]?\w)                                       # decimal, fraction
    | [^\W_]+(?:[-_.'][^\W_]+)*                                                 # word or code
    """,
    re.VERBOSE,
)
_MEASURE: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s?([a-z]+|\"|'')")
_QUANTITY: Final = re.compile(rf"\d+(?:[.,/]\d+)*(?:{UNITS})?|(?:{UNITS})")
_DECIMAL: Final = re.compile(r"(\d+)[.,](\d+)")
_NAME_WITH_DECIMAL: Final = re.compile(r"([^\W\d_]{2,})(\d+[.,]\d+)")
_SEPARATORS: Final = re.compile(r"[-_./']")
_RUNS: Final = re.compile(r"\d+|[^\W\d_]+")
_THOUSANDS_DIGITS: Final = 3
_SHORT_PART_LENGTH: Final = 2
_NAME: Final = re.compile(r"[^\W\d_]{4}")
"""What is left of a chunk that names something: fewer letters in a row are a part of a code."""
_WORD_LENGTH_MAX: Final = 64


class Word(NamedTuple):
    """A word of a chunk: where it stands in it, and whether a query asks for it."""

    text: str
    start: int
    end: int
    asked: bool


def find_chunks(text: str) -> list[str]:
    """The chunks of normalised text, in order."""
    return _CHUNK.findall(text)


def find_chunk_spans(text: str) -> Iterator[tuple[int, str]]:
    """The chunks with their offsets."""
    for match in _CHUNK.finditer(text):
        yield match.start(), match.group()


def words_of(chunk: str) -> list[Word]:
    """The words of one chunk, each once; at least one of them is asked for."""
    if chunk.isalpha() or chunk.isdigit():
        return [Word(chunk[:_WORD_LENGTH_MAX], 0, len(chunk), asked=True)]
    words = (chunk[0].isdigit() and (_measure(chunk) or _decimal(chunk))) or _code(chunk)
    if len(words) == 1 and len(chunk) <= _WORD_LENGTH_MAX:
        return words
    once: dict[str, Word] = {}
    for word in words:
        if len(word.text) > _WORD_LENGTH_MAX:
            once.setdefault(
                word.text[:_WORD_LENGTH_MAX], word._replace(text=word.text[:_WORD_LENGTH_MAX])
            )
        else:
            once.setdefault(word.text, word)
    return list(once.values())


def is_quantity(word: str) -> bool:
    """Whether a word of a query is a number, a measure or the name of a unit: 42, 2.5mm, cm."""
    return _QUANTITY.fullmatch(word) is not None


def _measure(chunk: str) -> list[Word]:
    match = _MEASURE.fullmatch(chunk)
    if match is None or (match[2].isalpha() and not re.fullmatch(UNITS, match[2])):
        return []
    number = match[1].replace(",", ".")
    unit = "in" if match[2] in _INCHES else match[2]
    return [
        Word(number + unit, 0, len(chunk), asked=True),
        Word(number, 0, match.end(1), asked=False),
        Word(unit, match.start(2), len(chunk), asked=False),
    ]


def _decimal(chunk: str) -> list[Word]:
    match = _DECIMAL.fullmatch(chunk)
    if match is None:
        return []
    point = f"{match[1]}.{match[2]}"
    if len(match[2]) != _THOUSANDS_DIGITS or match[1].startswith("0"):
        return [Word(point, 0, len(chunk), asked=True)]
    return [
        Word(match[1] + match[2], 0, len(chunk), asked=True),
        Word(point, 0, len(chunk), asked=False),
        Word(match[1], 0, match.end(1), asked=False),
        Word(match[2], match.start(2), len(chunk), asked=False),
    ]


def _code(chunk: str) -> list[Word]:
    """A word or code with separators, or of letters and digits."""
    if chunk.isalnum():
        return [Word(chunk, 0, len(chunk), asked=True), *_runs(chunk)]
    if "/" in chunk:
        return [Word(chunk, 0, len(chunk), asked=True), *_parts(chunk, asked=False)]
    joined = _SEPARATORS.sub("", chunk)
    named = _NAME_WITH_DECIMAL.fullmatch(chunk)
    if named is not None:
        return [
            Word(joined, 0, len(chunk), asked=True),
            Word(named[1], 0, named.end(1), asked=False),
            Word(named[2].replace(",", "."), named.start(2), len(chunk), asked=False),
        ]
    parts = _parts(chunk.replace("'", ""), asked=False)
    if len(parts) == 1:
        return [Word(joined, 0, len(chunk), asked=True), *_runs(chunk)]
    one_word = any(len(part.text) <= _SHORT_PART_LENGTH for part in parts)
    if joined.isalpha() and not one_word:
        return [*_parts(chunk, asked=True), Word(joined, 0, len(chunk), asked=False)]
    return [Word(joined, 0, len(chunk), asked=True), *parts]


def _parts(chunk: str, *, asked: bool) -> list[Word]:
    words = []
    start = 0
    for part in _SEPARATORS.split(chunk):
        if part:
            words.append(Word(part, start, start + len(part), asked))
        start += len(part) + 1
    return words


def _runs(chunk: str) -> list[Word]:
    """The letters and the digits of a name like iphone12pro; the shreds of a code help nobody."""
    if not _NAME.search(chunk):
        return []
    runs = _RUNS.finditer(chunk)
    return [Word(run[0], run.start(), run.end(), asked=False) for run in runs]
