"""Reads tables of a TOML file strictly: every key has a type, and a key that nobody asked for is an
error.
"""

from collections.abc import Sequence
from typing import Any

from node.client.message_toml import near_words
from node.errors import InvalidArgumentError


class MappingError(InvalidArgumentError):
    """The mapping cannot be used; the message names the key and what may stand there."""

    reason = "MAPPING_INVALID"


class Table:
    """A TOML table that knows where it stands, hands out each key once, and refuses what nobody
    asked for.
    """

    def __init__(self, content: object, path: str) -> None:
        if not isinstance(content, dict):
            raise MappingError(f"{path}: must be a table")
        self._content: dict[str, Any] = dict(content)
        self._known: list[str] = []
        self.path = path

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def text(self, key: str, default: str = "") -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            raise MappingError(f"{self.at(key)}: must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        return texts_of(self._take(key, []), self.at(key))

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise MappingError(
                f"{self.at(key)}: {value!r} is none of {', '.join(map(repr, choices))}"
            )
        return value

    def boolean(self, key: str) -> bool:
        value = self._take(key, default=False)
        if not isinstance(value, bool):
            raise MappingError(f"{self.at(key)}: must be true or false")
        return value

    def whole_number(self, key: str) -> int:
        value = self._take(key, 0)
        if type(value) is not int:
            raise MappingError(f"{self.at(key)}: must be a whole number")
        return value

    def scale(self, key: str) -> int:
        value = self._take(key, 1)
        if type(value) is not int or not 1 <= value <= 1_000_000:
            raise MappingError(f"{self.at(key)}: must be a whole number from 1 to 1000000")
        return value

    def table(self, key: str) -> "Table":
        return Table(self._take(key, {}), self.at(key))

    def tables(self, key: str) -> list["Table"]:
        value = self._take(key, [])
        if not isinstance(value, list):
            raise MappingError(f"{self.at(key)}: must be a list of tables, [[{self.at(key)}]]")
        return [Table(each, f"{self.at(key)}[{index}]") for index, each in enumerate(value)]

    def items(self) -> list[tuple[str, Any]]:
        content, self._content = self._content, {}
        return list(content.items())

    def has(self, key: str) -> bool:
        return key in self._content

    def end(self) -> None:
        for key in self._content:
            raise MappingError(f"{self.at(key)}: is not known{near_words(key, self._known)}")

    def _take(self, key: str, default: object) -> Any:
        self._known.append(key)
        return self._content.pop(key, default)


def texts_of(value: object, path: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) and each for each in values):
        raise MappingError(f"{path}: must be a text or a list of texts")
    return tuple(values)
