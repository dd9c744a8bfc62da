"""How suggestions look on the command line."""

import io

from rich.console import Console

from cluster.cli.suggest import show_suggestions
from protos.v1.product_pb2 import Price, Product
from protos.v1.search_pb2 import (
    ProductSuggestion,
    QuerySuggestion,
    SuggestResponse,
    ValueSuggestion,
)


def shown(response: SuggestResponse) -> str:
    console = Console(file=io.StringIO(), width=80)
    show_suggestions(response, took_ms=2.4, console=console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_each_kind_is_a_list_of_its_own_and_text_is_shown_as_it_was_written() -> None:
    text = shown(
        SuggestResponse(
            queries=[QuerySuggestion(highlighted="jack<em>a &amp; byxa</em>", product_count=1200)],
            brands=[ValueSuggestion(highlighted="Jack<em> Wolf</em>", product_count=3)],
            products=[
                ProductSuggestion(
                    product=Product(id="p1"),
                    highlighted="[red] Jack<em>a</em>",
                    price=Price(selling_micros=5_000_000, currency_code="SEK"),
                )
            ],
            corrected_query="jack",
        )
    )

    lines = [line.split() for line in text.splitlines() if line.strip()]
    assert lines == [
        ["Read", "as", "jack:"],
        ["queries", "products"],
        ["jacka", "&", "byxa", "1,200"],
        ["brands", "products"],
        ["Jack", "Wolf", "3"],
        ["products", "price", "stock", "id"],
        ["[red]", "Jacka", "5", "SEK", "p1"],
        ["3", "suggestions", "in", "2", "ms"],
    ]


def test_no_suggestion_is_said_in_one_line() -> None:
    assert shown(SuggestResponse()) == "0 suggestions in 2 ms\n"
