"""Texts of columns: when two are equal, and which comes first.

Texts are compared in Unicode's composed form (NFC) and without case. In order, å stands before ä as in Nordic
alphabets (their code points stand the other way round, so the two letters change places in the compared form); all
else is by code point.

A dictionary key is `compared form, NUL, text`, or `compared form, NUL` when the text is its own compared form: keys in
byte order are texts in their order, and equal compared forms stand side by side.
"""

import unicodedata
from typing import Final

_SWAP: Final = str.maketrans("åä", "äå")


def folded(text: str) -> str:
    """The compared form of a text."""
    if text.isascii():
        form = text.lower()
    else:
        form = unicodedata.normalize("NFC", text).casefold().translate(_SWAP)
        form = unicodedata.normalize("NFC", form)
    return form.replace("\0", "\1")


def dictionary_key(text: str) -> bytes:
    """The dictionary key of a text."""
    form = folded(text)
    return (form + "\0").encode() if form == text else f"{form}\0{text}".encode()


def exact_key(text: str) -> bytes:
    """The dictionary key of an identifier, which is compared byte for byte."""
    return text.replace("\0", "\1").encode() + b"\0"


def key_text(key: bytes) -> str:
    """The text of a dictionary key."""
    form, _, text = key.partition(b"\0")
    return (text or form).decode()
