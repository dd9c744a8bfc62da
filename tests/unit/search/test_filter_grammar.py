"""The filter language: what parses, what it means, and how wrong filters are refused."""

import random
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_catalogue import random_filter, schema

from actors.search.fields import close_keys
from actors.search.filter_grammar import (
    And,
    Comparator,
    Condition,
    Node,
    Not,
    Or,
    Value,
    parse_filter,
)
from actors.search.filter_plan import FilterPlanner, plan_filter
from node.errors import InvalidArgumentError

SCHEMA = schema()


def tree(text: str) -> object:
    """The parsed filter as nested tuples, without positions."""
    node = parse_filter(text)
    return None if node is None else shape(node)


def shape(node: Node) -> object:
    if isinstance(node, Condition):
        return (node.field, node.comparator.value, node.value.text)
    if isinstance(node, Not):
        return ("NOT", shape(node.part))
    return ("AND" if isinstance(node, And) else "OR", *map(shape, node.parts))


A, B, C = ("a", "=", "1"), ("b", "=", "2"), ("c", "=", "3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("   \n", None),
        ("a = 1", A),
        ("a=1", A),
        ("a = 1 b = 2", ("AND", A, B)),
        ("a=1 AND b=2 AND c=3", ("AND", A, B, C)),
        ("a=1 AND b=2 OR c=3", ("AND", A, ("OR", B, C))),
        ("a=1 OR b=2 AND c=3", ("AND", ("OR", A, B), C)),
        ("a=1 b=2 OR c=3", ("AND", A, ("OR", B, C))),
        ("(a=1 AND b=2) OR c=3", ("OR", ("AND", A, B), C)),
        ("(a=1 (b=2 AND c=3))", ("AND", A, B, C)),
        ("NOT a=1", ("NOT", A)),
        ("-a=1", ("NOT", A)),
        ("-(a=1 OR b=2)", ("NOT", ("OR", A, B))),
        ("NOT(a=1)", ("NOT", A)),
        ("a != 1", ("NOT", A)),
        ('a : ("x" OR y)', ("OR", ("a", ":", "x"), ("a", ":", "y"))),
        ("a = (x y)", ("AND", ("a", "=", "x"), ("a", "=", "y"))),
        (
            "a = (x OR NOT (y AND z))",
            ("OR", ("a", "=", "x"), ("NOT", ("AND", ("a", "=", "y"), ("a", "=", "z")))),
        ),
        ("a != (x OR y)", ("NOT", ("OR", ("a", "=", "x"), ("a", "=", "y")))),
        ("a < -2.5", ("a", "<", "-2.5")),
        ("a >= 2024-05-01T12:00:00+02:00", ("a", ">=", "2024-05-01T12:00:00+02:00")),
        (r'a = "say \"hi\" \\ there"', ("a", "=", r'say "hi" \ there')),
        ("""a = 'it\\'s "so"'""", ("a", "=", """it's "so\"""")),
        ('a = "AND"', ("a", "=", "AND")),
        ("attributes.screen-size_2 = 1", ("attributes.screen-size_2", "=", "1")),
        ("ORDER = 1 ANDROID = 2", ("AND", ("ORDER", "=", "1"), ("ANDROID", "=", "2"))),
        ("a:*", ("a", ":", "*")),
    ],
)
def test_filters_parse_as_aip_160_says(text: str, expected: object) -> None:
    """OR binds tighter than AND; conditions side by side are joined by AND."""
    assert tree(text) == expected


def test_a_star_is_special_only_without_quotes() -> None:
    assert Value("so*", quoted=False, position=0).is_open
    assert not Value("so*", quoted=True, position=0).is_open
    assert parse_filter('a = "2*4"') == Condition(
        "a", Comparator.EQUALS, Value("2*4", quoted=True, position=4), 0
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("brand", 'character 6: after "brand" a comparator is expected'),
        ("brand =", "character 8: a value is expected"),
        ("= 3", "character 1: a condition is expected"),
        ('"usb hub"', "character 1: a condition is expected"),
        ("brand = Sony and price < 5", "character 14: write AND in capitals"),
        ("brand = Sony AND", "character 17: the filter ends too early"),
        ("AND brand = Sony", "character 1: AND stands where a condition is expected"),
        ("brand = OR", "character 9: a value is expected before OR"),
        ("(brand = Sony", 'character 1: this "(" is not closed'),
        ("brand = Sony)", 'character 13: this ")" closes nothing'),
        ('brand = "Sony', "character 9: this quote is not closed"),
        (r'brand = "So\ny"', "character 12: a backslash stands before"),
        ("brand == Sony", "character 8: a value is expected"),
        ("brand = So*ny", 'character 11: a "*" may only stand at the end'),
        ("brand = Sony, HP", 'character 13: a "," joins nothing here'),
        ("price < (1 OR 2)", "character 9: a list in parentheses"),
        ("near(1)", "functions are not supported"),
        ("brand.name.x = 1", '"brand.name.x" is no field'),
        ('brand = 12"', "character 11: a quote cannot stand inside a word"),
        ("(" * 30 + "brand = 1", "nested deeper than 20"),
        ("brand = (" + "NOT " * 30 + "1)", "nested deeper than 20"),
        (" OR ".join(["brand = 1"] * 101), "more than 100 conditions"),
        ("x" * 8_193, "has 8193 bytes; at most 8192"),
        ("colour = red", 'no field "colour"; did you mean "attributes.colour"?'),
        ("brnad = Sony", 'no field "brnad"; did you mean "brand"?'),
        ("attributes.color = red", 'did you mean "attributes.colour"?'),
        ("description : x", "search in it with the query's words"),
        ("qqqqqq = 1", "ListFields names all fields"),
        ("price < cheap", 'character 9: price is a number, and "cheap" is none'),
        ("price = 1e999", "is none"),
        ("stock_quantity : many", "stock_quantity is a number"),
        ("release_time > yesterday", "release_time is a time"),
        ("release_time > 2024-02-30", "release_time is a time"),
        ("availability = maybe", "it is one of IN_STOCK, OUT_OF_STOCK, PREORDER, BACKORDER"),
        ("availability < IN_STOCK", 'availability is compared with "=" or "!="'),
        ('brand = ""', '"NOT brand:*" finds products without one'),
        ("brand < *", "any value"),
        ("brand < x*", 'does not go with "<"'),
    ],
)
def test_wrong_filters_are_refused_with_place_and_remedy(text: str, says: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        plan_filter(text, SCHEMA)

    (violation,) = refused.value.violations
    assert violation.field == "filter"
    assert says in violation.description


def test_a_field_whose_filter_is_switched_off_is_refused() -> None:
    off = replace(SCHEMA.fields["brand"], filterable=False)
    closed = replace(SCHEMA, fields={**SCHEMA.fields, "brand": off})

    with pytest.raises(InvalidArgumentError, match="field settings switch this off"):
        plan_filter("brand = Sony", closed)


def test_close_keys_are_found_among_thousands() -> None:
    setting = SCHEMA.fields["brand"]
    many = {f"attributes.key_{number}": setting for number in range(9_000)}
    large = replace(SCHEMA, fields={**SCHEMA.fields, **many})

    assert close_keys("waterprof", large) == ["attributes.waterproof"]


def test_a_planned_filter_is_planned_once() -> None:
    planner = FilterPlanner()

    first = planner.plan("brand = Sony", SCHEMA)

    assert planner.plan("brand = Sony", SCHEMA) is first
    assert planner.plan("brand = Sony", schema()) is not first


def is_planned_or_refused(text: str) -> bool:
    try:
        plan_filter(text, SCHEMA)
    except InvalidArgumentError as error:
        return error.violations[0].field == "filter"
    return True


@given(st.text(max_size=60))
@example("\ud800 = \udfff")
@example('brand = "\ud800"')
@example("price = ١٢")
@example("price = 1_0")
@example("release_time = 0000-00-00")
@example("release_time = 0001-01-01T00:00:00+23:59")
@settings(max_examples=400, deadline=None)
def test_no_text_crashes_the_parser(text: str) -> None:
    """It is a filter, or an InvalidArgumentError that names a place."""
    assert is_planned_or_refused(text)


PIECES = st.sampled_from(
    [
        "brand", "price", "attributes.size", "attributes.", "release_time", "availability",
        "categories", "id", " ", " ", "=", "!=", "<", ">=", ":", ",", "(", ")", "-", "NOT ", "AND",
        " OR ", " AND ", '"', "'", "\\", "*", "a*", "1.5", "-3", "1e5", "true", "2024-05-01",
        "2024-05-01T10:00:00Z", '"Clothes > Jackets"', "IN_STOCK", "å", "\0", "\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30))
@settings(max_examples=600, deadline=None)
def test_no_mixture_of_tokens_crashes_the_parser(pieces: list[str]) -> None:
    assert is_planned_or_refused("".join(pieces))


@given(st.integers(0, 2**32), st.integers(0, 200), PIECES)
@settings(max_examples=300, deadline=None)
def test_a_damaged_filter_is_a_filter_or_refused(seed: int, at: int, piece: str) -> None:
    text = random_filter(random.Random(seed))
    plan_filter(text, SCHEMA)
    at %= len(text)

    assert is_planned_or_refused(text[:at] + piece + text[at + 1 :])


def test_or_of_conditions_parses_to_one_or() -> None:
    assert parse_filter("a=1 OR b=2") == Or(
        (
            Condition("a", Comparator.EQUALS, Value("1", quoted=False, position=2), 0),
            Condition("b", Comparator.EQUALS, Value("2", quoted=False, position=9), 7),
        )
    )
