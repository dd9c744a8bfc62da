"""Facts about what the import tells: counts, the file of refused items, and the dry run."""

import io
import json
from pathlib import Path

from rich.console import Console

from cluster.cli.dry_run import show_dry_run
from cluster.cli.feed_import import ImportCounts, Rejects, reason_of
from cluster.cli.product_text import amount_text, price_text, stock_text
from node.client.feeds import FeedSource, Mapping
from node.errors import InvalidArgumentError
from protos.v1.common_pb2 import Availability
from protos.v1.product_pb2 import Price

MAPPING = Mapping.parse('[fields]\nid = "id"\ntitle = "title"\n[[prices]]\nselling = "price"\n')


def dry_run_of(*lines: str) -> str:
    content = "\n".join(lines).encode()
    console = Console(file=io.StringIO(), width=200)
    with FeedSource(io.BytesIO(content), name="feed.jsonl", size_bytes=len(content)) as source:
        show_dry_run(source, MAPPING, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_dry_run_shows_products_as_they_would_be_stored():
    shown = dry_run_of('{"id": "1", "title": "Tent", "price": "49.95 SEK"}')

    assert "Tent" in shown
    assert "49.95 SEK" in shown
    assert "1 products can be imported, 0 are refused. Nothing was written." in shown


def test_a_dry_run_gives_each_refusal_its_line_and_reason():
    shown = dry_run_of('{"id": "1", "title": "A"}', "{", '{"id": "3", "title": "B", "price": -1}')

    assert "price: -1 is negative, which a price cannot be" in shown
    assert "not JSON: " in shown
    assert "1 products can be imported, 2 are refused" in shown


def test_a_dry_run_tells_what_is_left_out_and_what_repeats():
    shown = dry_run_of('{"id": "1", "title": "A", "colour": "red"}', '{"id": "1", "title": "B"}')

    assert "Not imported: colour" in shown
    assert "1 lines repeat an id" in shown


def test_text_of_a_feed_is_never_taken_for_markup():
    shown = dry_run_of('{"id": "1", "title": "[red]Tent[/blue]"}', '{"id": "[/x]", "title": 3.5}')

    assert "[red]Tent[/blue]" in shown
    assert "[/x]" in shown


def test_the_file_of_refused_items_is_made_with_the_first_of_them(tmp_path: Path):
    path = tmp_path / "rejected.jsonl"
    with Rejects(path) as rejects:
        assert not path.exists()
        rejects.add(line=7, product_id="å", reason="title: is missing")

    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == [
        {"line": 7, "id": "å", "reason": "title: is missing"}
    ]


def test_counts_end_in_one_line():
    counts = ImportCounts(created=2, updated=1, unchanged=4, refused=3)

    assert str(counts).startswith("3 imported (2 created, 1 updated), 4 unchanged, 3 failed in ")
    assert counts.refused_share == 0.3


def test_an_import_of_nothing_counts_as_refused_throughout():
    """So that an empty file never replaces a catalogue."""
    assert ImportCounts().refused_share == 1.0


def test_a_refusal_by_the_server_names_the_field():
    error = InvalidArgumentError.of("products[3].title", "is required")

    assert reason_of(error) == "products[3].title: is required"


def test_prices_and_stock_read_well():
    price = Price(currency_code="SEK", selling_micros=1_299_000_000, list_micros=1_499_500_000)

    assert price_text(price).plain == "1,299 SEK was 1,499.50"
    assert amount_text(49_950_000) == "49.95"
    assert stock_text(Availability.IN_STOCK, 12).plain == "12"
    assert stock_text(Availability.AVAILABILITY_UNSPECIFIED, 0).plain == "out of stock"
    assert stock_text(Availability.PREORDER, 5).plain == "preorder"
    assert stock_text(Availability.AVAILABILITY_UNSPECIFIED, None).plain == ""
