"""Segments that an earlier release made: read with what they have, and rebuilt."""

from dataclasses import replace

from actors.index.document import IndexedProduct, IndexUpdate
from actors.index.keys import (
    SEGMENT_PREFIX_SIZE,
    TITLE_KEYS,
    VOCABULARY_COUNTS,
    VOCABULARY_HASHES,
    WORD_ENDINGS,
    WORD_PLACES,
    WORD_PLAIN,
    WORD_SIGNATURES,
)
from actors.index.merge import needs_rebuild, publish_merge, rebuild_segments
from actors.index.ports import MemoryArrays
from actors.index.schema import DEFAULT_AVERAGE_LENGTHS, Schema, weights_version_of
from actors.index.segments import open_branch, read_segment_list
from actors.index.update import update_index
from actors.search.query import SearchQuery
from actors.search.search import search
from protos.internal.records_pb2 import InventoryRecord
from protos.v1.product_pb2 import Product

BRANCH = 1
TODAY = Schema(("sv",), {}, DEFAULT_AVERAGE_LENGTHS, weights_version=weights_version_of(0))
EARLIER = replace(TODAY, weights_version=1)
NEW_ARRAYS = (
    VOCABULARY_HASHES,
    VOCABULARY_COUNTS,
    WORD_PLACES,
    WORD_SIGNATURES,
    WORD_ENDINGS,
    WORD_PLAIN,
    TITLE_KEYS,
)
PRODUCTS = [
    IndexedProduct(Product(id=title, title=title, brand="Nordvik"), InventoryRecord())
    for title in ("vinterjacka dam", "regnjacka herr", "vinter", "jacka", "hörlurar", "fåtölj")
]


def written_by_an_earlier_release() -> MemoryArrays:
    arrays = MemoryArrays()
    for product in PRODUCTS:
        update_index(arrays, BRANCH, IndexUpdate(upserts=[product]), EARLIER)
    for key in list(arrays.array_keys(b"s")):
        if key[SEGMENT_PREFIX_SIZE:].startswith(NEW_ARRAYS):
            arrays.delete_array(key)
    return arrays


def found(arrays: MemoryArrays, text: str) -> list[bytes]:
    page = search(open_branch(arrays, BRANCH), SearchQuery(text), TODAY)
    return [hit.product_id for hit in page.hits]


def test_older_segments_are_read_for_what_they_have() -> None:
    """Words, and words that go on; compounds and typing errors wait for the rebuild."""
    arrays = written_by_an_earlier_release()

    assert found(arrays, "jackor")[0] == b"jacka"
    assert set(found(arrays, "vinterj")) == {b"vinterjacka dam"}
    for text in (
        "vinterjakca",
        "horlurar",
        "hörlurra",
        "vinterjackor dam",
        "vinter jacka",
        "zzzzzz",
    ):
        found(arrays, text)


def test_older_segments_are_written_to() -> None:
    arrays = written_by_an_earlier_release()
    more = [
        IndexedProduct(Product(id=f"mössa {number}", title="mössa"), InventoryRecord())
        for number in range(8)
    ]

    for product in more:
        update_index(arrays, BRANCH, IndexUpdate(upserts=[product], deletes=[b"jacka"]), TODAY)

    assert len(found(arrays, "mössor")) == 8
    assert b"jacka" not in found(arrays, "jackor")


def test_older_segments_are_rebuilt_into_what_a_fresh_import_makes() -> None:
    arrays = written_by_an_earlier_release()
    assert needs_rebuild(read_segment_list(arrays, BRANCH).records, TODAY)
    fresh = MemoryArrays()
    update_index(fresh, BRANCH, IndexUpdate(upserts=PRODUCTS), TODAY)

    key = b""
    for key, value in rebuild_segments(arrays, BRANCH, PRODUCTS, TODAY, products_per_segment=4):
        arrays.put_array(key, value)
    assert publish_merge(arrays, BRANCH, key, lambda _: None)

    assert not needs_rebuild(read_segment_list(arrays, BRANCH).records, TODAY)
    for text in ("jacka", "vinterjakca", "horlurar", "hörlurra", "fatolj", "vinter jacka"):
        assert found(arrays, text) == found(fresh, text) != []
