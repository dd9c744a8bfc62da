"""What a shop reads differently from its language's rules: exceptions, whole words, stop words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import xxhash


@dataclass(frozen=True, slots=True, eq=False)
class TextLists:
    """A tenant's lists for one language. Equal lists are one key of a cache, whoever made them."""

    lemmas: Mapping[str, str] = field(default_factory=dict)
    """From a form to what it is a form of; to itself: the word is no form of anything. They act when
    products are indexed and when queries are read, so other lemmas take a new `Schema.weights_version`."""

    never_split: frozenset[str] = frozenset()
    """Words that are never read as compounds, in any of their forms. Act on queries only."""

    stop_words: frozenset[str] = frozenset()
    """Words that a query need not match, unless it has no others. Act on queries only."""

    digest: bytes = field(init=False)
    """128 bits (xxh3) that stand for all of it."""

    def __post_init__(self) -> None:
        parts = [
            [text for pair in sorted(self.lemmas.items()) for text in pair],
            sorted(self.never_split),
            sorted(self.stop_words),
        ]
        joined = "\1".join("\0".join(part) for part in parts)
        object.__setattr__(self, "digest", xxhash.xxh3_128_digest(joined.encode()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextLists) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


NO_LISTS = TextLists()
"""Of a tenant that leaves its language as it is."""
