"""A text file that a person wrote, and errors that say where in it something is wrong."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from node.config import MIB
from node.errors import InvalidArgumentError

_SIZE_BYTES_MAX: Final = 64 * MIB
"""Far above the largest list that a tenant may have; a mistaken file must not fill the memory."""


class FileRefusedError(InvalidArgumentError):
    """The file cannot be used; the message names file, line, and what would be right."""

    reason = "FILE_REFUSED"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's name and content."""

    name: str
    text: str

    @classmethod
    def open(cls, path: str) -> Self:
        """The file at `path`; "-": standard input. Raises FileRefusedError, OSError."""
        if path == "-":
            name, content = "standard input", sys.stdin.buffer.read(_SIZE_BYTES_MAX + 1)
        else:
            with Path(path).open("rb") as file:
                name, content = path, file.read(_SIZE_BYTES_MAX + 1)
        if len(content) > _SIZE_BYTES_MAX:
            raise FileRefusedError(f"{name}: is larger than {_SIZE_BYTES_MAX // MIB} MiB")
        try:
            return cls(name, content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise FileRefusedError(f"{name}, line {line}: is not UTF-8") from None

    def error(self, line: int | None, description: str) -> FileRefusedError:
        """What is wrong, and where; the first line is 1, None: nobody can tell."""
        place = self.name if line is None else f"{self.name}, line {line}"
        return FileRefusedError(f"{place}: {description}")
