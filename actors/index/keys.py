"""The keys of the index's arrays: the one module that builds them.

    b branch(4)                            the branch's list of segments
    s branch(4) segment(8) name [piece(4)] an array of a segment
    m branch(4) segment(8) [piece(4)]      what a finished merge was made of, until it is published

Numbers are big-endian, so that a segment's arrays stand together. Names of columns start with "c".
"""

from typing import Final

SEGMENT_PREFIX_SIZE: Final = 13

ALIVE: Final = b"a"
ROW_PRODUCT: Final = b"r"
PRODUCT_IDS: Final = b"p"
ID_HASHES: Final = b"ih"
ID_ORDINALS: Final = b"io"
IDENTIFIER_HASHES: Final = b"fh"
IDENTIFIER_ORDINALS: Final = b"fo"
TERM_HASHES: Final = b"th"
TERM_INFOS: Final = b"ti"
POSTING_ORDINALS: Final = b"to"
POSTING_CODES: Final = b"tc"
DENSE_CODES: Final = b"td"
VOCABULARY: Final = b"v"
VOCABULARY_HASHES: Final = b"vh"
VOCABULARY_COUNTS: Final = b"vc"
WORD_PLACES: Final = b"wp"
WORD_SIGNATURES: Final = b"ws"
WORD_ENDINGS: Final = b"we"
WORD_PLAIN: Final = b"wn"
PATCH_LOG: Final = b"l"
TITLE_KEYS: Final = b"k"


def branch_key(branch: int) -> bytes:
    """Where the branch's list of segments stands."""
    return b"b" + branch.to_bytes(4, "big")


def branch_prefix(branch: int) -> bytes:
    """What the keys of all segments of a branch start with."""
    return b"s" + branch.to_bytes(4, "big")


def segment_prefix(branch: int, segment_id: int) -> bytes:
    """What the keys of one segment start with."""
    return branch_prefix(branch) + segment_id.to_bytes(8, "big")


def merge_prefix(branch: int) -> bytes:
    """What the keys of a branch's merge records start with."""
    return b"m" + branch.to_bytes(4, "big")


def merge_key(branch: int, segment_id: int) -> bytes:
    """Where the record of a merge stands; it is named after the first segment that it made."""
    return merge_prefix(branch) + segment_id.to_bytes(8, "big")


def segment_id_of(key: bytes) -> int:
    """The segment that an array, or the record of a merge, belongs to."""
    return int.from_bytes(key[5:SEGMENT_PREFIX_SIZE], "big")


def piece_key(key: bytes, piece_index: int) -> bytes:
    """One piece of an array that may be longer than a value may be."""
    return key + piece_index.to_bytes(4, "big")
