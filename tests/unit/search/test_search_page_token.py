"""Page tokens of searches: opaque, and good for the request they continue only."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.search.page_token import page_offset, page_token
from actors.search.query import SearchQuery
from node.errors import InvalidArgumentError

QUERY = SearchQuery(text="usb hub", filter="price < 5", order_by="price", market="se")


@given(st.integers(1, 999), st.text(max_size=20), st.text(max_size=20))
def test_a_token_leads_to_its_page_of_the_same_request(offset: int, text: str, flt: str) -> None:
    query = SearchQuery(text=text, filter=flt)

    assert page_offset(replace(query, page_token=page_token(query, offset))) == offset


def test_the_page_size_may_change_between_pages() -> None:
    token = page_token(QUERY, 24)

    assert page_offset(replace(QUERY, page_token=token, page_size=100)) == 24


@pytest.mark.parametrize(
    "change",
    [
        {"text": "usb"},
        {"filter": ""},
        {"order_by": ""},
        {"market": ""},
        {"language_code": "sv"},
        {"branch": "2"},
        {"text": "usb hubprice < 5", "filter": ""},
    ],
)
def test_a_token_of_another_request_is_refused(change: dict[str, str]) -> None:
    token = page_token(QUERY, 24)

    with pytest.raises(InvalidArgumentError, match="belongs to another request"):
        page_offset(replace(QUERY, page_token=token, **change))


@given(st.text(min_size=1, max_size=40))
def test_no_text_crashes_the_reading_of_tokens(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        page_offset(replace(QUERY, page_token=text))
