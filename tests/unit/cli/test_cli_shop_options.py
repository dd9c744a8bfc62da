"""Facts about the options of `saluhall search` and `saluhall products fields`."""

import io

import pytest
from rich.console import Console

from cluster.cli.products import field_change
from cluster.cli.search import facet_of, show_response
from node.errors import InvalidArgumentError
from protos.v1.catalog_pb2 import Field
from protos.v1.search_pb2 import FacetSpec, Interval, SearchResponse


def shown(response: SearchResponse) -> str:
    console = Console(file=io.StringIO(), width=120)
    show_response(response, took_ms=3.2, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("brand", FacetSpec(key="brand")),
        ("categories:Clothes > Jackets", FacetSpec(key="categories", parent="Clothes > Jackets")),
        (
            "price:10,20",
            FacetSpec(
                key="price",
                intervals=[
                    Interval(maximum=10),
                    Interval(minimum=10, maximum=20),
                    Interval(minimum=20),
                ],
            ),
        ),
    ],
)
def test_a_facet_may_have_bounds_or_a_parent(text: str, spec: FacetSpec):
    assert facet_of(text) == spec


def test_bounds_that_are_no_numbers_are_told():
    with pytest.raises(InvalidArgumentError, match="price:500,1000"):
        facet_of("price:cheap")


@pytest.mark.parametrize(
    ("change", "field", "setting"),
    [
        ("title.weight=4", Field(key="title", search_weight=4), "search_weight"),
        (
            "attributes.a.b.facetable=no",
            Field(key="attributes.a.b", facetable=False),
            "facetable",
        ),
        ("brand.sortable=TRUE", Field(key="brand", sortable=True), "sortable"),
    ],
)
def test_a_field_is_changed_by_key_setting_and_value(change: str, field: Field, setting: str):
    assert field_change(change) == (field, setting)


@pytest.mark.parametrize(
    "change", ["title", "title=4", "title.weight", "title.size=4", "title.weight=x", ".weight=1"]
)
def test_a_change_that_is_not_understood_is_told(change: str):
    with pytest.raises(InvalidArgumentError, match="--set"):
        field_change(change)


def test_results_facets_and_relaxed_results_stand_apart():
    response = SearchResponse(total_size=30)
    result = response.results.add(matching_variant_count=3)
    result.product.title = "Tent [2]"
    result.highlights.add(field="title", text="<em>Tent</em> [2] &amp; more")
    result.price.currency_code = "SEK"
    result.price.selling_micros = 1_299_000_000
    facet = response.facets.add(key="price", minimum=5, maximum=2_000)
    facet.values.add(count=7).interval.maximum = 100
    response.relaxed_results.add().product.title = "Tarp"
    response.relaxed_total_size = 4

    text = shown(response)

    assert "Tent [2] & more (3\u00a0variants)" in text
    assert "1,299 SEK" in text
    assert "1 of 30 products in 3 ms" in text
    assert "under 100" in text
    assert "5 to 2,000" in text
    assert text.index("Only some of the words match (4 products)") < text.index("Tarp")
