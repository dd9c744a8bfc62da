"""Reads CSV and TSV with a header line; a damaged row is refused alone.

A quote that never closes would make one record of the whole rest of the file. So a record may span
a limited number of lines, and when a record turns out damaged only its first line is refused:
reading starts again at the line after it.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Final

from node.client.feeds.jsonl import not_utf8, too_long
from node.client.feeds.records import LINE_SIZE_BYTES_MAX, FeedError, Record
from node.client.feeds.source import Line

_LINES_PER_RECORD_MAX: Final = 1_000
_DELIMITERS: Final = (",", ";", "\t", "|")


def read_delimited(lines: Iterable[Line], *, delimiter: str | None = None) -> Iterator[Record]:
    """A record for each row that is not blank; the first row names the fields.

    Without `delimiter` it is the one of comma, semicolon, tab and bar that the header holds most
    often. A field without a name is called column_N; a name that stands twice gets _2, _3, ... the
    later times.
    Raises FeedError when there is no readable header.
    """
    # The csv module's limit on a field is global and smaller than ours; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), LINE_SIZE_BYTES_MAX))
    rows = _Rows(lines)
    header_text = rows.peek_header()
    rows.delimiter = delimiter or max(_DELIMITERS, key=header_text.count)
    header: list[str] | None = None
    for row in rows:
        if isinstance(row, Record):
            if header is None:
                raise FeedError(f"line {row.line}: the header cannot be read: {row.refusal}")
            yield row
        elif header is None:
            header = _names(row.cells)
            rows.cell_count = len(header)
        else:
            yield Record(row.line, dict(zip(header, row.cells, strict=True)))


def _names(cells: list[str]) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column_{number}"
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}_{counts[name]}")
    return names


class _Row:
    """The cells of one record."""

    __slots__ = ("cells", "line")

    def __init__(self, line: int, cells: list[str]) -> None:
        self.line = line
        self.cells = cells


class _RecordTooLongError(Exception):
    """Ends the csv reader's wait for a closing quote."""


class _Rows:
    """Cuts lines into rows, going back to the second line of a record that turned out damaged."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._again: deque[Line] = deque()
        self._pending: list[Line] = []
        self._pending_size_bytes = 0
        self.delimiter = ","
        self.cell_count: int | None = None
        """How many cells a row has, once the header is known."""

    def peek_header(self) -> str:
        """The first line that is not blank, left in place."""
        for line in self._lines:
            if line.content.strip():
                self._again.append(line)
                return line.content.decode(errors="replace")
        raise FeedError("there is no header line that names the fields")

    def __iter__(self) -> Iterator[_Row | Record]:
        reader = self._new_reader()
        while True:  # ends with the lines: next() raises StopIteration when none is left
            self._pending.clear()
            self._pending_size_bytes = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                yield self._refused(not_utf8(self._pending[-1].number, error), at=-1)
            except _RecordTooLongError:
                yield self._refused(self._unclosed())
            except csv.Error as error:
                yield self._refused(self._damaged(error))
            else:
                if not cells or (len(cells) == 1 and not cells[0].strip()):
                    continue
                if self.cell_count in (None, len(cells)):
                    yield _Row(self._pending[0].number, cells)
                    continue
                yield self._refused(self._miscounted(len(cells)))
            reader = self._new_reader()

    def _new_reader(self) -> "Iterator[list[str]]":
        return csv.reader(self._texts(), delimiter=self.delimiter, strict=True)

    def _texts(self) -> Iterator[str]:
        while True:  # ends with the lines
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._pending.append(line)
            self._pending_size_bytes += len(line.content)
            if (
                line.is_cut
                or self._pending_size_bytes > LINE_SIZE_BYTES_MAX
                or len(self._pending) > _LINES_PER_RECORD_MAX
            ):
                raise _RecordTooLongError
            yield line.content.decode()

    def _refused(self, refusal: Record, *, at: int = 0) -> Record:
        """Puts back every line of the record but the refused one; bad UTF-8 is refused where it
        stands.
        """
        refused = self._pending[at]
        kept = [line for line in self._pending if line is not refused]
        self._again.extendleft(reversed(kept))
        return refusal

    def _unclosed(self) -> Record:
        first = self._pending[0]
        if first.is_cut or len(self._pending) == 1:
            return too_long(first.number)
        return Record(first.number, None, "a quote opens here and never closes")

    def _damaged(self, error: csv.Error) -> Record:
        line = self._pending[0].number
        if "unexpected end of data" in str(error):
            return Record(line, None, "a quote opens here and never closes")
        if "expected after" in str(error):
            return Record(
                line, None, 'text follows a closing quote; a quote inside a field is written ""'
            )
        return Record(line, None, f"not a row: {error}")

    def _miscounted(self, count: int) -> Record:
        return Record(
            self._pending[0].number,
            None,
            f"has {count} fields where the header has {self.cell_count}",
        )
