"""The facts of `test_search_equals_oracle` on thousands of random catalogues."""

from collections.abc import Callable

import pytest
import test_search_equals_oracle as facts
from hypothesis import given, settings


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "fact",
    [
        facts.test_a_listing_page_holds_exactly_what_passes_the_filter,
        facts.test_sort_keys_order_products_with_missing_values_last,
        facts.test_facets_count_products_that_pass,
        facts.test_pages_together_are_the_whole_answer,
    ],
)
def test_answers_equal_a_search_in_plain_python(fact: Callable[[], None]) -> None:
    @given(facts.SEEDS)
    @settings(max_examples=1_500, deadline=None, database=None)
    def check(seed: int) -> None:
        fact.hypothesis.inner_test(seed)

    check()
