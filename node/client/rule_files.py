"""Rules as a TOML file that a person reads and changes: see docs/merchandising.md.

What is written reads back as equal rules, so an exported file changes nothing when it is imported.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from node.client.message_toml import inline_table, message_of, near_words, pairs
from node.client.text_file import TextFile
from node.errors import InvalidArgumentError
from protos.v1.merchandising_pb2 import Rule

_HEAD: Final = re.compile(r"""\s*\[\[\s*["']?rules["']?\s*\]\]""")
_PLACE_IN_TOML: Final = re.compile(r"(?P<what>.*?) \(at line (?P<line>\d+), column \d+\)")
_INTRODUCTION: Final = """\
# Rules of a shop's search. A rule acts if any of its conditions holds, and then does all its actions;
# lower precedence first.
"""


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule of a file."""

    line: int | None
    """Where it begins; None in a file that has its rules in one list."""

    rule: Rule


def read_rules(file: TextFile) -> list[RuleEntry]:
    """The rules of a file, in its order; state is LIVE where none stands.

    Raises FileRefusedError for what is no TOML, for keys and values that no rule has, and for an id
    that is missing or stands twice. The server checks the rest.
    """
    content = parse_toml(file)
    tables = content.pop("rules", [])
    for key in content:
        raise file.error(None, f"{key}: is not known{near_words(key, ['rules'])}")
    if not isinstance(tables, list):
        raise file.error(None, "rules: must be tables that begin with [[rules]]")
    heads = [n for n, line in enumerate(file.text.split("\n"), start=1) if _HEAD.match(line)]
    lines = heads if len(heads) == len(tables) else [None] * len(tables)
    entries = [
        RuleEntry(line, _rule_of(file, line, table, index))
        for index, (line, table) in enumerate(zip(lines, tables, strict=True))
    ]
    _refuse_repeated_ids(file, entries)
    return entries


def rules_text(rules: Iterable[Rule]) -> str:
    """The file of these rules, in their order."""
    return "\n".join([_INTRODUCTION, *(rule_text(rule) for rule in rules)])


def rule_text(rule: Rule) -> str:
    """One rule as it stands in a file."""
    lines = ["[[rules]]"]
    for name, value in pairs(rule):
        if name in {"conditions", "actions"}:
            lines.append(f"{name} = [")
            lines += [f"  {inline_table(each)}," for each in getattr(rule, name)]
            lines.append("]")
        else:
            lines.append(f"{name} = {value}")
    return "\n".join(lines) + "\n"


def parse_toml(file: TextFile) -> dict[str, Any]:
    """What the file says as TOML. Raises FileRefusedError with the line where it is none."""
    try:
        return tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE_IN_TOML.fullmatch(str(error))
        if place is None:
            raise file.error(None, f"is not TOML: {error}") from None
        number = int(place["line"])
        is_ascii = file.text.split("\n")[number - 1].partition("=")[0].isascii()
        hint = "" if is_ascii else "; a name with other letters than a to z stands in quotes"
        raise file.error(number, f"is not TOML: {place['what']}{hint}") from None


def _rule_of(file: TextFile, line: int | None, table: object, index: int) -> Rule:
    name = f"rules[{index}]"
    try:
        rule = message_of(Rule, table)
    except InvalidArgumentError as error:
        if isinstance(table, dict) and table.get("id"):
            name = f"rule {table['id']}"
        raise file.error(line, f"{name}: {error.message}") from None
    if not rule.id:
        raise file.error(line, f"{name}: has no id")
    for number, action in enumerate(rule.actions):
        if action.WhichOneof("action") is None:
            raise file.error(line, f"rule {rule.id}: actions[{number}]: says nothing to do")
    if rule.state == Rule.STATE_UNSPECIFIED:
        rule.state = Rule.LIVE
    return rule


def _refuse_repeated_ids(file: TextFile, entries: Iterable[RuleEntry]) -> None:
    first: dict[str, RuleEntry] = {}
    for entry in entries:
        before = first.setdefault(entry.rule.id, entry)
        if before is not entry:
            at = "" if before.line is None else f", first in line {before.line}"
            raise file.error(entry.line, f"rule {entry.rule.id}: stands here twice{at}")
