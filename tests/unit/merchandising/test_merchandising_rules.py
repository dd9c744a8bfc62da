"""Writing, listing and deleting rules: what is refused, by which field, and what a write leaves behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from merchandising_shelf import Shelf, open_shelf

from actors.merchandising import rules as rules_module
from actors.merchandising.rules import list_rules, resolve_delete_rules, resolve_write_rules
from node.errors import InvalidArgumentError, ResourceExhaustedError
from protos.v1.merchandising_pb2 import (
    DeleteRulesRequest,
    ListRulesRequest,
    Rule,
    WriteRulesRequest,
)

REDIRECT: dict[str, Any] = {"redirect": {"url": "/sale"}}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with open_shelf(tmp_path) as opened:
        yield opened


def rule(rule_id: str = "r", *actions: dict[str, Any], **fields: Any) -> Rule:
    return ParseDict({"id": rule_id, "actions": list(actions) or [REDIRECT], **fields}, Rule())


def write(shelf: Shelf, *rules: Rule, **fields: Any) -> int:
    """How many changes it makes."""
    request = WriteRulesRequest(rules=rules, **fields)
    return len(shelf.write(resolve_write_rules, request).changes)


def refused(shelf: Shelf, one: Rule) -> list[str]:
    return shelf.refused(resolve_write_rules, WriteRulesRequest(rules=[one]))


def listed(shelf: Shelf, **fields: Any) -> list[str]:
    return [one.id for one in list_rules(ListRulesRequest(**fields), shelf.view).rules]


def test_written_rules_are_listed_by_id_with_their_state_said(shelf: Shelf) -> None:
    write(shelf, rule("b"), rule("a", state="DRAFT"))

    rules = list_rules(ListRulesRequest(), shelf.view).rules

    assert [(one.id, one.state) for one in rules] == [("a", Rule.DRAFT), ("b", Rule.LIVE)]


def test_a_change_is_told_to_readers_and_writing_the_same_again_is_none(shelf: Shelf) -> None:
    write(shelf, rule("a"))
    version = shelf.stored_version

    assert write(shelf, rule("a")) == 0
    assert shelf.stored_version == version
    write(shelf, rule("a", description="new"))
    assert shelf.stored_version == version + 1


def test_a_trial_checks_everything_and_writes_nothing(shelf: Shelf) -> None:
    assert write(shelf, rule("a"), validate_only=True) == 0
    assert listed(shelf) == []
    with pytest.raises(InvalidArgumentError):
        write(shelf, rule("a", {"filter": {"filter": "brand <<"}}), validate_only=True)


def test_one_wrong_rule_keeps_the_others_out(shelf: Shelf) -> None:
    request = WriteRulesRequest(rules=[rule("a"), rule("b b"), rule("a")])

    assert shelf.refused(resolve_write_rules, request) == ["rules[1].id", "rules[2].id"]
    assert listed(shelf) == []


@pytest.mark.parametrize("name", ["hide", "boost", "bury", "filter"])
@pytest.mark.parametrize("text", ["colour = 1", "description = x", "price < cheap", "brand = ("])
def test_a_filter_that_the_fields_cannot_answer_is_refused_where_it_stands(
    shelf: Shelf, name: str, text: str
) -> None:
    action = {name: {"filter": text} | ({"factor": 2} if name in {"boost", "bury"} else {})}

    assert refused(shelf, rule("r", REDIRECT, action)) == [f"rules[0].actions[1].{name}.filter"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": ""}, "id"),
        ({"id": "ä"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"state": 9}, "state"),
        ({"description": "x" * 1_025}, "description"),
        ({"actions": []}, "actions"),
        ({"actions": [REDIRECT] * 51}, "actions"),
        ({"conditions": [{"queryIs": "x"}] * 51}, "conditions"),
        ({"conditions": [{}]}, "conditions[0]"),
        ({"conditions": [{"queryIs": "!!"}]}, "conditions[0].query_is"),
        ({"conditions": [{"queryContains": "x" * 257}]}, "conditions[0].query_contains"),
        ({"conditions": [{"category": "A >  > B"}]}, "conditions[0].category"),
        ({"conditions": [{"markets": ["se", "s e"]}]}, "conditions[0].markets[1]"),
        ({"conditions": [{"languageCodes": ["swedish!"]}]}, "conditions[0].language_codes[0]"),
        (
            {"startTime": "2026-01-02T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"},
            "end_time",
        ),
        ({"actions": [{}]}, "actions[0]"),
        ({"actions": [{"pin": {"place": 1}}]}, "actions[0].pin.product_ids"),
        ({"actions": [{"pin": {"productIds": ["a"]}}]}, "actions[0].pin.place"),
        ({"actions": [{"pin": {"productIds": ["a"], "place": 1_001}}]}, "actions[0].pin.place"),
        (
            {"actions": [{"pin": {"productIds": ["a", "b"], "place": 1_000}}]},
            "actions[0].pin.place",
        ),
        (
            {"actions": [{"pin": {"productIds": ["a", "a"], "place": 1}}]},
            "actions[0].pin.product_ids",
        ),
        (
            {"actions": [{"pin": {"productIds": ["a", ""], "place": 1}}]},
            "actions[0].pin.product_ids[1]",
        ),
        (
            {"actions": [{"pin": {"productIds": [str(n) for n in range(121)], "place": 1}}]},
            "actions[0].pin.product_ids",
        ),
        ({"actions": [{"hide": {}}]}, "actions[0].hide"),
        ({"actions": [{"filter": {"filter": " "}}]}, "actions[0].filter.filter"),
        ({"actions": [{"boost": {"filter": "price > 1", "factor": 1}}]}, "actions[0].boost.factor"),
        (
            {"actions": [{"bury": {"filter": "price > 1", "factor": 101}}]},
            "actions[0].bury.factor",
        ),
        (
            {"actions": [{"boost": {"filter": "price > 1", "factor": "NaN"}}]},
            "actions[0].boost.factor",
        ),
        ({"actions": [{"replace": {"replacement": "x"}}]}, "actions[0].replace.words"),
        (
            {"actions": [{"replace": {"words": "x", "replacement": "y" * 257}}]},
            "actions[0].replace.replacement",
        ),
        ({"actions": [{"redirect": {"url": "javascript:x"}}]}, "actions[0].redirect.url"),
        ({"actions": [{"redirect": {"url": "/a b"}}]}, "actions[0].redirect.url"),
        ({"actions": [{"banner": {"title": "x"}}]}, "actions[0].banner.id"),
        ({"actions": [{"banner": {"id": "b"}}]}, "actions[0].banner"),
        (
            {"actions": [{"banner": {"id": "b", "imageUrl": "x.png"}}]},
            "actions[0].banner.image_url",
        ),
    ],
)
def test_what_a_rule_cannot_be_is_refused_by_its_field(
    shelf: Shelf, fields: dict[str, Any], path: str
) -> None:
    one = ParseDict({"id": "r", "actions": [REDIRECT], **fields}, Rule())

    assert refused(shelf, one) == [f"rules[0].{path}"]


def test_pins_reach_to_the_last_place_of_a_list(shelf: Shelf) -> None:
    ids = [str(number) for number in range(120)]

    assert write(shelf, rule("r", {"pin": {"productIds": ids, "place": 881}})) == 2


def test_a_rule_of_more_than_64_kib_is_refused(shelf: Shelf) -> None:
    hidden = [f"{number:0>120}" for number in range(600)]

    assert refused(shelf, rule("r", {"hide": {"productIds": hidden}})) == ["rules[0]"]


def test_at_most_a_hundred_rules_come_at_a_time(shelf: Shelf) -> None:
    request = WriteRulesRequest(rules=[rule(str(number)) for number in range(101)])

    assert shelf.refused(resolve_write_rules, request) == ["rules"]


def test_a_full_table_refuses_more_and_still_takes_changes(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_module, "RULES_MAX", 2)
    write(shelf, rule("a"), rule("b"))

    with pytest.raises(ResourceExhaustedError, match="2 of"):
        write(shelf, rule("c"))
    assert write(shelf, rule("a", description="new")) == 2


def test_a_table_is_bounded_in_bytes_too(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_module, "RULES_SIZE_BYTES_MAX", 1_000)

    with pytest.raises(ResourceExhaustedError):
        write(shelf, rule("a", description="x" * 990))


def test_deleting_passes_over_what_is_not_there(shelf: Shelf) -> None:
    write(shelf, rule("a"), rule("b"))
    version = shelf.stored_version

    resolution = shelf.write(resolve_delete_rules, DeleteRulesRequest(ids=["a", "x", "a"]))

    assert resolution.response.deleted_count == 1
    assert listed(shelf) == ["b"]
    assert shelf.stored_version == version + 1
    again = shelf.write(resolve_delete_rules, DeleteRulesRequest(ids=["a"]))
    assert again.changes == []


def test_ids_that_cannot_be_any_are_refused(shelf: Shelf) -> None:
    request = DeleteRulesRequest(ids=["a", "b b"])

    assert shelf.refused(resolve_delete_rules, request) == ["ids[1]"]


def test_a_list_is_read_page_by_page(shelf: Shelf) -> None:
    write(shelf, *[rule(f"r{number}") for number in range(5)])

    first = list_rules(ListRulesRequest(page_size=3), shelf.view)
    second = list_rules(ListRulesRequest(page_size=3, page_token=first.next_page_token), shelf.view)

    assert [len(first.rules), len(second.rules)] == [3, 2]
    assert second.next_page_token == ""
    with pytest.raises(InvalidArgumentError):
        list_rules(ListRulesRequest(page_token="x"), shelf.view)


def test_large_rules_make_pages_short_enough_for_a_client(shelf: Shelf) -> None:
    hidden = [f"{number:0>120}" for number in range(500)]
    for number in range(40):
        write(shelf, rule(f"r{number:02}", {"hide": {"productIds": hidden}}))

    page = list_rules(ListRulesRequest(page_size=1_000), shelf.view)

    assert 0 < page.ByteSize() < 3_000_000
    assert page.next_page_token
