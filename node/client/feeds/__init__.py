"""Reads product feeds: JSONL, CSV, TSV and Google Merchant XML, by a mapping, into products.

mapping = Mapping.load("mapping.toml")
with FeedSource.open("products.jsonl.gz") as source:
    for item in read_products(source, mapping):
        ...  # item.product, or item.refusal with item.line
"""

from node.client.feeds.conversion import Converter
from node.client.feeds.event_mapping import EventMapping
from node.client.feeds.events import EventItem, read_events
from node.client.feeds.mapping import Mapping
from node.client.feeds.mapping_text import to_toml
from node.client.feeds.products import read_products, read_records, sample_records
from node.client.feeds.proposal import OWN_MAPPING, Proposal, propose_mapping
from node.client.feeds.records import FeedError, FeedItem, Fields, Record
from node.client.feeds.source import FeedFormat, FeedSource
from node.client.feeds.toml_table import MappingError

__all__ = [
    "OWN_MAPPING",
    "Converter",
    "EventItem",
    "EventMapping",
    "FeedError",
    "FeedFormat",
    "FeedItem",
    "FeedSource",
    "Fields",
    "Mapping",
    "MappingError",
    "Proposal",
    "Record",
    "propose_mapping",
    "read_events",
    "read_products",
    "read_records",
    "sample_records",
    "to_toml",
]
