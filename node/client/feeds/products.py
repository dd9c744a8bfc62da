"""Reads the products of a feed."""

from collections.abc import Iterator

from node.client.feeds.conversion import Converter
from node.client.feeds.delimited import read_delimited
from node.client.feeds.grouping import join_groups
from node.client.feeds.jsonl import read_jsonl
from node.client.feeds.mapping import Mapping
from node.client.feeds.merchant import read_merchant_xml
from node.client.feeds.records import FeedItem, Record
from node.client.feeds.source import FeedFormat, FeedSource
from node.client.feeds.values import to_text


def read_products(source: FeedSource, mapping: Mapping) -> Iterator[FeedItem]:
    """Every product of the feed, or why a line is none, in the order of the feed.

    Raises FeedError when the feed as a whole cannot be read (on).
    """
    converter = Converter(mapping)
    records = read_records(source, delimiter=mapping.delimiter)
    if mapping.variants is None or not mapping.variants.group:
        return map(converter.convert, records)
    group = mapping.variants.group
    return join_groups((_group_of(record, group), converter.convert(record)) for record in records)


def _group_of(record: Record, group: str) -> str:
    value = record.fields.get(group) if record.fields else None
    return to_text(value) if isinstance(value, str | int | float) else ""


def read_records(source: FeedSource, *, delimiter: str = "") -> Iterator[Record]:
    """Every record of the feed as it stands there. Raises FeedError."""
    if source.format is FeedFormat.JSONL:
        return read_jsonl(source.lines())
    if source.format is FeedFormat.MERCHANT_XML:
        return read_merchant_xml(source.chunks())
    return read_delimited(source.lines(), delimiter=_delimiter(source, delimiter))


def sample_records(source: FeedSource, *, delimiter: str = "") -> list[Record]:
    """The records of the feed's first MiB; reading the feed itself starts at its beginning all the
    same.
    """
    if source.format is FeedFormat.JSONL:
        return list(read_jsonl(source.sample_lines()))
    if source.format is FeedFormat.MERCHANT_XML:
        records = list(read_merchant_xml(iter([source.sample])))
        return records if source.sample_is_whole else records[:-1]
    return list(read_delimited(source.sample_lines(), delimiter=_delimiter(source, delimiter)))


def _delimiter(source: FeedSource, delimiter: str) -> str | None:
    if delimiter:
        return delimiter
    return "\t" if source.format is FeedFormat.TSV else None
