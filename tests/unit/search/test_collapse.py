"""Copies of one title stand behind all other products, and none is lost."""

from collections.abc import Iterator

import pytest
from shop_branch import SCHEMA, Shop, ids, lamp, ranked, ruled

from actors.index.arrays import Entry
from actors.index.keys import TITLE_KEYS
from actors.index.merge import merge_segments, publish_merge, rebuild_segments
from actors.index.titles import NO_KEY, title_key
from actors.search.query import FacetRequest

COPIES = (
    lamp("a", "Desk lamp, 5 W", brand="Zed"),
    lamp("b", "DESK LAMP 5W", brand="zed", popularity=10),
    lamp("c", "Desk lamp (5 W)", brand="Zed"),
)
OTHERS = (lamp("d", "Desk lamp 5 W", brand="Other"), lamp("e", "Lamp desk 5 W", brand="Zed"))


def test_the_best_of_the_copies_stands_for_all_and_says_how_many_they_are() -> None:
    page = Shop(*COPIES, *OTHERS).ask("desk lamp")

    assert ids(page)[0] == "b"
    assert set(ids(page)[1:3]) == {"d", "e"}
    assert ids(page)[3:] == ["a", "c"]
    assert [hit.duplicate_count for hit in page.hits] == [2, 0, 0, 0, 0]


def test_total_and_facets_count_every_copy() -> None:
    page = Shop(*COPIES, *OTHERS).ask("desk lamp", facets=(FacetRequest("brand"),))

    assert page.total == 5
    assert sum(value.count for value in page.facets[0].values) == 5


def test_pages_hold_each_product_once() -> None:
    shop = Shop(*COPIES, *OTHERS, segment_size=2)
    seen, token = [], ""
    for _ in range(3):
        page = shop.ask("desk lamp", page_size=2, page_token=token)
        seen += ids(page)
        token = page.next_page_token

    assert not token
    assert sorted(seen) == ["a", "b", "c", "d", "e"]
    assert seen == ids(shop.ask("desk lamp"))


@pytest.mark.parametrize(
    ("merchandise", "options"),
    [(ranked(collapses_duplicates=False), {}), (ranked(), {"show_duplicates": True})],
)
def test_setting_and_request_may_show_them_one_by_one(merchandise, options) -> None:
    page = Shop(*COPIES).ask("desk lamp", merchandise=merchandise, **options)

    assert ids(page) == ["b", "a", "c"]
    assert {hit.duplicate_count for hit in page.hits} == {0}


def test_a_sort_order_and_a_listing_page_show_every_copy_in_its_place() -> None:
    shop = Shop(*COPIES, *OTHERS)

    assert ids(shop.ask("desk lamp", order_by="id")) == ["a", "b", "c", "d", "e"]
    assert ids(shop.ask("")) == ["b", "a", "c", "d", "e"]


def test_copies_of_a_pinned_product_stand_behind_it() -> None:
    page = Shop(*COPIES, *OTHERS).ask("desk lamp", merchandise=ruled(pins=[("c", 2)]))

    assert ids(page)[1] == "c"
    assert set(ids(page)[3:]) == {"a", "b"}
    assert page.hits[1].duplicate_count == 2


def test_products_that_the_query_names_are_all_shown() -> None:
    """They share an article number: which one is meant is for the shopper to say."""
    named = [lamp(one, "Desk lamp", article_number="4711-X") for one in "ab"]

    page = Shop(*named, lamp("c", "4711 X shade")).ask("4711-X")

    assert ids(page)[:2] == ["a", "b"]


def test_products_without_a_title_are_no_copies() -> None:
    items = [lamp(one, "?", tags=["lamp"]) for one in "abc"]

    assert {hit.duplicate_count for hit in Shop(*items).ask().hits} == {0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Känken ryggsäck", "KANKEN  Ryggsack!"),
        ("WH-1000XM4", "wh 1000 xm4"),
        ("Screw 2,5 mm", "screw 2.5mm"),
        ("Lamp, 64GB", "Lamp - 64 GB"),
    ],
)
def test_titles_are_the_same_whatever_their_case_accents_and_punctuation(one, other) -> None:
    assert title_key(one, "Zed") == title_key(other, "ZED")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Screw 2.5 mm", "Screw 25 mm"),
        ("Galaxy S20", "Galaxy S20+"),
        ("Lamp 1 2", "Lamp 12"),
        ("Lamp 1/2", "Lamp 12"),
        ("red lamp", "lamp red"),
    ],
)
def test_titles_differ_in_the_order_of_their_words_and_in_their_numbers(one, other) -> None:
    assert title_key(one, "Zed") != title_key(other, "Zed")
    assert title_key(one, "Zed") != title_key(one, "Other")


def test_a_title_of_nothing_but_signs_has_no_key() -> None:
    assert title_key(" -- ", "Zed") == NO_KEY


def test_merged_and_rebuilt_segments_keep_the_keys() -> None:
    shop = Shop(*COPIES, *OTHERS, segment_size=2)
    arrays = shop.arrays
    before = shop.ask("desk lamp").hits
    merged = merge_segments(arrays, 1, [segment.id for segment in shop.view.segments])
    publish(shop, merged)
    after_merge = shop.ask("desk lamp").hits
    publish(
        shop, rebuild_segments(arrays, 1, iter((*COPIES, *OTHERS)), SCHEMA, products_per_segment=4)
    )

    after_rebuild = shop.ask("desk lamp").hits

    expected = [(hit.product_id, hit.duplicate_count) for hit in before]
    assert expected[0] == (b"b", 2)
    assert [(hit.product_id, hit.duplicate_count) for hit in after_merge] == expected
    assert [(hit.product_id, hit.duplicate_count) for hit in after_rebuild] == expected


def test_segments_of_older_releases_know_no_copies() -> None:
    """Their products stand one by one, also when they are merged with newer ones."""
    shop = Shop(*COPIES, segment_size=2)
    old = shop.view.segments[0]
    shop.arrays.delete_array(old.prefix + TITLE_KEYS)

    before = shop.ask("desk lamp")
    publish(shop, merge_segments(shop.arrays, 1, [one.id for one in shop.view.segments]))
    after = shop.ask("desk lamp")

    for page in (before, after):
        assert ids(page) == ["b", "a", "c"]
        assert {hit.duplicate_count for hit in page.hits} == {0}


def publish(shop: Shop, entries: Iterator[Entry]) -> None:
    """Put a finished merge in its sources' place."""
    stored = list(entries)
    for key, value in stored:
        shop.arrays.put_array(key, value)
    publish_merge(shop.arrays, 1, stored[-1][0], lambda _: None)
