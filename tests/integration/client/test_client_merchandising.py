"""Rules, synonyms, settings and suggestions through both clients."""

from datetime import UTC, datetime

from client_drivers import Driver
from shop_server import ShopServer

from node.client import shop_calls
from node.errors import UnavailableError
from protos.v1.merchandising_pb2 import RankingSettings, Rule, SearchSettings, Synonym
from protos.v1.search_pb2 import SearchRequest


def test_rules_are_written_listed_over_pages_and_deleted(
    driver: Driver, server: ShopServer
) -> None:
    rules = [Rule(id=f"r{number}", precedence=number) for number in range(5)]

    driver.call("write_rules", rules)

    assert driver.listed("list_rules") == rules
    assert driver.client.position == 7
    assert driver.call("delete_rules", ["r1", "none"]).deleted_count == 1
    assert set(server.shelf.rules) == {"r0", "r2", "r3", "r4"}


def test_synonyms_are_written_listed_over_pages_and_deleted(
    driver: Driver, server: ShopServer
) -> None:
    synonyms = [Synonym(id=f"s{number}", words=["a", str(number)]) for number in range(5)]

    driver.call("write_synonyms", synonyms)

    assert driver.listed("list_synonyms") == synonyms
    assert driver.call("delete_synonyms", ["s1", "none"]).deleted_count == 1
    assert "s1" not in server.shelf.synonyms


def test_what_is_only_validated_is_not_written(driver: Driver, server: ShopServer) -> None:
    driver.call("write_rules", [Rule(id="a")], validate_only=True)
    driver.call("write_synonyms", [Synonym(id="a")], validate_only=True)

    assert (server.shelf.rules, server.shelf.synonyms) == ({}, {})


def test_settings_are_read_and_changed_by_a_mask(driver: Driver, server: ShopServer) -> None:
    settings = SearchSettings(ranking=RankingSettings(score_steps=50))

    driver.call("update_search_settings", settings, update_mask=["ranking.score_steps"])

    assert driver.call("get_search_settings") == settings
    assert server.shelf.update_masks == [["ranking.score_steps"]]


def test_each_write_is_tried_again_under_its_own_request_id(
    driver: Driver, server: ShopServer
) -> None:
    for method, argument in (
        ("write_rules", [Rule(id="a")]),
        ("delete_rules", ["a"]),
        ("write_synonyms", [Synonym(id="a")]),
        ("delete_synonyms", ["a"]),
        ("update_search_settings", SearchSettings()),
    ):
        server.failures = [UnavailableError("starting")]
        driver.call(method, argument)

    ids = [what for what, _ in server.requests]
    assert ids[::2] == ids[1::2]
    assert len(set(ids)) == 5


def test_a_suggestion_is_asked_for_with_its_counts(driver: Driver, server: ShopServer) -> None:
    answer = driver.call("suggest", "vint", language_code="sv", brand_count=0)

    assert answer.queries[0].query == "vint"
    request = server.suggest_requests[0]
    assert (request.language_code, request.brand_count) == ("sv", 0)
    assert not request.HasField("query_count")


def test_a_search_says_what_of_rules_synonyms_and_markets_it_wants() -> None:
    call = shop_calls.search(
        "tv",
        explain=True,
        without_rules=True,
        without_synonyms=True,
        preview_rules=["winter"],
        rules_time=datetime(2026, 11, 27, 12, tzinfo=UTC),
        price_list="b2b",
        store="malmo",
        show_duplicates=True,
    )

    request = SearchRequest(
        query="tv",
        explain=True,
        without_rules=True,
        without_synonyms=True,
        preview_rules=["winter"],
        price_list="b2b",
        store="malmo",
        show_duplicates=True,
    )
    request.rules_time.FromJsonString("2026-11-27T12:00:00Z")
    assert call.request == request
    assert shop_calls.search("tv").request == SearchRequest(query="tv")
