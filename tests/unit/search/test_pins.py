"""Pinned products stand in their places, once, and obey filters, stock and hiding."""

import pytest
from shop_branch import Deciding, Shop, ids, lamp, ruled

from actors.search.merchandise import Hiding, Merchandise, Pin, Required
from actors.search.query import DropReason, FacetRequest
from protos.v1.common_pb2 import Availability

LAMPS = tuple(lamp(one) for one in "abcdef")
CHAIR = lamp("chair", "Chair", brand="Zed")


def pinned(page) -> list[str]:
    return [hit.product_id.decode() for hit in page.hits if hit.is_pinned]


def dropped(page) -> dict[str, DropReason]:
    return {one.pin.product_id.decode(): one.reason for one in page.dropped_pins}


def test_a_pinned_product_leaves_its_own_place_and_stands_in_the_rule_s() -> None:
    page = Shop(*LAMPS).ask(merchandise=ruled(pins=[("e", 1), ("a", 3)]))

    assert ids(page) == ["e", "b", "a", "c", "d", "f"]
    assert pinned(page) == ["e", "a"]
    assert page.total == 6


def test_a_pin_shows_a_product_that_does_not_match_and_counts_it() -> None:
    """What is shown is counted: in the total and in the facets."""
    page = Shop(*LAMPS, CHAIR).ask(
        merchandise=ruled(pins=[("chair", 2)]), facets=(FacetRequest("brand"),)
    )

    assert ids(page)[:3] == ["a", "chair", "b"]
    assert page.total == 7
    assert [(value.value, value.count) for value in page.facets[0].values] == [("Zed", 1)]


def test_places_beyond_the_end_are_last_in_their_order() -> None:
    page = Shop(*LAMPS[:2], CHAIR).ask(merchandise=ruled(pins=[("chair", 50), ("a", 90)]))

    assert ids(page) == ["b", "chair", "a"]


def test_a_pin_stands_where_nothing_else_matches() -> None:
    page = Shop(*LAMPS, CHAIR).ask("xyzzy", merchandise=ruled(pins=[("chair", 3)]))

    assert ids(page) == ["chair"]
    assert page.total == 1


@pytest.mark.parametrize("page_size", [1, 2, 3, 5])
def test_pages_show_pins_on_the_page_that_their_place_is_on(page_size: int) -> None:
    shop = Shop(*LAMPS, CHAIR, segment_size=2)
    merchandise = ruled(pins=[("chair", 1), ("b", 4), ("f", 5), ("a", 40)])
    seen, token = [], ""
    while True:  # Ends: the list does.
        page = shop.ask(merchandise=merchandise, page_size=page_size, page_token=token)
        seen += ids(page)
        token = page.next_page_token
        if not token:
            break

    assert seen == ["chair", "c", "d", "b", "f", "e", "a"]


def test_a_listing_page_has_pins_too() -> None:
    page = Shop(*LAMPS).ask("", merchandise=ruled(pins=[("f", 2)]), page_size=3)

    assert ids(page) == ["a", "f", "b"]


def test_a_pin_obeys_the_filter_of_the_request_and_of_rules() -> None:
    shop = Shop(*LAMPS, CHAIR, lamp("z", brand="Zed"))
    by_request = shop.ask(merchandise=ruled(pins=[("a", 1), ("chair", 2)]), filter="brand = Zed")
    by_rule = shop.ask(
        merchandise=ruled(pins=[("a", 1), ("chair", 2)], required=(Required("brand = Zed", "r"),))
    )

    for page in (by_request, by_rule):
        assert ids(page) == ["z", "chair"]
        assert dropped(page) == {"a": DropReason.FILTERED}


def test_a_pin_that_cannot_be_had_is_dropped_and_stays_in_its_own_place() -> None:
    """What can be ordered stands."""
    items = (
        *LAMPS,
        lamp("g", stock=0),
        lamp("h", availability=Availability.BACKORDER),
    )
    page = Shop(*items).ask(merchandise=ruled(pins=[("g", 1), ("h", 2)]))

    assert dropped(page) == {"g": DropReason.OUT_OF_STOCK}
    assert ids(page) == ["a", "h", "b", "c", "d", "e", "f", "g"]


def test_a_pin_of_a_product_that_is_not_there_is_dropped() -> None:
    page = Shop(*LAMPS).ask(merchandise=ruled(pins=[("nowhere", 1)]))

    assert dropped(page) == {"nowhere": DropReason.NOT_FOUND}
    assert page.total == 6


def test_hiding_wins_over_a_pin_unless_the_pin_s_rule_was_earlier() -> None:
    shop = Shop(*LAMPS, lamp("z", brand="Zed"), lamp("y", brand="Zed"))
    hidden = [
        Hiding(frozenset({b"a"}), "", "h"),
        Hiding(frozenset(), "brand = Zed", "h", kept_ids=frozenset({b"y"})),
    ]

    page = shop.ask(merchandise=ruled(pins=[("a", 1), ("z", 2), ("y", 3)], hidden=hidden))

    assert dropped(page) == {"a": DropReason.HIDDEN, "z": DropReason.HIDDEN}
    assert ids(page) == ["b", "c", "y", "d", "e", "f"]


def test_a_filter_hides_a_product_even_while_a_facet_leaves_that_field_out() -> None:
    shop = Shop(*LAMPS, lamp("z", brand="Zed"), lamp("y", brand="Other"))
    facet = FacetRequest("brand", excluded_filter_keys=("brand",))

    page = shop.ask(
        filter="brand = Other",
        facets=(facet,),
        merchandise=ruled(hidden=[Hiding(frozenset(), "brand = Zed", "h")]),
    )

    assert [value.value for value in page.facets[0].values] == ["Other"]


def test_what_is_hidden_is_not_in_the_relaxed_list_either() -> None:
    shop = Shop(lamp("a", "red lamp"), lamp("b", "red chair"), lamp("c", "red sofa"))

    page = shop.ask(
        "red lamp",
        merchandise=ruled(hidden=[Hiding(frozenset({b"b"}), "title : sofa", "h")]),
    )

    assert ids(page) == ["a"]
    assert page.relaxed_hits == ()


def test_a_pin_that_another_rule_left_no_room_for_is_told() -> None:
    taken = (Pin(b"b", 1, "late"),)
    page = Shop(*LAMPS).ask(merchandise=ruled(pins=[("a", 1)], taken_pins=taken))

    assert dropped(page) == {"b": DropReason.TAKEN}


def test_a_product_that_the_query_names_stands_before_all_pins() -> None:
    shop = Shop(*LAMPS, lamp("x", "Sofa", mpn="LMP-1"))

    page = shop.ask("LMP-1", merchandise=ruled(pins=[("a", 1), ("x", 5)]))

    assert ids(page) == ["x", "a"]
    assert pinned(page) == ["a"]


def test_pins_do_nothing_under_the_shopper_s_own_order() -> None:
    page = Shop(*LAMPS, CHAIR).ask(order_by="id desc", merchandise=ruled(pins=[("chair", 1)]))

    assert ids(page) == ["f", "e", "d", "c", "b", "a"]
    assert page.dropped_pins == ()


def test_the_relaxed_list_has_no_pins() -> None:
    shop = Shop(lamp("a", "red lamp"), lamp("b", "red chair"), CHAIR)

    page = shop.ask("red lamp", merchandise=ruled(pins=[("b", 1)]))

    assert ids(page) == ["b", "a"]
    assert [hit.product_id for hit in page.relaxed_hits] == []


def test_rules_see_the_query_and_the_categories_that_its_filter_asks_for() -> None:
    rules = Deciding(text="chair", redirect_url="https://shop.example/chairs")

    page = Shop(*LAMPS, CHAIR).ask(
        "lamp",
        merchandise=Merchandise(rules=rules),
        filter='categories : "Home > Chairs" OR categories : "Home" AND NOT categories = "Toys"'
        ' AND categories = "Sale" AND brand = Zed',
        market="se",
        preview_rules=frozenset({"draft"}),
        now_ms=7,
    )

    request = rules.requests[0]
    assert request.categories == ("Sale",)
    assert (request.text, request.market, request.now_ms) == ("lamp", "se", 7)
    assert request.preview_ids == {"draft"}
    assert page.replaced_query == "chair"
    assert page.redirect_url == "https://shop.example/chairs"


def test_a_search_without_rules_asks_none() -> None:
    rules = Deciding(pins=[("f", 1)])

    page = Shop(*LAMPS).ask(merchandise=Merchandise(rules=rules), without_rules=True)

    assert ids(page)[0] == "a"
    assert rules.requests == []
