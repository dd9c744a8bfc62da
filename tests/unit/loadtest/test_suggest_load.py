"""What the benchmark of suggestions types, and what it measures."""

from loadtest.engine import build_index, schema_of
from loadtest.suggest import measure, typed_texts
from protos.v1.product_pb2 import Product


def test_queries_are_typed_letter_by_letter_and_some_with_swapped_letters() -> None:
    queries = ["usb", "laptop bag"] * 50
    texts = typed_texts(queries, seed=1)

    whole = [text for text in texts if len(text) in {3, 10}]
    assert texts[:3] == ["u", "us", "usb"]
    assert texts == typed_texts(queries, seed=1)
    mistyped = {text for text in whole if len(text) == 10 and text != "laptop bag"}
    assert mistyped
    assert all(sorted(text) == sorted("laptop bag") and text[0] == "l" for text in mistyped)


def test_the_figures_are_of_all_letters_typed() -> None:
    products = [Product(id=str(number), title="Laptop bag") for number in range(30)]
    arrays = build_index(iter(products), "en")

    figures = measure(arrays, schema_of("en"), ["l", "la"], rounds=2)

    assert (figures["products"], figures["letters"], figures["rounds"]) == (30, 2, 2)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert 0 < figures["again_p50_ms"] <= figures["again_p99_ms"]
