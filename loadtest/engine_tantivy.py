"""The other side of the engine benchmark: tantivy, with our tokens and its whitespace tokenizer.

One text field without positions, one segment in memory, one searching thread: the fastest that answers
the same queries. The facet is its terms aggregation over a fast field.
"""

from collections.abc import Sequence
from typing import Any, Final

import tantivy

_HEAP_SIZE_BYTES: Final = 1 << 30
_FACET_VALUES: Final = 10


class TantivyIndex:
    """Products as bags of tokens, each with a brand."""

    def __init__(self) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("brand", tokenizer_name="raw", fast=True, index_option="basic")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._writer = self._index.writer(_HEAP_SIZE_BYTES, 1)
        self._searcher = self._index.searcher()

    def add(self, tokens: Sequence[str], brand: str) -> None:
        """Add one product."""
        document = tantivy.Document()
        document.add_text("text", " ".join(tokens))
        if brand:
            document.add_text("brand", brand)
        self._writer.add_document(document)

    def finish(self) -> int:
        """Commit and wait for its merges; how many segments there are."""
        self._writer.commit()
        self._writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()
        return int(self._searcher.num_segments)

    def any_words(self, terms: Sequence[str], k: int) -> int:
        """How many of the k best products with at least one term there are."""
        query = self._query(terms, tantivy.Occur.Should)
        return len(self._searcher.search(query, limit=k, count=False).hits)

    def all_words_facet(self, terms: Sequence[str], k: int) -> list[tuple[str, int]]:
        """The k best products with all terms, and the most frequent brands of all of them."""
        query = self._query(terms, tantivy.Occur.Must)
        self._searcher.search(query, limit=k, count=False)
        answer = self._searcher.aggregate(
            query, {"brands": {"terms": {"field": "brand", "size": _FACET_VALUES}}}
        )
        buckets: list[dict[str, Any]] = answer["brands"]["buckets"]
        return [(bucket["key"], int(bucket["doc_count"])) for bucket in buckets]

    def count_all(self, terms: Sequence[str]) -> int:
        """How many products have all terms."""
        query = self._query(terms, tantivy.Occur.Must)
        answer: Any = self._searcher.search(query, limit=1, count=True)
        return int(answer.count)

    def _query(self, terms: Sequence[str], occur: Any) -> Any:
        schema = self._schema
        queries = [tantivy.Query.term_query(schema, "text", term, "freq") for term in terms]
        if len(queries) == 1:
            return queries[0]
        return tantivy.Query.boolean_query([(occur, query) for query in queries])
