"""What a shop's rules do to a search: which hold, in which order they act, and whose word stands."""

import time
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from actors.search.merchandise import RulePlan, RuleRequest
from actors.search.query import QUERY_SIZE_BYTES_MAX
from actors.search.rule_compiling import category_form
from actors.search.rules import RuleBook
from actors.text.analyzer import analyzer_of
from protos.v1.merchandising_pb2 import (
    BannerAction,
    BoostAction,
    FilterAction,
    HideAction,
    PinAction,
    RedirectAction,
    ReplaceAction,
    Rule,
    RuleAction,
    RuleCondition,
)

NOW_MS = 1_700_000_000_000


def at(time_ms: int) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(time_ms)
    return moment


def pin(*product_ids: str, place: int = 1) -> RuleAction:
    return RuleAction(pin=PinAction(product_ids=product_ids, place=place))


def hide(*product_ids: str, passing: str = "") -> RuleAction:
    return RuleAction(hide=HideAction(product_ids=product_ids, filter=passing))


def only(passing: str) -> RuleAction:
    return RuleAction(filter=FilterAction(filter=passing))


def swap(words: str, replacement: str) -> RuleAction:
    return RuleAction(replace=ReplaceAction(words=words, replacement=replacement))


def redirect(url: str) -> RuleAction:
    return RuleAction(redirect=RedirectAction(url=url))


def rule(rule_id: str, *actions: RuleAction, when: Any = (), **fields: Any) -> Rule:
    conditions = [RuleCondition(**one) for one in ([when] if isinstance(when, dict) else when)]
    return Rule(
        id=rule_id,
        actions=actions or [only(f'brand = "{rule_id}"')],
        conditions=conditions,
        **fields,
    )


def decide(*rules: Rule, text: str = "", **fields: Any) -> RulePlan:
    request = RuleRequest(
        text=text,
        language_code=fields.pop("language_code", "sv"),
        market=fields.pop("market", ""),
        categories=fields.pop("categories", ()),
        now_ms=fields.pop("now_ms", NOW_MS),
        **fields,
    )
    return RuleBook.of_messages(rules).decide(request)


def holding(*rules: Rule, **fields: Any) -> list[str]:
    return [applied.rule_id for applied in decide(*rules, **fields).applied]


def pinned(plan: RulePlan) -> list[tuple[str, int]]:
    return [(one.product_id.decode(), one.place) for one in plan.pins]


def test_a_book_without_rules_leaves_a_search_alone() -> None:
    assert decide(text="jacka") == RulePlan("jacka")


def test_a_rule_without_conditions_always_holds() -> None:
    assert holding(rule("a")) == ["a"]
    assert holding(rule("a"), text="jacka", categories=("Kläder",), market="se") == ["a"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("jacka", True),
        ("JACKOR", True),
        ("jackorna!", True),
        ("röd jacka", False),
        ("", False),
        ("byxa", False),
    ],
)
def test_query_is_compares_words_whatever_their_form_and_case(text: str, *, holds: bool) -> None:
    assert (holding(rule("a", when={"query_is": "Jackor"}), text=text) == ["a"]) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("röda jackor herr", True),
        ("röd jacka", True),
        ("röd varm jacka", False),
        ("jacka röd", False),
        ("jacka röd jacka", True),
        ("rödjacka", False),
    ],
)
def test_query_contains_asks_for_the_words_in_a_row(text: str, *, holds: bool) -> None:
    assert (holding(rule("a", when={"query_contains": "röd jacka"}), text=text) == ["a"]) is holds


def test_words_are_read_in_the_language_of_the_request() -> None:
    boots = rule("a", when={"query_is": "boots"})

    assert holding(boots, text="boot", language_code="en-GB") == ["a"]
    assert holding(boots, text="boot", language_code="xx") == []


@pytest.mark.parametrize(
    ("category", "holds"),
    [
        ("Kläder > Jackor", True),
        ("kläder>jackor > Dunjackor", True),
        ("Kläder", False),
        ("Kläder > Jackor och kappor", False),
        ("Jackor", False),
    ],
)
def test_a_category_holds_for_itself_and_those_below(category: str, *, holds: bool) -> None:
    jackets = rule("a", when={"category": "Kläder > Jackor"})

    assert (holding(jackets, categories=("Skor", category)) == ["a"]) is holds


def test_all_parts_of_a_condition_have_to_hold_and_any_condition_suffices() -> None:
    one = {"query_contains": "jacka", "category": "Herr", "markets": ["se"]}
    other = {"query_is": "rock", "language_codes": ["sv"]}
    both = rule("a", when=[one, other])

    assert holding(both, text="varm jacka", categories=("Herr > Ute",), market="se") == ["a"]
    assert holding(both, text="varm jacka", categories=("Herr",), market="no") == []
    assert holding(both, text="varm jacka", categories=("Dam",), market="se") == []
    assert holding(both, text="rockar", language_code="sv-FI") == ["a"]
    assert holding(both, text="rock", language_code="da") == []


def test_markets_and_languages_alone_are_conditions_too() -> None:
    nordic = rule("a", when=[{"markets": ["se", "no"]}, {"language_codes": ["nb-NO"]}])

    assert holding(nordic, market="no") == ["a"]
    assert holding(nordic, market="de", language_code="nb-no") == ["a"]
    assert holding(nordic, market="de", language_code="nb") == []


def test_words_without_a_letter_or_digit_never_hold() -> None:
    assert holding(rule("a", when={"query_is": "!!"}), text="??") == []


@pytest.mark.parametrize(
    ("offset_ms", "holds"), [(-1, False), (0, True), (999, True), (1_000, False)]
)
def test_a_window_begins_with_its_start_and_ends_before_its_end(
    offset_ms: int, *, holds: bool
) -> None:
    window = {"start_time": at(NOW_MS), "end_time": at(NOW_MS + 1_000)}
    rules = [
        rule("always", **window),
        rule("worded", when={"query_is": "jacka"}, **window),
        rule("listed", when={"category": "Herr"}, **window),
    ]

    found = holding(*rules, text="jacka", categories=("Herr",), now_ms=NOW_MS + offset_ms)

    assert found == (["always", "listed", "worded"] if holds else [])


def test_a_window_may_be_open_at_either_end() -> None:
    assert holding(rule("a", start_time=at(NOW_MS)), now_ms=NOW_MS + (1 << 40)) == ["a"]
    assert holding(rule("a", end_time=at(NOW_MS)), now_ms=0) == ["a"]


def test_a_book_follows_the_time_from_request_to_request() -> None:
    book = RuleBook.of_messages([rule("a", start_time=at(NOW_MS))])

    def found(now_ms: int) -> int:
        return len(book.decide(RuleRequest("", "sv", "", (), now_ms)).applied)

    assert [found(NOW_MS - 1), found(NOW_MS), found(NOW_MS - 1)] == [0, 1, 0]


def test_a_draft_acts_only_where_it_is_named_and_a_paused_rule_never() -> None:
    rules = [
        rule("draft", state=Rule.DRAFT, when={"query_is": "jacka"}),
        rule("live", state=Rule.LIVE),
        rule("paused", state=Rule.PAUSED),
    ]
    named = frozenset({"draft", "paused", "nothing"})

    assert holding(*rules, text="jacka") == ["live"]
    plan = decide(*rules, text="jacka", preview_ids=named)
    assert [(one.rule_id, one.is_preview) for one in plan.applied] == [
        ("draft", True),
        ("live", False),
    ]
    assert holding(*rules, text="byxa", preview_ids=named) == ["live"]


def test_a_preview_does_not_stay() -> None:
    book = RuleBook.of_messages([rule("a", state=Rule.DRAFT), rule("b")])
    preview = RuleRequest("", "sv", "", (), NOW_MS, frozenset({"a"}))

    assert len(book.decide(preview).applied) == 2
    assert len(book.decide(RuleRequest("", "sv", "", (), NOW_MS)).applied) == 1


def test_rules_act_by_precedence_and_then_by_id() -> None:
    rules = [rule("b"), rule("z", precedence=-1), rule("a", precedence=2), rule("c")]

    assert holding(*rules) == ["z", "b", "c", "a"]


def test_of_two_pins_in_one_place_the_earlier_rules_stands() -> None:
    plan = decide(rule("a", pin("x", "y")), rule("b", pin("z", place=2), pin("w", place=3)))

    assert pinned(plan) == [("x", 1), ("y", 2), ("w", 3)]
    assert [(one.product_id, one.rule_id) for one in plan.taken_pins] == [(b"z", "b")]


def test_a_product_is_pinned_once() -> None:
    plan = decide(rule("a", pin("x", place=5)), rule("b", pin("x", "y")))

    assert pinned(plan) == [("x", 5), ("y", 2)]
    assert [one.place for one in plan.taken_pins] == [1]


def test_what_an_earlier_rule_hides_a_later_one_cannot_pin_and_its_place_stays_free() -> None:
    plan = decide(rule("a", hide("x")), rule("b", pin("x")), rule("c", pin("y")))

    assert pinned(plan) == [("y", 1)]
    assert [one.rule_id for one in plan.hidden_pins] == ["b"]
    assert [one.rule_id for one in plan.applied] == ["a", "c"]


def test_what_an_earlier_rule_pins_a_later_one_cannot_hide() -> None:
    plan = decide(rule("a", pin("x")), rule("b", hide("x", "y", passing='brand = "B"')))

    assert pinned(plan) == [("x", 1)]
    (hiding,) = plan.hidden
    assert hiding.product_ids == {b"y"}
    assert hiding.kept_ids == {b"x"}


def test_a_rule_that_could_do_nothing_did_not_act() -> None:
    plan = decide(rule("a", pin("x")), rule("b", hide("x")))

    assert [one.rule_id for one in plan.applied] == ["a"]
    assert plan.hidden == ()


def test_the_first_redirect_counts() -> None:
    plan = decide(rule("b", redirect("/b")), rule("a", redirect("/a"), precedence=1))

    assert plan.redirect_url == "/b"
    assert [one.rule_id for one in plan.applied] == ["b"]


def test_boosts_multiply_buries_divide_and_all_filters_and_banners_count() -> None:
    sale = BoostAction(filter="price < 5", factor=4)
    plan = decide(
        rule("a", RuleAction(boost=sale), RuleAction(bury=sale), only("price > 1")),
        rule("b", RuleAction(banner=BannerAction(id="s", title="Rea")), only("price > 2")),
    )

    assert [(one.filter, one.factor) for one in plan.boosts] == [
        ("price < 5", 4.0),
        ("price < 5", 0.25),
    ]
    assert [one.filter for one in plan.required] == ["price > 1", "price > 2"]
    assert [(one.id, one.rule_id) for one in plan.banners] == [("s", "b")]
    assert [one.actions for one in plan.applied] == [
        ("boost", "bury", "filter"),
        ("banner", "filter"),
    ]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("billiga Jackor", "billiga rock"),
        ("JACKAN, jackor", "rock, rock"),
        ("varm jacka ", "varm rock "),
        ("vinterjacka", "vinterjacka"),
    ],
)
def test_words_are_replaced_in_whatever_form_they_stand(text: str, made: str) -> None:
    assert decide(rule("a", swap("jacka", "rock")), text=text).text == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("rea jacka", "jacka"),
        ("jacka rea herr", "jacka herr"),
        ("jacka rea", "jacka "),
        ("rea", ""),
    ],
)
def test_an_empty_replacement_leaves_words_out(text: str, made: str) -> None:
    assert decide(rule("a", swap("rea", "")), text=text).text == made


def test_each_rule_sees_the_text_that_earlier_ones_left() -> None:
    first = rule("a", swap("mobil", "smart telefon"))
    second = rule("b", swap("smart telefon", "smartphone"))

    assert decide(first, second, text="röd mobil").text == "röd smartphone"
    second.precedence = -1
    assert decide(first, second, text="röd mobil").text == "röd smart telefon"


def test_replacements_never_go_round() -> None:
    rules = [rule("a", swap("x1", "y1")), rule("b", swap("y1", "x1"))]

    assert decide(*rules, text="x1").text == "x1"
    assert decide(*rules, text="y1").text == "x1"
    assert decide(rule("a", swap("x1", "x1 x1")), text="x1 x1").text == "x1 x1 x1 x1"


def test_conditions_look_at_the_text_as_it_was_typed() -> None:
    rules = [
        rule("a", swap("mobil", "telefon")),
        rule("b", redirect("/telefon"), when={"query_contains": "telefon"}),
        rule("c", redirect("/mobil"), when={"query_contains": "mobil"}),
    ]

    assert decide(*rules, text="mobil").redirect_url == "/mobil"


def test_a_rule_whose_words_are_not_there_did_not_act() -> None:
    assert decide(rule("a", swap("mobil", "telefon")), text="jacka") == RulePlan("jacka")


def test_a_replacement_that_would_make_the_query_too_long_is_left_out() -> None:
    text = "ab " * 60
    plan = decide(rule("a", swap("ab", "x" * 128)), rule("b", swap("ab", "c")), text=text)

    assert plan.text == "c " * 60
    assert len(plan.text) < QUERY_SIZE_BYTES_MAX
    assert [one.rule_id for one in plan.applied] == ["b"]


WORDS = st.lists(st.sampled_from(["jacka", "jackor", "röd", "rea", "x1"]), max_size=3).map(" ".join)
CATEGORY = st.sampled_from(["", "", "A", "A > B", "A > B > C", "D"])
MARKETS = st.lists(st.sampled_from(["se", "no"]), max_size=1)
CONDITION = st.builds(
    RuleCondition,
    query_is=WORDS,
    query_contains=WORDS,
    category=CATEGORY,
    markets=MARKETS,
    language_codes=st.lists(st.sampled_from(["sv", "en"]), max_size=1),
)
MOMENT = st.none() | st.integers(0, 3).map(at)
RULE = st.builds(
    Rule,
    id=st.sampled_from("abcdef"),
    precedence=st.integers(0, 1),
    state=st.sampled_from([Rule.LIVE, Rule.LIVE, Rule.DRAFT, Rule.PAUSED]),
    conditions=st.lists(CONDITION, max_size=2),
    start_time=MOMENT,
    end_time=MOMENT,
    actions=st.just([redirect("/")]) | st.just([only("price > 1")]),
)
REQUEST = st.builds(
    RuleRequest,
    text=WORDS,
    language_code=st.sampled_from(["sv", "en-GB", "xx"]),
    market=st.sampled_from(["", "se", "fi"]),
    categories=st.lists(CATEGORY.filter(bool), max_size=2).map(tuple),
    now_ms=st.integers(0, 3),
    preview_ids=st.frozensets(st.sampled_from("abcdef"), max_size=2),
)


def expected(one: Rule, request: RuleRequest) -> bool:
    """Whether a rule holds, as slowly and plainly as the API says it."""
    state = one.state == Rule.LIVE or (one.state == Rule.DRAFT and one.id in request.preview_ids)
    begun = not one.HasField("start_time") or one.start_time.ToMilliseconds() <= request.now_ms
    ended = one.HasField("end_time") and one.end_time.ToMilliseconds() <= request.now_ms
    if not state or not begun or ended:
        return False
    return not one.conditions or any(met(condition, request) for condition in one.conditions)


def met(condition: RuleCondition, request: RuleRequest) -> bool:
    analyzer = analyzer_of(request.language_code)
    asked = analyzer.asked_terms(request.text)
    whole = analyzer.asked_terms(condition.query_is)
    part = analyzer.asked_terms(condition.query_contains)
    category = category_form(condition.category)
    return (
        (not condition.query_is or asked == whole)
        and (
            not condition.query_contains
            or any(asked[n : n + len(part)] == part for n in range(len(asked)))
        )
        and (
            not condition.category
            or any(
                f"{category_form(path)} > ".startswith(category + " > ")
                for path in request.categories
            )
        )
        and (not condition.markets or request.market in condition.markets)
        and (
            not condition.language_codes
            or request.language_code.partition("-")[0] in condition.language_codes
        )
    )


@given(st.lists(RULE, max_size=6, unique_by=lambda one: one.id), st.lists(REQUEST, min_size=1))
def test_a_book_finds_the_rules_that_a_look_at_each_one_finds(
    rules: list[Rule], requests: list[RuleRequest]
) -> None:
    """One book answers many requests, so that what it remembers cannot mislead it."""
    book = RuleBook.of_messages(rules)

    for request in requests:
        plan = book.decide(request)

        found = {applied.rule_id for applied in plan.applied}
        wanted = [one for one in rules if expected(one, request)]
        redirects = [one for one in wanted if one.actions[0].HasField("redirect")]
        first = sorted(redirects, key=lambda one: (one.precedence, one.id))[:1]
        others = [one for one in wanted if one not in redirects]
        assert found == {one.id for one in (*first, *others)}


def test_a_thousand_rules_cost_a_search_that_few_concern_no_more_than_fifty_microseconds() -> None:
    """Beside what reading the words costs, which a search does anyhow."""
    rules = [
        rule(f"r{number}", pin(f"p{number}"), when={"query_contains": f"jacka modell{number}"})
        for number in range(500)
    ]
    rules += [rule(f"s{number}", swap(f"fel{number}", "rätt")) for number in range(300)]
    rules += [
        rule(f"t{number}", end_time=at(NOW_MS - number), when={"markets": ["se"]})
        for number in range(200)
    ]
    book = RuleBook.of_messages(rules)
    requests = [
        RuleRequest(f"varm jacka modell{number} herr", "sv", "se", ("Kläder > Jackor",), NOW_MS)
        for number in range(20)
    ]
    assert all(len(book.decide(request).applied) == 1 for request in requests)

    best_s = min(_timed(book, requests) for _ in range(20))

    assert best_s / len(requests) <= 50e-6


def _timed(book: RuleBook, requests: list[RuleRequest]) -> float:
    started = time.perf_counter()
    for request in requests:
        book.decide(request)
    return time.perf_counter() - started
