"""Words as they are written, as terms of the index beside what they are stemmed to.

A stem finds a word's other forms, but nobody types stems: the beginning of a word, a word with a typing
error, and the word to suggest instead are looked for among the words as they are written.
"""

from typing import Final

FORM_MARK: Final = "\x01"
"""What the terms of written forms start with; no word of a text has it."""


def form_term(word: str) -> str:
    """The index term of a written form."""
    return FORM_MARK + word
