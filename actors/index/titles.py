"""Which products say the same: a number for the title and brand of each product of a segment."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from actors.index.arrays import Entry
from actors.index.columns_pieces import PieceArray, encode_pieces, open_pieces
from actors.index.document import IndexedProduct
from actors.index.keys import TITLE_KEYS
from actors.index.ports import ArrayReader

NO_KEY: Final = 0
"""Of a product without a title, and of one indexed before there were keys: it equals no other."""

KEY_BITS: Final = 53
"""Of 64, so that a key and the place of a product in a short list fit into one number. Among a thousand products
two different titles share a key once in 10 billion times."""

_BRANDS_MAX: Final = 4_096

_DECIMAL_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
_PIECES: Final = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+|[+#%]")


def title_key(title: str, brand: str) -> int:
    """The number, of `KEY_BITS` bits, of a title's and a brand's words in their order.

    Case, accents, spaces and punctuation do not count, except where they tell numbers apart: 2.5 is not 25, nor
    1 2 the same as 12, nor S20+ the same as S20.
    """
    words = _plain(title)
    if not words:
        return NO_KEY
    return (
        xxhash.xxh3_64_intdigest(f"{words}\0{_plain_brand(brand)}".encode()) >> (64 - KEY_BITS) or 1
    )


def encode_titles(prefix: bytes, keys: NDArray[np.uint64]) -> Iterator[Entry]:
    """The values that hold the keys of a segment's products, in the order of their ordinals."""
    yield from encode_pieces(prefix + TITLE_KEYS, [keys])


def title_keys(products: Sequence[IndexedProduct]) -> NDArray[np.uint64]:
    """uint64[P]: the key of each product."""
    keys = (title_key(item.product.title, item.product.brand) for item in products)
    return np.fromiter(keys, np.uint64, len(products))


def read_titles(reader: ArrayReader, prefix: bytes) -> PieceArray | None:
    """uint64[P]: the keys of a segment's products; None in a segment that was made before there were any."""
    opened = open_pieces(reader, prefix + TITLE_KEYS, [np.uint64])
    return None if opened is None else opened[0]


def _plain(text: str) -> str:
    """The numbers, runs of letters and signs of a text that count, in order."""
    if text.isascii():
        text = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    if "," in text:
        text = _DECIMAL_COMMA.sub(".", text)
    return " ".join(_PIECES.findall(text))


@lru_cache(_BRANDS_MAX)
def _plain_brand(brand: str) -> str:
    return _plain(brand)
