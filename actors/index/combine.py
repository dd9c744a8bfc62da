"""One segment from several: the arrays of the live products of all sources, without reading a text.

Works through the terms in ranges of their hashes, so that memory is bounded by a range and the products.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from actors.index.arrays import Entry, encode_pieces
from actors.index.columns import MergeSource, merge_columns, merged_layout
from actors.index.keys import ROW_PRODUCT
from actors.index.postings import PostingsEncoder, combine
from actors.index.products import encode_identifiers, encode_ids
from actors.index.segments import Segment, SegmentRecord
from actors.index.titles import encode_titles
from actors.index.vocabulary import encode_vocabulary, merge_vocabularies, read_vocabulary

_POSTINGS_PER_RANGE: Final = 1 << 21
_TERMS_PER_CHECK: Final = 1 << 16
_HASHES: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class _Source:
    segment: Segment
    new_ordinals: NDArray[np.int32]  # int32[P], -1 for dead products


class SegmentCombiner:
    """Makes the segment; `record` is complete once `entries` has ended."""

    def __init__(self, segments: Sequence[Segment], *, prefix: bytes, segment_id: int) -> None:
        """`segments` hold each live product once and were built with one version of the weights."""
        self._prefix = prefix
        self._segment_id = segment_id
        self._weights_version = segments[0].record.weights_version
        self._ids, self._sources = _number(segments)
        self._record: SegmentRecord | None = None

    @property
    def record(self) -> SegmentRecord:
        """What the branch's list will say of the new segment."""
        assert self._record is not None, "entries() has not ended"
        return self._record

    def entries(self) -> Iterator[Entry]:
        """Keys and values of the new segment's arrays."""
        prefix = self._prefix
        encoder = PostingsEncoder(prefix, len(self._ids))
        yield from self._postings(encoder)
        yield from self._vocabulary(encoder)
        yield from encode_ids(prefix, self._ids)
        hashes, ordinals = self._identifiers()
        yield from encode_identifiers(prefix, hashes, ordinals)
        yield from encode_titles(prefix, self._title_keys())
        sources = [
            MergeSource(s.segment.arrays, s.segment.prefix, s.segment.layout, s.new_ordinals)
            for s in self._sources
        ]
        layout = merged_layout(sources)
        if layout.row_product is not None:
            yield from encode_pieces(prefix + ROW_PRODUCT, layout.row_product)
        for key, value in merge_columns(sources):
            yield prefix + key, value
        self._record = SegmentRecord(
            segment_id=self._segment_id,
            product_count=len(self._ids),
            row_count=layout.row_count,
            live_count=len(self._ids),
            term_count=encoder.term_count,
            identifier_count=len(hashes),
            posting_count=encoder.posting_count,
            patch_count=0,
            weights_version=self._weights_version,
        )

    def _postings(self, encoder: PostingsEncoder) -> Iterator[Entry]:
        hashes = [source.segment.terms.all_hashes() for source in self._sources]
        infos = [source.segment.terms.infos() for source in self._sources]
        total = sum(source.segment.record.posting_count for source in self._sources)
        range_count = 1 + total // _POSTINGS_PER_RANGE
        bounds = [np.uint64(_HASHES * n // range_count) for n in range(1, range_count)]
        cuts = [[0, *h.searchsorted(bounds).tolist(), len(h)] for h in hashes]
        for number in range(range_count):
            spans = [(cut[number], cut[number + 1]) for cut in cuts]
            yield from self._range(encoder, hashes, infos, spans)
        yield from encoder.finish()

    def _range(
        self,
        encoder: PostingsEncoder,
        hashes: list[NDArray[np.uint64]],
        infos: list[NDArray[Any]],
        spans: list[tuple[int, int]],
    ) -> Iterator[Entry]:
        stretches = [h[first:last] for h, (first, last) in zip(hashes, spans, strict=True)]
        union = np.unique(np.concatenate(stretches))
        parts = []
        for source, stretch, info, (first, last) in zip(
            self._sources, stretches, infos, spans, strict=True
        ):
            terms, ordinals, codes = source.segment.terms.read_terms(info, first, last)
            renumbered = source.new_ordinals[ordinals]
            places = union.searchsorted(stretch)[terms - first]
            if source.segment.alive is not None:
                kept = renumbered >= 0
                places, renumbered, codes = places[kept], renumbered[kept], codes[kept]
            parts.append((places, renumbered, codes))
        yield from encoder.add(combine(union, parts))

    def _vocabulary(self, encoder: PostingsEncoder) -> Iterator[Entry]:
        """The terms that live products hold, of all sources."""
        sources = [
            read_vocabulary(s.segment.arrays, s.segment.prefix, s.segment.record.term_count)
            for s in self._sources
        ]
        terms = merge_vocabularies(sources)
        if any(source.segment.alive is not None for source in self._sources):
            terms = _held(terms, encoder.hashes())
        yield from encode_vocabulary(self._prefix, terms, encoder.hashes(), encoder.counts())

    def _title_keys(self) -> NDArray[np.uint64]:
        keys = np.zeros(len(self._ids), np.uint64)
        for source in self._sources:
            old = source.segment.title_keys
            if old is not None:
                kept = source.new_ordinals >= 0
                keys[source.new_ordinals[kept]] = old.whole()[kept]
        return keys

    def _identifiers(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        hashes, ordinals = [], []
        for source in self._sources:
            of_source, old = source.segment.products.all_identifiers()
            new = source.new_ordinals[old]
            hashes.append(of_source[new >= 0])
            ordinals.append(new[new >= 0])
        return np.concatenate(hashes), np.concatenate(ordinals)


def _held(terms: Iterator[bytes], hashes: NDArray[np.uint64]) -> Iterator[bytes]:
    """Those of `terms` whose hash is among the sorted `hashes`."""
    while batch := list(islice(terms, _TERMS_PER_CHECK)):
        wanted = np.fromiter(map(xxhash.xxh3_64_intdigest, batch), np.uint64, len(batch))
        held = np.isin(wanted, hashes, kind="sort")
        yield from compress(batch, held.tolist())


def _number(segments: Sequence[Segment]) -> tuple[list[bytes], list[_Source]]:
    """All live ids in order, and each source's products' places among them."""
    placed: list[tuple[bytes, int, int]] = []
    for number, segment in enumerate(segments):
        ids = segment.products.all_ids()
        if segment.alive is None:
            placed += [(product_id, number, ordinal) for ordinal, product_id in enumerate(ids)]
        else:
            live = np.flatnonzero(segment.alive).tolist()
            placed += [(ids[ordinal], number, ordinal) for ordinal in live]
    placed.sort()
    new_ordinals = [np.full(segment.product_count, -1, np.int32) for segment in segments]
    for new, (_, number, old) in enumerate(placed):
        new_ordinals[number][old] = new
    sources = [_Source(*pair) for pair in zip(segments, new_ordinals, strict=True)]
    return [product_id for product_id, _, _ in placed], sources
