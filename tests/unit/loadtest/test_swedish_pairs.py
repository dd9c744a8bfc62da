"""The Swedish measurement's pairs."""

from pathlib import Path

import pytest

from loadtest.swedish_pairs import make_pairs, read_categories

TAXONOMY = Path(__file__).resolve().parents[3] / "../shared/data/taxonomy/sv-SE.txt"


@pytest.mark.skipif(not TAXONOMY.exists(), reason="needs ../shared/data/taxonomy")
def test_there_are_enough_pairs_and_they_are_the_same_in_every_process():
    pairs = make_pairs(read_categories(TAXONOMY))

    reported = [pair for pair in pairs if pair.is_reported]
    assert sum(pair.is_true for pair in reported) >= 300
    assert sum(not pair.is_true for pair in reported) >= 150
    assert pairs == make_pairs(reversed(read_categories(TAXONOMY)))


@pytest.mark.skipif(not TAXONOMY.exists(), reason="needs ../shared/data/taxonomy")
def test_no_pair_is_both_true_and_false():
    pairs = make_pairs(read_categories(TAXONOMY))

    true = {(pair.query, pair.product) for pair in pairs if pair.is_true}
    false = {(pair.query, pair.product) for pair in pairs if not pair.is_true}
    assert not true & false
