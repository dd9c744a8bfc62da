"""The relevance measurement: its formulas on lists worked out by hand, and a whole run."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtest import relevance
from loadtest.relevance_measures import Figures, bootstrap, measure, read_judgments

MAPPING = '[fields]\nid = "id"\ntitle = "title"\n'


def test_queries_without_a_positive_rating_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "judgments.csv"
    path.write_text("query,docid,rating\na,1,3\na,2,0\nb,1,0\n", encoding="utf-8")
    assert read_judgments(path) == {"a": {"1": 3, "2": 0}}


def test_unjudged_products_are_worth_nothing_or_are_skipped() -> None:
    figures = measure({"q": ["x", "b", "a"]}, {"q": {"a": 3, "b": 1}})
    ideal = 7 + 1 / math.log2(3)
    assert figures.means() == {
        "ndcg10": pytest.approx((1 / math.log2(3) + 7 / 2) / ideal),
        "ndcg10_judged": pytest.approx((1 + 7 / math.log2(3)) / ideal),
        "judged_at_10": pytest.approx(2 / 3),
    }


def test_an_empty_list_is_worth_nothing() -> None:
    assert set(measure({"q": []}, {"q": {"a": 1}}).means().values()) == {0.0}


def test_only_the_first_ten_count() -> None:
    listed = [f"n{number}" for number in range(10)] + ["a"]
    figures = measure({"q": listed}, {"q": {"a": 1, "n0": 0}})
    assert figures.means()["ndcg10"] == 0
    assert figures.means()["ndcg10_judged"] == pytest.approx(1 / math.log2(3))
    assert figures.means()["judged_at_10"] == 0.1


def test_a_lead_on_every_query_is_certain_however_much_queries_differ() -> None:
    hard_and_easy = np.repeat(np.linspace(0, 0.8, 50)[:, None], 3, axis=1)
    ours, worse = Figures(hard_and_easy + 0.1), Figures(hard_and_easy - 0.3)
    found = bootstrap(ours, [Figures(hard_and_easy), worse], seed=1)
    assert found.difference_low["ndcg10"] == pytest.approx(0.1)
    low, high = found.intervals["ndcg10"]
    assert low < ours.means()["ndcg10"] < high
    assert bootstrap(ours, [worse], seed=1) == bootstrap(ours, [worse], seed=1)


def files_of(tmp_path: Path) -> list[str]:
    """The options of a run over five products and two judged queries."""
    titles = ["red desk lamp", "desk", "lamp shade", "desk mount", "wall clock"]
    feed = tmp_path / "products.jsonl"
    lines = [json.dumps({"id": str(n), "title": title}) for n, title in enumerate(titles)]
    feed.write_text("\n".join(lines), encoding="utf-8")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    judgments = tmp_path / "judgments.csv"
    judgments.write_text(
        "query,docid,rating\ndesk,1,3\ndesk,3,1\ndesk,0,0\nlamp,0,3\nlamp,2,1\n", encoding="utf-8"
    )
    return ["--catalog", str(feed), "--mapping", str(mapping), "--judgments", str(judgments)]


def figures_of(options: list[str], target: Path) -> dict[str, Any]:
    """What a run writes."""
    parser = argparse.ArgumentParser()
    relevance.add_arguments(parser)
    assert relevance.run(parser.parse_args([*options, "--json", str(target)])) == 0
    figures: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return figures


def test_a_run_writes_the_figures_of_both_sides(tmp_path: Path) -> None:
    figures = figures_of(files_of(tmp_path), tmp_path / "figures.json")

    measures = {"ndcg10", "ndcg10_judged", "judged_at_10"}
    assert set(figures) == {"queries", "tantivy", "bootstrap", *measures}
    assert figures["queries"] == 2
    assert set(figures["tantivy"]) == {"or", "and"}
    assert set(figures["tantivy"]["or"]) == measures
    assert set(figures["bootstrap"]) == {"level", "resamples", "difference_low", *measures}
    assert set(figures["bootstrap"]["difference_low"]) == {"ndcg10", "ndcg10_judged"}
    assert figures["ndcg10"] == 1.0


def test_synonyms_help_us_alone_and_the_figures_have_the_same_form(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    (tmp_path / "judgments.csv").write_text("query,docid,rating\nluminaire,0,3\n", encoding="utf-8")
    words = tmp_path / "words.txt"
    words.write_text("lamp, luminaire\n", encoding="utf-8")

    without = figures_of(files, tmp_path / "figures.json")
    figures = figures_of([*files, "--synonyms", str(words)], tmp_path / "figures.json")

    assert without["ndcg10"] == 0
    assert figures["ndcg10"] > 0
    assert figures["tantivy"] == without["tantivy"]
    assert set(figures) == set(without)
