r"""The filter language: AIP-160, parsed into a tree.

    brand = "Haglöfs" AND price < 500 AND (attributes.colour : "blå" OR tags = sale) -categories = "Toys"

A *condition* is a field, a comparator and a value. Values are words (`sale`), numbers (`-2.5`),
`true` and `false`, times (`2024-05-01`, `2024-05-01T12:00:00Z`), or quoted strings in " or ', inside
which \" \' and \\ stand for the character itself. `field : ("a" OR "b")` is short for
`(field : "a" OR field : "b")`, likewise with `=` and `!=`. Conditions are joined by `AND`, by `OR`,
or by standing side by side (which is AND), and negated by `NOT` or `-`. As AIP-160 has it, **OR binds
tighter than AND**: `a = 1 AND b = 2 OR c = 3` is `a = 1 AND (b = 2 OR c = 3)`. The words AND, OR and
NOT are written in capitals.

What conditions mean:

- *Text*, `field = "x"`: some value of the field equals x as a whole, without regard to case. A word
  that ends in a star, without quotes (`brand = Star*`), means every value that begins so. Inside
  quotes a star is a star, so that any value can be quoted as it is.
- `field : "x y"` (has): the words x y stand side by side in some value, without regard to case;
  `field : x*` leaves the last word open. On a list this also finds an element, as AIP-160 asks.
- `field : *`: the product has any value in this field.
- `<`, `<=`, `>`, `>=` on text: the order of the alphabet, without regard to case.
- *Numbers* compare as numbers. `price` is the selling price in the request's market, in units of the
  currency, of the cheapest variant that passes all conditions which do not mention `price`.
  `popularity` is 0 where a shop gave none.
- *Booleans*: `attributes.waterproof = true`.
- *Times*: `release_time >= 2024-05-01`; a date is its first moment in UTC.
- `availability = IN_STOCK` (OUT_OF_STOCK, PREORDER, BACKORDER); a product that was not told to be
  anything is in stock unless its stock_quantity is 0.
- `categories = "Clothes > Jackets"`: the product is in this category or in one below it.
- `id` and `variant_id` are compared exactly.
- An *attribute* may hold texts in one product and numbers in another: `attributes.size = 42` finds
  the number 42 and the text "42"; `attributes.size < 42` compares numbers.
- A *list* matches when any of its elements does.
- A *missing* value matches no condition. Hence `field != "x"` and `NOT field = "x"`, which are the
  same, are true of products without that field.
- *Variants*: the whole filter is put to each variant (with all that its product says), and a product
  passes when one of its variants does: `attributes.colour = red AND attributes.size = 42` is one SKU.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, NoReturn

from actors.search.query import FILTER_SIZE_BYTES_MAX
from node.errors import InvalidArgumentError

CONDITIONS_MAX: Final = 100
DEPTH_MAX: Final = 20


class Comparator(Enum):
    """How a field is compared with a value."""

    EQUALS = "="
    NOT_EQUALS = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    HAS = ":"


@dataclass(frozen=True, slots=True)
class Value:
    """What a field is compared with, as it was written."""

    text: str
    quoted: bool
    position: int
    """Of its first character in the filter, from 0."""

    @property
    def is_any(self) -> bool:
        """Whether it stands for every value: a star alone."""
        return not self.quoted and self.text == "*"

    @property
    def is_open(self) -> bool:
        """Whether it stands for every value that begins so."""
        return not self.quoted and self.text.endswith("*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one field with one value."""

    field: str
    comparator: Comparator
    value: Value
    position: int
    """Of the field's first character in the filter, from 0."""


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Node"


Node = Condition | And | Or | Not


def parse_filter(text: str) -> Node | None:
    """The tree of a filter; None when it holds nothing but spaces. An And never stands in an And.

    Raises:
        InvalidArgumentError: it is no filter; says where, and what would be right.
    """
    size = len(text.encode(errors="replace"))
    if size > FILTER_SIZE_BYTES_MAX:
        raise InvalidArgumentError.of(
            "filter",
            f"has {size} bytes; at most {FILTER_SIZE_BYTES_MAX} are allowed",
            reason="INVALID_FILTER",
        )
    parser = _Parser(text)
    parser.skip_spaces()
    if parser.at == len(text):
        return None
    node = parser.expression(0)
    if parser.at < len(text):
        parser.refuse('this ")" closes nothing')
    return node


def filter_error(position: int, problem: str) -> InvalidArgumentError:
    """The error of a filter at a position counted from 0; people count from 1."""
    return InvalidArgumentError.of(
        "filter", f"at character {position + 1}: {problem}", reason="INVALID_FILTER"
    )


_EXPECTED: Final = 'a condition is expected here, for example brand = "Haglöfs"'
_SPACES: Final = re.compile(r"\s*")
_KEYWORD: Final = re.compile(r"(AND|OR|NOT)(?=[\s(]|$)")
_FIELD: Final = re.compile(r"""[^\s()"'<>=!:,]+""")
_FIELD_FORM: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)?")
_COMPARATOR: Final = re.compile(r"<=|>=|!=|=|<|>|:")
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?(?![^\s)])"
)
_WORD: Final = re.compile(r"""[^\s()"'<>=!:,]+""")
_ESCAPED: Final = re.compile(r"""\\(["'\\])""")
_QUOTED: Final = {
    quote: re.compile(rf"""{quote}((?:[^\\{quote}]|\\["'\\])*+)""") for quote in "\"'"
}
_NO_COMPARATOR_WORDS: Final = frozenset({"and", "or", "not"})


class _Parser:
    """Recursive descent over the grammar of AIP-160; `at` is the next character's position."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._condition_count = 0

    def refuse(self, problem: str, position: int | None = None) -> NoReturn:
        raise filter_error(self.at if position is None else position, problem)

    def skip_spaces(self) -> None:
        match = _SPACES.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def expression(self, depth: int) -> Node:
        """Sequences joined by AND; `depth` counts what encloses it."""
        self._check_depth(depth)
        parts = self._sequence(depth)
        while self._take_keyword("AND"):
            parts += self._sequence(depth)
        return _joined(parts)

    def _sequence(self, depth: int) -> list[Node]:
        """Factors side by side, which is AND as well."""
        parts = [self._factor(depth)]
        while self.at < len(self.text) and self.text[self.at] != ")" and not self._sees("AND"):
            parts.append(self._factor(depth))
        return parts

    def _factor(self, depth: int) -> Node:
        parts = [self._term(depth)]
        while self._take_keyword("OR"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _term(self, depth: int) -> Node:
        if self._take_keyword("NOT"):
            return Not(self._simple(depth))
        if self.text.startswith("-", self.at):
            self.at += 1
            self.skip_spaces()
            return Not(self._simple(depth))
        return self._simple(depth)

    def _simple(self, depth: int) -> Node:
        if self.at == len(self.text):
            self.refuse(f"the filter ends too early: {_EXPECTED}")
        if self.text[self.at] == "(":
            opened = self.at
            self._open()
            node = self.expression(depth + 1)
            self._close(opened)
            return node
        return self._restriction(depth)

    def _restriction(self, depth: int) -> Node:
        position = self.at
        field = self._field()
        self.skip_spaces()
        match = _COMPARATOR.match(self.text, self.at)
        if match is None:
            self._refuse_no_comparator(field, position)
        comparator = Comparator(match[0])
        self.at = match.end()
        self.skip_spaces()
        if not self.text.startswith("(", self.at):
            return self._condition(field, comparator, position)
        if comparator not in {Comparator.EQUALS, Comparator.NOT_EQUALS, Comparator.HAS}:
            self.refuse('a list in parentheses is compared with "=", "!=" or ":"')
        negated = comparator is Comparator.NOT_EQUALS
        each = Comparator.EQUALS if negated else comparator
        values = self._values(field, each, position, depth)
        return Not(values) if negated else values

    def _field(self) -> str:
        match = _FIELD.match(self.text, self.at)
        if match is None:
            self.refuse(_EXPECTED)
        keyword = _KEYWORD.match(self.text, self.at)
        if keyword is not None:
            self.refuse(f"{keyword[0]} stands where a condition is expected")
        field = match[0]
        if _FIELD_FORM.fullmatch(field) is None:
            self.refuse(
                f'"{field[:80]}" is no field; write for example price or attributes.colour, '
                "then a comparator and a value"
            )
        self.at = match.end()
        return field

    def _refuse_no_comparator(self, field: str, position: int) -> NoReturn:
        if field.lower() in _NO_COMPARATOR_WORDS:
            self.refuse(f"write {field.upper()} in capitals", position)
        if self.text.startswith("(", self.at):
            self.refuse(f'functions are not supported, so "(" cannot follow {field[:80]}')
        self.refuse(
            f'after "{field[:80]}" a comparator is expected: one of = != < <= > >= :',
        )

    def _values(self, field: str, comparator: Comparator, position: int, depth: int) -> Node:
        """`(a OR b)` as the argument of a comparator: the same grammar, of values."""
        opened = self.at
        self._open()
        parts: list[Node] = []
        while True:  # ends: every round takes a value, or refuses
            alternatives = [self._one_value(field, comparator, position, depth)]
            while self._take_keyword("OR"):
                alternatives.append(self._one_value(field, comparator, position, depth))
            parts.append(alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives)))
            if self._take_keyword("AND"):
                continue
            if self.at == len(self.text) or self.text[self.at] == ")":
                break
        self._close(opened)
        return _joined(parts)

    def _one_value(self, field: str, comparator: Comparator, position: int, depth: int) -> Node:
        self._check_depth(depth)
        if self._take_keyword("NOT"):
            return Not(self._one_value(field, comparator, position, depth + 1))
        if self.text.startswith("(", self.at):
            return self._values(field, comparator, position, depth + 1)
        return self._condition(field, comparator, position)

    def _condition(self, field: str, comparator: Comparator, position: int) -> Node:
        value = self._value(field)
        self._condition_count += 1
        if self._condition_count > CONDITIONS_MAX:
            self.refuse(f"the filter has more than {CONDITIONS_MAX} conditions", position)
        self.skip_spaces()
        if self.text.startswith(",", self.at):
            self.refuse('a "," joins nothing here; write ("a" OR "b")')
        if comparator is Comparator.NOT_EQUALS:
            return Not(Condition(field, Comparator.EQUALS, value, position))
        return Condition(field, comparator, value, position)

    def _value(self, field: str) -> Value:
        start = self.at
        if self.text[start : start + 1] in {'"', "'"}:
            return self._quoted()
        match = _TIME.match(self.text, start) or _WORD.match(self.text, start)
        if match is None:
            self.refuse(f'a value is expected here, for example {field[:80]} = "text" or 12.5')
        if _KEYWORD.match(self.text, start):
            self.refuse(f'a value is expected before {match[0]}; quote the word if it is one: "OR"')
        self.at = match.end()
        text = match[0]
        star = text.find("*")
        if 0 <= star < len(text) - 1:
            self.refuse(
                'a "*" may only stand at the end of a word; quote the value if it holds a star',
                start + star,
            )
        following = self.text[self.at : self.at + 1]
        if following and following in "\"'":
            self.refuse("a quote cannot stand inside a word; put the whole value in quotes")
        return Value(text, quoted=False, position=start)

    def _quoted(self) -> Value:
        start = self.at
        match = _QUOTED[self.text[start]].match(self.text, start)
        assert match is not None
        stopped = self.text[match.end() : match.end() + 1]
        if stopped != self.text[start]:
            if stopped == "\\":
                self.refuse(r"""a backslash stands before ", ' or \ only""", match.end())
            self.refuse(f"this quote is not closed: {self.text[start]} is missing", start)
        self.at = match.end() + 1
        return Value(_ESCAPED.sub(r"\1", match[1]), quoted=True, position=start)

    def _check_depth(self, depth: int) -> None:
        if depth > DEPTH_MAX:
            self.refuse(f"the filter is nested deeper than {DEPTH_MAX} levels")

    def _open(self) -> None:
        self.at += 1
        self.skip_spaces()

    def _close(self, opened: int) -> None:
        if self.at == len(self.text):
            self.refuse('this "(" is not closed', opened)
        if self.text[self.at] != ")":
            self.refuse(_EXPECTED)
        self.at += 1
        self.skip_spaces()

    def _sees(self, keyword: str) -> bool:
        match = _KEYWORD.match(self.text, self.at)
        return match is not None and match[1] == keyword

    def _take_keyword(self, keyword: str) -> bool:
        if not self._sees(keyword):
            return False
        self.at += len(keyword)
        self.skip_spaces()
        return True


def _joined(parts: list[Node]) -> Node:
    """The conjunction of parts, with conjunctions among them opened."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, And) else (part,)
    return flat[0] if len(flat) == 1 else And(tuple(flat))
