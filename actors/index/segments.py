"""The segments of a branch as they are read: which there are, and what each of them holds."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.index.arrays import read_pieces
from actors.index.branch_memory import BranchMemory, Kept
from actors.index.columns_layout import RowLayout
from actors.index.columns_pieces import PieceArray
from actors.index.keys import ALIVE, ROW_PRODUCT, branch_key, segment_prefix
from actors.index.ports import ArrayReader, ArrayWriter
from actors.index.postings import TermIndex, TermPostings
from actors.index.products import KnownIds, ProductIds
from actors.index.titles import read_titles
from actors.index.vocabulary import SegmentVocabulary
from actors.index.word_orders import WordOrders
from node.errors import InvariantError

PRODUCTS_PER_SEGMENT_MAX: Final = 1 << 20
"""So that one byte for each product is one stored value."""

_HEADER: Final = struct.Struct("<QI")
RECORD: Final = struct.Struct("<QIIIIIQQI")
"""The fields of `SegmentRecord`."""

_LIVE_COUNTS_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the branch's list says of one segment."""

    segment_id: int
    product_count: int
    """Dead ones included."""
    row_count: int
    live_count: int
    term_count: int
    identifier_count: int
    posting_count: int
    patch_count: int
    """How many inventory patches it has seen."""
    weights_version: int


@dataclass(frozen=True, slots=True)
class SegmentList:
    """The segments of a branch, oldest first."""

    next_segment_id: int
    records: tuple[SegmentRecord, ...]

    def with_record(self, record: SegmentRecord) -> "SegmentList":
        """The same list with the record of one of its segments changed."""
        return replace(
            self,
            records=tuple(
                record if old.segment_id == record.segment_id else old for old in self.records
            ),
        )


def read_segment_list(reader: ArrayReader, branch: int) -> SegmentList:
    """The branch's list of segments; empty for a branch that was never written."""
    value = reader.get_array(branch_key(branch))
    if value is None:
        return SegmentList(1, ())
    next_segment_id, count = _HEADER.unpack_from(value)
    records = RECORD.iter_unpack(value[_HEADER.size : _HEADER.size + count * RECORD.size])
    return SegmentList(next_segment_id, tuple(SegmentRecord(*fields) for fields in records))


def write_segment_list(writer: ArrayWriter, branch: int, segments: SegmentList) -> None:
    """Make this the branch's list; what it does not name is no longer part of the branch."""
    parts = [_HEADER.pack(segments.next_segment_id, len(segments.records))]
    parts += [pack_record(record) for record in segments.records]
    writer.put_array(branch_key(branch), b"".join(parts))


def pack_record(record: SegmentRecord) -> bytes:
    """The stored form of a record, in the order of its fields: see `RECORD`."""
    return RECORD.pack(
        record.segment_id,
        record.product_count,
        record.row_count,
        record.live_count,
        record.term_count,
        record.identifier_count,
        record.posting_count,
        record.patch_count,
        record.weights_version,
    )


class Segment:
    """One segment of a view. Arrays are read when first asked for, and valid as long as the view."""

    def __init__(
        self, reader: ArrayReader, branch: int, record: SegmentRecord, kept: Kept | None = None
    ) -> None:
        self.arrays = reader
        self.record = record
        self.kept = kept or Kept()
        """What is kept of it beyond this view."""
        self.prefix = segment_prefix(branch, record.segment_id)
        """What the keys of its arrays start with."""
        self._terms = TermIndex(
            reader,
            self.prefix,
            term_count=record.term_count,
            product_count=record.product_count,
        )
        self._products = ProductIds(
            reader,
            self.prefix,
            product_count=record.product_count,
            identifier_count=record.identifier_count,
            known_ids=self.kept.of(KnownIds),
        )
        self._live_counts: dict[int, int] = {}

    @property
    def id(self) -> int:
        """Never used twice within a branch."""
        return self.record.segment_id

    @property
    def product_count(self) -> int:
        """P: ordinals are 0 to P-1, dead products included."""
        return self.record.product_count

    @property
    def row_count(self) -> int:
        """R: rows are 0 to R-1."""
        return self.record.row_count

    @cached_property
    def alive(self) -> NDArray[np.bool_] | None:
        """bool[P]: which products are still the current ones; None when all are."""
        if self.record.live_count == self.record.product_count:
            return None
        value = self.arrays.get_array(self.prefix + ALIVE)
        if value is None:
            raise InvariantError(f"segment {self.id} has dead products, but no list of them")
        bits = np.frombuffer(value, np.uint8)
        return np.unpackbits(bits, count=self.product_count).view(np.bool_)

    @cached_property
    def dead_ordinals(self) -> NDArray[np.int32]:
        """int32, ascending: the products that are no longer current."""
        if self.alive is None:
            return np.empty(0, np.int32)
        return np.flatnonzero(~self.alive).astype(np.int32)

    @cached_property
    def row_product(self) -> NDArray[np.int32] | None:
        """int32[R]: the ordinal of each row; None when every product is one row."""
        if self.row_count == self.product_count:
            return None
        return read_pieces(self.arrays, self.prefix + ROW_PRODUCT, self.row_count, np.int32)

    @cached_property
    def layout(self) -> RowLayout:
        """How rows belong to products."""
        return RowLayout(self.product_count, self.row_count, self.row_product)

    @cached_property
    def vocabulary(self) -> SegmentVocabulary:
        """Its terms as text."""
        return SegmentVocabulary(
            self.arrays,
            self.prefix,
            self.record.term_count,
            count_terms=self.terms.counts_of,
        )

    @cached_property
    def word_orders(self) -> WordOrders:
        """Its words by their endings, and without their accents."""
        return WordOrders(self.arrays, self.prefix, self.vocabulary.term)

    @cached_property
    def title_keys(self) -> PieceArray | None:
        """uint64[P]: equal for products of one title and brand (`titles.title_key`); None when they were not kept."""
        return read_titles(self.arrays, self.prefix)

    @property
    def terms(self) -> TermIndex:
        """Its terms and their postings."""
        return self._terms

    @property
    def products(self) -> ProductIds:
        """Its product ids and identifiers."""
        return self._products

    def find_term(self, hashed: int) -> TermPostings | None:
        """The postings of the term with this hash (`term_table.term_hash`), or None."""
        return self._terms.find(hashed)

    def find_identifier(self, hashed: int) -> NDArray[np.int32]:
        """int32, ascending: the live products with the identifier of this hash."""
        if not self.record.identifier_count:
            return np.empty(0, np.int32)
        found = self._products.find_identifier(hashed)
        return found if self.alive is None else found[self.alive[found]]

    def live_count_of(self, hashed: int, postings: TermPostings) -> int:
        """How many live products hold a term: idf depends on nothing else."""
        if self.alive is None:
            return postings.count
        known = self._live_counts.get(hashed)
        if known is None:
            if len(self._live_counts) >= _LIVE_COUNTS_MAX:
                self._live_counts.clear()
            known = self._live_counts[hashed] = self._count_live(postings)
        return known

    def _count_live(self, postings: TermPostings) -> int:
        dead = self.dead_ordinals
        dense = postings.dense
        if dense is not None:
            return postings.count - int(np.count_nonzero(dense.take(dead)))
        assert self.alive is not None
        return int(np.count_nonzero(self.alive.take(postings.ordinals)))

    def product_id(self, ordinal: int) -> bytes:
        """The id of a product."""
        return self._products.product_id(ordinal)

    def product_ids(self, ordinals: Sequence[int] | NDArray[np.int32]) -> list[bytes]:
        """The ids of products."""
        listed: Iterable[int] = ordinals.tolist() if isinstance(ordinals, np.ndarray) else ordinals
        return self._products.product_ids(listed)


class BranchView:
    """A branch at one moment: what searches read until the next commit."""

    def __init__(
        self, reader: ArrayReader, branch: int, memory: BranchMemory | None = None
    ) -> None:
        """`memory`: what the caller keeps of this branch from view to view; None: nothing."""
        self.branch = branch
        self.list = read_segment_list(reader, branch)
        records = self.list.records
        self.own = Kept()
        """What is found out about it and ends with it."""
        self.kept, of_segments = (memory or BranchMemory()).begin(records)
        """What is kept of its live products beyond this view."""
        self.segments = tuple(
            Segment(reader, branch, record, kept)
            for record, kept in zip(records, of_segments, strict=True)
        )
        self.live_count = sum(record.live_count for record in self.list.records)


def open_branch(reader: ArrayReader, branch: int, memory: BranchMemory | None = None) -> BranchView:
    """The branch as `reader` sees it; nothing but the list of segments is read yet.

    `memory` is what the caller keeps of this branch from view to view; None: nothing.
    """
    return BranchView(reader, branch, memory)


def pack_alive(alive: NDArray[np.bool_]) -> bytes:
    """The stored form of `Segment.alive`: one bit for each product."""
    return np.packbits(alive).tobytes()
