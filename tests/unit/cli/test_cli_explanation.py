"""How `saluhall search` shows why results stand where they stand, and what rules did."""

import io

from rich.console import Console

from cluster.cli.explanation_view import word_line
from cluster.cli.search import show_response
from protos.v1.search_pb2 import (
    AppliedRule,
    Banner,
    DroppedPin,
    Explanation,
    FactorExplanation,
    SearchResponse,
    SearchResult,
    WordExplanation,
)

TYPO = WordExplanation(
    word="vinterjaka",
    match_class=WordExplanation.TYPO,
    found="vinterjacka",
    fields=["title", "categories"],
    contribution=2.16,
    idf=6.0,
    class_factor=0.4,
    impact=0.9,
    role=WordExplanation.NAME,
)
EXACT = WordExplanation(
    word="dam", match_class=WordExplanation.EXACT, found="Dam", fields=["title"], contribution=1.25
)


def shown(response: SearchResponse) -> str:
    console = Console(file=io.StringIO(), width=120)
    show_response(response, took_ms=3.2, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def explained() -> SearchResult:
    result = SearchResult(pinned=True, duplicate_count=2)
    result.product.id, result.product.title = "j-1", "Ripan vinterjacka dam"
    result.explanation.CopyFrom(
        Explanation(
            score=5.12,
            words=[TYPO, EXACT],
            factors=[FactorExplanation(name="boost", value=1.5, detail="summer")],
            step=3,
            business_score=1.4,
            business=[
                FactorExplanation(name="in_stock", value=1.0),
                FactorExplanation(name="popularity", value=0.4),
            ],
        )
    )
    return result


def test_a_word_is_one_line_from_what_was_typed_to_where_it_stands() -> None:
    assert word_line(TYPO) == (
        "vinterjaka -> vinterjacka (typing error, title, categories, what it is)"
    )
    assert word_line(EXACT) == "dam (title)"


def test_each_explained_result_is_a_block() -> None:
    text = shown(SearchResponse(results=[explained()], total_size=1))

    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "1  Ripan vinterjacka dam  j-1  pinned  +2 of the same title"
    assert "2.16" in lines[1]
    assert "= idf 6.00 x 0.4 x impact 0.90" in lines[1]
    assert lines[3] == "score 5.12 x boost 1.50 (summer), step 3"
    assert lines[4] == "business score 1.40 = in_stock 1.00 + popularity 0.40"
    assert "1 product in 3 ms" in lines


def test_an_identifier_is_said() -> None:
    result = SearchResult()
    result.explanation.identifier_field = "gtins"
    result.explanation.identifier_contribution = 1_000

    text = shown(SearchResponse(results=[result], total_size=1))

    assert "the query is its gtins" in text
    assert "1,000.00" in text


def test_what_the_words_were_taken_for_comes_before_the_results() -> None:
    text = shown(
        SearchResponse(
            corrected_query="vinterjacka",
            did_you_mean="vinterjackor",
            replaced_query="jacka vinter",
        )
    )

    assert text.splitlines()[:3] == [
        "Rules made it jacka vinter.",
        "Results for vinterjacka:",
        "Did you mean vinterjackor?",
    ]


def test_relaxed_results_say_what_they_miss_and_related_ones_are_labelled() -> None:
    response = SearchResponse(relaxed_total_size=1)
    response.relaxed_results.add(missing_words=["dam", "42"]).product.title = "Regnjacka"
    response.related_results.add().product.title = "Mössa"

    text = shown(response)

    assert "Regnjacka without dam, 42" in text
    assert text.index("Regnjacka") < text.index("Nothing matches; related") < text.index("Mössa")


def test_rules_that_acted_are_named_with_what_came_of_them() -> None:
    text = shown(
        SearchResponse(
            applied_rules=[
                AppliedRule(rule_id="summer", description="Pools", actions=["pin"], preview=True)
            ],
            redirect_url="https://shop.example/pools",
            banners=[Banner(id="b1", title="Sale", target_url="/sale", rule_id="summer")],
            dropped_pins=[
                DroppedPin(rule_id="summer", product_id="p7", reason=DroppedPin.OUT_OF_STOCK)
            ],
        )
    )

    assert text.splitlines()[-4:] == [
        "rule summer: pin (preview)  Pools",
        "redirect to https://shop.example/pools",
        "banner b1 (rule summer): Sale -> /sale",
        "pin of p7 dropped (rule summer): out of stock",
    ]
