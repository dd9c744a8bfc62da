"""A parsed filter made ready for evaluation: fields looked up, values read as what the field holds.

The result knows columns and ranges only. Conditions on numbers, in columns of numbers as in those of price and stock,
all become "lies between low and high, both included".
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from actors.index.columns import (
    CATEGORY_COLUMNS,
    CATEGORY_SEPARATOR,
    EXACT_FIELDS,
    category_levels,
    folded,
)
from actors.index.schema import Schema
from actors.search.fields import Field, Kind, Use, field_of
from actors.search.filter_grammar import (
    And,
    Comparator,
    Condition,
    Node,
    Not,
    Or,
    Value,
    filter_error,
    parse_filter,
)
from actors.search.filter_values import (
    INT64_MAX,
    float_range,
    integer_range,
    is_encodable,
    number_of,
    read_number,
    seconds_of,
)
from node.errors import InvalidArgumentError
from protos.v1.common_pb2 import Availability

MICROS: Final = 1_000_000
_PLANS_MAX: Final = 256


class Relation(Enum):
    """How a text of a product stands to the text of a condition, in the compared form."""

    EQUAL = "="
    BEGINS = "= x*"
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    HAS_WORDS = ":"
    HAS_WORDS_OPEN = ": x*"
    PRESENT = ": *"


@dataclass(frozen=True, slots=True)
class TextTest:
    """Some text of a column stands in a relation to `form`."""

    column: str
    relation: Relation
    form: str


@dataclass(frozen=True, slots=True)
class NumberTest:
    """Some number of a column lies between low and high, both included."""

    column: str
    low: float
    high: float
    default: float | None = None
    """What products without a number count as."""


@dataclass(frozen=True, slots=True)
class StockTest:
    """The row's price (in millionths), stock or availability lies between low and high, both included."""

    kind: Kind
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple["Test", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Test", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The part does not hold."""

    part: "Test"


_Part = TypeVar("_Part")

Test = TextTest | NumberTest | StockTest | AllOf | AnyOf | NoneOf


@dataclass(frozen=True, slots=True)
class Term:
    """One of the conditions that the whole filter joins by AND."""

    test: Test
    fields: frozenset[str]
    """Keys of all fields that it mentions."""

    @property
    def asks_price(self) -> bool:
        """Whether it can only be put once the product's price is known."""
        return "price" in self.fields


@dataclass(frozen=True, slots=True)
class FilterPlan:
    """A filter ready to be evaluated: all terms hold."""

    terms: tuple[Term, ...]

    def without(self, excluded: frozenset[str]) -> "FilterPlan":
        """The filter without the terms that mention only `excluded` fields."""
        if not any(term.fields <= excluded for term in self.terms):
            return self
        return FilterPlan(tuple(term for term in self.terms if not term.fields <= excluded))


NO_FILTER: Final = FilterPlan(())


class FilterPlanner:
    """Plans filters, and remembers the latest: storefronts send the same ones again and again."""

    def __init__(self) -> None:
        self._plans: dict[str, FilterPlan] = {}
        self._schema: Schema | None = None

    def plan(self, text: str, schema: Schema) -> FilterPlan:
        """The plan of a filter.

        Raises:
            InvalidArgumentError: it is no filter, or does not fit the fields; says where.
        """
        if not text:
            return NO_FILTER
        if schema is not self._schema:
            self._plans.clear()
            self._schema = schema
        found = self._plans.pop(text, None)
        if found is None:
            found = plan_filter(text, schema)
            if len(self._plans) >= _PLANS_MAX:
                del self._plans[next(iter(self._plans))]
        self._plans[text] = found
        return found


def plan_filter(text: str, schema: Schema) -> FilterPlan:
    """The plan of a filter, made afresh; see `FilterPlanner.plan`."""
    node = parse_filter(text)
    if node is None:
        return NO_FILTER
    parts = node.parts if isinstance(node, And) else (node,)
    return FilterPlan(_different(_term(part, schema) for part in parts))


def _term(node: Node, schema: Schema) -> Term:
    fields: set[str] = set()
    return Term(_test(node, schema, fields), frozenset(fields))


def _test(node: Node, schema: Schema, fields: set[str]) -> Test:
    match node:
        case And(parts):
            return AllOf(_different(_test(part, schema, fields) for part in parts))
        case Or(parts):
            return AnyOf(_different(_test(part, schema, fields) for part in parts))
        case Not(part):
            return NoneOf(_test(part, schema, fields))
        case Condition():
            fields.add(node.field)
            return _condition(node, schema)


def _different(parts: Iterable[_Part]) -> tuple[_Part, ...]:
    """Each part once: what a program writes repeats itself, and every test costs a pass over a column."""
    return tuple(dict.fromkeys(parts))


def _condition(condition: Condition, schema: Schema) -> Test:
    try:
        field = field_of(condition.field, schema, Use.FILTER, path="filter")
    except InvalidArgumentError as error:
        problem = error.violations[0].description
        raise InvalidArgumentError.of(
            "filter", f"at character {condition.position + 1}: {problem}", reason=error.reason
        ) from None
    tests = _PLANNERS[field.kind](field, condition)
    return tests[0] if len(tests) == 1 else AnyOf(tuple(tests))


def _text_tests(field: Field, condition: Condition) -> list[Test]:
    return [_text_test(field.text_columns[0], condition, exact=field.key in EXACT_FIELDS)]


def _text_test(column: str, condition: Condition, *, exact: bool = False) -> TextTest:
    value, comparator = condition.value, condition.comparator
    if value.is_any:
        return _present(column, condition)
    text = value.text.removesuffix("*") if value.is_open else value.text
    form = text.replace("\0", "\1") if exact else folded(text)
    if comparator is Comparator.HAS:
        form = " ".join(form.split())
    if not form or not is_encodable(form):
        raise filter_error(
            value.position,
            f'no value is an empty text; "NOT {condition.field}:*" finds products without one',
        )
    if value.is_open:
        opened = {
            Comparator.EQUALS: Relation.BEGINS,
            Comparator.HAS: Relation.HAS_WORDS_OPEN,
        }.get(comparator)
        if opened is None:
            raise filter_error(value.position, f'a "*" does not go with "{comparator.value}"')
        return TextTest(column, opened, form)
    return TextTest(column, _RELATIONS[comparator], form)


def _present(column: str, condition: Condition) -> TextTest:
    _require_has(condition)
    return TextTest(column, Relation.PRESENT, "")


def _require_has(condition: Condition) -> None:
    if condition.comparator is not Comparator.HAS and condition.comparator is not Comparator.EQUALS:
        raise filter_error(
            condition.value.position,
            f'a "*" alone means any value; write {condition.field}:* or NOT {condition.field}:*',
        )


def _path_tests(field: Field, condition: Condition) -> list[Test]:
    """Each level of the hierarchy is a column, and a product is in all levels above its own."""
    value = condition.value
    if value.is_any:
        return [_present(CATEGORY_COLUMNS[0], condition)]
    if condition.comparator is not Comparator.EQUALS or value.is_open:
        return [_text_test(column, condition) for column in field.text_columns]
    path = CATEGORY_SEPARATOR.join(part.strip() for part in value.text.split(">"))
    column, _ = category_levels(path)[-1]
    whole = Value(path, quoted=True, position=value.position)
    return [_text_test(column, Condition(field.key, Comparator.EQUALS, whole, condition.position))]


def _number_tests(field: Field, condition: Condition) -> list[Test]:
    default = 0.0 if field.key == "popularity" else None
    if condition.value.is_any:
        _require_has(condition)
        return [NumberTest(field.number_column, -math.inf, math.inf, default)]
    number = float(number_of(condition))
    low, high = float_range(condition.comparator, number)
    return [NumberTest(field.number_column, low, high, default)]


def _time_tests(field: Field, condition: Condition) -> list[Test]:
    if condition.value.is_any:
        _require_has(condition)
        return [NumberTest(field.number_column, -math.inf, math.inf)]
    low, high = float_range(condition.comparator, seconds_of(condition))
    return [NumberTest(field.number_column, low, high)]


def _stock_tests(field: Field, condition: Condition) -> list[Test]:
    if condition.value.is_any:
        _require_has(condition)
        return [StockTest(field.kind, -INT64_MAX, INT64_MAX)]
    scale = MICROS if field.kind is Kind.PRICE else 1
    low, high = integer_range(condition.comparator, number_of(condition) * scale)
    return [StockTest(field.kind, low, high)]


def _availability_tests(field: Field, condition: Condition) -> list[Test]:
    value = condition.value
    if value.is_any:
        _require_has(condition)
        return [StockTest(field.kind, 1, 255)]
    if condition.comparator not in {Comparator.EQUALS, Comparator.HAS}:
        raise filter_error(condition.position, 'availability is compared with "=" or "!="')
    number = dict(Availability.items()).get(value.text.upper(), 0)
    if not number:
        names = ", ".join(name for name, code in Availability.items() if code)
        raise filter_error(
            value.position, f'"{value.text[:80]}" is no availability; it is one of {names}'
        )
    return [StockTest(field.kind, number, number)]


def _attribute_tests(field: Field, condition: Condition) -> list[Test]:
    """Whatever the value can be read as is looked for among the attribute's values of that kind."""
    value, comparator = condition.value, condition.comparator
    text_column = field.text_columns[0]
    if value.is_any:
        return [
            _present(text_column, condition),
            NumberTest(field.number_column, -math.inf, math.inf),
            NumberTest(field.boolean_column, 0, 1),
        ]
    number = read_number(value.text)
    is_equality = comparator in {Comparator.EQUALS, Comparator.HAS}
    tests: list[Test] = []
    if number is not None:
        low, high = float_range(comparator, float(number))
        tests.append(NumberTest(field.number_column, low, high))
    truth = {"true": 1.0, "false": 0.0}.get(value.text.lower())
    if truth is not None and is_equality:
        tests.append(NumberTest(field.boolean_column, truth, truth))
    if is_equality or not tests:
        tests.append(_text_test(text_column, condition))
    return tests


_PLANNERS: Final[dict[Kind, Callable[[Field, Condition], list[Test]]]] = {
    Kind.TEXT: _text_tests,
    Kind.PATH: _path_tests,
    Kind.NUMBER: _number_tests,
    Kind.TIME: _time_tests,
    Kind.PRICE: _stock_tests,
    Kind.STOCK: _stock_tests,
    Kind.AVAILABILITY: _availability_tests,
    Kind.ATTRIBUTE: _attribute_tests,
}

_RELATIONS: Final = {
    Comparator.EQUALS: Relation.EQUAL,
    Comparator.HAS: Relation.HAS_WORDS,
    Comparator.LESS: Relation.LESS,
    Comparator.AT_MOST: Relation.AT_MOST,
    Comparator.GREATER: Relation.GREATER,
    Comparator.AT_LEAST: Relation.AT_LEAST,
}
