"""What a fuzzed text is made of, and what must hold of whatever reads it."""

import random
import time
from collections.abc import Callable

from node.errors import InvariantError, SaluhallError, StorageError

ANSWER_MS_MAX = 50.0
RERUNS = 2
"""Another process may take the machine away for a while; a slow input is slow every time."""

ODD = (
    *(
        "\0",
        "\t",
        "\n",
        "\r\n",
        "\x1b",
        "\x7f",
        "\x85",
        "\xa0",
        "\xad",
        "\u0301",
        "\u200b",
        "\u200d",
    ),
    *(
        "\u2028",
        "\ufeff",
        "\ufffd",
        "\uffff",
        "\U0001f9e5",
        "\U000e0061",
        "ß",
        "ﬃ",
        "İ",
        "ı",
        "Å",
        "Å",
    ),
    *(
        "ǆ",
        "½",
        "²",
        "Ⅳ",
        "٣",
        "०",
        "，",
        "＂",
        "’",
        "”",
        "„",
        "漢字",
        "ไทย",
        "עברית",
        "العربية",
        "ö" * 40,
    ),
    *(
        '"',
        "'",
        "\\",
        "(",
        ")",
        "((((",
        "))))",
        "[",
        "{",
        "<",
        ">",
        "&",
        ";",
        ",",
        "=",
        ":",
        "*",
        "-",
        "+",
    ),
    *(
        "#",
        "/",
        "|",
        "%",
        "$",
        "^",
        "~",
        "`",
        "NOT ",
        " AND ",
        " OR ",
        "=>",
        "]]>",
        "<![CDATA[",
        "&amp;",
    ),
)
NUMBERS = (
    *(
        "0",
        "-0",
        "1",
        "42",
        "1e5",
        "1E400",
        "-1e-400",
        "9" * 30,
        "0x1f",
        "1_000",
        "1,5",
        "1.5.2",
        "٣٤",
        "NaN",
    ),
    *(
        "inf",
        '27"',
        "2,5 mm",
        "10x20x30cm",
        "1/2",
        "WH-1000XM4",
        "iphone12pro",
        "99 kr",
        "2024-02-30",
    ),
    *("2024-05-01T12:00:00Z", "9999-12-31T23:59:60Z", "0001-01-01", "+00:00"),
)


def mutated(chance: random.Random, text: str, *, count_max: int = 4) -> str:
    """The text with a few places damaged: inserted, cut out, doubled, exchanged."""
    for _ in range(chance.randint(0, count_max)):
        start = chance.randint(0, len(text))
        stop = min(len(text), start + chance.choice((0, 1, 1, 2, 5, 20)))
        kind = chance.randrange(5)
        if kind == 0:
            text = text[:start] + chance.choice(ODD) + text[start:]
        elif kind == 1:
            text = text[:start] + text[stop:]
        elif kind == 2:
            text = text[:stop] + text[start:stop] * chance.choice((1, 2, 50)) + text[stop:]
        elif kind == 3:
            text = text[:start] + chance.choice(NUMBERS) + text[stop:]
        else:
            text = (
                text[:start]
                + chr(chance.choice((chance.randrange(256), chance.randrange(0xD800))))
                + text[stop:]
            )
    return text


def damaged(chance: random.Random, content: bytes, *, count_max: int = 3) -> bytes:
    """Bytes with a few of them changed, so that they may be no UTF-8 any more."""
    for _ in range(chance.choice((0, 0, 0, 1, count_max))):
        at = chance.randint(0, len(content))
        piece = chance.choice(
            (b"", b"\xff", b"\xc3", b"\x00", b"\xed\xa0\x80", bytes((chance.randrange(256),)))
        )
        content = content[:at] + piece + content[at + chance.randrange(3) :]
    return content


def is_read_or_refused(job: Callable[[], object]) -> None:
    """The job ends within `ANSWER_MS_MAX`, with an answer or with an error that says what is wrong with its input."""
    for attempt in range(1 + RERUNS):
        started_ns = time.monotonic_ns()
        try:
            job()
        except (InvariantError, StorageError):
            raise
        except SaluhallError as error:
            sentence = error.message
        else:
            sentence = "answered"
        assert sentence, "an error without a sentence"
        spent_ms = (time.monotonic_ns() - started_ns) / 1e6
        if spent_ms <= ANSWER_MS_MAX:
            return
        assert attempt < RERUNS, f"{spent_ms:.0f} ms"
