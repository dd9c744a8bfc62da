"""Facts about the mapping that is proposed for a feed."""

import gzip
import io
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from node.client.feeds import (
    OWN_MAPPING,
    FeedError,
    FeedSource,
    Mapping,
    Proposal,
    propose_mapping,
    read_products,
    sample_records,
    to_toml,
)
from node.client.feeds.rules import AttributeKind, AttributePairs, AttributeTarget, PriceSource

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def proposal_for_file(name: str) -> Proposal:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with FeedSource.open(path) as source:
        return propose_mapping([each.fields for each in sample_records(source) if each.fields])


def proposal_for(*records: dict[str, Any]) -> Proposal:
    return propose_mapping(records)


class TestRealFeeds:
    def test_icecat_is_read_with_prefixes_kinds_and_minor_units(self):
        mapping = proposal_for_file("icecat/products.jsonl.gz").mapping

        assert mapping.rules.fields["brand"] == ("supplier",)
        assert mapping.rules.fields["gtins"] == ("ean",)
        assert mapping.rules.fields["mpn"] == ("name",)
        assert mapping.patterns == {"mpn": r"\S*\d\S*"}
        assert mapping.rules.fields["release_time"] == ("date_released",)
        assert mapping.rules.prices == (PriceSource(selling="price", price_scale=100),)
        assert mapping.rules.attributes.prefixes == {
            "attr_b_": AttributeKind.BOOLEAN,
            "attr_n_": AttributeKind.NUMBER,
            "attr_t_": AttributeKind.TEXT,
        }

    def test_a_feed_without_ids_gets_them_from_what_tells_products_apart(self):
        proposal = proposal_for_file("ecommerce/products.jsonl.gz")

        assert proposal.mapping.id_from == ("name", "brand", "image")
        assert proposal.mapping.category_levels
        assert proposal.mapping.rules.prices == (PriceSource(selling="price"),)
        assert any("No field is an id" in note for note in proposal.notes)

    def test_invoice_lines_are_read_as_products_without_their_customers(self):
        proposal = proposal_for_file("online-retail/online_retail.csv.gz")

        assert proposal.mapping.rules.fields == {"id": ("StockCode",), "title": ("Description",)}
        assert any("repeat one" in note for note in proposal.notes)
        assert any("CustomerID" in note for note in proposal.notes if "Not imported" in note)

    def test_icecat_is_converted_whole_by_its_example_mapping(self):
        path = DATA / "icecat/products.jsonl.gz"
        if not path.exists():
            pytest.skip(f"{path} is not on this machine")

        with FeedSource.open(path) as source:
            items = list(
                islice(read_products(source, Mapping.load(EXAMPLES / "icecat.toml")), 2_000)
            )

        assert [item for item in items if item.refusal] == []
        first = items[0].product
        assert first is not None
        assert (first.id, first.brand, first.mpn) == ("3920564", "Xerox", "006R90321")
        assert first.prices[0].selling_micros == 49_950_000
        assert first.prices[0].currency_code == "EUR"
        assert list(first.attributes["quantity_per_pack"].numbers) == [6.0]


class TestNames:
    def test_googles_names_are_known(self):
        record = {
            "g:id": "1", "title": "Tent", "description": "Big", "link": "https://x", "g:brand": "L",
            "g:image_link": "https://x/1.jpg", "g:additional_image_link": "https://x/2.jpg",
            "g:availability": "in_stock", "g:price": "100.00 SEK", "g:sale_price": "80.00 SEK",
            "g:gtin": "2000000000008", "g:mpn": "T1", "g:google_product_category": "1604",
            "g:product_type": "Tents > Small", "g:color": "red", "g:size": "2",
            "g:product_detail": {"g:attribute_name": "Weight", "g:attribute_value": "2 kg"},
        }  # fmt: skip

        mapping = proposal_for(record, record | {"g:id": "2"}).mapping

        assert mapping.rules.fields == {
            "id": ("g:id",),
            "title": ("title",),
            "description": ("description",),
            "brand": ("g:brand",),
            "gtins": ("g:gtin",),
            "mpn": ("g:mpn",),
            "categories": ("g:product_type",),
            "availability": ("g:availability",),
            "images": ("g:image_link", "g:additional_image_link"),
            "url": ("link",),
        }
        assert mapping.rules.prices == (PriceSource(selling="g:price", sale="g:sale_price"),)
        assert mapping.rules.attributes.fields == {
            "g:color": AttributeTarget(key="color"),
            "g:size": AttributeTarget(key="size"),
        }
        assert mapping.rules.attributes.pairs == (
            AttributePairs(field="g:product_detail", name="g:attribute_name", value="g:attribute_value"),
        )  # fmt: skip

    def test_swedish_names_and_ways_of_writing_are_known(self):
        mapping = proposal_for(
            {
                "Artikelnummer": "17", "Benämning": "Tält", "Varumärke": "Lavmo", "Pris": "1 299,50",
                "Ordinarie pris": "1 499,00", "Lagersaldo": "3", "Kategori": "Camping/Tält",
                "Färg": "röd", "Lanseringsdatum": "31.03.2025",
            }
        ).mapping  # fmt: skip

        assert mapping.rules.fields["title"] == ("Benämning",)
        assert mapping.rules.fields["stock_quantity"] == ("Lagersaldo",)
        assert mapping.rules.prices == (PriceSource(selling="Pris", list_price="Ordinarie pris"),)
        assert mapping.decimal_separator == ","
        assert mapping.category_separator == "/"
        assert mapping.date_formats == ("%d.%m.%Y",)
        assert mapping.rules.attributes.fields == {"Färg": AttributeTarget(key="farg")}

    def test_lines_of_one_group_are_taken_for_variants(self):
        mapping = proposal_for(
            {"id": "1", "title": "A", "item_group_id": "g"},
            {"id": "2", "title": "A", "item_group_id": "g"},
        ).mapping

        assert mapping.variants is not None
        assert mapping.variants.group == "item_group_id"

    def test_a_list_of_variants_is_read_by_its_own_names(self):
        mapping = proposal_for(
            {"id": "1", "title": "A", "variants": [{"sku": "1-S", "price": 10, "size": "S"}]}
        ).mapping

        assert mapping.variants is not None
        assert mapping.variants.list_field == "variants"
        assert mapping.variants.rules.fields["id"] == ("sku",)
        assert mapping.variants.rules.prices == (PriceSource(selling="price"),)

    @pytest.mark.parametrize(
        ("prices", "scale"),
        [([4_995, 12_995, 19_900], 100), ([499, 1_295, 899], 1), ([49.95, 99.0, 1_299.0], 1)],
    )
    def test_minor_units_are_proposed_for_large_whole_prices_only(
        self, prices: list[float], scale: int
    ):
        records = [
            {"id": str(number), "title": "T", "price": price} for number, price in enumerate(prices)
        ]

        assert proposal_for(*records).mapping.rules.prices[0].price_scale == scale

    def test_products_as_the_platform_writes_them_need_no_mapping(self):
        record = {
            "name": "tenants/a/branches/1/products/1", "id": "1", "title": "A",
            "prices": [{"currency_code": "SEK", "selling_micros": "1000000"}],
            "attributes": {"colour": {"texts": ["red"]}},
        }  # fmt: skip

        assert proposal_for(record).mapping is OWN_MAPPING

    def test_without_anything_like_a_title_there_is_no_proposal(self):
        with pytest.raises(FeedError, match="no field looks like a product's title"):
            proposal_for({"a": 1, "b": 2})

    def test_an_empty_sample_gives_no_proposal(self):
        with pytest.raises(FeedError, match="no mapping can be proposed"):
            proposal_for()

    def test_a_proposal_is_a_mapping_file_that_reads_back(self):
        proposal = proposal_for({"sku": "1", "name": "A", "price": "10,50", "färg": "röd"})

        assert Mapping.parse(to_toml(proposal.mapping, notes=proposal.notes)) == proposal.mapping

    def test_the_sample_of_a_long_feed_is_its_first_mebibyte(self):
        line = b'{"id": "1", "title": "' + b"x" * 10_000 + b'"}\n'
        source = FeedSource(io.BytesIO(gzip.compress(line * 500)), name="-", size_bytes=None)

        assert 100 < len(sample_records(source)) < 110
        assert (
            len(list(read_products(source, Mapping.parse('[fields]\nid="id"\ntitle="title"'))))
            == 500
        )
