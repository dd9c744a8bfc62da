"""The other side of the relevance measurement: tantivy as a shop would set it up for English.

Four stemmed fields with the boosts that shops use; its own tokenizer, parser and BM25.
"""

from collections.abc import Iterable
from typing import Final

import tantivy

from protos.v1.product_pb2 import Product

_BOOSTS: Final = {"title": 3.0, "description": 1.0, "brand": 1.5, "attributes": 0.3}
_HEAP_SIZE_BYTES: Final = 1 << 28


class TantivyRanking:
    """Products in the order in which tantivy finds them."""

    def __init__(self, products: Iterable[Product]) -> None:
        builder = tantivy.SchemaBuilder()
        for field in _BOOSTS:
            builder.add_text_field(field, tokenizer_name="en_stem")
        builder.add_text_field("id", tokenizer_name="raw", stored=True)
        self._index = tantivy.Index(builder.build())
        writer = self._index.writer(_HEAP_SIZE_BYTES, 1)
        self._count = 0
        for product in products:
            writer.add_document(_document_of(product))
            self._count += 1
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def list(self, text: str, *, all_words: bool) -> list[str]:
        """The ids of all products with all words or any word, best first; ties by id.

        Shorter ids come before longer ones, so that numbers are in their own order.
        """
        query, _ = self._index.parse_query_lenient(
            text,
            list(_BOOSTS),
            field_boosts=_BOOSTS,
            conjunction_by_default=all_words,
        )
        found = self._searcher.search(query, limit=max(self._count, 1), count=False).hits
        scored = [(-score, str(self._searcher.doc(place)["id"][0])) for score, place in found]
        return [key for _, key in sorted(scored, key=lambda hit: (hit[0], len(hit[1]), hit[1]))]


def _document_of(product: Product) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("id", product.id)
    document.add_text("title", product.title)
    document.add_text("description", product.description)
    document.add_text("brand", product.brand)
    for value in product.attributes.values():
        for text in value.texts:
            document.add_text("attributes", text)
    return document
